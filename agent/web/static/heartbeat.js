// A worker: it ticks each second. Browsers slow the timers of a page down that is not seen, but not those of its workers.
setInterval(() => postMessage(0), 1000);
