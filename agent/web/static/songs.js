// Songs: the set list of the evening, in its order.
import { request } from "./connection.js";
import { at, fill } from "./dom.js";
import { watch } from "./state.js";

const select = at("song");
select.onchange = () => { request("act", { action: `song:${select.value}` }); select.blur(); };

watch((s) => {
  const { names } = s.song;
  at("songs").hidden = !names.length;
  if (document.activeElement === select) return;
  fill(select, names.map((name, i) => [String(i + 1), `${i + 1} of ${names.length}: ${name}`]));
  select.value = String(s.song.at + 1);
}, "song");
