"""The beat: what ends on it is likelier, chords are left alone, and an answer keeps the pulse of its call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.styles import presets
from agent.turns import mode_settings
from models.decoding import backend_choice
from models.decoding.engine import Engine
from models.encoding import codec
from models.evaluation import answers
from models.music import pulse
from models.music.note_records import CALL, Bar, Note, Span
from models.music.simultaneous_notes import CHORD_SECONDS
from models.steering.beat import Beat
from models.steering.sampling import softmax

from ...support.musicians import small_network
from ...support.steering import steered

FLAT = np.zeros(len(codec.TIMES))
APART = codec.TIMES >= CHORD_SECONDS


def leaned(logits: np.ndarray, last: float, bar: Bar | None, power: float) -> np.ndarray:
    return steered(Beat(), logits, codec.TIME, power, onset=last, span=Span(0.0, 9.0, 9.0, 9.0, bar=bar))


bars = st.builds(Bar, st.floats(-5, 5), st.floats(0.3, 4.0), st.integers(1, 5), st.just(0.0), st.floats(0.5, 0.75))


def at(wait: float) -> int:
    return int(np.abs(codec.TIMES - wait).argmin())


def test_a_beat_is_likelier_than_an_eighth_and_an_eighth_than_a_sixteenth() -> None:
    lean = leaned(FLAT, 0.0, Bar(0.0, 2.0), 4.0)  # a beat is half a second
    on, eighth, sixteenth, beside = (lean[at(wait)] for wait in (0.5, 0.25, 0.125, 0.31))
    assert on > eighth > sixteenth > beside + 1.0
    assert leaned(FLAT, 0.2, Bar(0.0, 2.0), 4.0)[at(0.3)] == pytest.approx(on, abs=0.4)  # from anywhere
    assert (leaned(FLAT, 0.0, Bar(0.0, 2.0), 0.0) == FLAT).all()
    assert (leaned(FLAT, 0.0, None, 4.0) == FLAT).all()


def test_the_second_eighth_is_where_the_swing_has_it() -> None:
    swung = leaned(FLAT, 0.0, Bar(0.0, 0.9, 1, 0.0, 2 / 3), 4.0)
    assert swung[at(0.6)] > swung[at(0.45)] + 1.0


@given(st.integers(0, 1000), st.floats(0, 20), bars, st.floats(0, 6))
def test_whether_it_joins_the_chord_is_left_alone(seed: int, last: float, bar: Bar, power: float) -> None:
    logits = np.random.default_rng(seed).normal(size=len(FLAT)).astype(np.float32) * 3
    before, after = softmax(logits), softmax(leaned(logits, last, bar, power))
    assert after[~APART] == pytest.approx(before[~APART], rel=1e-4, abs=1e-9)
    assert after[APART].sum() == pytest.approx(before[APART].sum(), rel=1e-4)


def played(power: float, period: float) -> float:
    """How closely an untaught musician keeps the pulse of a call with so many seconds from note to note."""
    call = [Note(period * i, 0.1, 60 + i % 5, 64, CALL) for i in range(16)]
    found = pulse.find_pulse(call)
    assert found is not None
    kept = []
    for seed in range(6):
        engine = Engine(small_network())
        engine.style(None, {"beat": power})
        engine.hear(0, call)
        engine.seed(seed)
        start = 16 * period
        notes = list(engine.play(Span(start, start + 20, start + 12, start + 15, bar=found, on_beat=True)))
        kept += [pulse.beat_alignment(notes, found)] if len(notes) > 8 else []
    assert kept
    return float(np.mean(kept))


@pytest.mark.parametrize("period", [0.35, 0.5])
def test_an_answer_keeps_the_pulse_of_its_call(period: float) -> None:
    assert played(6.0, period) > played(0.0, period) + 0.3


def test_the_shipped_musician_keeps_it_too() -> None:
    """A scale in eighths, at 110 beats a minute, in a style that does not keep time by itself."""
    preset = presets.load("wedding-dance")
    call = [Note(60 / 110 / 2 * i, 0.2, p, 70) for i, p in enumerate((60, 62, 64, 65, 67, 65, 64, 62) * 2)]
    found = pulse.find_pulse(call)
    assert found is not None
    engine = backend_choice.load("open")
    settings = {**preset.sampling, "rhythm": 0.0}  # the call's note values keep it, too
    kept = {
        power: np.mean(
            [
                pulse.beat_alignment(
                    answers.answer_call(engine, call, preset.z, {**settings, "beat": power}, seed, preset.vamp), found
                )
                for seed in range(6)
            ]
        )
        for power in (0.0, 3.5)
    }
    assert kept[3.5] > 0.6
    assert kept[3.5] > kept[0.0] + 0.2


def test_both_rooms_agree() -> None:
    assert answers.GROOVE == mode_settings.ALONE_GROOVE
