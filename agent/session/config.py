"""What a session is made of: its settings, what it is connected to, and its report. Records only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.music.note_records import Phrase

from ..band.chart_play import ChartPlay
from ..clock import Clock
from ..control.bindings import Bindings
from ..control.set_list import Song
from ..midi.keyboard_zones import KeyboardZones
from ..midi.ports import InputPort, OutputPort
from ..playing.load_shedding import MOST_CANDIDATES
from ..playing.playback_thread import Player
from ..playing.worker_client_interface import Worker
from ..styles.presets import Preset
from ..takes.recorder import SessionRecorder
from ..turns.mode_settings import BeatSettings, ModeSettings


@dataclass(frozen=True)
class SessionConfig:
    """The settings of one session. It ends when stopped, after `seconds`, or after `rounds` answers.

    `channel`, 0 to 15, is the agent's. `thru`: the player's own messages are passed to the output. `controls` may learn while it all
    goes on. `most_candidates`: so many are generated for an answer, as far as there is time. The session begins as its first song, if any.
    `over`: the chart that is played over.
    """

    preset: Preset
    mode_settings: ModeSettings = field(default_factory=ModeSettings)
    beat: BeatSettings = field(default_factory=BeatSettings)
    zones: KeyboardZones = field(default_factory=KeyboardZones)
    controls: Bindings = field(default_factory=Bindings)
    channel: int = 0
    thru: bool = True
    seed: int | None = None
    seconds: float | None = None
    rounds: int | None = None
    most_candidates: int = MOST_CANDIDATES
    set_list: tuple[Song, ...] = ()
    over: ChartPlay | None = None


@dataclass(frozen=True)
class SessionIO:
    """What one session is connected to. The player's own messages go to `thru_output`, where that is not the `output`.

    `say` takes lines for the user, `show` the state in a word or two; `journal` a moment and what else a replay must know. Tests
    make another player. A replay loads presets from the take: `load` calls what loads one.
    """

    inputs: Sequence[InputPort]
    output: OutputPort
    worker: Worker
    clock: Clock
    take: SessionRecorder | None = None
    thru_output: OutputPort | None = None
    say: Callable[[str], None] = lambda text: None
    show: Callable[[str], None] = lambda state: None
    journal: Callable[[float, dict[str, Any]], None] = lambda when, row: None
    make_player: Callable[..., Player] = Player
    load: Callable[[Callable[[], Preset]], Preset] = lambda find: find()


@dataclass(frozen=True)
class Report:
    """What came of a session. Phrases are in seconds from its start."""

    stats: dict[str, Any]
    calls: list[Phrase]
    answers: list[Phrase]
