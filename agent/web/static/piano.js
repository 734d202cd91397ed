// The piano: the program's own, as one recording a key. They are fetched one after another, from the middle of the keyboard outwards;
// a key that is played and not there yet is fetched next.
const MIDDLE = 62, OUTWARDS = 30, LOWEST = 21, HIGHEST = 108, REST = 40, AGAIN = 5000, TRIES = 3, LOUDER = 2.2;
const order = Array.from({ length: 2 * OUTWARDS + 1 }, (_, i) => MIDDLE + (i % 2 ? (i + 1) / 2 : -i / 2));
const recordings = new Map();
let table = null, audio = null, isLoading = false, failures = 0;

export const count = () => recordings.size;

/** Fetch the recordings for this audio context. */
export function prepare(context) { audio = context; load(); }

async function load() {
  if (isLoading || failures >= TRIES) return;
  isLoading = true;
  try {
    table ??= await (await get("keys.json")).json();
    for (let pitch; (pitch = order.find((p) => !recordings.has(p))) !== undefined;) {
      recordings.set(pitch, await audio.decodeAudioData(await (await get(`${pitch}.wav`)).arrayBuffer()));
      await new Promise((then) => setTimeout(then, REST)); // others want the program, too
    }
  } catch {
    failures++;
    setTimeout(load, AGAIN);
  }
  isLoading = false;
}
async function get(name) {
  const answer = await fetch(`/piano/${name}`);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer;
}

/** The source of a note, the gain of its blow, and the seconds in which its damper lets it fall (null: it has none); null where its
 * recording is not there yet. */
export function strike(pitch, velocity) {
  const buffer = recordings.get(pitch);
  if (!buffer) {
    if (pitch >= LOWEST && pitch <= HIGHEST && order[0] !== pitch) order.unshift(pitch);
    if (audio) load();
    return null;
  }
  const key = table.keys[pitch], force = velocity / 127, source = new AudioBufferSourceNode(audio, { buffer });
  return { source, out: source.connect(hammer(key.cutoff, force)), gain: LOUDER * between(table.forces, key.gains, force), release: key.release };
}

/** The filter that makes the hardest blow softer: its two poles move from the cutoff of force 1 to that of this force. */
function hammer(cutoff, force) {
  const one = (f) => {
    const hertz = Math.min(cutoff * Math.max(f / table.reference, 0.05) ** table.hardening, 0.45 * audio.sampleRate);
    const q = 1 / Math.tan(Math.PI * hertz / audio.sampleRate);
    return [1 + q, 1 - q];
  };
  const square = ([a, b]) => [a * a, 2 * a * b, b * b];
  return new IIRFilterNode(audio, { feedforward: square(one(1)), feedback: square(one(force)) });
}
function between(xs, ys, x) {
  const i = Math.min(Math.max(xs.findIndex((v) => v >= x), 1), xs.length - 1), share = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
  return ys[i - 1] + share * (ys[i] - ys[i - 1]);
}
