// The panel: buttons, the form, the tempo, the sound, and the doors to what is behind. It asks; the program decides.
import { on, request } from "./connection.js";
import { all, at, fill } from "./dom.js";
import { watch as watchNotes } from "./notes.js";
import { lastExchange, reason } from "./reasons.js";
import { say } from "./say.js";
import { state, watch, again } from "./state.js";
import * as sound from "./sound.js";

const SOUNDS = { "built-in": "its own voices", fluidsynth: "FluidSynth", page: "this page" };
const BARS = [1, 2, 4, 8, 12, 16], BEATS = [2, 3, 4, 5, 6, 7], PARTS = [["auto", "what you leave free"], ["comp", "chords"], ["lead", "a line"], ["bass", "a bass"]];
const PHRASE = { "": "play me a phrase", waiting: "it waits for your bar", playing: "stop the phrase" };
let audition = null;

/** Do it, or say why not. */
function guard(what, act) {
  const why = reason(what);
  if (why) say(why); else act();
}
for (const b of all("[data-act]")) b.onclick = () => guard(b.dataset.act, () => request("act", { action: b.dataset.act }));
for (const b of all("[data-open]")) b.onclick = () => { if (b.dataset.open === "takes") request("takes"); at(b.dataset.open).showModal(); };
for (const id of ["phrase", "hello-phrase"]) at(id).onclick = async () => { await sound.wake(); guard("phrase", () => request("phrase")); };
at("click").onclick = async () => { await sound.wake(); request("act", { action: "click" }); };
for (const name of ["bars", "beats", "part"]) at(name).onchange = (e) => { request("form", { name, value: name === "part" ? e.target.value : Number(e.target.value) }); e.target.blur(); };
at("tempo-set").onchange = (e) => {
  const value = Number(e.target.value);
  if (value >= 20 && value <= 400) request("knob", { name: "tempo", value });
  e.target.blur();
};
at("again").onclick = () => guard("again", () => {
  if (audition) return stopAgain();
  const notes = lastExchange(), start = notes[0].at;
  audition = sound.audition(notes.map((n) => [n.who, n.at - start, Math.min((n.end ?? n.at + 1) - n.at, 8), n.pitch, n.velocity]));
  at("again").textContent = "enough";
  const mine = audition;
  setTimeout(() => { if (audition === mine) stopAgain(); }, 1000 * (audition.length + 1));
});
function stopAgain() { audition?.stop(); audition = null; at("again").textContent = "again"; }
watchNotes((kind, n) => { if (kind === "on" && n.who === "player" && audition) stopAgain(); }); // who plays is not disturbed
for (const t of all("[data-timbre]")) t.onchange = () => request("timbre", { who: t.dataset.timbre, name: t.value });
on("say", (news) => { if (at("sound").open) at("sound-line").textContent = news.text; }); // why a sound does not work is not told behind the dialog
// What is chosen is shown once it sounds: it may not work.
at("sound-choice").onchange = (e) => { request("sound", { name: e.target.value }); e.target.value = state.sound.name; };
at("soundfont").onchange = (e) => { request("soundfont", { name: e.target.value }); e.target.value = state.sound.soundfont; };
at("volume").oninput = (e) => { const value = Number(e.target.value) / 100; sound.volume(value); request("volume", { value }); };

on("welcome", (w) => {
  for (const t of all("[data-timbre]")) fill(t, w.timbres.map((name) => [name, name]));
  fill(at("sound-choice"), w.sounds.map((name) => [name, SOUNDS[name]]));
  fill(at("soundfont"), [["", "none: our piano"], ...w.soundfonts.map((name) => [name, name])]);
  at("soundfont-box").hidden = !w.soundfonts.length;
  fill(at("part"), PARTS);
  again();
});

/** Choose a number in a select, which gets it where it lacks it. */
function choose(select, numbers, value, text) {
  if (document.activeElement === select) return;
  fill(select, [...new Set([...numbers, value])].sort((a, b) => a - b).map((n) => [String(n), text(n)]));
  select.value = String(value);
}
watch((s) => {
  for (const b of all("#modes button")) b.ariaChecked = String(b.dataset.act === s.mode);
  at("bars-box").hidden = s.mode !== "trade";
  at("part-box").hidden = s.mode !== "duet";
  at("beats-box").hidden = at("form").hidden = s.mode === "call" && !s.bar;
  choose(at("bars"), BARS, s.form.bars, (n) => `${n} each`);
  choose(at("beats"), BEATS, s.form.beats, (n) => `${n}/4`);
  if (document.activeElement !== at("part")) at("part").value = s.form.part;
  at("click").setAttribute("aria-pressed", s.form.click);
  at("tempo-set").disabled = at("beats").disabled = !s.form.own;
  if (document.activeElement !== at("tempo-set")) at("tempo-set").value = Math.round(s.parameters.tempo);
}, "mode", "parameters", "form", "bar");
watch((s) => {
  at("phrase").textContent = PHRASE[s.phrase];
  at("hello-phrase").textContent = PHRASE[s.phrase];
}, "phrase");
watch((s) => {
  const active = document.activeElement;
  at("sound-line").textContent = s.sound.quiet
    ? "The output is connected: it is heard there, and our own sound is quiet."
    : s.sound.name === "page" ? "This page makes the sound." : "The program makes the sound; this page is silent.";
  sound.use(s.sound.name === "page" && !s.sound.quiet);
  Object.assign(sound.timbres, s.sound.timbres);
  for (const t of all("[data-timbre]")) t.value = s.sound.timbres[t.dataset.timbre];
  at("sound-choice").value = s.sound.name;
  at("soundfont").value = s.sound.soundfont;
  if (active !== at("volume")) { at("volume").value = 100 * s.sound.volume; sound.volume(s.sound.volume); }
}, "sound");
