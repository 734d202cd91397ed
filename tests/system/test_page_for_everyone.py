"""The page for everyone: any size, any keyboard, bright rooms, less motion, no mouse; in a real browser, judged by axe-core and by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from agent.takes.recorder import write_take_midi

from ..agent.takes.test_take_sound import player, take
from .rigs.browser import ECHO, SIZES, Visit, serve_page

if sys.platform != "linux":
    pytest.skip("the browser is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

DIALOGS = ("takes", "ports", "controls", "sound", "lamps", "name")
NOBODY = {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}
CONTROLS = "header button, #panel button, #panel select, #panel input, footer button, footer input, #look button, #pad, .dial i"
#: Controls that cannot be seen whole, or that something else lies over, when they have been scrolled to.
HIDDEN = """(query) => [...document.querySelectorAll(query)].filter((e) => {
    if (e.closest('[hidden]') || e.matches('.dial input')) return false;
    e.scrollIntoView({block: 'center', behavior: 'instant'});
    const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
    const top = document.elementFromPoint(x, y), box = e.closest('label') ?? e;
    const fits = r.width > 8 && r.height > 8 && r.x >= -1 && r.right <= innerWidth + 1 && r.y >= -1 && r.bottom <= innerHeight + 1;
    const text = e.matches('button') && e.scrollWidth > e.clientWidth + 1;
    return !fits || text || !(e === top || e.contains(top) || box.contains(top) || top?.id === 'more');
  }).map((e) => e.id || e.textContent || e.outerHTML)"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with serve_page(home, "--sound", "off", *ECHO, env=NOBODY) as (_, found):
        yield found


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", ["desk", "narrow", "sideways"])
def test_axe_finds_no_violation(browser: Any, address: str, size: str, scheme: str) -> None:
    made = Visit(browser, address, size, color_scheme=scheme)
    made.play("asdfgh")
    for name in ("", *DIALOGS):
        if name:
            made.eval(f"document.getElementById('{name}').showModal()")
        found = Axe().run(made.page)
        assert not found.violations_count, f"{name}: {found.generate_report()}"
        if name:
            made.eval(f"document.getElementById('{name}').close()")
    made.close()


def test_a_sound_that_is_being_made_says_how_far_it_is(browser: Any, address: str, home: Path, tmp_path: Path) -> None:
    """A take of an hour is long enough to be looked at meanwhile, in both themes."""
    rows = [
        e
        for i in range(7000)
        for e in (player(0.5 * i, f"90{40 + i % 40:02x}50"), player(0.5 * i + 0.4, f"80{40 + i % 40:02x}00"))
    ]
    write_take_midi(take(home / "tradefours" / "takes" / "2026-01-01_10-00-00", rows))
    made = Visit(browser, address, "narrow")
    made.page.click("[data-open=takes]")
    row = made.page.locator(".take", has_text="2026-01-01").first
    row.get_by_text("sound .wav").click()
    waiting = row.locator("button[aria-busy=true]", has_text="%")
    waiting.wait_for()
    waiting.scroll_into_view_if_needed()
    for scheme in ("dark", "light"):
        made.page.emulate_media(color_scheme=scheme)
        made.page.screenshot(path=tmp_path / f"{scheme}.png")
        found = Axe().run(made.page)
        assert not found.violations_count, found.generate_report()
    before = waiting.text_content()
    made.until(f"document.querySelector('[aria-busy=true]').textContent !== '{before}'")
    other = made.page.locator(".take", has=made.page.get_by_text("sound .wav")).first
    if other.count():  # of a test before this one
        other.get_by_text("sound .wav").click()
        made.until("document.getElementById('take-trouble').textContent.includes('just being made')")
    made.close()


@pytest.mark.parametrize("mode", ["call", "trade", "duet"])
@pytest.mark.parametrize("size", sorted(SIZES))
def test_every_control_can_be_reached(browser: Any, address: str, size: str, mode: str, tmp_path: Path) -> None:
    made = Visit(browser, address, size)
    made.page.evaluate(f"document.querySelector('[data-act={mode}]').click()")
    made.until(f"tradefours.state().mode === '{mode}'")
    made.page.wait_for_timeout(200)
    made.page.screenshot(path=tmp_path / f"{size}-{mode}.png", full_page=True)
    assert made.eval("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert made.page.evaluate(HIDDEN, CONTROLS) == []
    made.page.evaluate("document.querySelector('[data-act=free]').click()")
    made.page.evaluate("document.querySelector('[data-act=call]').click()")
    made.close()


#: How many keys the hint lies over. What has been scrolled beneath the header is covered by that already.
COVERED = """() => {
    const hint = document.getElementById('more').getBoundingClientRect(), head = document.querySelector('header').getBoundingClientRect();
    const top = Math.max(hint.top, head.bottom);
    return [...document.querySelectorAll('.key')].map((e) => e.getBoundingClientRect())
      .filter((r) => top < hint.bottom && r.right > hint.left && r.left < hint.right && r.bottom > top && r.top < hint.bottom).length;
  }"""


@pytest.mark.parametrize("size", sorted(SIZES))
def test_where_there_is_more_below_there_is_a_hint(browser: Any, address: str, size: str) -> None:
    made = Visit(browser, address, size)
    last = "document.querySelector('[data-open=sound]').getBoundingClientRect().bottom <= innerHeight"
    hint = "!document.getElementById('more').hidden"
    made.until(f"({last}) || ({hint})")
    for _ in range(8):
        assert made.page.evaluate(COVERED) == 0
        if not made.eval(hint):
            break
        made.page.click("#more")
        made.page.wait_for_timeout(600)
    assert made.eval(last)
    assert not made.eval(hint)
    made.close()


@pytest.mark.parametrize(
    "focus",
    ["#preset", "#bars", "#velocity", "#tempo-set", "#sustain", "#knob-swing", "#pad", "#volume", "#learn-action"],
)
def test_letters_play_whatever_has_the_focus(visit: Visit, focus: str) -> None:
    page = visit.page
    dialog = {"#volume": "sound", "#learn-action": "controls"}.get(focus)
    if dialog:
        visit.eval(f"document.getElementById('{dialog}').showModal()")
    if focus == "#bars":
        page.click("[data-act=trade]")
        page.locator("#bars").wait_for()
    value = visit.eval(f"document.querySelector('{focus}').value")
    page.focus(focus)
    before = visit.count("player")
    visit.play("adf")
    visit.until(f"[...tradefours.notes.values()].filter(n => n.who === 'player').length === {before} + 3")
    assert visit.eval(f"document.querySelector('{focus}').value") == value
    if focus == "#bars":
        page.click("[data-act=free]")


@pytest.mark.parametrize("focus", ["#sustain", "#preset", "#velocity", "#open-lamps", "#pad", "body"])
def test_enter_is_answer_now_whatever_has_the_focus(visit: Visit, focus: str) -> None:
    before = visit.count("agent")
    visit.page.evaluate("document.activeElement.blur()")
    if focus != "body":
        visit.page.focus(focus)
    visit.page.keyboard.press("a")
    visit.page.keyboard.press("d")
    visit.page.keyboard.press("Enter")
    visit.until_answered(before)
    assert visit.page.get_attribute("#sustain", "aria-pressed") == "false"
    assert not visit.eval("document.getElementById('lamps').open")


def test_a_name_is_typed_in_a_dialog_that_can_be_left(visit: Visit) -> None:
    page = visit.page
    notes = visit.count("player")
    page.click("#save-preset")
    assert page.locator("#name h2").text_content() == "Keep this style as"
    page.keyboard.type("Étéa")
    assert page.input_value("#name-text") == "Étéa"
    page.get_by_text("cancel").click()
    assert not visit.eval("document.getElementById('name').open")
    page.click("#save-preset")
    assert page.input_value("#name-text") == ""
    page.keyboard.type("Été")
    page.keyboard.press("Enter")
    visit.until("[...document.getElementById('preset').options].some(o => o.textContent === 'Été')")
    assert visit.count("player") == notes
    page.select_option("#preset", label="Été")
    visit.until("tradefours.state().preset.title === 'Été'")


FRENCH = """navigator.keyboard.getLayoutMap = async () => new Map(
  [["KeyA", "q"], ["KeyW", "z"], ["KeyZ", "w"], ["Semicolon", "m"], ["KeyS", "s"]]);"""


def test_keys_are_labelled_for_the_users_own_keyboard(browser: Any, address: str) -> None:
    made = Visit(browser, address, before=FRENCH)
    made.until("document.querySelector('.key[data-pitch=\"60\"]').textContent === 'Q'")
    assert made.eval("document.querySelector('.key[data-pitch=\"76\"]').textContent") == "M"
    assert made.eval("document.querySelector('#hello kbd').textContent") == "Q"
    made.close()
    guessed = Visit(browser, address, before="delete Navigator.prototype.keyboard;", locale="de-DE")
    assert guessed.eval("document.querySelector('.key[data-pitch=\"68\"]').textContent") == "Z"
    guessed.page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyY', key: 'y', bubbles: true}))")
    guessed.page.evaluate("dispatchEvent(new KeyboardEvent('keyup', {code: 'KeyY', key: 'y', bubbles: true}))")
    guessed.until(
        "document.querySelector('.key[data-pitch=\"68\"]').textContent === 'Y'"
    )  # the key itself knows better
    guessed.close()


def test_buttons_that_cannot_do_anything_say_why(browser: Any, address: str) -> None:
    made = Visit(browser, address)
    made.eval("tradefours.notes.clear()")
    for query, words in (
        ("[data-act=answer]", "Play something first"),
        ("#again", "no answer yet"),
        ("[data-act=another]", "no answer yet"),
        ("[data-act=free]", "free time already"),
        ("[data-act=hush]", "not playing"),
    ):
        made.until(f"document.querySelector('{query}').ariaDisabled === 'true'")
        made.page.click(query, force=True)
        assert words in made.text("line")
        assert words in str(made.page.get_attribute(query, "title"))
    before = made.count("agent")
    made.play("asdf")
    made.until("document.querySelector('[data-act=answer]').ariaDisabled !== 'true'")
    made.page.click("[data-act=answer]")
    made.until_answered(before)
    made.until("document.querySelector('#again').ariaDisabled !== 'true'")
    made.until("document.querySelector('[data-act=another]').ariaDisabled !== 'true'")
    made.until("document.getElementById('turn-text').textContent === 'your turn'")
    made.listen()
    made.page.click("#again")
    made.until_heard()
    made.page.click("#again")
    made.close()


def test_the_first_thing_to_see_is_a_phrase_and_it_says_that_it_plays(browser: Any, address: str) -> None:
    made = Visit(browser, address)
    made.eval("tradefours.notes.clear()")
    made.until("!document.getElementById('hello').inert")
    made.page.click("#hello-phrase")
    made.until("/played for you/.test(document.getElementById('turn-why').textContent)")
    made.until("document.getElementById('phrase').textContent === 'stop the phrase'")
    made.until("document.getElementById('hello').inert")
    made.page.click("#phrase")
    made.until("document.getElementById('phrase').textContent === 'play me a phrase'")
    made.close()


def test_a_trade_shows_bar_and_beat_large_counts_in_and_clicks(browser: Any, address: str) -> None:
    made = Visit(browser, address)
    page = made.page
    page.keyboard.press("a")  # the sound is awake
    made.until("tradefours.sound.awake()")
    clicks = made.eval("tradefours.sound.clicks.count")
    page.click("[data-act=trade]")
    made.until("document.getElementById('turn-text').textContent === 'count-in'")
    made.until("/^bar 1/.test(document.getElementById('place').textContent)")
    counted = made.eval("tradefours.sound.clicks.count") - clicks
    assert 3 <= counted <= 5  # heard on this page, which makes the sound
    page.select_option("#bars", "2")
    made.until("/\\/2$/.test(document.getElementById('place').textContent)")
    sizes = made.eval("['turn-text', 'place'].map(id => getComputedStyle(document.getElementById(id)).fontSize)")
    assert sizes[0] == sizes[1]
    page.click("#click")
    made.until(f"tradefours.sound.clicks.count > {clicks + counted + 3}")
    for _ in range(3):
        page.click("[data-act=tap]")
        assert "beats" not in made.text("turn-text")
    page.select_option("#beats", "3")
    made.until("document.getElementById('dots').children.length === 3")
    page.click("[data-act=free]")
    made.until("document.getElementById('place').textContent === 'free time'")
    made.until("tradefours.state().mode === 'call'")
    made.close()


def test_each_knob_says_what_it_does_and_lamps_speak_words(visit: Visit) -> None:
    visit.page.focus("#knob-articulation")
    assert "short, detached notes" in visit.text("dial-about")
    visit.play("asdf")
    visit.until("['quick', 'late'].includes(document.getElementById('late').textContent)", 30)
    visit.page.click("#open-lamps")
    assert "ms" in visit.text("figures")
    visit.page.keyboard.press("Escape")


def test_the_roll_looks_back_and_comes_back(visit: Visit) -> None:
    visit.play("asdf")
    box = visit.page.locator("#roll").bounding_box()
    visit.page.mouse.move(box["x"] + 200, box["y"] + 200)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + 600, box["y"] + 200, steps=4)
    visit.page.mouse.up()
    assert visit.eval("tradefours.roll.looksBack()") > 0
    visit.page.click("#now")
    assert visit.eval("tradefours.roll.looksBack()") == 0
    visit.page.wait_for_timeout(1500)
    visit.page.click("#earlier")
    assert visit.eval("tradefours.roll.looksBack()") > 1


#: Keeps each text that the place of the beat shows, and which dot is lit, from now on.
WATCH_BEAT = """() => {
    window.places = [];
    setInterval(() => {
      const dots = [...document.querySelectorAll('#dots i')].findIndex((i) => i.classList.contains('on')) + 1;
      const shown = `${document.getElementById('place').textContent} ${dots}`;
      if (places.at(-1) !== shown) places.push(shown);
    }, 5);
  }"""


def test_a_count_in_begins_with_its_first_beat(visit: Visit) -> None:
    visit.page.fill("#tempo-set", "240")
    visit.page.evaluate(WATCH_BEAT)
    visit.page.evaluate("document.querySelector('[data-act=trade]').click()")
    visit.until("window.places.some((text) => text.startsWith('bar'))")
    shown = visit.eval("window.places")
    visit.page.evaluate("document.querySelector('[data-act=free]').click()")
    visit.page.evaluate("document.querySelector('[data-act=call]').click()")
    begun = shown.index("1 1")
    assert set(shown[:begun]) <= {"free time 0", "count-in 0"}, shown
    beats = visit.eval("tradefours.state().form.beats")
    assert shown[begun : begun + beats] == [f"{beat} {beat}" for beat in range(1, beats + 1)]


def test_who_asks_for_less_motion_gets_pages_that_stand_still(browser: Any, address: str) -> None:
    made = Visit(browser, address, reduced_motion="reduce")
    made.play("as")
    before = made.eval("tradefours.roll.frames.count")
    made.page.wait_for_timeout(2000)
    assert 1 <= made.eval("tradefours.roll.frames.count") - before <= 10
    made.close()
