// Styles: choose one, drag between four, keep one, learn one from what was played.
import { on, request } from "./connection.js";
import { all, at, fill, make } from "./dom.js";
import { reason } from "./reasons.js";
import { say } from "./say.js";
import { watch, again } from "./state.js";

const PACE = 60, STEP = 0.1, EDGE = 15; // milliseconds between two requests; a press of an arrow key; pixels at the pad's edge
const pad = at("pad"), select = at("preset");
let corners = [], spot = [0, 0], dragging = false, sent = 0;

function presets(rows) {
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

const HINT = "In any language; it becomes a file's name, too.";
function askName(title, text, then, remove = null) {
  const dialog = at("name"), field = at("name-text");
  at("name-title").textContent = title;
  at("name-hint").textContent = HINT;
  at("name-delete").hidden = !remove;
  field.value = text;
  dialog.returnValue = "";
  dialog.onclose = () => {
    const name = field.value.trim();
    if (dialog.returnValue === "ok" && name) then(name);
    if (dialog.returnValue === "delete") remove?.();
  };
  dialog.showModal();
}
at("name-cancel").onclick = () => at("name").close("cancel");
at("name-delete").onclick = () => at("name").close("delete");
at("like-that").onclick = () => {
  const why = reason("like-that");
  if (why) say(why); else askName("A style from your playing", "", (name) => request("sound like that", { name }));
};
at("save-preset").onclick = () => askName("Keep this style as", "", (name) => request("save preset", { name }));
