"""The load goes down as soon as notes come late, up after a calm, and a slow musician's answers are never a burst."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.playing.load_shedding import AGAIN, CALM, FULL, RESTING, SPARSER, WORDS, LoadShedding
from models.decoding.candidate_pool import MOST
from models.decoding.engine import Engine

from ...support.musicians import small_network
from ..session.test_session import Jam, jam


def play(
    load: LoadShedding, start: float, seconds: float, rate: float, took: float, seen: list[int] | None = None
) -> float:
    """Notes at an even rate, each invented just after the one before was; returns the end. Levels are added to `seen`."""
    invented = now = start
    for i in range(int(seconds * rate)):
        onset = start + i / rate
        invented = now = max(invented + took, onset - 1.0)
        load.add_note(took, onset, now)
        if seen is not None and load.level != seen[-1]:
            seen.append(load.level)
    return max(now, start + seconds)


def test_a_quick_musician_is_asked_for_all() -> None:
    load = LoadShedding()
    play(load, 100.0, 60.0, 12.0, 0.002)
    assert (load.level, load.word, load.candidates) == (FULL, "full strength", MOST)
    assert load.density == float("inf")


@pytest.mark.parametrize(("took", "candidates"), [(0.0013, 12), (0.0031, 12), (0.005, 7), (0.008, 4), (0.03, 4)])
def test_as_many_candidates_are_asked_for_as_are_long_enough_in_time(took: float, candidates: int) -> None:
    load = LoadShedding()
    for i in range(20):
        load.add_note(took, 100.0 + i, 99.0 + i)
    assert (load.level, load.candidates) == (FULL, candidates)


def test_a_slow_one_is_asked_for_less_step_by_step_and_for_all_again_once_it_is_quick() -> None:
    load, now, seen = LoadShedding(), 100.0, [FULL]
    for _ in range(40):
        load.end_rest(now)
        if load.is_resting:
            now += 1.0
        else:
            now = play(load, now, 1.0, 10.0, 0.15, seen)
    assert seen[: RESTING + 1] == list(range(len(WORDS)))
    assert load.level >= SPARSER  # it tries again, and finds that it is still too slow
    for _ in range(90):
        load.end_rest(now)
        if load.is_resting:
            now += 1.0
        else:
            now = play(load, now, 1.0, 10.0, 0.002)
    assert load.level == FULL


def test_sparser_is_what_it_can_do_with_some_to_spare() -> None:
    load, now = LoadShedding(), 100.0
    while load.level < SPARSER:
        now = play(load, now, 1.0, 8.0, 0.2)
    assert load.possible == pytest.approx(5.0)
    assert load.density == pytest.approx(3.0)
    now = play(load, now, 30.0, 3.0, 0.2)
    assert load.level == SPARSER  # quick enough for this, and not for more


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.floats(0.01, 1.0), st.floats(-0.5, 2.0)), max_size=80))
def test_steps_are_single_and_not_hasty(notes: list[tuple[float, float, float]]) -> None:
    load, now, onset = LoadShedding(), 100.0, 100.0
    changed, level = -1e9, FULL
    for took, gap, wait in notes:
        onset += gap
        now = max(now, onset + wait - 1.0)
        load.add_note(took, onset, now)
        assert abs(load.level - level) <= 1
        assert FULL <= load.level <= RESTING
        assert load.density >= 1.0
        if load.level != level:
            assert now - changed >= (AGAIN if load.level > level else CALM)
            changed, level = now, load.level


def test_an_engine_that_is_slow_for_a_while_plays_less_never_a_burst_and_all_again_afterwards() -> None:
    """Sixteen phrases; the musician takes more than half a second a note for three of them."""
    slow_notes: list[tuple[float, int]] = []

    async def script(j: Jam) -> None:
        for r in range(16):
            j.worker.note_takes = 0.6 if 3 <= r < 6 else 0.002
            before = len(j.agent_ons())
            await j.play(60, 62, 64, 65, 67, gap=0.15, length=0.1)
            await asyncio.sleep(9.0)
            if 3 <= r < 6:
                slow_notes.extend(j.agent_ons()[before:])

    made, report = jam(script, worker={"musician": lambda: Engine(small_network())}, seed=1)
    assert report.stats["worst_level"] >= SPARSER
    assert report.stats["level"] == FULL
    assert slow_notes
    apart = [b - a for (a, _), (b, _) in itertools.pairwise(slow_notes)]
    assert min(sum(apart[i : i + 4]) for i in range(len(apart) - 4)) > 0.3  # no five notes at once
    assert made.agent_ons()[-1][0] > slow_notes[-1][0] + 20.0
