// The beat: where in which bar we are, and the metronome, which is heard here where this page makes the sound.
import { now } from "./connection.js";
import { turnOf } from "./form.js";
import { state, watch } from "./state.js";
import * as sound from "./sound.js";

const AHEAD = 0.25, LOOK = 60; // seconds that are planned, and milliseconds between two looks
const UNSURE = 0.05; // seconds by which our time may be behind the program's
let bar = null, planned = -Infinity; // the last beat that was planned

watch((s) => { bar = s.bar; if (!bar) planned = -Infinity; }, "bar");

/** The beats of the program since its bar 0, and in a count-in before it. */
const beats = (time) => (bar.number + (time - bar.start) / bar.length) * bar.beats;

/** The bar (from 0; below in a count-in), the beat in it (from 1; 0 just before the first one), and how many it has; null in free time. */
export function place(time = now()) {
  if (!bar) return null;
  const whole = Math.floor(beats(time) + 1e-6), number = Math.floor(whole / bar.beats);
  if (number < bar.number) return { bar: bar.number, beat: bar.start - time > UNSURE ? 0 : 1, of: bar.beats }; // it is about to begin
  return { bar: number, beat: whole - number * bar.beats + 1, of: bar.beats };
}

/** In a trade: the bar of the turn (from 1), of how many, and whose turn it is by the beat. */
export function turn(spot) {
  if (state.chart) return turnOf(state.chart, spot.bar);
  const bars = state.form.bars, count = Math.floor(spot.bar / bars);
  return { bar: spot.bar - count * bars + 1, of: bars, agents: count % 2 === 1 };
}

function click() {
  if (!bar || !sound.heard()) return;
  const time = now(), last = beats(time + AHEAD);
  if (planned > last + 1 || planned < last - bar.beats) planned = beats(time) - 0.01; // it has jumped, or was not heard
  for (let beat = Math.max(Math.floor(planned) + 1, bar.number * bar.beats); beat <= last; beat++) {
    planned = beat;
    const isDown = beat % bar.beats === 0;
    if (state.form.click || beat < 0) sound.click(bar.start + (beat / bar.beats - bar.number) * bar.length, isDown);
  }
}
setInterval(click, LOOK);
