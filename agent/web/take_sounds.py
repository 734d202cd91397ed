"""The sounds of takes, as .wav files for the pages. A process of its own makes each at the lowest priority, so the music is not held up.

One is made at a time. The last ones are kept until the session ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Protocol

from .. import isolated_launcher
from ..errors import UserError, hint
from ..takes.background_finishing import CREATION_FLAGS

FOLDER = ".sounds"  # beside the takes
LONGEST = 3600.0  # seconds of a take: its file has 690 MB
MOST_KEPT = 2  # files
PATIENCE = 900.0  # seconds in which a sound must be made; beside two busy loops, one second makes seventeen of music
OLD_SECONDS = 86400.0  # of age, after which a file of a session that was killed is deleted


class SoundMaker(Protocol):
    """Makes the sound of a take, and tells meanwhile which share is done. Raises UserError."""

    def __call__(self, take: Path, to: Path) -> AsyncGenerator[float, None]:
        """`take` is the folder of a take, `to` the file that is written."""


async def make_in_process(take: Path, to: Path) -> AsyncGenerator[float, None]:
    """The maker that the program uses: see `agent.takes.take_sound`. Where it is left early, its process is ended."""
    try:
        process = await asyncio.create_subprocess_exec(
            *isolated_launcher.command("agent.takes.take_sound", str(take), str(to), str(LONGEST)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            creationflags=CREATION_FLAGS,
            cwd=isolated_launcher.root(),
        )
    except OSError as error:
        raise UserError(f"the sound cannot be made ({error.strerror}).") from error
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        async for line in process.stdout:
            with contextlib.suppress(ValueError):
                yield float(line)
        words = (await process.stderr.read()).decode(errors="replace").strip()
        if await process.wait() != 0:
            raise UserError(words.rpartition("\n")[2] or "the sound was not made.")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class TakeSounds:
    """Makes and keeps the sounds of takes, in a folder beside these."""

    def __init__(self, takes: Path, make: SoundMaker = make_in_process) -> None:
        self._folder = takes / FOLDER
        self._make = make
        self._files: dict[str, Path] = {}  # by the take's name, the oldest first
        self._making: dict[str, float] = {}  # by the take's name, the share that is done

    def file(self, name: str) -> Path | None:
        """The sound of a take; None where it has not been made."""
        return self._files.get(name)

    def shares(self) -> dict[str, float]:
        """How far the sound of each take is, by its name; 1 where it is ready."""
        return {**self._making, **dict.fromkeys(self._files, 1.0)}

    async def make(self, take: Path, tell: Callable[[dict[str, Any]], None]) -> None:
        """Make the sound of the take in that folder. `tell` gets the news for the pages: how far it is, or why there is none."""
        name = take.name
        if name in self._files:
            tell(_news(name, share=1.0))
            return
        if self._making:
            tell(_news(name, why="Another take's sound is just being made; try again when it is ready."))
            return
        self._making[name] = 0.0
        tell(_news(name, share=0.0))
        try:
            self._files[name] = await self._write(take, tell)
        except UserError as error:
            tell(_news(name, why=str(error)))
        except OSError as error:
            tell(_news(name, why=f"The sound cannot be written ({error.strerror})."))
        else:
            tell(_news(name, share=1.0))
        finally:
            self._making.clear()
        while len(self._files) > MOST_KEPT:
            _delete(self._files.pop(next(iter(self._files))))

    async def _write(self, take: Path, tell: Callable[[dict[str, Any]], None]) -> Path:
        """Returns the file. Raises UserError, OSError."""
        await asyncio.to_thread(self._prepare_folder)
        to = self._folder / f"{take.name}-{os.getpid()}.wav"
        try:
            async with asyncio.timeout(PATIENCE), contextlib.aclosing(self._make(take, to)) as shares:
                async for share in shares:
                    self._making[take.name] = share
                    tell(_news(take.name, share=min(share, 0.99)))  # 1 is said when the file is there
        except TimeoutError as error:
            _delete(to)
            raise UserError(
                f"It took too long; `{hint('takes', 'export', take.name, '-o', 'x.wav')}` has more time."
            ) from error
        finally:
            _delete(to.with_name(f"{to.name}.part"))
        return to

    def _prepare_folder(self) -> None:
        """Make the folder, and delete what sessions left there that were killed. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > OLD_SECONDS:
                    path.unlink()

    def close(self) -> None:
        """Delete all that were made."""
        for path in self._files.values():
            _delete(path)
        self._files.clear()
        with contextlib.suppress(OSError):  # another session's may be there
            self._folder.rmdir()


def _news(name: str, **about: float | str) -> dict[str, Any]:
    return {"t": "take sound", "name": name, **about}


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody may be reading it, on some systems
        path.unlink()
