// The keyboard of the page: letters and touch as an instrument. Every key that goes down comes up.
import { on, request, eventTime } from "./connection.js";
import { watch } from "./notes.js";
import { learn, sign, watch as watchSigns } from "./layout.js";
import * as sound from "./sound.js";

const LETTERS = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon", "Quote"];
const BLACK = [1, 3, 6, 8, 10], board = document.getElementById("keys"), at = (id) => document.getElementById(id);
let base = 60, pedal = false;
const down = new Map(), elements = new Map(), lit = new Map(); // what is held by, element by pitch, who sounds there

function press(by, pitch, event) {
  if (down.has(by) || pitch < 0 || pitch > 127) return;
  const already = [...down.values()].includes(pitch);
  down.set(by, pitch);
  if (already) return;
  const velocity = Number(at("velocity").value);
  request("on", { pitch, velocity, at: eventTime(event) });
  sound.key(pitch, velocity, event);
}
function release(by) {
  const pitch = down.get(by);
  if (pitch === undefined) return;
  down.delete(by);
  if ([...down.values()].includes(pitch)) return;
  sound.key(pitch, 0); request("off", { pitch });
}
export function releaseAll() { for (const by of [...down.keys()]) release(by); if (pedal) sustain(false); }
on("offs", (news) => { if (news.panic) releaseAll(); });
function sustain(isDown) {
  if (pedal === isDown) return;
  pedal = isDown; at("sustain").setAttribute("aria-pressed", pedal); sound.sustain(pedal); request("pedal", { down: pedal });
}
function shift(octaves) { base = Math.min(Math.max(base + 12 * octaves, 24), 96); layOut(); }

const isTyping = (e) => e.target.matches?.("input[type=text], textarea");
const isAside = () => document.querySelector("dialog[open]");
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || isTyping(e)) return;
  learn(e);
  const i = LETTERS.indexOf(e.code);
  if (i >= 0) { e.preventDefault(); if (!e.repeat) press(e.code, base + i, e); } // whatever has the focus
  else if (e.code === "KeyZ" && !e.repeat) shift(-1);
  else if (e.code === "KeyX" && !e.repeat) shift(1);
  else if (e.key === "Shift" && !e.repeat) sustain(true);
  else if (isAside()) return; // there Enter and Escape belong to the dialog
  else if (e.key === "Enter" && !e.target.matches?.("input[type=number]")) { e.preventDefault(); if (!e.repeat) request("act", { action: "answer" }); }
  else if (e.key === "Escape" && !e.repeat) request("act", { action: "panic" });
}, true);
addEventListener("keyup", (e) => { release(e.code); if (e.key === "Shift") sustain(false); });
addEventListener("blur", releaseAll);
document.addEventListener("visibilitychange", () => { if (document.hidden) releaseAll(); });
at("octave-down").onclick = () => shift(-1);
at("octave-up").onclick = () => shift(1);
at("sustain").onclick = () => sustain(!pedal);

const keyUnder = (e) => Number(document.elementFromPoint(e.clientX, e.clientY)?.closest?.(".key")?.dataset.pitch ?? NaN);
const touches = new Map();
board.addEventListener("pointerdown", (e) => { const p = keyUnder(e); if (Number.isNaN(p)) return; e.preventDefault(); board.setPointerCapture(e.pointerId); touches.set(e.pointerId, p); press(`touch${e.pointerId}`, p, e); });
board.addEventListener("pointermove", (e) => {
  if (!touches.has(e.pointerId)) return;
  const p = keyUnder(e);
  if (p !== touches.get(e.pointerId)) { release(`touch${e.pointerId}`); touches.set(e.pointerId, p); if (!Number.isNaN(p)) press(`touch${e.pointerId}`, p, e); }
});
for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, (e) => { touches.delete(e.pointerId); release(`touch${e.pointerId}`); });

const letter = (pitch) => (LETTERS[pitch - base] ? sign(LETTERS[pitch - base]) : "");
function layOut() {
  const octaves = board.clientWidth < 560 ? 1 : board.clientWidth < 800 ? 2 : 3, first = base - (octaves === 3 ? 12 : 0), last = first + 12 * octaves;
  const whites = []; for (let p = first; p <= last; p++) if (!BLACK.includes(p % 12)) whites.push(p);
  const width = 100 / whites.length;
  board.replaceChildren(); elements.clear();
  for (let p = first; p <= last; p++) {
    const key = document.createElement("div"), black = BLACK.includes(p % 12), before = whites.filter((w) => w < p).length;
    key.className = black ? "key black" : "key"; key.dataset.pitch = p; key.textContent = matchMedia("(hover: none)").matches ? (p % 12 ? "" : `C${p / 12 - 1}`) : letter(p);
    key.style.left = `${black ? before * width - width * 0.31 : before * width}%`; key.style.width = `${black ? width * 0.62 : width}%`;
    board.append(key); elements.set(p, key); light(p);
  }
  at("octave").textContent = `C${base / 12 - 1}`;
}
function light(pitch) { const e = elements.get(pitch), who = lit.get(pitch); e?.classList.toggle("you", who === "player"); e?.classList.toggle("it", who === "agent"); }
watch((kind, n) => {
  if (kind === "on") lit.set(n.pitch, n.who); else if (kind === "off") lit.delete(n.pitch); else return;
  light(n.pitch);
});
addEventListener("resize", layOut);
watchSigns(layOut);
layOut();
