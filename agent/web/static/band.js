// The band: bass, comping and drums are heard here where this page makes the sound. They are not in the roll.
import { on, now } from "./connection.js";
import * as sound from "./sound.js";

const AHEAD = 0.25, LATE = 0.05, LOOK = 60; // seconds that are set ahead, by which a note may be late; milliseconds between two looks
const SOFT = 0.65, RING = 1.2; // of the velocity of comping; seconds in which a drum rings out by itself
const waiting = new Map();
export const begun = { bass: 0, comping: 0, drums: 0 }; // notes, so far

function take(rows) {
  for (const n of rows) {
    sound.endBand(n.id); // planned anew, at another time
    waiting.set(n.id, { ...n, isBegun: false, end: n.part === "drums" ? n.at + RING : n.end });
  }
  play();
}
function drop(ids) {
  for (const id of ids) { sound.endBand(id); waiting.delete(id); }
}

function play() {
  const time = now();
  for (const n of waiting.values()) {
    if (!n.isBegun && n.at < time + AHEAD && n.at > time - LATE && sound.heard()) {
      n.isBegun = true;
      begun[n.part]++;
      sound.beginBand(n.id, n.part, n.pitch, n.part === "comping" ? SOFT * n.velocity : n.velocity, n.at);
    }
    if (n.end < time + AHEAD / 2) { sound.endBand(n.id, n.end); waiting.delete(n.id); }
  }
}

on("welcome", (w) => { drop([...waiting.keys()]); take(w.band); });
on("band", (news) => { drop(news.gone); take(news.more); });
on("closed", () => drop([...waiting.keys()]));
setInterval(play, LOOK);
