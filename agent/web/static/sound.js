// Sound: the browser plays when the program has no sound of its own. The agent's notes are set ahead by time, so that a
// busy computer does not make them stumble; your own sound at once.
import { watch, planned } from "./notes.js";
import { now } from "./connection.js";
import * as drums from "./drums.js";
import * as piano from "./piano.js";

const AHEAD = 0.25, MOST = 40, PATIENCE = 2000, TIMBRES = {
  "electric piano": { ratio: 14, bend: 0.5, dim: 0.25, ring: 1.6, rise: 0.003 },
  bass: { ratio: 1, bend: 2, dim: 0.35, ring: 2.2, rise: 0.004 }, pad: { ratio: 2, bend: 0.5, dim: 4, ring: 30, rise: 0.2 }, organ: { ratio: 2, bend: 0.7, dim: 30, ring: 90, rise: 0.006 },
};
let context = null, master = null, wanted = false;
const voices = new Map(), seats = { player: -0.35, agent: 0.35, bass: -0.1, comping: 0.15, drums: 0 }, PIANO = "piano", ELECTRIC = "electric piano";
export const timbres = { player: PIANO, agent: PIANO };
export let meter = null;
export { count as recordings } from "./piano.js";
const BAND = { bass: "bass", comping: ELECTRIC, drums: "drums" };
const latencies = []; // milliseconds from a key's event to when its sound is begun

/** How soon a key of this page is heard, where the page makes the sound: as the program's own figures. */
export function keyLatency() {
  const sorted = [...latencies].sort((a, b) => a - b), rank = (share) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)];
  return sorted.length ? { p50: rank(0.5), p99: rank(0.99) } : {};
}

export function use(isWanted) {
  wanted = isWanted;
  if (wanted) wake(); else for (const id of [...voices.keys()]) stop(id, 0, true);
}
export function volume(v) {
  level = v;
  if (master) master.gain.setTargetAtTime(v, context.currentTime, 0.02);
}
let level = 0.8;

/** Browsers let a page be heard only after a touch: call this on each. Done when it is heard, or when that is not worth waiting for. */
export async function wake() {
  if (wanted && !awake()) await Promise.race([startContext(), new Promise((then) => setTimeout(then, PATIENCE))]);
}
function startContext() {
  if (!context) {
    context = new AudioContext({ latencyHint: "interactive" });
    master = context.createGain(); master.gain.value = level;
    const limiter = new DynamicsCompressorNode(context, { threshold: -8, ratio: 12, attack: 0.002, release: 0.1, knee: 4 });
    meter = new AnalyserNode(context, { fftSize: 2048 });
    master.connect(limiter).connect(meter).connect(context.destination);
    piano.prepare(context);
  }
  return context.state === "running" ? Promise.resolve() : context.resume();
}
export const awake = () => context?.state === "running";

function start(id, who, pitch, velocity, when, into = master) {
  if (!awake()) return;
  stop(id, 0, true);
  if (voices.size > MOST) stop(voices.keys().next().value, 0, true);
  const at = Math.max(when, context.currentTime), pan = new StereoPannerNode(context, { pan: seats[who] });
  const timbre = BAND[who] ?? timbres[who];
  const voice = timbre === "drums" ? drums.strike(context, pitch, velocity, at) : (timbre in TIMBRES ? null : strikePiano(pitch, velocity, at)) ?? modulate(TIMBRES[timbre] ?? TIMBRES[ELECTRIC], pitch, velocity, at);
  voice.gain.connect(pan).connect(into);
  voices.set(id, { ...voice, at, who });
}

/** Until the recording of a key is there, the electric piano plays it. */
function strikePiano(pitch, velocity, at) {
  const blow = piano.strike(pitch, velocity);
  if (!blow) return null;
  const gain = new GainNode(context, { gain: blow.gain });
  blow.out.connect(gain);
  blow.source.start(at);
  return { sources: [blow.source], gain, release: blow.release };
}
function modulate(t, pitch, velocity, at) {
  const hertz = 440 * 2 ** ((pitch - 69) / 12), force = velocity / 127, high = 2 ** (-(pitch - 60) / 24);
  const carrier = new OscillatorNode(context, { frequency: hertz }), modulator = new OscillatorNode(context, { frequency: hertz * t.ratio });
  const bend = context.createGain(), gain = context.createGain();
  bend.gain.setValueAtTime(hertz * t.bend * (0.25 + 0.75 * force) * Math.min(Math.max(high, 0.25), 1.6), at); bend.gain.setTargetAtTime(0, at, t.dim * high);
  gain.gain.setValueAtTime(0, at); gain.gain.linearRampToValueAtTime(0.3 * (0.08 + 0.92 * force ** 1.6), at + t.rise); gain.gain.setTargetAtTime(0, at + t.rise, t.ring * high);
  modulator.connect(bend).connect(carrier.frequency); carrier.connect(gain);
  carrier.start(at); modulator.start(at);
  return { sources: [carrier, modulator], gain, release: 0.05 };
}

/** `isTaken`: its key is struck again, or another note needs its voice. */
function stop(id, when = 0, isTaken = false) {
  const v = voices.get(id);
  if (!v) return;
  voices.delete(id);
  const at = Math.max(when, context.currentTime);
  if (v.at > at) { v.gain.disconnect(); for (const source of v.sources) source.stop(); return; } // it had not begun
  const release = isTaken ? 0.02 : v.release;
  if (release === null) return; // no damper: it rings on
  v.gain.gain.cancelScheduledValues(at); v.gain.gain.setTargetAtTime(0, at, release);
  for (const source of v.sources) source.stop(at + 10 * release);
}

/** A key of this page: heard at once, without the way to the program and back. The first of all wakes the sound, which
 * takes a moment: it is played when there is sound, however short the touch was. */
const local = new Map(), held = new Set(), sustained = new Set();
let pedal = false;
export function key(pitch, velocity, event) {
  if (!wanted) return;
  const waking = startContext();
  if (!velocity) { held.delete(pitch); if (pedal) sustained.add(pitch); else stop(`k${pitch}`); return; }
  sustained.delete(pitch); held.add(pitch); local.set(pitch, performance.now());
  if (awake()) press(pitch, velocity, event); else waking.then(() => {
    if (!held.has(pitch) && performance.now() - local.get(pitch) > PATIENCE) return; // nobody would know what this is
    press(pitch, velocity);
    if (!held.has(pitch) && !sustained.has(pitch)) stop(`k${pitch}`, context.currentTime + 0.1);
  });
}
function press(pitch, velocity, event) {
  start(`k${pitch}`, "player", pitch, velocity, 0);
  if (event) { latencies.push(performance.now() - event.timeStamp); if (latencies.length > 500) latencies.shift(); }
}
export function sustain(isDown) { pedal = isDown; if (!isDown) { for (const p of sustained) stop(`k${p}`); sustained.clear(); } }

const toContextTime = (time) => context.currentTime + (time - now());
watch((kind, it) => {
  if (!wanted || !context) return;
  if (kind === "on" && it.who === "player" && !(performance.now() - (local.get(it.pitch) ?? -1e9) < 400)) start(it.id, "player", it.pitch, it.velocity, 0);
  if (kind === "on" && it.who === "agent" && !voices.has(it.id)) start(it.id, "agent", it.pitch, it.velocity, 0);
  if (kind === "off") stop(it.id, 0);
  if (kind === "planned") {
    for (const [id, v] of voices) if (v.who === "agent" && v.at > context.currentTime + 0.02 && !it.has(id)) stop(id);
    scheduleAhead();
  }
});
function scheduleAhead() {
  if (wanted && awake()) for (const n of planned.values()) if (n.at - now() < AHEAD && n.at > now() - 0.05 && !voices.has(n.id)) start(n.id, "agent", n.pitch, n.velocity, toContextTime(n.at));
}
setInterval(scheduleAhead, 60);
export const count = () => voices.size;

/** A note of the band's begins, and ends, at a time of the program's; 0: at once. */
export function beginBand(id, part, pitch, velocity, time) { start(id, part, pitch, velocity, toContextTime(time)); }
export function endBand(id, time = 0) { if (context) stop(id, time && toContextTime(time)); }

/** Whether what this page plays is heard. */
export const heard = () => wanted && awake();
export const clicks = { count: 0 }; // of the metronome, so far

/** A click of the metronome at a time of the program's. */
export function click(time, isDown) {
  const at = toContextTime(time);
  if (at < context.currentTime) return; // it would come late
  const blip = new OscillatorNode(context, { type: "triangle", frequency: isDown ? 1760 : 1175 }), gain = context.createGain();
  gain.gain.setValueAtTime(isDown ? 0.35 : 0.22, at); gain.gain.setTargetAtTime(0, at + 0.01, 0.012);
  blip.connect(gain).connect(master);
  blip.start(at); blip.stop(at + 0.12);
  clicks.count++;
}

/** Play notes (who, onset, duration, pitch, velocity) in this page from a moment on, whoever else makes the sound. */
export function audition(notes, from = 0) {
  startContext();
  const out = new GainNode(context, { gain: 1 }), length = Math.max(0, ...notes.map((n) => n[1] + Math.min(n[2], 8)));
  out.connect(master);
  const begun = context.currentTime + 0.1 - from, time = () => Math.max(context.currentTime - begun, from);
  let next = notes.findIndex((n) => n[1] >= from);
  if (next < 0) next = notes.length;
  const schedule = () => {
    if (!awake()) return; // its first notes wait for the sound
    for (; next < notes.length && notes[next][1] < time() + 2 * AHEAD; next++) {
      const [who, onset, duration, pitch, velocity] = notes[next], id = `take${next}`;
      start(id, who, pitch, velocity, begun + onset, out);
      stop(id, begun + onset + Math.min(duration, 8));
    }
  };
  const timer = setInterval(schedule, 100);
  schedule();
  return { time, length, stop: () => { clearInterval(timer); out.gain.setTargetAtTime(0, context.currentTime, 0.02); setTimeout(() => out.disconnect(), 300); } };
}
