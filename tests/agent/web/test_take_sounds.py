"""The sound of a take for the pages: one is made at a time, its progress is told, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from agent.errors import UserError
from agent.web import take_sounds
from agent.web.take_sounds import FOLDER, MOST_KEPT, OLD_SECONDS, TakeSounds, make_in_process

from ..takes.test_take_sound import player, take

NAME = "2026-01-01_10-00-0"


class FakeMaker:
    """Makes a sound in two steps; `stop`, `fail` or `hang` after the first one."""

    def __init__(self, fail: Exception | None = None, hang: bool = False) -> None:
        self.fail = fail
        self.hang = hang
        self.made: list[str] = []
        self.is_closed = False

    async def __call__(self, take: Path, to: Path) -> AsyncGenerator[float, None]:
        part = to.with_name(f"{to.name}.part")
        part.write_bytes(b"half")
        try:
            yield 0.5
            if self.hang:
                await asyncio.Event().wait()
            if self.fail is not None:
                raise self.fail
            yield 1.0
            os.replace(part, to)
            self.made.append(take.name)
        finally:
            self.is_closed = True


def told(sounds: TakeSounds, folder: Path, *names: str) -> list[dict[str, Any]]:
    news: list[dict[str, Any]] = []

    async def make() -> None:
        for name in names:
            await sounds.make(folder / name, news.append)

    asyncio.run(make())
    return [{k: v for k, v in row.items() if k != "t"} for row in news]


def test_progress_is_told_and_then_the_file_is_there(tmp_path: Path) -> None:
    maker = FakeMaker()
    sounds = TakeSounds(tmp_path, maker)
    assert sounds.file("a") is None
    assert told(sounds, tmp_path, "a") == [{"name": "a", "share": share} for share in (0.0, 0.5, 0.99, 1.0)]
    path = sounds.file("a")
    assert path is not None
    assert path.read_bytes() == b"half"
    assert sounds.shares() == {"a": 1.0}
    assert told(sounds, tmp_path, "a") == [{"name": "a", "share": 1.0}]
    assert maker.made == ["a"]  # once


def test_one_is_made_at_a_time(tmp_path: Path) -> None:
    sounds = TakeSounds(tmp_path, FakeMaker(hang=True))
    news: list[dict[str, Any]] = []

    async def both() -> None:
        first = asyncio.create_task(sounds.make(tmp_path / "a", news.append))
        while sounds.shares() != {"a": 0.5}:
            await asyncio.sleep(0)
        await sounds.make(tmp_path / "b", news.append)
        first.cancel()  # the session ends
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(both())
    assert news[-1]["name"] == "b"
    assert "just being made" in news[-1]["why"]
    assert sounds.shares() == {}
    assert list((tmp_path / FOLDER).iterdir()) == []


@pytest.mark.parametrize("error", [UserError("it holds no notes."), OSError(28, "No space left on device")])
def test_what_goes_wrong_is_told_in_a_sentence_and_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    maker = FakeMaker(fail=error)
    sounds = TakeSounds(tmp_path, maker)
    [*_, last] = told(sounds, tmp_path, "a")
    assert last["why"] in ("it holds no notes.", "The sound cannot be written (No space left on device).")
    assert maker.is_closed
    assert sounds.file("a") is None
    assert list((tmp_path / FOLDER).iterdir()) == []
    maker.fail = None
    assert told(sounds, tmp_path, "a")[-1] == {"name": "a", "share": 1.0}  # it can be tried again


def test_one_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_sounds, "PATIENCE", 0.01)
    maker = FakeMaker(hang=True)
    [*_, last] = told(TakeSounds(tmp_path, maker), tmp_path, "a")
    assert "took too long" in last["why"]
    assert "takes export a -o x.wav" in last["why"]
    assert maker.is_closed


def test_few_are_kept_and_none_when_the_session_is_over(tmp_path: Path) -> None:
    sounds = TakeSounds(tmp_path, FakeMaker())
    names = [f"take{i}" for i in range(MOST_KEPT + 2)]
    told(sounds, tmp_path, *names)
    assert list(sounds.shares()) == names[-MOST_KEPT:]
    assert len(list((tmp_path / FOLDER).iterdir())) == MOST_KEPT
    sounds.close()
    assert sounds.file(names[-1]) is None
    assert not (tmp_path / FOLDER).exists()


def test_what_a_killed_session_left_is_deleted_when_it_is_old(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    old, new = (tmp_path / FOLDER / f"{name}.wav" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"RIFF")
    os.utime(old, (time.time() - 2 * OLD_SECONDS,) * 2)
    sounds = TakeSounds(tmp_path, FakeMaker())
    told(sounds, tmp_path, "a")
    assert not old.exists()
    sounds.close()
    assert list((tmp_path / FOLDER).iterdir()) == [new]  # another session's, that still plays


def test_a_process_makes_it(tmp_path: Path) -> None:
    folder = take(tmp_path / NAME, [player(0, "903c50"), player(3, "803c00")])
    sounds = TakeSounds(tmp_path, make_in_process)
    news = told(sounds, tmp_path, NAME)
    assert news[-1] == {"name": NAME, "share": 1.0}
    shares = [row["share"] for row in news]
    assert shares == sorted(shares)
    assert len(shares) > 4
    path = sounds.file(NAME)
    assert path is not None
    assert path.read_bytes()[:4] == b"RIFF"
    (folder / "take.jsonl").write_text('{"format": "tradefours-take/1"}\n', encoding="utf8")
    sounds.close()
    assert "holds no notes" in told(sounds, tmp_path, NAME)[-1]["why"]


def test_a_process_that_is_not_waited_for_ends(tmp_path: Path) -> None:
    folder = take(tmp_path / NAME, [e for i in range(2000) for e in (player(i, "903c50"), player(i + 0.5, "803c00"))])
    to = tmp_path / "x.wav"

    async def begin_and_leave() -> float:
        shares = make_in_process(folder, to)
        first = await anext(shares)
        await shares.aclose()
        return first

    assert 0.0 <= asyncio.run(begin_and_leave()) < 1.0
    assert not to.exists()
