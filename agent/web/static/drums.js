// A small drum kit, made of sines and noise. Each drum is computed once, when it is first struck.
const LOUD = 0.5, SHORTEST = 0.05, LONGEST = 1.2, DAMP = 0.03; // gain of the hardest blow; seconds
// A tone that falls from one frequency to another and rings, and noise that fades; `high`: how often the noise is made brighter; `metal`: clashing tones
const KIT = {
  36: { from: 150, to: 50, tone: 1.1, ring: 0.13, noise: 0.1, fade: 0.006, high: 0 },
  37: { from: 1750, to: 1650, tone: 0.35, ring: 0.014, noise: 0.4, fade: 0.008, high: 1 },
  38: { from: 240, to: 185, tone: 0.4, ring: 0.06, noise: 0.4, fade: 0.1, high: 1 },
  42: { noise: 0.3, fade: 0.028, high: 2 }, 44: { noise: 0.2, fade: 0.022, high: 2 }, 46: { noise: 0.28, fade: 0.2, high: 2 },
  45: { from: 130, to: 92, tone: 0.8, ring: 0.2, noise: 0.05, fade: 0.02, high: 0 }, 47: { from: 175, to: 125, tone: 0.8, ring: 0.17, noise: 0.05, fade: 0.02, high: 0 },
  50: { from: 235, to: 170, tone: 0.75, ring: 0.14, noise: 0.05, fade: 0.02, high: 0 },
  49: { noise: 0.3, fade: 0.4, high: 2, metal: 0.08, ring: 0.4 }, 51: { noise: 0.09, fade: 0.22, high: 2, metal: 0.09, ring: 0.3 },
};
const OTHER = { from: 900, to: 880, tone: 0.5, ring: 0.03, noise: 0.05, fade: 0.01, high: 1 }, FALL = 0.025, METAL = [3140, 4127, 5413, 6731, 8219]; // hertz
const made = new Map();

function make(context, { from = 0, to = 0, tone = 0, ring = SHORTEST, noise, fade, high, metal = 0 }) {
  const rate = context.sampleRate, length = Math.min(Math.max(7 * Math.max(ring, fade), SHORTEST), LONGEST);
  const buffer = new AudioBuffer({ length: Math.ceil(length * rate), sampleRate: rate }), out = buffer.getChannelData(0), last = [0, 0];
  for (let i = 0, phase = 0; i < out.length; i++) {
    const t = i / rate;
    phase += 2 * Math.PI * (to + (from - to) * Math.exp(-t / FALL)) / rate;
    let hiss = Math.random() * 2 - 1;
    for (let k = 0; k < high; k++) { const x = hiss; hiss = (x - last[k]) * 0.7; last[k] = x; }
    let clash = 0;
    if (metal) for (const f of METAL) clash += Math.sin(2 * Math.PI * f * t);
    out[i] = (tone * Math.sin(phase) + metal * clash) * Math.exp(-t / ring) + noise * hiss * Math.exp(-t / fade);
    out[i] *= Math.min(1, (length - t) * 50); // no click at its end
  }
  return buffer;
}

/** A drum of General MIDI; the voice as `sound.js` keeps it. */
export function strike(context, pitch, velocity, at) {
  if (!made.has(pitch)) made.set(pitch, make(context, KIT[pitch] ?? OTHER));
  const source = new AudioBufferSourceNode(context, { buffer: made.get(pitch) }), gain = new GainNode(context, { gain: LOUD * (velocity / 127) ** 1.5 });
  source.connect(gain);
  source.start(at);
  return { sources: [source], gain, release: DAMP };
}
