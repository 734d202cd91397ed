// Styles: choose one, drag between four, keep one, learn one from what was played.
import { on, request } from "./connection.js";
import { all, at, fill, make } from "./dom.js";
import { reason } from "./reasons.js";
import { say } from "./say.js";
import { askName } from "./naming.js";
import { state, watch, again } from "./state.js";

const PACE = 60, STEP = 0.1, EDGE = 15; // milliseconds between two requests; a press of an arrow key; pixels at the pad's edge
const pad = at("pad"), select = at("preset");
let corners = [], spot = [0, 0], dragging = false, sent = 0;

let own = new Set();
function presets(rows) {
  own = new Set(rows.filter((p) => p.own).map((p) => p.name));
  const options = rows.map((p) => [p.name, p.title]);
  for (const s of [select, ...all("[data-corner]")]) fill(s, options);
  select.title = rows.map((p) => `${p.title}: ${p.description}`).join("\n");
  again();
}
on("welcome", (w) => presets(w.presets));
on("presets", (news) => presets(news.presets));
select.onchange = () => { request("preset", { name: select.value }); select.blur(); };

watch((s) => {
  if (document.activeElement !== select) {
    if (![...select.options].some((o) => o.value === s.preset.name)) select.append(make("option", { value: s.preset.name }));
    select.value = s.preset.name;
    select.selectedOptions[0].textContent = s.preset.title;
  }
  at("own-style").hidden = !own.has(s.preset.name);
  if (dragging) return; // what the hand is on is not moved under it
  corners = s.pad.corners;
  all("[data-corner]").forEach((c, i) => { c.value = corners[i]; });
  pad.classList.toggle("used", s.preset.name === "pad");
  place(s.pad.at);
}, "preset", "pad");

const inside = (v) => Math.min(Math.max(v, 0), 1);
function place([x, y]) {
  spot = [x, y];
  at("puck").style.setProperty("--x", x);
  at("puck").style.setProperty("--y", y);
  pad.setAttribute("aria-valuenow", Math.round(x * 100));
  pad.setAttribute("aria-valuetext", `${Math.round(x * 100)} right, ${Math.round(y * 100)} down`);
}
function send(isLast) {
  if (!isLast && performance.now() - sent < PACE) return;
  sent = performance.now();
  request("pad", { x: spot[0], y: spot[1], corners });
}
function drag(e) {
  const r = pad.getBoundingClientRect();
  place([inside((e.clientX - r.left - EDGE) / (r.width - 2 * EDGE)), inside((e.clientY - r.top - EDGE) / (r.height - 2 * EDGE))]);
}
pad.onpointerdown = (e) => { dragging = true; pad.setPointerCapture(e.pointerId); drag(e); send(true); };
pad.onpointermove = (e) => { if (dragging) { drag(e); send(false); } };
pad.onpointerup = pad.onpointercancel = () => { if (dragging) { dragging = false; send(true); } };
pad.onkeydown = (e) => {
  const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[e.key];
  if (!step) return;
  e.preventDefault();
  place(spot.map((v, i) => inside(v + step[i])));
  send(true);
};
for (const c of all("[data-corner]")) c.onchange = () => { corners = all("[data-corner]").map((s) => s.value); send(true); };

const HINT = "In any language. It becomes the name of a file, too.";
at("like-that").onclick = () => {
  const why = reason("like-that");
  if (why) say(why); else askName("A style from your playing", "", HINT, (name) => request("sound like that", { name }));
};
at("save-preset").onclick = () => askName("Keep this style as", "", HINT, (name) => request("save preset", { name }));
at("own-style").onclick = () => {
  const { name, title } = state.preset;
  askName("Your style", title, "Another name, or delete it for ever.", (text) => request("rename preset", { name, title: text }), () => request("delete preset", { name }));
};
