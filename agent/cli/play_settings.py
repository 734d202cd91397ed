"""The settings of a session, read from the command line into the records that the session takes."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

from ..band.band import PARTS, BandSettings, PartSettings
from ..band.band_notes import swing_of
from ..band.chart_play import ChartPlay
from ..charts.chart_library import chart_in_key, load_chart
from ..charts.form_trading import AGENT, turn_bars
from ..control.set_list import Song
from ..errors import UserError
from ..midi.keyboard_zones import KeyboardZones
from ..turns.mode_settings import CALL, TRADE, BeatSettings, ModeSettings
from ..user_config.set_list_file import OWN_TEMPO, find_set_list

STRAIGHT_SWING = 50.0  # percent: what --swing is where it is not given


@dataclass(frozen=True)
class PlaySettings:
    """How to play together. `rounds`: the session ends after so many answers."""

    mode: ModeSettings = field(default_factory=ModeSettings)
    beat: BeatSettings = field(default_factory=BeatSettings)
    zones: KeyboardZones = field(default_factory=KeyboardZones)
    rounds: int | None = None
    set_list: tuple[Song, ...] = ()
    over: ChartPlay | None = None
    problems: tuple[str, ...] = ()  # what is wrong in the file of set lists

    def row(self) -> dict[str, Any]:
        """The settings under the names that a take has for them."""
        row: dict[str, Any] = {"manner": self.mode, "beat": self.beat, "zone": self.zones, "rounds": self.rounds}
        row |= {"set_list": [song.row() for song in self.set_list]} if self.set_list else {}
        return row if self.over is None else {**row, "over": self.over.row()}


def play_settings(args: argparse.Namespace) -> PlaySettings:
    """All of them, from the arguments of `play`, which are changed to those of the first song. Raises UserError."""
    songs: tuple[Song, ...] = ()
    problems: list[str] = []
    if args.set_list is not None:
        songs, problems = find_set_list(args.set_list, args)
        first = songs[0]
        args.preset, args.mode, args.tempo, args.bars = first.preset, first.mode, first.tempo, first.bars
    over = None if args.chart is None else _chart_play(args)
    return PlaySettings(
        _mode_settings(args),
        _beat_settings(args),
        _keyboard_zones(args),
        set_list=songs,
        over=over,
        problems=tuple(problems),
    )


def _chart_play(args: argparse.Namespace) -> ChartPlay:
    """What is played over; tempo, metre and swing of the arguments become the chart's, where none were given. Raises UserError."""
    if args.set_list is not None:
        raise UserError("A set list has tempi of its own, and so has a chart; leave one of them out.")
    chart = chart_in_key(load_chart(args.chart), args.chart_key)
    parts = [PartSettings(is_on=part not in args.mute) for part in PARTS]
    band = BandSettings(parts[0], parts[1], parts[2], is_soft_under_player=args.soft_band) if args.band else None
    over = ChartPlay(chart, args.turns, args.first == AGENT, args.choruses, band, args.seed or 0)
    if args.mode == CALL:
        args.mode = TRADE
    if args.tempo is None and not args.clock and not args.link:
        args.tempo = chart.tempo
    if args.swing == STRAIGHT_SWING:
        args.swing = 100 * swing_of(chart)
    args.beats = chart.metre.beats
    return over


def about_chart(over: ChartPlay, bars: int) -> str:
    """A line on what is played over, and who begins."""
    chart = over.chart
    trading = over.trading(bars)
    turns = sorted(set(turn_bars(trading.form, trading.length)))
    who = "it plays first" if over.is_agent_first else "you play first"
    return f"Over {chart.title} in {chart.key.name}, {len(trading.form.bars)} bars: turns of {' or '.join(map(str, turns))} bars, {who}."


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
