"""The page beside real ports and sound: its keys are heard soon; ports are chosen, and come, while we play."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..measure.key_latency import measure_round
from .rigs.browser import KEY_TO_SOUND_MS, Visit, page_with_sound
from .rigs.jack import Program, Recorder, ons, still_sounding, wait_for

if sys.platform != "linux":
    pytest.skip("JACK's dummy driver is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

ROUNDS = 4
BROKEN = "broken.sf2"


@pytest.fixture(scope="module")
def jam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, str]]:
    home = tmp_path_factory.mktemp("home")
    (folder := home / ".local/share/sounds/sf2").mkdir(parents=True)
    (folder / BROKEN).write_bytes(b"RIFF")
    with page_with_sound(home) as found:
        yield found


def test_a_letter_is_heard_within_thirty_milliseconds(browser: Any, jam: tuple[Program, str]) -> None:
    """From the browser's event to the synth's first frame, at p99; the best of some rounds, as the machine may be busy."""
    visit = Visit(browser, jam[1])
    tries = []
    for _ in range(ROUNDS):
        tries.append(measure_round(visit))
        if tries[-1].beyond <= KEY_TO_SOUND_MS:
            break
    print("\n".join(map(str, tries)))
    assert min(t.beyond for t in tries) <= KEY_TO_SOUND_MS, tries
    visit.close()


def test_ports_that_come_are_seen_chosen_and_left(browser: Any, jam: tuple[Program, str]) -> None:
    visit, (program, _) = Visit(browser, jam[1]), jam
    page = visit.page
    page.click("[data-open=ports]")
    assert page.locator("#inputs label").all_text_contents() == ["tradefours:in"]
    with Recorder() as recorder:  # somebody plugs in a keyboard and a synth
        page.locator("#inputs label", has_text="recorder:keys").wait_for(timeout=15000)
        page.locator("#inputs label", has_text="recorder:keys").locator("input").check()
        page.locator("#outputs label", has_text="recorder:out").locator("input").check()
        visit.until("tradefours.state().ports.outputs.some(o => o.on && o.name === 'recorder:out')")
        visit.until("tradefours.state().ports.inputs.some(o => o.on && o.name === 'recorder:keys')")
        program.wait_for_line("our own sound is quiet", 15)
        recorder.play([(0.0, b"\x90\x3c\x64")], recorder.now() + 0.1)
        wait_for(lambda: (0, 60) in still_sounding(recorder.heard["out"]), 10, "the key, passed on to the new output")
        page.locator("#inputs label", has_text="recorder:keys").locator("input").uncheck()  # while it is down
        wait_for(lambda: not still_sounding(recorder.heard["out"]), 10, "the key to come up")
        page.keyboard.press("Escape")
        page.keyboard.down("g")
        wait_for(lambda: still_sounding(recorder.heard["out"]), 10, "a letter on the new output")
        page.click("[data-open=ports]")
        page.locator("#outputs label", has_text="tradefours:out").locator("input").check()
        wait_for(lambda: not still_sounding(recorder.heard["out"]), 10, "the letter to end where it began")
        page.keyboard.up("g")
        assert len(ons(recorder.heard["out"], 0)) >= 2
    program.wait_for_line("Our own sound is back", 15)
    page.locator("#inputs label", has_text="recorder:keys").wait_for(state="detached", timeout=15000)
    visit.close()


def test_a_soundfont_is_chosen_and_one_that_is_none_is_told(
    browser: Any,
    jam: tuple[Program, str],
    tmp_path: Path,
) -> None:
    visit = Visit(browser, jam[1])
    page = visit.page
    page.click("[data-open=sound]")
    page.select_option("#soundfont", "FluidR3_GM.sf2")
    visit.until("tradefours.state().sound.name === 'fluidsynth'")
    assert visit.eval("tradefours.state().sound.soundfont") == "FluidR3_GM.sf2"
    visit.until("document.getElementById('soundfont').value === 'FluidR3_GM.sf2'")
    page.screenshot(path=tmp_path / "soundfont.png")
    page.select_option("#soundfont", BROKEN)
    visit.until("/is no SoundFont/.test(document.getElementById('sound-line').textContent)")
    assert visit.eval("tradefours.state().sound.soundfont") == "FluidR3_GM.sf2"
    assert visit.eval("document.getElementById('soundfont').value") == "FluidR3_GM.sf2"
    page.select_option("#soundfont", "")
    visit.until("tradefours.state().sound.name === 'built-in'")
    page.keyboard.press("Escape")
    visit.close()
