// The piano roll: notes drawn as they happen, the planned ones ahead of the line.
import { notes, planned, watch as watchNotes } from "./notes.js";
import { now } from "./connection.js";
import { watch } from "./state.js";

const canvas = document.getElementById("roll"), pen = canvas.getContext("2d", { alpha: false });
const BACK = 9, AHEAD = 3; // seconds
const SOONEST = 12; // milliseconds from one picture to the next: more than sixty a second are not seen
const PAGE = 6, CALM = 250; // for who asks for less motion: seconds that stand still, and milliseconds from one picture to the next
const FARTHEST = 590; // seconds to look back
const BLACK = new Set([1, 3, 6, 8, 10]), FONT = "12px system-ui, sans-serif";
const calm = matchMedia("(prefers-reduced-motion: reduce)"), light = matchMedia("(prefers-color-scheme: light)");
let low = 42, high = 84, bar = null, settled = false, running = false, last = 0, colours = {};
let behind = 0; // seconds that are looked back
export const frames = { count: 0, cost: 0 }; // how many were drawn, and the milliseconds of all

watch((s) => { bar = s.bar; wake(); }, "bar");
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["you", "it", "stage", "lane", "grid", "down", "pitch", "ahead", "now", "glow", "planned"]) colours[name] = style.getPropertyValue(`--${name}`).trim();
}
readColours();
light.addEventListener("change", () => { readColours(); wake(); });
calm.addEventListener("change", wake);

/** The time at the line: now, or what is looked at; with less motion, a page stands still until it is full. */
function centre(time) {
  const seen = time - behind;
  return calm.matches && !behind ? (Math.floor(seen / PAGE) + 1) * PAGE : seen;
}

/** Move the keys that are shown, slowly, to where it is played. */
function fitPitches(from) {
  let least = 48, most = 79;
  for (const n of notes.values()) if ((n.end ?? Infinity) > from) { least = Math.min(least, n.pitch); most = Math.max(most, n.pitch); }
  for (const n of planned.values()) { least = Math.min(least, n.pitch); most = Math.max(most, n.pitch); }
  settled = calm.matches || Math.abs(least - 3 - low) + Math.abs(most + 3 - high) < 0.02;
  low = settled ? least - 3 : low + (least - 3 - low) * 0.08;
  high = settled ? most + 3 : high + (most + 3 - high) * 0.08;
}

function fitSize() {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [w, h];
}

/** Draw everything as it is at a time of the program's. */
export function paint(time) {
  const [w, h] = fitSize(), span = w < 560 ? 0.6 : 1, scale = w / (BACK + AHEAD) / span, line = BACK * scale * span, middle = centre(time);
  const from = middle - BACK * span - 0.5, until = middle + AHEAD * span;
  fitPitches(from);
  const row = h / (high - low + 1), x = (t) => line + (t - middle) * scale, y = (p) => (high - p) * row;
  pen.fillStyle = colours.stage;
  pen.fillRect(0, 0, w, h);
  drawKeys(w, row, y);
  if (bar) drawBeats(from, until, x, h);
  pen.fillStyle = colours.ahead; // what is to come
  pen.fillRect(x(time), 0, Math.max(w - x(time), 0), h);
  for (const n of notes.values()) if ((n.end ?? time) > from && n.at < until) drawNote(n, x, y, row, n.end === null ? time : Math.min(n.end, time), n.end === null);
  pen.lineWidth = 2;
  pen.strokeStyle = colours.it;
  pen.fillStyle = colours.planned;
  for (const n of planned.values()) if (n.at > time && n.at < until) drawPlanned(x(n.at), y(n.pitch), Math.max((Math.min(n.end, n.at + 8) - n.at) * scale, 6), row);
  pen.fillStyle = colours.glow;
  pen.fillRect(x(time) - 3, 0, 7, h);
  pen.fillStyle = colours.now;
  pen.fillRect(x(time) - 0.5, 0, 2, h);
}

function drawKeys(w, row, y) {
  pen.fillStyle = colours.lane;
  for (let p = Math.floor(low); p <= high + 1; p++) if (BLACK.has(((p % 12) + 12) % 12)) pen.fillRect(0, y(p), w, row);
  pen.fillStyle = colours.pitch;
  pen.font = FONT;
  for (let p = Math.ceil(low / 12) * 12; p <= high; p += 12) {
    pen.fillText(`C${p / 12 - 1}`, w - 28, y(p) + row - 3);
    pen.fillStyle = colours.grid;
    pen.fillRect(0, y(p) + row, w, 1);
    pen.fillStyle = colours.pitch;
  }
}

function drawBeats(from, until, x, h) {
  const beat = bar.length / bar.beats;
  for (let i = Math.ceil((from - bar.start) / beat); bar.start + i * beat < until; i++) {
    const isDown = i % bar.beats === 0;
    pen.fillStyle = isDown ? colours.down : colours.grid;
    pen.fillRect(x(bar.start + i * beat), 0, isDown ? 2 : 1, h);
  }
}

/** Yours have corners and its are round, for eyes that do not tell the colours; loud ones are brighter, sounding ones glow. */
function drawNote(n, x, y, row, end, sounds) {
  const mine = n.who === "player", left = x(n.at), top = y(n.pitch), wide = Math.max(x(end) - left, 5), tall = Math.max(row - 1, 5);
  pen.fillStyle = mine ? colours.you : colours.it;
  if (sounds) {
    pen.globalAlpha = 0.22;
    pen.fillRect(left - 3, top - 4, wide + 5, tall + 8);
  }
  pen.globalAlpha = sounds ? 1 : 0.4 + 0.55 * n.velocity / 127;
  if (mine) pen.fillRect(left, top, wide, tall);
  else {
    pen.beginPath();
    pen.roundRect(left, top, wide, tall, tall / 2);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

function drawPlanned(left, top, wide, row) {
  pen.beginPath();
  pen.roundRect(left, top + 1, wide, Math.max(row - 2, 5), Math.max(row - 2, 5) / 2);
  pen.fill();
  pen.stroke();
}

/** Whether anything is in view that wanders with time: an empty stage is drawn once. */
function isMoving(time) {
  if (behind || bar || planned.size || !settled) return true;
  for (const n of notes.values()) if ((n.end ?? Infinity) > time - BACK - PAGE) return true;
  return false;
}

function draw(stamp) {
  const time = now(), isDue = stamp - last >= (calm.matches ? CALM : SOONEST);
  if (isDue) {
    last = stamp;
    const begun = performance.now();
    paint(time);
    frames.count++;
    frames.cost += performance.now() - begun;
  }
  running = !isDue || isMoving(time);
  if (running) requestAnimationFrame(draw);
}

/** Something is different: draw, as long as anything moves. */
function wake() {
  if (!running) requestAnimationFrame(draw);
  running = true;
}

// -- looking back: drag the roll, turn the wheel, or press the button ------------------------------------------------

const earlier = document.getElementById("earlier"), back = document.getElementById("now");
function look(seconds) {
  const oldest = notes.size ? now() - notes.values().next().value.at : 0;
  behind = Math.min(Math.max(seconds, 0), Math.min(oldest, FARTHEST));
  if (behind < 0.5) behind = 0;
  back.hidden = !behind;
  wake();
}
export const looksBack = () => behind;
let held = null;
canvas.onpointerdown = (e) => { held = [e.clientX, behind]; canvas.setPointerCapture(e.pointerId); };
canvas.onpointermove = (e) => { if (held) look(held[1] + (e.clientX - held[0]) / canvas.clientWidth * (BACK + AHEAD)); };
canvas.onpointerup = canvas.onpointercancel = () => { held = null; };
canvas.addEventListener("wheel", (e) => {
  const scrolls = document.scrollingElement.scrollHeight > innerHeight + 1, turn = Math.abs(e.deltaX) > Math.abs(e.deltaY) ? e.deltaX : scrolls ? 0 : e.deltaY;
  if (turn) { e.preventDefault(); look(behind - turn / 60); }
}, { passive: false });
earlier.onclick = () => look(behind + PAGE);
back.onclick = () => { look(0); earlier.focus(); };

watchNotes(wake);
addEventListener("resize", wake);
wake();
