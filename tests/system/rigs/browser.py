"""Chromium without a screen, and actions of a user on the page. A browser that is not installed is an error, never a skip."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .jack import Program, jack_server, tool

SIZES = {
    "desk": (1440, 900),
    "laptop": (1366, 768),
    "small-laptop": (1280, 720),
    "tablet": (820, 1180),
    "phone": (390, 844),
    "narrow": (320, 568),
    "sideways": (844, 390),
    "small-sideways": (667, 375),
    "tiny-sideways": (568, 320),
    "zoomed": (640, 360),  # what 1280 x 720 has at 200 %
}
KEY_TO_SOUND_MS = 30.0  # milliseconds from a key of the computer to the start of its sound: the budget
AUDIBLE = 1e-3  # a peak above it is sound
WAKE_UPS = 5  # processes and threads that handle a key one after another; a busy machine may wake each of them late
FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
LATE_AUDIO = """{
  const touched = new Promise((then) => { addEventListener("keydown", then); addEventListener("pointerdown", then); });
  const Bold = AudioContext;
  window.AudioContext = class extends Bold {
    constructor(how) { super(how); super.suspend(); }
    async resume() { await touched; await new Promise((then) => setTimeout(then, 850)); await super.resume(); }
  };
}"""  # browsers start audio after a user's gesture alone, with a delay; but code that a test evaluates counts as a gesture
ECHO = ("--mind", f"{sys.executable} -m models.worker --echo")


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=tool("chromium"), args=FLAGS)
        yield found
        found.close()


@contextmanager
def page_without_ports(home: Path) -> Iterator[str]:
    """The program with its musician, without ports and sound; yields the page's address."""
    nobody = {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}
    with serve_page(home, "--seed", "5", "--sound", "off", env=nobody) as (_, address):
        yield address


@contextmanager
def page_with_sound(home: Path) -> Iterator[tuple[Program, str]]:
    """The program with its built-in sound and an echo for a musician, on a JACK server of its own; and the page's address."""
    with jack_server(home / "jackd.log"), serve_page(home, "--sound", "built-in", *ECHO, env={}) as found:
        yield found


@contextmanager
def serve_page(home: Path, *words: str, env: dict[str, str]) -> Iterator[tuple[Program, str]]:
    """The program with its page; yields both. At the end it must exit with 0 and without a traceback."""
    env = {**env, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    with Program("play", "--page-port", "0", *words, env=env) as program:
        said = program.wait_for_line(r"The page: http://127")
        program.wait_for_line("ready", 180)
        yield program, re.findall(r"http://\S+", said)[0]
        program.process.terminate()
        assert program.wait(15) == 0, program.said
        assert "Traceback" not in program.said


class Visit:
    """One open page. `errors`: messages of the console; `requests`: the addresses that it loaded."""

    def __init__(self, browser: Any, address: str, size: str = "desk", before: str = "", **how: Any) -> None:
        self.errors: list[str] = []
        self.requests: set[str] = set()
        width, height = SIZES[size]
        how = {"color_scheme": "dark", **how}
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **how)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("request", lambda r: self.requests.add(r.url))
        self.page.add_init_script(before)
        self.page.goto(address)
        self.until("window.tradefours !== undefined")
        self.until("document.getElementById('turn-text').textContent === 'your turn'", 30)

    def eval(self, code: str) -> Any:
        return self.page.evaluate(code)

    def until(self, code: str, seconds: float = 20.0) -> None:
        """Wait until an expression is true. It is polled from here, as the page's policy forbids to evaluate strings."""
        end = time.monotonic() + seconds
        while not self.eval(code):
            assert time.monotonic() < end, f"in vain: {code}"
            self.page.wait_for_timeout(40)

    def text(self, ident: str) -> str:
        return str(self.page.locator(f"#{ident}").text_content())

    def play(self, letters: str = "asdfgh") -> None:
        for letter in letters:
            self.page.keyboard.down(letter)
            self.page.wait_for_timeout(150)
            self.page.keyboard.up(letter)
            self.page.wait_for_timeout(50)

    def count(self, who: str) -> int:
        return int(self.eval(f"[...tradefours.notes.values()].filter(n => n.who === '{who}').length"))

    def until_answered(self, more_than: int = 0) -> None:
        self.until(f"[...tradefours.notes.values()].filter(n => n.who === 'agent').length > {more_than}", 30)

    def listen(self) -> None:
        """Keep the peak of the page's sound from now on."""
        self.eval(
            "(() => { clearInterval(window.meterTimer); window.loudest = 0; const d = new Float32Array(2048);"
            " window.meterTimer = setInterval(() => { tradefours.sound.meter?.getFloatTimeDomainData(d);"
            " window.loudest = Math.max(window.loudest, ...d.map(Math.abs)); }, 20); })()"
        )

    def until_heard(self) -> None:
        """Wait until the page has sounded."""
        self.until(f"window.loudest > {AUDIBLE}")

    def close(self) -> None:
        assert not self.errors
        self.context.close()
