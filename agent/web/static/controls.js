// Controls: what the player's knobs, pads and keys do, and how they are taught.
import { on, request } from "./connection.js";
import { at, make } from "./dom.js";
import { state, watch } from "./state.js";

const WORDS = { "next-mode": "next mode", "next-preset": "next style", "previous-preset": "style before", "next-song": "next song", "last-chorus": "last chorus", "previous-song": "song before", hush: "stop", twos: "trade twos", fours: "trade fours", eights: "trade eights", answer: "answer now" };
const ASK = "Choose what a knob, pad or key is to do, press learn, then move it.";
const word = (action) => WORDS[action] ?? action.replace("knob:", "knob ").replace("preset:", "style ");

on("welcome", (w) => {
  const group = (label, actions) => make("optgroup", { label }, ...actions.map((a) => make("option", { value: a, textContent: word(a) })));
  at("learn-action").replaceChildren(
    group("to do", w.actions), group("to turn", w.parameters.map((p) => `knob:${p.name}`)), group("styles", w.presets.map((p) => `preset:${p.name}`)),
  );
});
at("learn").onclick = () => request("learn", { action: state.learning ? null : at("learn-action").value });

watch((s) => {
  at("learn-line").textContent = s.learning ? `Now move a knob, pad or key: it will do ${word(s.learning)}.` : ASK;
  at("learn").setAttribute("aria-pressed", Boolean(s.learning));
  at("control-list").replaceChildren(...s.controls.map((line) => {
    const [trigger, action] = [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)], waits = s.waiting[trigger];
    const text = `${trigger} · ${word(action)}` + (waits === undefined ? "" : `: turn it to ${waits.toFixed(1)} to pick it up`);
    return make("li", {}, make("span", { textContent: text }), make("button", { textContent: "forget", onclick: () => request("forget", { trigger }) }));
  }));
}, "learning", "controls", "waiting");
