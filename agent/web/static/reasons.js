// Why a button cannot do anything yet: the button says it, and stays where it is.
import { notes, planned } from "./notes.js";
import { at, all, put } from "./dom.js";
import { state } from "./state.js";

const ELSEWHERE = "The beat comes from another program; change it there.";
const LOOK = 250; // milliseconds

/** The player's last phrase and the answer to it, as notes by time; the answer may be empty. */
export function lastExchange() {
  const all = [...notes.values()].sort((a, b) => a.at - b.at);
  let i = all.findLastIndex((n) => n.who === "agent");
  const end = i;
  while (i >= 0 && all[i].who === "agent") i--;
  while (i > 0 && all[i - 1].who === "player" && all[i].at - all[i - 1].at < 5) i--;
  return end < 0 ? [] : all.slice(Math.max(i, 0), end + 1);
}

const isAnswered = () => [...notes.values()].at(-1)?.who !== "player";
const isPlaying = () => planned.size > 0 || [...notes.values()].some((n) => n.who === "agent" && n.end === null);

const REASONS = {
  answer: () => state.mode === "trade" ? "In a trade it comes in on its bar." : state.mode === "duet" ? "In a duet it plays along by itself."
    : isAnswered() ? "Play something first; then it can answer." : "",
  hush: () => (isPlaying() ? "" : "It is not playing just now."),
  "next-song": () => (state.song.at + 1 < state.song.names.length ? "" : "This is the last song of the set list."),
  "previous-song": () => (state.song.at > 0 ? "" : "This is the first song of the set list."),
  tap: () => (state.form.own ? "" : ELSEWHERE),
  free: () => !state.form.own ? ELSEWHERE : state.bar ? "" : "You are in free time already.",
  phrase: () => (state.ready ? "" : "It is waking up; it can answer in a moment."),
  again: () => (lastExchange().length ? "" : "There is no answer yet that could be heard again."),
  another: () => state.mode !== "call" ? "Another answer is there in the mode call only." : lastExchange().length ? "" : "There is no answer yet; play a phrase first.",
  "like-that": () => state.learnable < 12 ? `Play a little more: a style is learnt from 12 notes, and it has heard ${state.learnable}.` : "",
};

/** Why this cannot be done now; "" where it can. */
export const reason = (what) => (state.form ? REASONS[what]?.() ?? "" : "It is opening; wait a moment.");

function show() {
  if (!state.form) return;
  for (const b of all("[data-act], #phrase, #again, #like-that")) {
    const why = reason(b.dataset.act ?? b.id);
    b.dataset.title ??= b.title;
    put(b, why ? "true" : null, "ariaDisabled");
    put(b, why || b.dataset.title, "title");
  }
}
setInterval(show, LOOK);
