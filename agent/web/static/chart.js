// The chart: the bars of the present line above the roll, the one that sounds lit, whose they are, and the next chord.
import { place } from "./beat.js";
import { at, make, put } from "./dom.js";
import { isAgents, lineOf, nextChord, placeOf } from "./form.js";
import { state, watch } from "./state.js";

const WIDE = 720, LONG = 8, LOOK = 60; // pixels from which on eight bars fit; characters of a bar that are drawn small; milliseconds
const list = at("chart-bars");
let drawn = "", chart = null;

function cell(bar, owner) {
  const text = bar.chords.map(([, name]) => name), isLong = text.join(" ").length > LONG || text.length > 2;
  const names = make("span", { className: isLong ? "chords long" : "chords" }, ...text.map((textContent) => make("b", { textContent })));
  return make("li", { className: owner, title: owner && (owner === "you" ? "your bar" : "its bar") }, ...(bar.section ? [make("i", { textContent: bar.section })] : []), names);
}

function show() {
  if (!chart) return;
  const spot = place(), isIn = spot !== null && spot.bar >= 0, here = placeOf(chart, isIn ? spot.bar : 0);
  const isOver = here.index >= here.bars.length;
  if (isOver) here.index = here.bars.length - 1;
  const [from, to] = lineOf(here.bars, here.index, list.clientWidth >= WIDE ? 8 : 4), isTrade = state.mode === "trade";
  const line = [here.chorus, from, to, isTrade, here.bars === chart.last].join();
  if (line !== drawn) {
    drawn = line;
    list.replaceChildren(...here.bars.slice(from, to).map((bar) => cell(bar, isTrade ? (isAgents(chart, here.chorus, bar) ? "it" : "you") : "")));
    list.className = to - from > 4 ? "eight" : "";
  }
  [...list.children].forEach((e, i) => put(e, isIn && !isOver && from + i === here.index ? "true" : null, "ariaCurrent"));
  const chorus = `chorus ${here.chorus + 1}${chart.choruses ? ` of ${chart.choruses}` : ""}`;
  put(at("chart-where"), isOver ? "the end" : isIn ? chorus : chart.title);
  put(at("chart-next").lastChild, isIn ? nextChord(chart, here, spot.beat - 1) : here.bars[0].chords[0][1]);
  put(at("chart-next"), isOver, "hidden");
}

watch((s) => {
  chart = s.chart ?? null;
  drawn = "";
  at("chart").hidden = !chart;
  at("stage").classList.toggle("charted", chart !== null);
  dispatchEvent(new Event("resize")); // the roll has another height
  show();
}, "chart");
setInterval(show, LOOK);
