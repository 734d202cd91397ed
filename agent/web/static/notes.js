// Notes: what was played, and what is planned. The same on every page.
import { on, now } from "./connection.js";

export const notes = new Map();
export const planned = new Map();
const listeners = new Set();
export const watch = (act) => listeners.add(act);
const KEPT = 600; // seconds, to look back at

function tell(kind, note) { for (const act of listeners) act(kind, note); }

on("welcome", (news) => {
  notes.clear();
  for (const n of news.notes) notes.set(n.id, n);
  planned.clear();
  for (const n of news.planned) planned.set(n.id, n);
  tell("planned", planned);
});
on("on", (n) => {
  const note = { id: n.id, who: n.who, pitch: n.pitch, velocity: n.velocity, at: n.at, end: null };
  notes.set(n.id, note);
  planned.delete(n.id);
  tell("on", note);
  for (const [id, old] of notes) { if (old.end !== null && old.end < now() - KEPT) notes.delete(id); else break; }
});
function end(id, at) { const note = notes.get(id); if (note) { note.end = at; tell("off", note); } }

on("off", (n) => end(n.id, n.at));
on("offs", (news) => { for (const id of news.ids) end(id, news.at); });
on("planned", (news) => {
  for (const id of news.gone) planned.delete(id);
  for (const n of news.more) planned.set(n.id, n);
  tell("planned", planned);
});
