// The link: one socket to the program, and one line of time for both. Knows nothing of music.

const handlers = {};
let socket = null, offset = 0, best = Infinity, wait = 300;

export const on = (kind, act) => { (handlers[kind] ??= []).push(act); };

/** The program's time, in seconds. */
export const now = () => performance.now() / 1000 + offset;
export const ours = (time) => time - offset; // in this page's seconds
export const measured = () => best;
/** The program's time of a browser's event; undefined while that is not known. */
export const when = (event) => (best < 0.05 ? event.timeStamp / 1000 + offset : undefined);

export function wish(what, fields = {}) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: what, ...fields }));
}

function tell(kind, news) { for (const act of handlers[kind] ?? []) act(news); }

function hear(news) {
  if (news.t === "welcome" && best === Infinity) offset = news.now - performance.now() / 1000;
  if (news.t === "pong") pong(news); else tell(news.t, news);
}

function pong(news) {
  const here = performance.now() / 1000, trip = here - news.sent;
  if (trip <= best) { best = trip; offset = news.now - (news.sent + here) / 2; }
  best += 0.00002; // clocks drift: a later, as good one counts
}

const ping = () => wish("ping", { sent: performance.now() / 1000 });
setInterval(ping, 2000);

export function open() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.onopen = () => { wait = 300; best = Infinity; for (let i = 0; i < 5; i++) setTimeout(ping, 40 * i); tell("open"); };
  socket.onmessage = (event) => { for (const news of [].concat(JSON.parse(event.data))) hear(news); }; // what happened at about one time comes as one
  socket.onclose = () => { tell("closed"); setTimeout(open, wait); wait = Math.min(wait * 1.6, 4000); };
}
