// State: what the program has last said of itself; the same on every page.
import { on } from "./connection.js";

export let state = {};
const watchers = [];

/** Call `act` with the state whenever one of these parts of it is another (any, where none is named); not before the session is there. */
export const watch = (act, ...parts) => { watchers.push([act, parts]); };

function set(news) {
  const former = state;
  state = news;
  if (state.parameters) for (const [act, parts] of watchers) if (!parts.length || parts.some((p) => state[p] !== former[p])) act(state);
}
/** Call all of them. */
export const again = () => { if (state.parameters) for (const [act] of watchers) act(state); };

on("welcome", (w) => set(w.state));
on("state", ({ t, ...news }) => set({ ...state, ...news })); // only what is different
on("showing", (news) => set({ ...state, showing: news.text }));
