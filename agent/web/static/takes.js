// Takes: what was kept; to see, to listen to, to download as notes or as sound, or to delete.
import { on, request } from "./connection.js";
import { at, make } from "./dom.js";
import { askName } from "./naming.js";
import * as sound from "./sound.js";

const sketches = new Map(); // a take's notes, by its name
const shares = new Map(); // how far a take's sound is, by its name; 1: it is ready
const wanted = new Set(); // names of takes whose sound this page has asked for
let playing = null;

at("save-moment").onclick = () => request("save");
at("takes").onclose = stop;

on("takes", (news) => {
  stop();
  at("bounds").textContent = `Every session is kept by itself; ${news.bounds}. Download what is to stay.`;
  sketches.delete(news.now); // it grows
  shares.clear();
  for (const [name, share] of Object.entries(news.sounds)) shares.set(name, share);
  at("take-list").replaceChildren(...news.takes.map((take) => card(take, take.name === news.now)));
});

on("take sound", (news) => {
  if (news.why) shares.delete(news.name); else shares.set(news.name, news.share);
  const box = document.querySelector(`[data-sound="${CSS.escape(news.name)}"]`);
  box?.replaceChildren(...soundOf(news.name));
  if (!wanted.has(news.name) || (!news.why && news.share < 1)) return;
  wanted.delete(news.name);
  if (news.why) at("take-trouble").textContent = news.why; else box?.querySelector("a")?.click();
});

function card(take, isNow) {
  const canvas = make("canvas", { role: "img", ariaLabel: "its notes; click where it is to be heard from", title: "click where it is to be heard from" }), row = make("div", { className: "take" }, canvas);
  const when = take.name.replace(/_(\d\d)-(\d\d)-\d\d/, ", $1:$2").replace("-moment", ", a moment"), title = isNow ? `${when}, now` : take.title ? `${take.title} (${when})` : when;
  const listen = make("button", { textContent: "listen", onclick: () => (playing?.row === row ? pause() : play(row, listen, canvas, take, row.dataset.at)) });
  const acts = make("div", { className: "buttons" }, listen);
  if (take.midi) acts.append(link(take.name, "mid", "audio/midi"));
  if (take.midi && !isNow) acts.append(place(take.name));
  if (!isNow) acts.append(make("button", { textContent: "rename", onclick: () => askName("Name of the take", take.title, "", (text) => request("rename take", { name: take.name, title: text })) }), remove(take));
  row.append(make("div", {}, make("h3", { textContent: title }), make("p", { textContent: take.text }), acts));
  canvas.onclick = (e) => play(row, listen, canvas, take, (length) => (e.offsetX / canvas.clientWidth) * length);
  const seen = new IntersectionObserver(async ([entry]) => {
    if (!entry.isIntersecting) return;
    seen.disconnect();
    draw(canvas, await notesOf(take.name), null);
  });
  seen.observe(canvas);
  return row;
}

/** A file: to download, or to drag onto a track. */
function link(name, kind, type) {
  const href = `takes/${name}.${kind}`, a = make("a", { href, download: "", draggable: true, textContent: `download .${kind}`, title: "or drag it into your DAW" });
  a.ondragstart = (e) => e.dataTransfer.setData("DownloadURL", `${type}:tradefours-${name}.${kind}:${new URL(href, location)}`);
  return a;
}

/** Where what `soundOf` gives is shown. */
function place(name) {
  const box = make("span", {}, ...soundOf(name));
  box.dataset.sound = name;
  return box;
}

/** What is there for a take's sound: a button that has it made, how far it is, or the file. */
function soundOf(name) {
  const share = shares.get(name);
  if (share === 1) return [link(name, "wav", "audio/wav")];
  const waiting = share !== undefined, text = waiting ? `making the sound: ${Math.round(100 * share)} %` : "sound .wav";
  const button = make("button", { textContent: text, ariaBusy: String(waiting), ariaDisabled: String(waiting), title: "the take as sound, by the built-in piano; it takes a moment" });
  button.onclick = () => { if (waiting) return; at("take-trouble").textContent = ""; wanted.add(name); request("take sound", { name }); };
  return [button];
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

/** `from`: seconds, or what tells them from the length of the take. */
async function play(row, button, canvas, take, from = 0) {
  stop();
  const notes = await notesOf(take.name), length = Math.max(0, ...notes.map((n) => n[1] + Math.min(n[2], 8)));
  const begin = typeof from === "function" ? from(length) : Number(from) || 0, audition = sound.audition(notes, begin);
  playing = {
    row, time: audition.time,
    end: (at) => { audition.stop(); button.textContent = at ? "go on" : "listen"; row.dataset.at = at; draw(canvas, notes, at || null); },
  };
  button.textContent = "pause";
  const mine = playing;
  (function follow() {
    if (playing !== mine) return;
    if (audition.time() > audition.length) return stop();
    draw(canvas, notes, audition.time());
    requestAnimationFrame(follow);
  })();
}
function stop() { const former = playing; playing = null; former?.end(0); }
function pause() { const former = playing; playing = null; former?.end(former.time()); }
