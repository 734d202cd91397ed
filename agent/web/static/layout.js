// The user's own keyboard: what is printed on each key, as far as the browser tells; what is struck tells the rest.
import { all } from "./dom.js";

const KEY = "tradefours-signs";
const US = { Semicolon: ";", Quote: "'" };
const GUESSES = {
  de: { KeyY: "Z", KeyZ: "Y", Semicolon: "Ö", Quote: "Ä" }, fr: { KeyA: "Q", KeyW: "Z", KeyZ: "W", Semicolon: "M", Quote: "Ù" },
  es: { Semicolon: "Ñ", Quote: "´" }, sv: { Semicolon: "Ö", Quote: "Ä" }, fi: { Semicolon: "Ö", Quote: "Ä" }, da: { Semicolon: "Æ", Quote: "Ø" }, nb: { Semicolon: "Ø", Quote: "Æ" },
  it: { Semicolon: "Ò", Quote: "À" }, pt: { Semicolon: "Ç" },
};
const signs = new Map(Object.entries({ ...US, ...GUESSES[navigator.language.slice(0, 2)] })), listeners = [];

/** What is printed on the key of that code, such as `KeyA`. */
export const sign = (code) => signs.get(code) ?? code.replace("Key", "");
/** Call `act` whenever a sign is another. */
export const watch = (act) => { listeners.push(act); };

function set(found) {
  let isNew = false;
  for (const [code, text] of found) {
    const shown = text.length === 1 ? text.toUpperCase() : "";
    if (shown.trim() && shown.length === 1 && shown !== sign(code)) { signs.set(code, shown); isNew = true; }
  }
  if (isNew) show();
}
function show() {
  for (const e of all("[data-code]")) e.textContent = sign(e.dataset.code);
  for (const act of listeners) act();
}

/** A key was struck: it says itself what is on it. */
export function learn(e) {
  if (e.ctrlKey || e.altKey || e.metaKey || e.shiftKey || e.key.length !== 1 || !(e.code.startsWith("Key") || e.code in US)) return;
  set([[e.code, e.key]]);
  try { localStorage.setItem(KEY, JSON.stringify([...signs])); } catch { /* a browser that keeps nothing */ }
}

try { set(JSON.parse(localStorage.getItem(KEY) ?? "[]")); } catch { /* nor that */ }
navigator.keyboard?.getLayoutMap?.().then((map) => set([...map].filter(([code]) => code.startsWith("Key") || code in US)), () => {});
show();
