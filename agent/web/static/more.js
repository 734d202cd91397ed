// A hint where there is more below than can be seen; it leads there.
import { at } from "./dom.js";

const panel = at("panel"), more = at("more"), EDGE = 24, STEP = 0.8; // pixels; of what is seen

const scroller = () => (getComputedStyle(panel).overflowY === "auto" ? panel : document.scrollingElement);
function show() {
  const s = scroller();
  more.hidden = s.scrollHeight - s.clientHeight - s.scrollTop < EDGE;
}
more.onclick = () => { const s = scroller(); s.scrollBy({ top: STEP * s.clientHeight, behavior: "smooth" }); };
for (const where of [panel, window]) where.addEventListener("scroll", show, { passive: true });
new ResizeObserver(show).observe(panel);
addEventListener("resize", show);
show();
