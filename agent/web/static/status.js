// Status: whose turn it is and why, the beat, how well all is; and the numbers behind the lamps.
import { on, roundTrip } from "./connection.js";
import { at, make, put } from "./dom.js";
import { notes } from "./notes.js";
import { position } from "./roll.js";
import { state, watch } from "./state.js";
import * as sound from "./sound.js";

const LATE = 5, FADES = 9000; // milliseconds
const WHY = {
  call: { you: "it answers when your phrase is over", it: "touch a key, and it listens" },
  trade: { you: "it comes in on its bar", it: "yours come next" },
  duet: { you: "it plays along", it: "both at once" },
};
let absence = "opening";

function showTurn() {
  const answering = state.showing === "answering";
  const playing = [...notes.values()].some((n) => n.who === "player" && n.end === null);
  const why = WHY[state.mode] ?? {};
  let text = "your turn", hint = why.you, who = "you";
  if (absence) [text, hint, who] = [absence, "", ""];
  else if (answering) [text, hint, who] = ["its turn", why.it, "it"];
  else if (!state.ready) [text, hint, who] = ["play", "it is waking up, and hears you already", playing ? "you" : ""];
  else if (state.showing !== "listening") [text, hint] = [state.showing ?? "", ""];
  put(at("turn"), who, "className");
  put(at("turn-text"), text);
  put(at("turn-why"), hint ?? "");
}

function showBeat() {
  const w = position(), dots = at("dots");
  while (dots.children.length > (w?.of ?? 0)) dots.lastChild.remove();
  while (dots.children.length < (w?.of ?? 0)) dots.append(make("i"));
  [...dots.children].forEach((dot, i) => dot.classList.toggle("on", i === w.beat - 1));
}

const setLamp = (id, how) => put(at(id), `lamp ${how}`, "className");

function showSound() {
  if (!state.sound) return;
  const asleep = state.sound.name === "page" && !state.sound.quiet && !sound.awake();
  setLamp("lamp-sound", asleep ? "" : "well");
  put(at("sound-name"), asleep ? "touch to hear" : state.sound.quiet ? "elsewhere" : { page: "this page", "built-in": "own voices", fluidsynth: "FluidSynth" }[state.sound.name]);
}

watch((s) => {
  setLamp("lamp-ready", s.ready ? "well" : "ill");
  put(at("tempo"), s.bar ? String(Math.round(s.parameters.tempo)) : "free");
  put(at("unit"), s.bar ? "a minute" : "time");
  const late = s.figures.lateness?.p99;
  put(at("late"), late === undefined ? "in time" : late < LATE ? `${late.toFixed(1)} ms` : `late: ${late.toFixed(0)} ms`);
  setLamp("lamp-time", late === undefined ? "" : late < LATE ? "well" : "ill");
  put(at("level"), s.level.step ? s.level.word || `step ${s.level.step}` : "full strength");
  setLamp("lamp-level", s.ready ? (s.level.step ? "ill" : "well") : "");
  showTurn(); showSound();
  if (at("lamps").open) showFigures(s);
});

function showFigures(s) {
  const format = (f) => (f.p50 === undefined ? "not yet" : `${f.p50.toFixed(1)} ms, p99 ${f.p99.toFixed(1)}`);
  const rows = Object.entries(s.figures).map(([name, f]) => [name, format(f)]);
  if (s.sound.name === "page") rows.push(["key to sound, here", format(sound.keyLatency())]);
  rows.push(
    ["answers, notes, missed", `${s.answers}, ${s.notes}, ${s.misses}`], ["level", s.level.step ? s.level.word : "full strength"],
    ["page to program", `${(roundTrip() * 500).toFixed(1)} ms`], ["take", s.take],
  );
  at("figures").replaceChildren(...rows.flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]));
}
at("open-lamps").onclick = () => { showFigures(state); at("lamps").showModal(); };

let fading = 0;
function showLine(text) { // it goes after a while
  at("line").textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { at("line").textContent = ""; }, FADES);
}
on("welcome", (w) => { absence = ""; showLine(w.lines.at(-1) ?? ""); showTurn(); });
on("say", (news) => showLine(news.text));
on("refused", (news) => showLine(`Refused: ${news.why}.`));
on("closed", () => { absence = absence || "the program is away"; showTurn(); setLamp("lamp-ready", "ill"); });
on("over", () => { absence = "the session is over"; showTurn(); });
setInterval(() => { showBeat(); showTurn(); showSound(); at("hello").classList.toggle("gone", notes.size > 0); }, 60);
