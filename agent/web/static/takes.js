// Takes: what was kept; to see, to listen to, to download or delete.
import { on, request } from "./connection.js";
import { at, make } from "./dom.js";
import * as sound from "./sound.js";

const sketches = new Map(); // a take's notes, by its name
let playing = null;

at("save-moment").onclick = () => request("save");
at("takes").onclose = stop;

on("takes", (news) => {
  stop();
  at("bounds").textContent = `Every session is kept by itself; ${news.bounds}. Download what is to stay.`;
  sketches.delete(news.now); // it grows
  at("take-list").replaceChildren(...news.takes.map((take) => card(take, take.name === news.now)));
});

function card(take, isNow) {
  const canvas = make("canvas", { role: "img", ariaLabel: "its notes" }), row = make("div", { className: "take" }, canvas);
  const when = take.name.replace(/_(\d\d)-(\d\d)-\d\d/, ", $1:$2").replace("-moment", ", a moment");
  const listen = make("button", { textContent: "listen", onclick: () => (playing?.row === row ? stop() : play(row, listen, canvas, take)) });
  const acts = make("div", { className: "buttons" }, listen);
  if (take.midi) acts.append(make("a", { href: `takes/${take.name}.mid`, download: "", textContent: "download" }));
  if (!isNow) acts.append(remove(take));
  row.append(make("div", {}, make("h3", { textContent: isNow ? `${when}, now` : when }), make("p", { textContent: take.text }), acts));
  const seen = new IntersectionObserver(async ([entry]) => {
    if (!entry.isIntersecting) return;
    seen.disconnect();
    draw(canvas, await notesOf(take.name), null);
  });
  seen.observe(canvas);
  return row;
}

function remove(take) {
  const button = make("button", { textContent: "delete" });
  button.onclick = () => { if (button.dataset.sure) request("delete take", { name: take.name }); else { button.dataset.sure = "1"; button.textContent = "sure?"; } };
  return button;
}

async function notesOf(name) {
  if (!sketches.has(name)) {
    const reply = await fetch(`takes/${name}.json`);
    sketches.set(name, reply.ok ? (await reply.json()).notes : []);
  }
  return sketches.get(name);
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
function draw(canvas, notes, time) {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight, pen = canvas.getContext("2d");
  canvas.width = w * ratio; canvas.height = h * ratio;
  pen.scale(ratio, ratio);
  if (!notes.length || !w) return;
  const pitches = notes.map((n) => n[3]), low = Math.min(...pitches) - 1, high = Math.max(...pitches) + 1;
  const length = Math.max(...notes.map((n) => n[1] + Math.min(n[2], 8))), tall = Math.max(h / (high - low + 1), 2);
  for (const [who, onset, duration, pitch, velocity] of notes) {
    pen.globalAlpha = 0.4 + 0.6 * velocity / 127;
    pen.fillStyle = colour(who === "player" ? "you" : "it");
    pen.fillRect(onset / length * w, (high - pitch) / (high - low + 1) * h, Math.max(duration / length * w, 1.5), tall);
  }
  pen.globalAlpha = 1;
  if (time !== null) { pen.fillStyle = colour("now"); pen.fillRect(time / length * w, 0, 1.5, h); }
}

async function play(row, button, canvas, take) {
  stop();
  const notes = await notesOf(take.name), audition = sound.audition(notes);
  playing = { row, end: () => { audition.stop(); button.textContent = "listen"; draw(canvas, notes, null); } };
  button.textContent = "stop";
  const mine = playing;
  (function follow() {
    if (playing !== mine) return;
    if (audition.time() > audition.length) return stop();
    draw(canvas, notes, audition.time());
    requestAnimationFrame(follow);
  })();
}
function stop() { const former = playing; playing = null; former?.end(); }
