// The roll: notes drawn as they happen, the planned ones ahead of the line. Knows nothing of the program.
import { notes, planned } from "./notes.js";
import { now, on } from "./link.js";

const canvas = document.getElementById("roll"), pen = canvas.getContext("2d");
const YOU = "#56b4e9", IT = "#e69f00", BACK = 9, AHEAD = 3;
let low = 42, high = 84, bar = null;
export const frames = { count: 0 };
on("state", (s) => { bar = s.bar; });
on("welcome", (w) => { bar = w.state.bar ?? null; });

function fit(from) {
  let least = 48, most = 79;
  for (const n of notes.values()) if ((n.end ?? Infinity) > from) { least = Math.min(least, n.pitch); most = Math.max(most, n.pitch); }
  for (const n of planned) { least = Math.min(least, n.pitch); most = Math.max(most, n.pitch); }
  low += (least - 3 - low) * 0.08; high += (most + 3 - high) * 0.08;
}

function draw() {
  requestAnimationFrame(draw);
  frames.count++;
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = "#12151c"; pen.fillRect(0, 0, w, h);
  const time = now(), scale = w / (BACK + AHEAD), line = BACK * scale, from = time - BACK - 0.5;
  fit(from);
  const row = h / (high - low + 1), x = (t) => line + (t - time) * scale, y = (p) => (high - p) * row;
  pen.fillStyle = "#181c26";
  for (let p = Math.floor(low); p <= high + 1; p++) if ([1, 3, 6, 8, 10].includes(((p % 12) + 12) % 12)) pen.fillRect(0, y(p), w, row);
  pen.strokeStyle = "#2c3444"; pen.lineWidth = 1; pen.fillStyle = "#7d889c"; pen.font = "13px system-ui";
  for (let p = Math.ceil(low / 12) * 12; p <= high; p += 12) {
    pen.beginPath(); pen.moveTo(0, y(p) + row); pen.lineTo(w, y(p) + row); pen.stroke(); pen.fillText(`C${p / 12 - 1}`, w - 30, y(p) + row - 3);
  }
  if (bar) lines(time, x, h);
  for (const n of notes.values()) if ((n.end ?? time) > from) note(n, x, y, row, Math.min(n.end ?? time, time));
  pen.setLineDash([5, 4]); pen.lineWidth = 2; pen.strokeStyle = IT;
  for (const n of planned) if (n.at > time) { pen.strokeRect(x(n.at), y(n.pitch) + 1, Math.max((Math.min(n.end, n.at + 8) - n.at) * scale, 6), Math.max(row - 2, 5)); }
  pen.setLineDash([]); pen.strokeStyle = "#e4e8f0"; pen.lineWidth = 2;
  pen.beginPath(); pen.moveTo(line, 0); pen.lineTo(line, h); pen.stroke();
}

function note(n, x, y, row, end) {
  const mine = n.who === "player", left = x(n.at), width = Math.max(x(end) - left, 5), tall = Math.max(row - 1, 5);
  pen.globalAlpha = 0.45 + 0.55 * n.velocity / 127;
  pen.fillStyle = mine ? YOU : IT;
  pen.beginPath(); pen.roundRect(left, y(n.pitch), width, tall, mine ? 1 : tall / 2); pen.fill();
  pen.globalAlpha = 1;
}

function lines(time, x, h) {
  const beat = bar.length / bar.beats, first = Math.ceil((time - BACK - bar.start) / beat);
  for (let i = first; bar.start + i * beat < time + AHEAD; i++) {
    const at = x(bar.start + i * beat), down = i % bar.beats === 0;
    pen.strokeStyle = down ? "#56607a" : "#262d3b"; pen.beginPath(); pen.moveTo(at, 0); pen.lineTo(at, h); pen.stroke();
  }
}
export const where = () => bar && { beat: Math.floor((((now() - bar.start) / bar.length) % 1 + 1) % 1 * bar.beats) + 1, of: bar.beats };
requestAnimationFrame(draw);
