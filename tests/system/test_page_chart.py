"""Trading over a chart on the page: the band is heard by the page itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .rigs.browser import ECHO, Visit, serve_page
from .test_page_for_everyone import NOBODY

if sys.platform != "linux":
    pytest.skip("the browser is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

BLUES = ("--chart", "blues-in-f", "--tempo", "160", "--seed", "5")


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
