"""Who ends a session gets the prompt back at once; the picture of the take comes by itself."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from agent.takes import background_finishing, library
from agent.takes.recorder import JSONL, PICTURE, TEXT

from ...system.rigs.browser import ECHO
from ...system.rigs.jack import Program, wait_for
from ..web.test_page_connections import make_take

SOON = 1.0  # seconds from a signal to the prompt, on a machine that has nothing else to do
BUSY = 5.0  # on one that has


def test_a_session_that_is_ended_ends_at_once_and_has_its_picture_later(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems always have MIDI, and might be heard")
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    env |= {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}

    async def play(url: str) -> None:
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(url + "socket", headers={"Origin": url.rstrip("/")}) as page,
        ):
            await page.send_str('{"do": "on", "pitch": 60, "velocity": 80}')
            async for news in page:
                if '"on"' in news.data:
                    return

    with Program("play", "--page-port", "0", "--sound", "off", *ECHO, env=env) as program:
        url = re.findall(r"http://\S+", program.wait_for_line("The page: http"))[0]
        program.wait_for_line("ready")
        asyncio.run(play(url))
        begun = time.monotonic()
        program.process.terminate()
        assert program.wait(30) == 0, program.said
        took = time.monotonic() - begun
        print(f"from the signal to the prompt: {took:.2f} s; on a quiet machine at most {SOON:g}")
        assert took < BUSY, program.said
        assert "It holds" in program.said
    folder = next((tmp_path / "tradefours" / "takes").iterdir())
    wait_for(lambda: (folder / PICTURE).is_file(), 120, "the picture of the take")
    assert (folder / PICTURE).read_bytes()[:4] == b"\x89PNG"
    assert (folder / TEXT).is_file()


def test_what_has_no_picture_gets_one_and_what_is_broken_is_passed_over(tmp_path: Path) -> None:
    good, empty, broken = (tmp_path / f"2024-01-0{i}_10-00-00" for i in (1, 2, 3))
    make_take(tmp_path, good.name)
    make_take(tmp_path, empty.name).joinpath(JSONL).write_text("{}\n")
    make_take(tmp_path, broken.name).joinpath(JSONL).write_bytes(b"\xff\x00[[")
    (broken / TEXT).mkdir()
    assert library.without_picture(tmp_path) == [broken, empty, good]
    background_finishing.finish_in_background([tmp_path / "nowhere", broken, empty, good, good])
    wait_for(lambda: (good / PICTURE).is_file(), 120, "the picture")
    wait_for(lambda: background_finishing._processes[-1].poll() is not None, 60, "its end")
    assert background_finishing._processes.pop().returncode == 0
    assert library.without_picture(tmp_path) == [broken, empty]
    assert not list(tmp_path.rglob(f".{PICTURE}"))


def test_a_picture_of_half_a_take_is_drawn_anew(tmp_path: Path) -> None:
    folder = make_take(tmp_path, "2024-01-01_10-00-00")
    library.finish(folder)
    first = (folder / PICTURE).read_bytes()
    assert library.without_picture(tmp_path) == []
    with (folder / JSONL).open("a") as file:  # it was looked at while it was played
        file.write('{"t": 30.0, "at": 30.0, "out": "90 50 40"}\n')
    later = (folder / PICTURE).stat().st_mtime + 1
    os.utime(folder / JSONL, (later, later))
    assert library.without_picture(tmp_path) == [folder]
    library.finish(folder)
    assert (folder / PICTURE).read_bytes() != first


def test_nothing_to_do_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", lambda *a, **k: pytest.fail("a process for nothing"))
    background_finishing.finish_in_background([])
