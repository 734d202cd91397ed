"""The player's thread: on time, in order, silent when told to be."""

from __future__ import annotations

import threading
import time

from agent.clock import SystemClock
from agent.playing.playback import Player
from agent.playing.schedule import SentMessage
from agent.playing.thru import Thru
from models.music.note import ANSWER, Note

from ...support.fakes import FakeOutput, assert_no_hung_notes


class Stage:
    """A player on a fake output, in real time."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.output = FakeOutput(self.clock)
        self.sent: list[tuple[SentMessage, float]] = []
        self.player = Player(self.output, self.clock, 0, lambda sent, actual: self.sent.append((sent, actual)))

    def notes(self) -> list[tuple[float, bytes]]:
        return [s for s in self.output.sent if s[1][0] & 0xF0 != 0xB0]


def test_notes_leave_at_their_time_and_never_before() -> None:
    stage = Stage()
    stage.player.start()
    start = stage.clock.now() + 0.05
    stage.player.add((i, Note(start + 0.02 * i, 0.015, 60 + i, 80, ANSWER)) for i in range(20))
    time.sleep(0.6)
    stage.player.stop()
    late = sorted(actual - sent.planned for sent, actual in stage.sent if sent.number >= 0)
    assert len(late) == 40
    assert late[0] >= 0.0
    assert late[len(late) // 2] < 0.005
    assert_no_hung_notes(stage.notes())


def test_a_cut_is_at_once_and_tells_what_began() -> None:
    stage = Stage()
    stage.player.start()
    now = stage.clock.now()
    stage.player.add(
        [(1, Note(now, 5.0, 60, 80, ANSWER)), (2, Note(now, 5.0, 64, 80, ANSWER)), (3, Note(now + 9, 1, 65, 80))]
    )
    while len(stage.output.sent) < 2:
        time.sleep(0.001)
    assert stage.player.cut() == {1, 2}
    assert [m for _, m in stage.notes()][2:] == [bytes((0x80, 60, 0)), bytes((0x80, 64, 0))]
    assert stage.player.cut() == set()
    stage.player.stop()
    assert_no_hung_notes(stage.notes())


def test_many_threads_and_a_player_on_the_same_keys() -> None:
    stage = Stage()
    thru = Thru(stage.output, stage.player)
    stage.player.start()

    def keyboard() -> None:
        for i in range(200):
            thru.pass_on(bytes((0x90, 60 + i % 5, 90)))
            time.sleep(0.0005)
            thru.pass_on(bytes((0x80, 60 + i % 5, 0)))

    hands = threading.Thread(target=keyboard)
    hands.start()
    for i in range(300):
        stage.player.add([(i, Note(stage.clock.now() + 0.001, 0.004, 60 + i % 5, 80, ANSWER))])
        time.sleep(0.0005)
        if i % 50 == 49:
            stage.player.cut()
    hands.join()
    stage.player.stop()
    thru.close()
    assert_no_hung_notes(stage.notes())


def test_thru_lets_go_of_what_the_player_still_holds() -> None:
    stage = Stage()
    thru = Thru(stage.output, stage.player)
    for message in (bytes((0x92, 60, 90)), bytes((0xB2, 64, 127)), bytes((0x92, 64, 90)), bytes((0x82, 60, 0))):
        thru.pass_on(message)
    thru.close()
    assert [m for _, m in stage.output.sent][4:] == [bytes((0x82, 64, 0)), bytes((0xB2, 64, 0))]


def test_a_lost_port_is_remembered_and_raises_nowhere() -> None:
    stage = Stage()
    stage.player.start()
    stage.output.lost = True
    stage.player.add([(1, Note(stage.clock.now(), 0.1, 60, 80, ANSWER))])
    stage.player.stop()
    assert "is gone" in str(stage.player.port_error)
