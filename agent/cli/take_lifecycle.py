"""The folder in which a session's take is kept: chosen and opened before it, summed up after it."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from datetime import datetime

from ..control.bindings import Bindings
from ..errors import UserError
from ..replay.verify_take import setting
from ..styles.presets import Preset
from ..takes import library
from ..takes.background_finishing import finish_in_background
from ..takes.recorder import Take
from ..user_folders import check_home
from .option_groups import TAKES
from .play_settings import PlaySettings

MOST_REPAIRS = 3  # takes of sessions that ended without warning; more of them would hold up the start


def repair_takes(args: argparse.Namespace) -> list[str]:
    """Complete the takes of sessions that ended without warning; their names. None where `--take` names a folder."""
    return [] if args.take else library.repair_all(TAKES, MOST_REPAIRS)


def open_take(
    args: argparse.Namespace, settings: PlaySettings, *, preset: Preset, bindings: Bindings, seed: int
) -> Take:
    """A new take, with all that a replay must know in its first line. Raises UserError."""
    folder = args.take or TAKES / datetime.now().strftime(library.DATE)
    check_home(folder, "name a folder with --take DIR")
    session = {"channel": args.channel - 1, "thru": args.thru, **settings.row()}
    return Take(
        folder,
        preset=preset.name,
        seed=seed,
        weights=preset.player(args.weights),
        tempo=getattr(args, "tempo", None),
        setting=setting(preset, args, bindings, session),
    )


def remove_oldest_takes(args: argparse.Namespace) -> int:
    """How many were removed, to stay within bounds. None where `--take` names a folder."""
    return 0 if args.take else library.prune(TAKES, datetime.now())


def finish_take(take: Take, say: Callable[[str], None]) -> None:
    """Say what the take holds, and have its picture made by a process of its own."""
    try:
        summary = library.summarize(take.folder)
    except UserError as error:  # the music is over, and kept
        say(str(error))
    else:
        if summary.played + summary.answered:
            say(f"It holds {summary}.")
    others = []
    with contextlib.suppress(UserError, OSError):  # a take in another folder may be all that this user can read
        others = library.without_picture(TAKES)
    finish_in_background([take.folder, *others])
