// The page begins here. Every file beside this one has one idea; none asks any address but the program's own.
import { open, on, now, measured } from "./link.js";
import { notes } from "./notes.js";
import "./panel.js";
import "./takes.js";
import { releaseAll } from "./keys.js";
import { frames } from "./roll.js";
import * as sound from "./sound.js";

for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, sound.wake);
on("closed", releaseAll);
window.tradefours = { notes, frames, sound, now, measured }; // for looking inside, from the browser's console
open();
