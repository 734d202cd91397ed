// Dials: all that can be turned, each from its lowest to its highest.
import { on, request } from "./connection.js";
import { at, make } from "./dom.js";
import { watch, again } from "./state.js";

const PACE = 45, TRAVEL = 170, SWEEP = 270; // milliseconds between requests; pixels and degrees from end to end
const dials = new Map();
let held = null;

on("welcome", (w) => {
  if (!dials.size) for (const p of w.parameters) if (p.name !== "tempo") build(p);
  again();
});
watch((s) => { for (const [name, d] of dials) if (held !== name && document.activeElement !== d.input) d.put(s.parameters[name]); }, "parameters");

function build(p) {
  const input = make("input", { type: "range", id: `knob-${p.name}`, ariaDescription: p.about, min: p.low, max: p.high, step: (p.high - p.low) / 100 });
  const face = make("i"), readout = make("output"), dial = make("label", { className: "dial", title: p.about }, input, face, make("span", { textContent: p.name }), readout);
  let sent = 0;
  const share = () => (input.value - p.low) / (p.high - p.low), middle = (p.rest - p.low) / (p.high - p.low);
  function put(value) {
    input.value = value;
    face.style.setProperty("--turn", `${share() * SWEEP}deg`);
    face.style.setProperty("--from", `${Math.min(share(), middle) * SWEEP}deg`);
    face.style.setProperty("--to", `${Math.max(share(), middle) * SWEEP}deg`);
    readout.textContent = p.unit ? `${Math.round(input.value)} ${p.unit}` : Number(input.value) ? `${input.value > 0 ? "+" : "−"}${Math.abs(input.value).toFixed(1)}` : "0";
  }
  function send(isLast) {
    put(input.value);
    if (!isLast && performance.now() - sent < PACE) return;
    sent = performance.now();
    request("knob", { name: p.name, value: Number(input.value) });
  }
  input.oninput = () => send(false);
  input.onchange = () => send(true);
  const about = () => { at("dial-about").textContent = `${p.name} – ${p.about}`; };
  for (const kind of ["pointerenter", "pointerdown", "focusin"]) dial.addEventListener(kind, about);
  let from = null;
  face.onpointerdown = (e) => { e.preventDefault(); held = p.name; face.setPointerCapture(e.pointerId); from = [e.clientX - e.clientY, Number(input.value)]; };
  face.onpointermove = (e) => {
    if (held !== p.name) return;
    input.value = from[1] + ((e.clientX - e.clientY - from[0]) / TRAVEL) * (p.high - p.low);
    send(false);
  };
  face.onpointerup = face.onpointercancel = () => { if (held === p.name) { held = null; send(true); } };
  face.ondblclick = () => { input.value = p.rest; send(true); };
  face.addEventListener("wheel", (e) => { e.preventDefault(); input.value = Number(input.value) - Math.sign(e.deltaY) * (p.high - p.low) / 40; send(true); }, { passive: false });
  at("dials").append(dial);
  dials.set(p.name, { input, put });
}
