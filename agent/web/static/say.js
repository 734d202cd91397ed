// One line for the user, which goes after a while.
import { at } from "./dom.js";

const FADES = 9000; // milliseconds
let fading = 0;

export function say(text) {
  at("line").textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { at("line").textContent = ""; }, FADES);
}
