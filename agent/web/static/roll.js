// The piano roll: notes drawn as they happen, the planned ones ahead of the line.
import { notes, planned, watch as watchNotes } from "./notes.js";
import { now } from "./connection.js";
import { watch } from "./state.js";

const canvas = document.getElementById("roll"), pen = canvas.getContext("2d", { alpha: false });
const YOU = "#56b4e9", IT = "#e69f00", STAGE = "#0e1117", LANE = "#141924", GRID = "#222a39", DOWN = "#46506a", TEXT = "#6f7b91";
const BACK = 9, AHEAD = 3; // seconds
const SOONEST = 12; // milliseconds from one picture to the next: more than sixty a second are not seen
const BLACK = new Set([1, 3, 6, 8, 10]), FONT = "12px system-ui, sans-serif";
let low = 42, high = 84, bar = null, settled = false, running = false, last = 0;
export const frames = { count: 0, cost: 0 }; // how many were drawn, and the milliseconds of all

watch((s) => { bar = s.bar; wake(); }, "bar");
/** The beat of the bar, from one, and how many there are; null in free time. */
export const position = () => bar && { beat: Math.floor((((now() - bar.start) / bar.length) % 1 + 1) % 1 * bar.beats) + 1, of: bar.beats };

/** Move the keys that are shown, slowly, to where it is played. */
function fitPitches(from) {
  let least = 48, most = 79;
  for (const n of notes.values()) if ((n.end ?? Infinity) > from) { least = Math.min(least, n.pitch); most = Math.max(most, n.pitch); }
  for (const n of planned.values()) { least = Math.min(least, n.pitch); most = Math.max(most, n.pitch); }
  settled = Math.abs(least - 3 - low) + Math.abs(most + 3 - high) < 0.02;
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
  const [w, h] = fitSize(), span = w < 560 ? 0.6 : 1, scale = w / (BACK + AHEAD) / span, line = BACK * scale * span;
  const from = time - BACK * span - 0.5, until = time + AHEAD * span;
  fitPitches(from);
  const row = h / (high - low + 1), x = (t) => line + (t - time) * scale, y = (p) => (high - p) * row;
  pen.fillStyle = STAGE;
  pen.fillRect(0, 0, w, h);
  drawKeys(w, row, y);
  if (bar) drawBeats(from, until, x, h);
  pen.fillStyle = "#ffffff0a"; // what is to come
  pen.fillRect(line, 0, w - line, h);
  for (const n of notes.values()) if ((n.end ?? time) > from) drawNote(n, x, y, row, n.end === null ? time : Math.min(n.end, time), n.end === null);
  pen.lineWidth = 2;
  pen.strokeStyle = IT;
  pen.fillStyle = "#e69f001c";
  for (const n of planned.values()) if (n.at > time && n.at < until) drawPlanned(x(n.at), y(n.pitch), Math.max((Math.min(n.end, n.at + 8) - n.at) * scale, 6), row);
  pen.fillStyle = "#ffffff26";
  pen.fillRect(line - 3, 0, 7, h);
  pen.fillStyle = "#f2f4f8";
  pen.fillRect(line - 0.5, 0, 2, h);
}

function drawKeys(w, row, y) {
  pen.fillStyle = LANE;
  for (let p = Math.floor(low); p <= high + 1; p++) if (BLACK.has(((p % 12) + 12) % 12)) pen.fillRect(0, y(p), w, row);
  pen.fillStyle = TEXT;
  pen.font = FONT;
  for (let p = Math.ceil(low / 12) * 12; p <= high; p += 12) {
    pen.fillText(`C${p / 12 - 1}`, w - 28, y(p) + row - 3);
    pen.fillStyle = GRID;
    pen.fillRect(0, y(p) + row, w, 1);
    pen.fillStyle = TEXT;
  }
}

function drawBeats(from, until, x, h) {
  const beat = bar.length / bar.beats;
  for (let i = Math.ceil((from - bar.start) / beat); bar.start + i * beat < until; i++) {
    const isDown = i % bar.beats === 0;
    pen.fillStyle = isDown ? DOWN : GRID;
    pen.fillRect(x(bar.start + i * beat), 0, isDown ? 2 : 1, h);
  }
}

/** Yours have corners and its are round, for eyes that do not tell the colours; loud ones are brighter, sounding ones glow. */
function drawNote(n, x, y, row, end, sounds) {
  const mine = n.who === "player", left = x(n.at), top = y(n.pitch), wide = Math.max(x(end) - left, 5), tall = Math.max(row - 1, 5);
  pen.fillStyle = mine ? YOU : IT;
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
  if (bar || planned.size || !settled) return true;
  for (const n of notes.values()) if ((n.end ?? Infinity) > time - BACK - 1) return true;
  return false;
}

function draw(stamp) {
  const time = now(), isDue = stamp - last >= SOONEST;
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
watchNotes(wake);
addEventListener("resize", wake);
wake();
