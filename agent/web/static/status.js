// Status: whose turn it is and why, the bar and the beat, how well all is; and the numbers behind the lamps.
import { place, turn } from "./beat.js";
import { on, roundTrip } from "./connection.js";
import { at, make, put } from "./dom.js";
import { notes } from "./notes.js";
import { say } from "./say.js";
import { state, watch } from "./state.js";
import * as sound from "./sound.js";

const LATE = 5, MANY = 8; // milliseconds; beats in a bar from which on they are drawn small
const WHY = {
  call: { you: "it answers when your phrase is over", it: "touch a key, and it listens" },
  trade: { you: "it comes in on its bar", it: "yours come next" },
  duet: { you: "it plays along", it: "both at once" },
};
const YOURS = { listening: "", "your bars": "", "waiting for you": "it rests until you play" };
const PHRASES = { playing: "a phrase is played for you", waiting: "a phrase is played for you when your bars begin" };
let absence = "opening";

function showTurn() {
  const answering = state.showing === "answering", why = WHY[state.mode] ?? {}, spot = state.form && place();
  const playing = [...notes.values()].some((n) => n.who === "player" && n.end === null);
  let text = "your turn", hint = why.you, who = "you";
  if (absence) [text, hint, who] = [absence, "", ""];
  else if (spot && spot.bar < 0) [text, hint, who] = ["count-in", state.mode === "trade" ? "your bars come next" : "the first bar comes next", ""];
  else if (answering) [text, hint, who] = ["its turn", why.it, "it"];
  else if (!state.ready) [text, hint, who] = ["play", "it is waking up, and hears you already", playing ? "you" : ""];
  else if (state.phrase) [text, hint] = ["your turn", PHRASES[state.phrase]];
  else if (state.showing in YOURS) hint = YOURS[state.showing] || why.you;
  else [text, hint] = [state.showing ?? "", ""];
  put(at("turn"), who, "className");
  put(at("turn-text"), text);
  put(at("turn-why"), hint ?? "");
}

function showBeat() {
  const spot = state.form ? place() : null, dots = at("dots"), count = spot?.of ?? 0;
  put(at("beat"), spot ? "" : "free", "className");
  put(dots, count > MANY ? "many" : "", "className");
  while (dots.children.length > count) dots.lastChild.remove();
  while (dots.children.length < count) dots.append(make("i"));
  [...dots.children].forEach((dot, i) => dot.classList.toggle("on", i === spot.beat - 1));
  let text = "free time";
  if (spot && spot.bar < 0) text = spot.beat ? String(spot.beat) : "count-in";
  else if (spot && state.mode === "trade") { const t = turn(spot); text = `bar ${t.bar}/${t.of}`; }
  else if (spot) text = `bar ${spot.bar + 1}`;
  put(at("place"), text);
}

const thought = (s) => (s.chosen_from > 1 ? `chosen from ${s.chosen_from}` : "full strength");
const setLamp = (id, how) => put(at(id), `lamp ${how}`, "className");

function showSound() {
  if (!state.sound) return;
  const asleep = state.sound.name === "page" && !state.sound.quiet && !sound.awake();
  setLamp("lamp-sound", asleep ? "" : "well");
  put(at("sound-name"), asleep ? "touch to hear" : state.sound.quiet ? "elsewhere" : { page: "this page", "built-in": "own voices", fluidsynth: "FluidSynth" }[state.sound.name]);
}

watch((s) => {
  setLamp("lamp-ready", s.ready ? "well" : "ill");
  put(at("tempo"), s.bar ? `${Math.round(s.parameters.tempo)} bpm` : "");
  const late = s.figures.lateness?.p99;
  put(at("late"), late === undefined ? "in time" : late < LATE ? "quick" : "late");
  setLamp("lamp-time", late === undefined ? "" : late < LATE ? "well" : "ill");
  put(at("level"), s.level.step ? s.level.word || `step ${s.level.step}` : thought(s));
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
    ["last answer", s.chosen_from > 1 ? `the best of ${s.chosen_from}` : s.answers ? "the first that came" : "not yet"],
    ["page to program", `${(roundTrip() * 500).toFixed(1)} ms`], ["take", s.take],
  );
  at("figures").replaceChildren(...rows.flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]));
}
at("open-lamps").onclick = () => { showFigures(state); at("lamps").showModal(); };

on("welcome", (w) => { absence = ""; say(w.lines.at(-1) ?? ""); showTurn(); });
on("say", (news) => say(news.text));
on("refused", (news) => say(`Refused: ${news.why}.`));
on("closed", () => { absence = absence || "the program is away"; showTurn(); setLamp("lamp-ready", "ill"); });
on("over", () => { absence = "the session is over"; showTurn(); });

/** Who has not played yet sees first how to begin. */
function showHello() {
  const isNew = notes.size === 0 && !state.phrase;
  at("hello").classList.toggle("gone", !isNew);
  at("hello").inert = !isNew;
  at("earlier").hidden = notes.size === 0;
  for (const id of ["phrase", "hello-phrase"]) at(id).classList.toggle("first", notes.size === 0);
}
setInterval(() => { showBeat(); showTurn(); showSound(); showHello(); }, 60);
