"""The page in a real browser, on the real server, with the shipped musician; pictures of it lie in the test's folder."""

from __future__ import annotations

import math
import re
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.audio.piano_model import fundamental, inharmonicity
from agent.audio.synth import Synth
from agent.takes.recorder import JSONL, MIDI, rows
from models.music.matplotlib_setup import imread
from models.music.midifile import read_notes

from ..agent.web.test_access import HOUSE
from ..measure.frames import EMPTY, FILL, watch
from .rigs.browser import (
    AUDIBLE,
    ECHO,
    KEY_TO_SOUND_MS,
    LATE_AUDIO,
    SIZES,
    WAKE_UPS,
    Visit,
    page_without_ports,
    serve_page,
)
from .rigs.jack import wait_for, wake_up_delays

if sys.platform != "linux":
    pytest.skip("the browser is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

#: The left channel of a note's first second, rendered by the page's own code.
BROWSER_PIANO = """async (pitch, velocity) => {
  const piano = await import("/piano.js"), context = new OfflineAudioContext(2, 48000, 48000), live = new AudioContext();
  piano.prepare(context);
  let blow = null;
  while (!(blow = piano.strike(pitch, velocity))) await new Promise((then) => setTimeout(then, 200));
  const gain = new GainNode(context, { gain: blow.gain });
  blow.out.connect(gain).connect(context.destination);
  blow.source.start(0);
  const made = await context.startRendering();
  piano.prepare(live);
  return [...made.getChannelData(0)];
}"""
YOU, IT = (0x56, 0xB4, 0xE9), (0xE6, 0x9F, 0x00)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with page_without_ports(home) as found:
        yield found


def share_of(picture: Path, colour: tuple[int, int, int]) -> int:
    """How many pixels have about that hue, bright or dim."""
    pixels = imread(picture)[:, :, :3]
    flat = pixels.reshape(-1, 3)
    norm = np.linalg.norm(flat, axis=1)
    wanted = np.array(colour) / np.linalg.norm(colour)
    near = (flat @ wanted) / np.maximum(norm, 1e-6) > 0.985
    return int((near & (norm > 0.5)).sum())


def test_a_phrase_on_the_letters_is_heard_seen_and_answered(visit: Visit, address: str, tmp_path: Path) -> None:
    before = visit.count("agent")
    visit.listen()
    visit.page.keyboard.down("g")
    visit.until_heard()  # your own keys, by the page itself
    visit.page.keyboard.up("g")
    visit.play()
    visit.until_answered(before)
    visit.until("tradefours.sound.count() > 0")
    visit.page.wait_for_timeout(900)
    visit.listen()
    visit.until_heard()
    visit.page.locator("#roll").screenshot(path=tmp_path / "roll.png")
    assert share_of(tmp_path / "roll.png", YOU) > 300
    assert share_of(tmp_path / "roll.png", IT) > 300
    held = visit.eval("[...tradefours.notes.values()].filter(n => n.who === 'player' && n.end === null).length")
    assert held == 0
    assert all(url.startswith((address, address.replace("http", "ws"))) for url in visit.requests)


@pytest.mark.parametrize("held", [False, True])
def test_the_first_touch_of_all_is_heard_however_short(browser: Any, address: str, held: bool) -> None:
    visit = Visit(browser, address, before=LATE_AUDIO)
    assert not visit.eval("tradefours.sound.awake()")
    visit.listen()
    visit.page.keyboard.down("g")
    if not held:
        visit.page.keyboard.up("g")
    visit.until(f"window.loudest > {AUDIBLE} || document.getElementById('turn-text').textContent === 'its turn'")
    assert visit.eval("window.loudest") > AUDIBLE  # and it is not an answer that is heard
    visit.page.keyboard.up("g")
    visit.until("tradefours.sound.count() === 0", 30)
    visit.close()


def test_the_piano_of_the_page_is_that_of_the_program(visit: Visit) -> None:
    """A soft blow, as the browser renders it: the partials of our own synth, each within 2 dB, and as loud beside a hard one."""
    visit.page.keyboard.press("g")
    visit.until("tradefours.sound.recordings() > 4", 60)
    pitch, velocities = 62, (48, 120)
    heard = [np.array(visit.eval(f"({BROWSER_PIANO})({pitch}, {velocity})")) for velocity in velocities]
    levels = []
    for samples, velocity in zip(heard, velocities, strict=True):
        synth = Synth(48000)
        synth.receive(0, bytes((0x90, pitch, velocity)))
        own = synth.render(48000)[:, 0].astype(float)
        window = np.hanning(48000)
        sizes, wanted = (np.abs(np.fft.rfft(x * window)) for x in (samples, own))
        ratios = []
        for n in range(1, 8):
            near = round(n * fundamental(pitch) * math.sqrt(1 + inharmonicity(pitch) * n * n))
            around = slice(near - 6, near + 7)
            ratios.append(20 * math.log10(sizes[around].max() / wanted[around].max()))
        assert max(ratios) - min(ratios) < 2, ratios
        levels.append(ratios[0])
    assert abs(levels[0] - levels[1]) < 1


def test_the_first_touch_may_be_for_the_phrase_and_its_first_note_is_heard(browser: Any, address: str) -> None:
    visit = Visit(browser, address, before=LATE_AUDIO)
    played = "[...tradefours.notes.values()].filter(n => n.who === 'player').length"
    before = visit.count("player")
    visit.listen()
    visit.page.click("#phrase")
    visit.until(f"window.loudest > {AUDIBLE} || {played} > {before + 2}")
    assert visit.eval("window.loudest") > AUDIBLE
    visit.close()


def test_two_pages_agree_and_a_reload_in_the_middle_loses_nothing(browser: Any, address: str, visit: Visit) -> None:
    other = Visit(browser, address)
    before = visit.count("agent")
    visit.play("kjhgf")
    visit.until_answered(before)
    other.page.reload()
    other.until("tradefours.notes.size > 0")
    visit.until("document.getElementById('turn-text').textContent === 'your turn'", 40)
    visit.page.wait_for_timeout(400)
    pitches = (
        "[...tradefours.notes.values()].filter(n => n.at > tradefours.now() - 20).map(n => [n.who, n.pitch, n.at])"
    )
    assert visit.eval(pitches)[-8:] == other.eval(pitches)[-8:]
    visit.page.click("#modes [data-act=duet]")
    other.until("document.querySelector('#modes [data-act=duet]').getAttribute('aria-checked') === 'true'")
    other.page.click("#modes [data-act=call]")
    visit.until("document.querySelector('#modes [data-act=call]').getAttribute('aria-checked') === 'true'")
    other.close()


def test_knobs_pad_styles_tempo_and_panic_work(visit: Visit) -> None:
    page = visit.page
    page.select_option("#preset", "ragtime")
    visit.until("document.getElementById('preset').selectedOptions[0].textContent === 'Ragtime'")
    page.fill("#tempo-set", "132")
    page.locator("#tempo-set").blur()
    dial = page.locator(".dial:has(#knob-density) i").bounding_box()
    page.mouse.move(dial["x"] + 20, dial["y"] + 20)
    page.mouse.down()
    page.mouse.move(dial["x"] + 20, dial["y"] - 31, steps=5)  # up: more
    page.mouse.up()
    page.locator("#knob-swing").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + 8, steps=6)
    page.mouse.up()
    visit.until("/Bebop/.test(document.getElementById('preset').selectedOptions[0].textContent)")
    page.reload()
    visit.until("document.getElementById('knob-density')?.value === '0.6'")
    visit.until("document.getElementById('knob-swing').value === '51'")
    assert page.input_value("#tempo-set") == "132"
    before = visit.count("agent")
    visit.play("asdf")
    page.click("[data-act=answer]")
    visit.until_answered(before)
    page.click("[data-act=panic]")
    visit.until("[...tradefours.notes.values()].every(n => n.end !== null)", 5)


def test_takes_are_kept_seen_heard_downloaded_and_deleted(visit: Visit, home: Path, tmp_path: Path) -> None:
    before = visit.count("agent")
    visit.play("asdf")
    visit.until_answered(before)
    visit.until("document.getElementById('turn-text').textContent === 'your turn'", 30)
    visit.page.click("[data-open=takes]")
    visit.page.click("#save-moment")
    row = visit.page.locator(".take", has_text="moment").first
    row.wait_for()
    assert "365 days" in visit.text("bounds")
    with visit.page.expect_download() as download:
        row.get_by_text("download .mid").click()
    download.value.save_as(tmp_path / "take.mid")
    assert len(read_notes(tmp_path / "take.mid")) >= 4
    with visit.page.expect_download() as download:  # made first, and then given at once
        row.get_by_text("sound .wav").click()
    download.value.save_as(tmp_path / "take.wav")
    with wave.open(str(tmp_path / "take.wav")) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        assert sound.getnframes() > sound.getframerate()
    assert np.abs(samples).max() > 300
    row.get_by_text("download .wav").wait_for()
    row.get_by_text("listen").click()
    row.get_by_text("pause").wait_for()
    visit.listen()
    visit.until_heard()
    row.locator("canvas").screenshot(path=tmp_path / "take.png")
    assert share_of(tmp_path / "take.png", YOU) > 3
    assert share_of(tmp_path / "take.png", IT) > 3
    row.get_by_text("pause").click()
    row.get_by_text("go on").click()
    row.locator("canvas").click()  # from the middle on
    row.get_by_text("pause").click()
    row.get_by_text("rename").click()
    visit.page.keyboard.type("A good one")
    visit.page.keyboard.press("Enter")
    row.get_by_text("A good one").wait_for()
    row.get_by_text("delete").click()
    row.get_by_text("sure?").click()
    wait_for(lambda: not list((home / "tradefours" / "takes").glob(f"*-moment/{MIDI}")), 5, "the moment to go")


def test_a_key_of_the_page_is_heard_soon(visit: Visit) -> None:
    """From the browser's event to the start of its sound, where the page makes it, at p99; the best of some rounds."""
    tries = []
    for _ in range(4):
        visit.page.reload()
        visit.until("tradefours.state().ready && tradefours.sound.awake()")
        with wake_up_delays() as late:
            for letter in "asdfgh" * 6:
                visit.page.keyboard.press(letter, delay=10)
        machine = WAKE_UPS * sorted(late)[int(0.99 * len(late))]
        tries.append(float(visit.eval("tradefours.sound.keyLatency().p99")) - machine)
        if tries[-1] <= KEY_TO_SOUND_MS:
            break
    assert min(tries) <= KEY_TO_SOUND_MS, tries


def test_two_hundred_notes_are_drawn_in_half_a_frame(visit: Visit) -> None:
    """60 frames a second leave 16.7 ms for one; here all is drawn by the processor, and it must be done by half of that.

    What counts are the quicker pictures: the others were drawn while something else had the processor.
    """
    visit.eval(FILL)
    cost = visit.eval(
        "(() => { const pen = document.getElementById('roll').getContext('2d'), costs = [], now = tradefours.now();"
        " for (let i = 0; i < 100; i++) { const begun = performance.now(); tradefours.roll.paint(now);"
        " pen.getImageData(0, 0, 1, 1); costs.push(performance.now() - begun); }"
        " return costs.sort((a, b) => a - b); })()"
    )
    print(f"a picture of 200 notes takes {cost[50]:.1f} ms (median), {cost[25]:.1f} (quicker half)")
    assert 0 < cost[25] < 8


def test_what_moves_is_drawn_with_each_frame_and_what_does_not_is_drawn_no_more(visit: Visit) -> None:
    visit.eval(FILL)
    moving = watch(visit, 1.5)
    print(moving)
    assert 0.5 * len(moving.gaps) < moving.pictures <= 65 * 1.5 + 2
    # what was played before may still be answered
    visit.until("document.getElementById('turn-text').textContent === 'your turn' && !tradefours.planned.size", 60)
    visit.eval(EMPTY)
    wait_for(lambda: not watch(visit, 0.3).pictures, 20, "an empty stage to be at rest")
    assert watch(visit, 1.0).pictures == 0
    visit.page.keyboard.press("a")
    visit.until("tradefours.notes.size === 1")
    assert watch(visit, 0.5).pictures > 0


FAKE_MIDI = """
    const keyboard = {name: "Keystation", onmidimessage: null};
    window.press = (...bytes) => keyboard.onmidimessage({data: new Uint8Array(bytes)});
    navigator.requestMIDIAccess = async () => ({inputs: new Map([["1", keyboard]]), onstatechange: null});
"""


def test_a_keyboard_that_the_browser_finds_plays_and_is_taught(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(FAKE_MIDI)
    page.reload()
    visit.until("tradefours.state().parameters !== undefined")
    page.click("[data-open=ports]")
    page.click("#web-midi")
    page.get_by_text("Keystation").wait_for()
    page.keyboard.press("Escape")
    visit.eval("press(0x90, 61, 90)")
    visit.until("[...tradefours.notes.values()].some(n => n.pitch === 61 && n.end === null)")
    visit.eval("press(0x90, 61, 0)")
    visit.until("[...tradefours.notes.values()].every(n => n.pitch !== 61 || n.end !== null)")
    page.click("[data-open=controls]")
    page.select_option("#learn-action", "knob:polyphony")
    page.click("#learn")
    page.get_by_text("Now move a knob").wait_for()
    visit.eval("press(0xb0, 21, 100)")
    page.get_by_text("cc21@1 · knob polyphony").wait_for()
    visit.eval("press(0xb0, 21, 110)")  # it has not passed where the knob is
    page.get_by_text("turn it to 0.0 to pick it up").wait_for()
    visit.eval("press(0xb0, 21, 30)")
    visit.until("document.getElementById('knob-polyphony').value < -0.5")
    page.locator("#control-list button").click()
    visit.until("document.getElementById('control-list').children.length === 0")
    page.keyboard.press("Escape")


def test_what_is_behind_the_lamps_and_the_sound_is_chosen(browser: Any, address: str, visit: Visit) -> None:
    other, page = Visit(browser, address), visit.page
    page.click("#open-lamps")
    assert "first note" in visit.text("figures")
    page.keyboard.press("Escape")
    page.click("[data-open=sound]")
    page.select_option("[data-timbre=agent]", "organ")
    page.locator("#volume").evaluate("e => { e.value = 55; e.dispatchEvent(new Event('input')); }")
    other.until("tradefours.state().sound.volume === 0.55 && tradefours.state().sound.timbres.agent === 'organ'")
    assert other.eval("document.querySelector('[data-timbre=agent]').value") == "organ"
    page.select_option("#sound-choice", "built-in")  # there is none here: it is said, and the page goes on
    visit.until("/no sound/.test(document.getElementById('line').textContent)")
    assert visit.eval("tradefours.state().sound.name") == "page"
    page.keyboard.press("Escape")
    page.click("#styles [data-act=next-preset]")
    other.until("document.getElementById('preset').value === tradefours.state().preset.name")
    other.close()


def test_touch_sustain_and_octaves(visit: Visit) -> None:
    page, before = visit.page, visit.count("player")
    page.click("#octave-up")
    assert visit.text("octave") == "C5"
    key = page.locator(".key[data-pitch='72']").bounding_box()
    page.mouse.move(key["x"] + 5, key["y"] + key["height"] - 8)
    page.mouse.down()
    visit.until(f"[...tradefours.notes.values()].filter(n => n.who === 'player').length > {before}")
    page.mouse.up()
    visit.until("[...tradefours.notes.values()].filter(n => n.who === 'player').every(n => n.end !== null)")
    assert visit.eval("[...tradefours.notes.values()].filter(n => n.who === 'player').at(-1).pitch") == 72
    page.click("#sustain")
    assert page.get_attribute("#sustain", "aria-pressed") == "true"
    page.click("#sustain")
    page.click("#octave-down")


HANG = "setTimeout(() => { const end = Date.now() + 7000; while (Date.now() < end); }, 50)"


@pytest.mark.parametrize("end", ["crash", "hang", "reload", "leave", "close"])
def test_a_tab_that_vanishes_lets_key_and_sustain_go(browser: Any, address: str, home: Path, end: str) -> None:
    made, other = Visit(browser, address), Visit(browser, address)
    page = made.page
    page.keyboard.down("Shift")
    page.keyboard.down("a")
    held = "[...tradefours.notes.values()].some(n => n.who === 'player' && n.end === null)"
    other.until(held)
    other.eval("new Promise((then) => setTimeout(then, 300))")  # it reaches the disk
    take = max((home / "tradefours" / "takes").glob(f"*/{JSONL}"))

    def pedal() -> str:
        return [r["bytes"] for r in rows(take) if r.get("bytes", "").startswith("b0 40")][-1]

    wait_for(lambda: pedal() == "b0 40 7f", 3, "the pedal to be down")
    if end == "crash":
        with pytest.raises(Exception, match="crash"):
            page.goto("chrome://crash")
    elif end == "hang":
        made.eval(HANG)
    elif end == "reload":
        page.reload()
    elif end == "leave":
        page.goto("about:blank")
    else:
        page.close()
    begun = time.monotonic()
    other.until(f"!({held})", 6)
    wait_for(lambda: pedal() == "b0 40 00", 6, "the pedal to come up")
    assert time.monotonic() - begun < 5.5  # five seconds, and what the test itself takes
    made.context.close()
    other.close()


@pytest.mark.parametrize("size", sorted(SIZES))
def test_it_fits(browser: Any, address: str, size: str, tmp_path: Path) -> None:
    made = Visit(browser, address, size)
    made.page.screenshot(path=tmp_path / f"{size}.png")
    assert made.eval("document.documentElement.scrollWidth") <= SIZES[size][0]
    for ident in ("turn", "roll", "octave-up", *(("keys",) if SIZES[size][1] > 400 else ())):
        box = made.page.locator(f"#{ident}").bounding_box()
        assert box["width"] > 20
        assert box["height"] > 15
        assert box["y"] + box["height"] <= SIZES[size][1] + 1, ident
    made.close()


def test_a_tablet_of_the_house_comes_in_with_the_token_and_stays(browser: Any, tmp_path: Path) -> None:
    nobody = {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}
    with serve_page(tmp_path, "--lan", "--sound", "off", *ECHO, env=nobody) as (program, _):
        port, token = re.findall(r":(\d+)/\?token=(\w+)", program.said)[0]
        house = f"http://{HOUSE}:{port}/"
        stranger = browser.new_context()
        page = stranger.new_page()
        page.goto(house)
        assert "with its token" in page.content()
        stranger.close()
        visit = Visit(browser, f"{house}?token={token}", "tablet")
        assert visit.page.url == house  # nobody who looks over the shoulder reads it there
        for _ in range(2):
            visit.play("asd")
            visit.until("[...tradefours.notes.values()].filter(n => n.who === 'player' && n.end).length >= 3")
            visit.page.reload()
            visit.until("tradefours.notes.size >= 3")
        assert not visit.eval("document.cookie")
        assert all(url.startswith((house, house.replace("http", "ws"))) for url in visit.requests)
        visit.close()
