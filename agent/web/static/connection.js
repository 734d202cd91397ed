// The connection: one socket to the program, and one time line for both.

const handlers = {};
let socket = null, offset = 0, best = Infinity, wait = 300;

export const on = (kind, act) => { (handlers[kind] ??= []).push(act); };

/** The program's time, in seconds. */
export const now = () => performance.now() / 1000 + offset;
/** The shortest way to the program and back, in seconds. */
export const roundTrip = () => best;
/** The program's time of a browser's event; undefined while that is not known. */
export const eventTime = (event) => (best < 0.05 ? event.timeStamp / 1000 + offset : undefined);

export function request(what, fields = {}) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: what, ...fields }));
}

function tell(kind, news) { for (const act of handlers[kind] ?? []) act(news); }

function receive(news) {
  if (news.t === "welcome" && best === Infinity) offset = news.now - performance.now() / 1000;
  if (news.t === "pong") pong(news); else tell(news.t, news);
}

function pong(news) {
  const arrived = performance.now() / 1000, trip = arrived - news.sent;
  if (trip <= best) { best = trip; offset = news.now - (news.sent + arrived) / 2; }
  best += 0.00002; // clocks drift: a later, as good one counts
}

const ping = () => request("ping", { sent: performance.now() / 1000 });
new Worker("heartbeat.js").onmessage = ping; // a sign of life: the program lets go of what a page holds that has vanished

export function open() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.onopen = () => { wait = 300; best = Infinity; for (let i = 0; i < 5; i++) setTimeout(ping, 40 * i); tell("open"); };
  socket.onmessage = (event) => { for (const news of [].concat(JSON.parse(event.data))) receive(news); }; // what happened at about one time comes as one
  socket.onclose = () => { tell("closed"); setTimeout(open, wait); wait = Math.min(wait * 1.6, 4000); };
}
