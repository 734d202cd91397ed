// The panel: buttons, the tempo, the sound, and the doors to what is behind. It asks; the program decides.
import { on, request } from "./connection.js";
import { all, at, fill } from "./dom.js";
import { watch, again } from "./state.js";
import * as sound from "./sound.js";

const SOUNDS = { "built-in": "its own voices", fluidsynth: "FluidSynth", page: "this page" };

for (const b of all("[data-act]")) b.onclick = () => request("act", { action: b.dataset.act });
for (const b of all("[data-open]")) b.onclick = () => { if (b.dataset.open === "takes") request("takes"); at(b.dataset.open).showModal(); };
at("phrase").onclick = async () => { await sound.wake(); request("phrase"); };
at("tempo-set").onchange = (e) => {
  const value = Number(e.target.value);
  if (value >= 20 && value <= 400) request("knob", { name: "tempo", value });
  e.target.blur();
};
for (const t of all("[data-timbre]")) t.onchange = () => request("timbre", { who: t.dataset.timbre, name: t.value });
at("sound-choice").onchange = (e) => request("sound", { name: e.target.value });
at("volume").oninput = (e) => { const value = Number(e.target.value) / 100; sound.volume(value); request("volume", { value }); };

on("welcome", (w) => {
  for (const t of all("[data-timbre]")) fill(t, w.timbres.map((name) => [name, name]));
  fill(at("sound-choice"), w.sounds.map((name) => [name, SOUNDS[name]]));
  again();
});
watch((s) => {
  for (const b of all("#modes button")) b.setAttribute("aria-checked", b.dataset.act === s.mode);
  const tempo = at("tempo-set"), active = document.activeElement;
  if (active !== tempo) tempo.value = Math.round(s.parameters.tempo);
  at("sound-line").textContent = s.sound.quiet
    ? "The output is connected: it is heard there, and our own sound is quiet."
    : s.sound.name === "page" ? "This page makes the sound." : "The program makes the sound; this page is silent.";
  sound.use(s.sound.name === "page" && !s.sound.quiet);
  Object.assign(sound.timbres, s.sound.timbres);
  for (const t of all("[data-timbre]")) t.value = s.sound.timbres[t.dataset.timbre];
  if (active !== at("sound-choice")) at("sound-choice").value = s.sound.name;
  if (active !== at("volume")) { at("volume").value = 100 * s.sound.volume; sound.volume(s.sound.volume); }
}, "mode", "parameters", "sound");
