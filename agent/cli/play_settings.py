"""The settings of a session, read from the command line into the records that the session takes."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

from ..control.set_list import Song
from ..midi.keyboard_zones import KeyboardZones
from ..turns.mode_settings import TRADE, BeatSettings, ModeSettings
from ..user_config.set_list_file import OWN_TEMPO, find_set_list


@dataclass(frozen=True)
class PlaySettings:
    """How to play together. `rounds`: the session ends after so many answers."""

    mode: ModeSettings = field(default_factory=ModeSettings)
    beat: BeatSettings = field(default_factory=BeatSettings)
    zones: KeyboardZones = field(default_factory=KeyboardZones)
    rounds: int | None = None
    set_list: tuple[Song, ...] = ()
    problems: tuple[str, ...] = ()  # what is wrong in the file of set lists

    def row(self) -> dict[str, Any]:
        """The settings under the names that a take has for them."""
        row = {"manner": self.mode, "beat": self.beat, "zone": self.zones, "rounds": self.rounds}
        return {**row, "set_list": [song.row() for song in self.set_list]} if self.set_list else row


def play_settings(args: argparse.Namespace) -> PlaySettings:
    """All of them, from the arguments of `play`, which are changed to those of the first song. Raises UserError."""
    songs: tuple[Song, ...] = ()
    problems: list[str] = []
    if args.set_list is not None:
        songs, problems = find_set_list(args.set_list, args)
        first = songs[0]
        args.preset, args.mode, args.tempo, args.bars = first.preset, first.mode, first.tempo, first.bars
    return PlaySettings(
        _mode_settings(args),
        _beat_settings(args),
        _keyboard_zones(args),
        set_list=songs,
        problems=tuple(problems),
    )


def _mode_settings(args: argparse.Namespace) -> ModeSettings:
    return ModeSettings(
        mode=args.mode,
        bars=args.bars,
        groove=None if args.groove is None else args.groove / 100,
        swing=args.swing / 100,
        part=args.part,
        mirror=args.mirror / 100,
    )


def _beat_settings(args: argparse.Namespace) -> BeatSettings:
    needs_own_tempo = args.mode == TRADE and not args.clock and not args.link
    return BeatSettings(
        follow=args.clock,
        tempo=args.tempo or (OWN_TEMPO if needs_own_tempo else None),
        beats=args.beats,
        count_in=args.count_in,
        click=args.click,
        send_clock=args.send_clock,
        link=args.link,
    )


def _keyboard_zones(args: argparse.Namespace) -> KeyboardZones:
    """Channels and programs count from 1 on the command line, from 0 in messages; milliseconds become seconds."""
    soft, loud = args.hammer
    return KeyboardZones(
        channel=None if args.listen_channel is None else args.listen_channel - 1,
        split=args.split,
        transpose=args.transpose,
        curve=args.velocity,
        program=None if args.program is None else args.program - 1,
        bank=args.bank,
        latency=args.out_latency / 1000,
        hammer=(soft / 1000, loud / 1000),
    )
