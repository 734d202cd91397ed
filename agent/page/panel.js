// The panel: modes, styles, pad, knobs, lamps. It shows what the program says, and asks for what you touch.
import { on, wish, measured } from "./link.js";
import { where } from "./roll.js";
import { notes } from "./notes.js";
import * as sound from "./sound.js";

const at = (id) => document.getElementById(id), all = (q) => [...document.querySelectorAll(q)];
let state = {}, corners = [], held = null; // what the hand is on is not moved under it
export const current = () => state;

const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
function fill(select, rows) { const kept = select.value; select.replaceChildren(...rows.map(([v, t]) => option(v, t))); if (rows.some(([v]) => v === kept)) select.value = kept; }

function presets(rows) {
  const options = rows.map((p) => [p.name, p.title]);
  fill(at("preset"), options);
  for (const s of all("[data-corner]")) fill(s, options);
  at("preset").title = rows.map((p) => `${p.title}: ${p.description}`).join("\n");
  show(state);
}
on("welcome", (w) => {
  presets(w.presets);
  fill(at("learn-action"), w.actions.map((a) => [a, a.replace("knob:", "knob ")]));
  for (const s of all("[data-timbre]")) fill(s, w.timbres.map((t) => [t, t]));
  at("line").textContent = w.lines.at(-1) ?? "";
  state = w.state; show(state);
});
on("presets", (news) => presets(news.presets));
on("state", (news) => { state = news; show(state); });
on("showing", (news) => { state.showing = news.text; turn(); });
on("say", (news) => { at("line").textContent = news.text; });
on("refused", (news) => { at("line").textContent = `Refused: ${news.why}.`; });
on("closed", () => { at("turn").className = ""; at("turn-text").textContent = "the program is away"; lamp("lamp-ready", "ill"); });
on("over", () => { at("turn-text").textContent = "the session is over"; });

function lamp(id, how) { at(id).className = `lamp ${how}`; }
function turn() {
  const answering = state.showing === "answering", playing = [...notes.values()].some((n) => n.who === "player" && n.end === null);
  at("turn").className = answering ? "it" : playing || state.ready ? "you" : "";
  at("turn-text").textContent = answering ? "its turn" : !state.ready ? "play, it is waking up" : state.showing === "listening" ? "your turn" : state.showing ?? "";
}
function show(s) {
  if (!s.knobs) return turn();
  turn();
  for (const b of all("[data-mode]")) b.setAttribute("aria-checked", b.dataset.mode === s.mode);
  const select = at("preset");
  if (document.activeElement !== select) { if (![...select.options].some((o) => o.value === s.preset.name)) select.append(option(s.preset.name, s.preset.title)); select.value = s.preset.name; select.selectedOptions[0].textContent = s.preset.title; }
  if (held !== "pad") { corners = s.pad.corners; all("[data-corner]").forEach((c, i) => { c.value = corners[i]; }); place(s.pad.at); }
  for (const [name, value] of Object.entries(s.knobs)) knob(name, value);
  at("tempo").textContent = s.bar ? Math.round(s.tempo) : "free";
  if (document.activeElement !== at("tempo-set")) at("tempo-set").value = Math.round(s.tempo);
  lamp("lamp-ready", s.ready ? "well" : "");
  const name = s.sound.quiet ? "your synth" : s.sound.name === "page" ? "this page" : s.sound.name;
  at("sound-name").textContent = name; lamp("lamp-sound", s.sound.name === "page" && !sound.awake() ? "" : "well");
  at("sound-line").textContent = s.sound.quiet ? "The output is connected to another sound; ours is quiet." : s.sound.name === "page" ? "This page makes the sound; touch a key once to wake it." : `Heard through ${s.sound.name}.`;
  sound.use(s.sound.name === "page" && !s.sound.quiet);
  Object.assign(sound.timbres, s.sound.timbres);
  for (const t of all("[data-timbre]")) t.value = s.sound.timbres[t.dataset.timbre];
  const late = s.figures.lateness?.p99;
  at("late").textContent = late === undefined ? "–" : `${late.toFixed(1)} ms`; lamp("lamp-time", late === undefined ? "" : late < 5 && !s.misses ? "well" : "ill");
  figures(s);
  at("learn-line").textContent = s.learning ? `Now move a knob, pad or key: it will do ${s.learning}.` : "Choose what a knob, pad or key is to do, press learn, then move it.";
  at("learn").setAttribute("aria-pressed", Boolean(s.learning));
  const items = s.controls.map((line) => { const li = document.createElement("li"), b = document.createElement("button"); li.textContent = line.replace("=", " does "); b.textContent = "forget"; b.onclick = () => wish("forget", { trigger: line.split("=")[0] }); li.append(b); return li; });
  at("control-list").replaceChildren(...items);
}
function figures(s) {
  const rows = Object.entries(s.figures).map(([k, f]) => [k, f.p50 === undefined ? "not yet" : `${f.p50.toFixed(1)} ms, p99 ${f.p99.toFixed(1)}`]);
  rows.push(["notes, missed", `${s.notes}, ${s.misses}`], ["listening to", s.inputs.join(", ")], ["playing to", s.output ?? "no port"], ["this page's way", `${(measured() * 500).toFixed(1)} ms`], ["take", s.take]);
  at("figures").replaceChildren(...rows.flatMap(([k, v]) => [Object.assign(document.createElement("dt"), { textContent: k }), Object.assign(document.createElement("dd"), { textContent: v })]));
}
setInterval(() => { const w = where(); at("bar").textContent = w ? `beat ${w.beat} of ${w.of}` : ""; turn(); }, 80);

for (const b of all("[data-mode]")) b.onclick = () => wish("act", { action: b.dataset.mode });
for (const b of all("[data-act]")) b.onclick = () => wish("act", { action: b.dataset.act });
at("phrase").onclick = () => { sound.wake(); wish("phrase"); };
at("tempo-set").onchange = (e) => { const value = Number(e.target.value); if (value >= 20 && value <= 400) wish("tempo", { value }); e.target.blur(); };
at("preset").onchange = (e) => { wish("preset", { name: e.target.value }); e.target.blur(); };

function knob(name, value) {
  let input = at(`knob-${name}`);
  if (!input) {
    const label = document.createElement("label");
    input = Object.assign(document.createElement("input"), { id: `knob-${name}`, type: "range", min: -1, max: 1, step: 0.02 });
    label.append(name, input); at("knobs").append(label);
    let last = 0;
    const send = () => { last = performance.now(); wish("knob", { name, value: Number(input.value) }); };
    input.oninput = () => { if (performance.now() - last > 45) send(); }; input.onchange = send;
    input.onpointerdown = () => { held = name; }; input.onpointerup = () => { held = null; };
    input.ondblclick = () => { input.value = 0; send(); };
  }
  if (held !== name && document.activeElement !== input) input.value = value;
}

const pad = at("pad"); let spot = [0, 0], sent = 0;
function place([x, y]) { spot = [x, y]; at("puck").style.left = `${x * 100}%`; at("puck").style.top = `${y * 100}%`; pad.setAttribute("aria-valuetext", `${Math.round(x * 100)} right, ${Math.round(y * 100)} down`); }
function ask(force) { if (force || performance.now() - sent > 60) { sent = performance.now(); wish("pad", { x: spot[0], y: spot[1], corners }); } }
function drag(e) { const r = pad.getBoundingClientRect(), c = (v) => Math.min(Math.max(v, 0), 1); place([c((e.clientX - r.left) / r.width), c((e.clientY - r.top) / r.height)]); }
pad.onpointerdown = (e) => { held = "pad"; pad.setPointerCapture(e.pointerId); drag(e); ask(true); };
pad.onpointermove = (e) => { if (held === "pad") { drag(e); ask(false); } };
pad.onpointerup = pad.onpointercancel = () => { if (held === "pad") { held = null; ask(true); } };
pad.onkeydown = (e) => {
  const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[e.key];
  if (!step) return;
  e.preventDefault(); place(spot.map((v, i) => Math.min(Math.max(v + step[i], 0), 1))); ask(true);
};
for (const c of all("[data-corner]")) c.onchange = () => { corners = all("[data-corner]").map((s) => s.value); ask(true); };

at("learn").onclick = () => wish("learn", { action: state.learning ? null : at("learn-action").value });
for (const t of all("[data-timbre]")) t.onchange = () => wish("timbre", { who: t.dataset.timbre, name: t.value });
at("volume").oninput = (e) => { const value = Number(e.target.value) / 100; sound.volume(value); wish("volume", { value }); };

function name(then) {
  const dialog = at("name"), text = at("name-text"); text.value = "";
  dialog.onclose = () => { if (dialog.returnValue === "ok" && text.value) then(text.value); dialog.returnValue = ""; };
  dialog.showModal();
}
at("like-that").onclick = () => name((n) => wish("sound like that", { name: n }));
at("save-preset").onclick = () => name((n) => wish("save preset", { name: n }));
