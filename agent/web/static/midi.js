// Web MIDI: keyboards that the browser finds, where the program has no MIDI system of its own.
import { request } from "./connection.js";

export const canPlug = () => Boolean(navigator.requestMIDIAccess);

const KEY = 0x90, OFF = 0x80, CONTROL = 0xb0, PEDALS = [64, 66, 67, 69];
const held = new Map(); // what each instrument has down: the message that ends it, by its first two bytes

function hear(input, [status, number, value]) {
  const kind = status & 0xf0, channel = status & 0x0f, down = held.get(input.id) ?? new Map();
  held.set(input.id, down);
  if (kind === KEY || kind === OFF) {
    if (kind === KEY && value) down.set(`k${channel}.${number}`, [OFF | channel, number, 0]); else down.delete(`k${channel}.${number}`);
  } else if (kind === CONTROL && PEDALS.includes(number)) {
    if (value) down.set(`p${channel}.${number}`, [status, number, 0]); else down.delete(`p${channel}.${number}`);
  }
}

/** An instrument is gone: what it had down is let go. */
function release(input) {
  for (const bytes of held.get(input.id)?.values() ?? []) request("midi", { bytes });
  held.delete(input.id);
}

/** Hear every instrument that is there, or comes. `found` is told their names whenever they are others. */
export async function plug(found) {
  let access;
  try {
    access = await navigator.requestMIDIAccess();
  } catch {
    return "the browser does not allow it";
  }
  function all() {
    const inputs = [...access.inputs.values()].filter((i) => i.state !== "disconnected");
    for (const input of inputs) {
      input.onmidimessage = (e) => {
        const bytes = [...e.data];
        if (bytes.length < 2 || bytes.length > 3 || bytes[0] >= 0xf0) return;
        hear(input, bytes);
        request("midi", { bytes });
      };
    }
    return inputs.map((i) => i.name).join(", ") || "none is there yet";
  }
  access.onstatechange = (e) => {
    if (e?.port?.type !== "output" && e?.port?.state === "disconnected") release(e.port);
    found(all());
  };
  return all();
}
