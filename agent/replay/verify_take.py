"""The replay: a take is played again, in virtual time, and must come out as it did.

Knows nothing of how: the session is heard again in `agent.replay.session_replay`, its musician asked again in
`agent.replay.model_replay`. What a take holds for
it: in its first line the session's `setting`; then, besides what was heard and played, what was asked for (`act`, `preset`), what the
musician was asked (`ask`), what it answered (`got`), and when it was lost.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..control.bindings import Bindings
from ..errors import UserError
from ..midi.keyboard_zones import KeyboardZones
from ..playing.worker_client import worker_command
from ..styles.presets import Preset
from ..takes.recorder import JSONL, rows
from ..turns.mode_settings import BeatSettings, ModeSettings
from .model_replay import ask_again
from .recorded_stand_ins import RecordedSession
from .session_replay import Row, SessionReplay


def setting(preset: Preset, args: argparse.Namespace, controls: Bindings, more: Row) -> Row:
    """What a replay must know of a session, ready for JSON."""
    made = {k: asdict(v) if isinstance(v, ModeSettings | BeatSettings | KeyboardZones) else v for k, v in more.items()}
    musician = (
        worker_command(preset.player(args.weights), args.engine)[1:]
        if args.mind is None
        else shlex.split(args.mind)[1:]
    )
    return {
        **made,
        "preset": preset.row(),
        "controls": controls.lines(),
        "musician": musician,
        "link": bool(getattr(args, "link", False)),
    }


def command(args: argparse.Namespace, folder: Path) -> int:
    """`tradefours takes replay`. 0: all is the same; 1: something differs. Raises UserError for a take that cannot be replayed."""
    report = replay(folder)
    if args.json:
        print(json.dumps(report))
    else:
        print(
            f"{folder.name}: {report['decisions']} decisions and {report['sent']} messages in {report['seconds']:.0f} s"
        )
        print(f"session: {report['session'] or 'the same decisions, the same notes'}")
        print(f"musician: {report['musician'] or 'the same notes, bit for bit'}")
    return 0 if report["same"] else 1


def replay(folder: Path, musician: Sequence[str] | None = None) -> Row:
    """Both halves of it. `session` and `musician` tell the first difference, "" where there is none. Raises UserError."""
    try:
        told = list(rows(folder / JSONL))
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}); name a take's folder.") from error
    known = told[0].get("setting") if told else None
    begins = next((r["t"] for r in told if r.get("begins")), None)
    if not isinstance(known, dict) or begins is None:
        raise UserError(
            f"{folder.name} does not say what a replay must know; takes of older versions cannot be replayed."
        )
    if known["link"]:
        raise UserError(f"{folder.name} was played to Ableton Link, whose beat is not ours to play again.")
    has_moments = any("moment" in row for row in told)  # older takes have none
    heard = (RecordedSession if has_moments else SessionReplay)(told, known, begins)
    try:
        session = heard.run()
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder.name} cannot be replayed ({type(error).__name__}: {error}); it may be broken."
        ) from error
    notes = ask_again(told, musician if musician is not None else known["musician"])
    return {
        "decisions": sum("ask" in r and r["ask"].get("do") == "play" for r in told),
        "sent": sum("out" in r for r in told),
        "seconds": max((r["t"] for r in told if "t" in r), default=begins) - begins,
        "session": session,
        "musician": notes,
        "same": not session and not notes,
    }
