"""The player's thread: on time, in order, silent when told to be."""

from __future__ import annotations

import threading
import time

from agent.clock import SystemClock
from agent.playing.note_schedule import SentMessage
from agent.playing.playback_thread import Player
from agent.playing.thru import Thru
from models.music.note_records import ANSWER, Note

from ...support.fakes import FakeOutput, assert_no_hung_notes


class PlaybackRig:
    """A player on a fake output, in real time."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.output = FakeOutput(self.clock)
        self.sent: list[tuple[SentMessage, float]] = []
        self.player = Player(self.output, self.clock, 0, lambda sent, actual: self.sent.append((sent, actual)))

    def notes(self) -> list[tuple[float, bytes]]:
        return [s for s in self.output.sent if s[1][0] & 0xF0 != 0xB0]


def test_notes_leave_at_their_time_and_never_before() -> None:
    rig = PlaybackRig()
    rig.player.start()
    start = rig.clock.now() + 0.05
    rig.player.add((i, Note(start + 0.02 * i, 0.015, 60 + i, 80, ANSWER)) for i in range(20))
    time.sleep(0.6)
    rig.player.stop()
    late = sorted(actual - sent.planned for sent, actual in rig.sent if sent.number >= 0)
    assert len(late) == 40
    assert late[0] >= 0.0
    assert late[len(late) // 2] < 0.005
    assert_no_hung_notes(rig.notes())


def test_a_cut_is_at_once_and_tells_what_began() -> None:
    rig = PlaybackRig()
    rig.player.start()
    now = rig.clock.now()
    rig.player.add(
        [(1, Note(now, 5.0, 60, 80, ANSWER)), (2, Note(now, 5.0, 64, 80, ANSWER)), (3, Note(now + 9, 1, 65, 80))]
    )
    while len(rig.output.sent) < 2:
        time.sleep(0.001)
    assert rig.player.cut() == {1, 2}
    assert [m for _, m in rig.notes()][2:] == [bytes((0x80, 60, 0)), bytes((0x80, 64, 0))]
    assert rig.player.cut() == set()
    rig.player.stop()
    assert_no_hung_notes(rig.notes())


def test_many_threads_and_a_player_on_the_same_keys() -> None:
    rig = PlaybackRig()
    thru = Thru(rig.output, rig.player)
    rig.player.start()

    def keyboard() -> None:
        for i in range(200):
            thru.pass_on(bytes((0x90, 60 + i % 5, 90)))
            time.sleep(0.0005)
            thru.pass_on(bytes((0x80, 60 + i % 5, 0)))

    hands = threading.Thread(target=keyboard)
    hands.start()
    for i in range(300):
        rig.player.add([(i, Note(rig.clock.now() + 0.001, 0.004, 60 + i % 5, 80, ANSWER))])
        time.sleep(0.0005)
        if i % 50 == 49:
            rig.player.cut()
    hands.join()
    rig.player.stop()
    thru.close()
    assert_no_hung_notes(rig.notes())


def test_thru_lets_go_of_what_the_player_still_holds() -> None:
    rig = PlaybackRig()
    thru = Thru(rig.output, rig.player)
    for message in (bytes((0x92, 60, 90)), bytes((0xB2, 64, 127)), bytes((0x92, 64, 90)), bytes((0x82, 60, 0))):
        thru.pass_on(message)
    thru.close()
    assert [m for _, m in rig.output.sent][4:] == [bytes((0x82, 64, 0)), bytes((0xB2, 64, 0))]


def test_a_lost_port_is_remembered_and_raises_nowhere() -> None:
    rig = PlaybackRig()
    rig.player.start()
    rig.output.lost = True
    rig.player.add([(1, Note(rig.clock.now(), 0.1, 60, 80, ANSWER))])
    rig.player.stop()
    assert "is gone" in str(rig.player.port_error)
