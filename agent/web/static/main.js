// The page begins here. Every file beside this one has one idea; none asks any address but the program's own.
import { open, on, now, roundTrip } from "./connection.js";
import { notes, planned } from "./notes.js";
import { state } from "./state.js";
import "./status.js";
import "./panel.js";
import "./style.js";
import "./songs.js";
import "./dials.js";
import "./ports.js";
import "./controls.js";
import "./takes.js";
import "./beat.js";
import * as band from "./band.js";
import "./chart.js";
import "./more.js";
import { releaseAll } from "./keys.js";
import * as roll from "./roll.js";
import * as sound from "./sound.js";

for (const kind of ["pointerdown", "pointerup", "keydown"]) addEventListener(kind, sound.wake); // a finger counts as a touch when it is lifted
for (const kind of ["closed", "let go"]) on(kind, releaseAll);
window.tradefours = { notes, planned, roll, sound, band, now, roundTrip, state: () => state }; // for looking inside, from the browser's console
if (location.search) history.replaceState(null, "", location.pathname); // a token need not be seen, nor kept
open();
