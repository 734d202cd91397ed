"""A set list on the page: its songs are seen, chosen and gone through, at each size."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from agent.user_config.set_list_file import NAME

from .rigs.browser import ECHO, SIZES, Visit, serve_page
from .test_page_for_everyone import CONTROLS, HIDDEN, NOBODY

if sys.platform != "linux":
    pytest.skip("the browser is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

SET_LIST = """[[friday]]
title = "Blues in F"
preset = "bebop-line"
[[friday]]
preset = "ragtime"
mode = "trade"
tempo = 120
bars = 2
[[friday]]
title = "Where the river bends, in the evening"
preset = "nocturne"
[[friday]]
preset = "ragtme"
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    folder = home / "config" / "tradefours"
    folder.mkdir(parents=True)
    (folder / NAME).write_text(SET_LIST, encoding="utf8")
    with serve_page(home, "--set-list", "friday", "--sound", "off", *ECHO, env=NOBODY) as (program, found):
        assert "line 13: There is no preset 'ragtme'" in program.said
        yield found


def test_songs_are_gone_through_and_chosen(browser: Any, address: str) -> None:
    visit, other = Visit(browser, address), Visit(browser, address)
    assert visit.page.locator("#song option").all_text_contents() == [
        "1 of 3: Blues in F",
        "2 of 3: ragtime",
        "3 of 3: Where the river bends, in the evening",
    ]
    visit.until("document.querySelector('#songs [data-act=previous-song]').ariaDisabled === 'true'")
    visit.page.click("#songs [data-act=previous-song]", force=True)
    visit.until("/first song/.test(document.getElementById('line').textContent)")
    visit.page.click("#songs [data-act=next-song]")
    other.until("document.getElementById('song').value === '2' && tradefours.state().mode === 'trade'")
    other.until("document.getElementById('preset').value === 'ragtime' && tradefours.state().form.bars === 2")
    visit.page.select_option("#song", "3")
    other.until("document.getElementById('song').value === '3' && tradefours.state().preset.name === 'nocturne'")
    assert visit.eval("tradefours.state().bar") is None  # in free time again
    visit.until("document.querySelector('#songs [data-act=next-song]').ariaDisabled === 'true'")
    visit.page.click("#songs [data-act=next-song]", force=True)
    visit.until("/last song/.test(document.getElementById('line').textContent)")
    visit.page.select_option("#song", "1")
    other.until("document.getElementById('song').value === '1'")
    visit.close()
    other.close()


@pytest.mark.parametrize("size", sorted(SIZES))
def test_every_control_can_be_reached(browser: Any, address: str, size: str, tmp_path: Path) -> None:
    made = Visit(browser, address, size)
    made.page.screenshot(path=tmp_path / f"{size}.png", full_page=True)
    assert made.eval("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert made.page.evaluate(HIDDEN, CONTROLS) == []
    if size in ("desk", "narrow"):
        found = Axe().run(made.page)
        assert not found.violations_count, found.generate_report()
    made.close()
