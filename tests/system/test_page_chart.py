"""Trading over a chart on the page: the band is heard by the page itself, and the bars of the chart are above the roll."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from agent.band.chart_play import ChartPlay
from agent.charts.chart_library import load_chart
from agent.session.snapshot import chart_row
from models.music.harmony.chord_symbols import write_chord

from .rigs.browser import ECHO, Visit, serve_page
from .test_page_for_everyone import CONTROLS, HIDDEN, NOBODY

if sys.platform != "linux":
    pytest.skip("the browser is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

BLUES = ("--chart", "blues-in-f", "--tempo", "160", "--seed", "5")
#: For each bar of a number of choruses: whose turn it is, its number in the turn, of how many, and the chord after each of its beats.
PLACES = """async ([chart, count, beats]) => {
  const form = await import("/form.js"), found = [];
  for (let number = 0; number < count; number++) {
    const turn = form.turnOf(chart, number), here = form.placeOf(chart, number);
    const row = [here.chorus, turn.agents, turn.of - turn.bar + 1];
    for (let beat = 0; beat < beats; beat++) found.push([...row, form.nextChord(chart, here, beat)]);
  }
  return found;
}"""
LIT = "[...document.querySelectorAll('#chart-bars li')].findIndex((e) => e.ariaCurrent === 'true')"
SHOWN = "[...document.querySelectorAll('#chart-bars li')].map((e) => [e.className, e.textContent])"
OVERFLOWS = """[...document.querySelectorAll('#chart-bars li, #chart p')].filter(
    (e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1).map((e) => e.textContent)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    with serve_page(home, *BLUES, "--sound", "off", *ECHO, env=NOBODY) as (_, found):
        yield found


def test_the_band_is_heard_not_drawn_and_ends(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    visit.page.keyboard.press("Shift")  # a touch: sound may begin
    visit.until("tradefours.sound.awake()")
    visit.until("Object.values(tradefours.band.begun).every((count) => count > 3)")
    visit.listen()
    visit.until_heard()
    assert visit.count("agent") == 0
    visit.page.click("[data-act=free]")
    visit.until("tradefours.sound.count() === 0", 3)
    visit.page.wait_for_timeout(600)
    visit.listen()
    visit.page.wait_for_timeout(400)
    assert visit.eval("window.loudest") < 0.01
    visit.close()


def test_the_bars_of_the_line_are_lit_in_turn(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    visit.page.click("[data-act=free]", force=True)
    visit.until("tradefours.state().bar === null")
    assert visit.eval(LIT) == -1
    height = visit.page.locator("#chart").bounding_box()["height"]
    visit.page.click("[data-act=trade]")  # the beat begins anew
    visit.until(f"{LIT} === 0 && document.getElementById('chart-where').textContent === 'chorus 1'")
    assert visit.eval(SHOWN) == [["you", "F7"], ["you", "Bb7"], ["you", "F7"], ["you", "Cm7F7"]]
    assert visit.text("chart-next") == "next Bb7"
    for number in (1, 2, 3, 0):
        visit.until(f"{LIT} === {number}", 4)
    assert visit.eval(SHOWN) == [["it", "Bb7"], ["it", "Bdim7"], ["it", "F7"], ["it", "Am7b5D7b9"]]
    assert visit.page.locator("#chart").bounding_box()["height"] == height
    assert visit.text("place") == "bar 1/4"
    visit.close()


@pytest.mark.parametrize(
    ("name", "turns", "agent_first"),
    [
        ("blues-in-f", None, False),
        ("rhythm-changes", "half", True),
        ("jazz-waltz", None, False),
        ("minor-blues", "chorus", False),
        ("doo-wop", "sections", True),
        ("two-five-one", None, False),
    ],
)
def test_the_page_counts_as_the_program_does(
    browser: Any, address: str, name: str, turns: str | None, agent_first: bool
) -> None:
    visit = Visit(browser, address)
    over = ChartPlay(load_chart(name), turns, agent_first, choruses=3)
    trading, beats = over.trading(4), over.chart.metre.beats
    count = round(trading.end / beats)
    found = visit.page.evaluate(PLACES, [chart_row(over, 4), count, beats])
    wanted = []
    for beat in range(count * beats):
        place = trading.place_at(beat)
        chord = write_chord(place.next_change.chord, over.chart.key)
        wanted.append([place.chorus, place.turn.is_agents, place.bars_left, chord])
    assert found == wanted
    visit.close()


@pytest.mark.parametrize("size", ["desk", "phone", "narrow", "sideways", "tablet"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_fits_every_page(browser: Any, address: str, size: str, scheme: str, tmp_path: Path) -> None:
    visit = Visit(browser, address, size, color_scheme=scheme)
    visit.page.screenshot(path=tmp_path / f"{size}.png")
    assert visit.eval("document.documentElement.scrollWidth <= innerWidth")
    assert visit.eval(OVERFLOWS) == []
    assert visit.page.evaluate(HIDDEN, CONTROLS) == []
    found = Axe().run(visit.page)
    assert not found.violations_count, found.generate_report()
    visit.close()
