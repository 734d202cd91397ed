// State: what the program has last said of itself; the same on every page. Knows nothing of how it is shown.
import { on } from "./link.js";

export let state = {};
const watchers = [];

/** Call `act` with the state, now and whenever it is another; not before the session is there. */
export const watch = (act) => { watchers.push(act); };

function set(news) {
  state = news;
  if (state.parameters) for (const act of watchers) act(state);
}
export const again = () => set(state);

on("welcome", (w) => set(w.state));
on("state", set);
on("showing", (news) => set({ ...state, showing: news.text }));
