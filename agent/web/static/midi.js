// Web MIDI: keyboards that the browser finds, where the program has no MIDI system of its own.
import { request } from "./connection.js";

export const canPlug = () => Boolean(navigator.requestMIDIAccess);

/** Hear every instrument that is there, or comes. `found` is told their names whenever they are others. */
export async function plug(found) {
  let access;
  try {
    access = await navigator.requestMIDIAccess();
  } catch {
    return "the browser does not allow it";
  }
  function all() {
    const inputs = [...access.inputs.values()];
    for (const input of inputs) {
      input.onmidimessage = (e) => {
        const bytes = [...e.data];
        if (bytes.length > 1 && bytes.length < 4 && bytes[0] < 0xf0) request("midi", { bytes });
      };
    }
    return inputs.map((i) => i.name).join(", ") || "none is there yet";
  }
  access.onstatechange = () => found(all());
  return all();
}
