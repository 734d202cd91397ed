// The form of a chart: which bar of which chorus, whose turn, and what chord comes next. Arithmetic on bars alone.

/** Where the bar of that number is, from 0 at the first chorus; `index` is one of `bars`, and past them when the last chorus is over. */
export function placeOf(chart, number) {
  const last = (chart.choruses ?? Infinity) - 1, chorus = Math.min(Math.floor(number / chart.bars.length), last);
  return { chorus, bars: barsOf(chart, chorus), index: number - chorus * chart.bars.length };
}
const barsOf = (chart, chorus) => (chorus + 1 === chart.choruses && chart.last) || chart.bars;

/** Whether a bar of a chorus is the agent's. */
export const isAgents = (chart, chorus, bar) => ((chorus * (chart.bars.at(-1).turn + 1) + bar.turn) % 2 === 1) !== chart.agent_first;

/** The bar of the turn (from 1), of how many, and whose turn it is. */
export function turnOf(chart, number) {
  const { chorus, bars, index } = placeOf(chart, number), at = Math.min(index, bars.length - 1), turn = bars[at].turn;
  const first = bars.findIndex((b) => b.turn === turn);
  return { bar: at - first + 1, of: bars.filter((b) => b.turn === turn).length, agents: isAgents(chart, chorus, bars[at]) };
}

/** The bars that are shown together: within a section, eight where they fit and it is made of eights, else four. Returns the first and the one after the last. */
export function lineOf(bars, index, most) {
  let from = index, to = index + 1;
  while (!bars[from].begins) from--;
  while (to < bars.length && !bars[to].begins) to++;
  const size = most === 8 && (to - from) % 8 === 0 ? 8 : 4, first = from + Math.floor((index - from) / size) * size;
  return [first, Math.min(first + size, to)];
}

/** The next other chord after a beat (from 0) of a bar. The last chorus ends on the first chord. */
export function nextChord(chart, { chorus, bars, index }, beat) {
  let sounds = null;
  for (const [at, name] of bars[index].chords) if (at <= beat) sounds = name; else return name;
  for (let i = index + 1; i < bars.length; i++) for (const [, name] of bars[i].chords) if (name !== sounds) return name;
  if (chorus + 1 === chart.choruses) return chart.bars[0].chords[0][1];
  for (const bar of barsOf(chart, chorus + 1)) for (const [, name] of bar.chords) if (name !== sounds) return name;
  return sounds;
}
