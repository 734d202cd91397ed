"""Habits: what is done more often is told, kept, and pulls what is played that way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.styles import preset_maker, presets
from agent.styles.presets import Preset
from models.decoding.engine import Engine
from models.encoding import codec
from models.music.note_records import CALL, Note, Span
from models.music.simultaneous_notes import last_chord_size
from models.music.style_settings_table import HABIT_EDGES, HABITS
from models.steering import style_habits
from models.steering.sampling import Habits, Sampling
from models.steering.style_habits import StyleHabits

from ...support.musicians import small_network
from ...support.steering import steered

LOW_AND_SLOW = [Note(0.8 * i, 0.6, 36 + i % 3, 70) for i in range(60)]


def test_bands_are_told_for_all_habits() -> None:
    assert list(style_habits.MUSIC) == list(HABIT_EDGES)
    for name, shares in style_habits.MUSIC.items():
        assert len(shares) == len(HABIT_EDGES[name]) + 1
        assert sum(shares) == pytest.approx(1.0, abs=1e-3)
        assert HABITS[name].high >= style_habits.MOST_NATS


def kept(size: int, field: int, habits: Habits, notes: list[Note]) -> np.ndarray:
    return steered(StyleHabits(), np.zeros(size), field, 1.0, notes, sampling=Sampling(habits=habits))


def test_what_is_done_often_has_the_odds() -> None:
    odds = style_habits.log_odds(style_habits.count_bands([LOW_AND_SLOW]))
    assert odds["wait"][8] > 1.0 > 0.0 > odds["wait"][0]  # 0.68 to 0.96 s; never at once
    assert odds["place"][1] > 1.0  # 36 to 43
    assert all(np.abs(row).max() <= style_habits.MOST_NATS for row in odds.values())


@given(
    st.lists(
        st.builds(
            Note,
            st.floats(0, 60),
            st.floats(0.02, 8),
            st.integers(21, 108),
            st.integers(1, 127),
            st.just(CALL),
            st.none(),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_habits_of_anything_are_settings_and_back(notes: list[Note]) -> None:
    settings = style_habits.measure_settings(sorted(notes, key=lambda n: n.onset))
    habits = Sampling.of(settings).habits
    assert style_habits.to_settings(habits) == settings
    for field, size in ((codec.TIME, 80), (codec.PITCH, 88), (codec.DURATION, 36)):
        out = kept(size, field, habits, notes)
        assert out.shape == (size,)
        assert np.isfinite(out).all()


def test_chords_are_as_large_as_is_usual() -> None:
    """A style of triads: one note wants a second and a third, and no fourth."""
    triads = [Note(0.5 * i, 0.4, 48 + 4 * k, 64) for i in range(40) for k in range(3)]
    habits = style_habits.log_odds(style_habits.count_bands([triads]))
    more = []
    for size in (1, 2, 3):
        struck = triads[-3:][:size]
        assert last_chord_size(struck) == size
        waits = kept(len(codec.TIMES), codec.TIME, habits, struck)
        more.append(waits[0] - waits[50])
    assert min(more[:2]) > more[2] + 2.0
    assert last_chord_size([]) == 1
    assert last_chord_size(triads) == 3


@pytest.mark.parametrize("key", ["habit.wait.10", "habit.wait", "habit.gait.1", "habit.wait.-1"])
def test_a_habit_that_is_not_there_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="no habit"):
        Sampling.of({key: 0.5})


def test_an_answer_keeps_them() -> None:
    def played(settings: dict[str, float]) -> list[Note]:
        engine = Engine(small_network())
        engine.seed(3)
        engine.style(None, settings)
        engine.hear(0, [Note(0.2 * i, 0.15, 60 + i % 12, 64, CALL) for i in range(24)])
        return list(engine.play(Span(5.0, 30.0, 40.0, 40.0)))

    plain, kept = played({}), played({**style_habits.measure_settings(LOW_AND_SLOW), "habit": 1.5})
    assert np.mean([n.pitch for n in kept]) < np.mean([n.pitch for n in plain]) - 6
    assert len(kept) < 0.7 * len(plain)


def test_presets_have_habits_and_blend_them(tmp_path: Path) -> None:
    low = Preset("low", z=(0.0, 1.0), sampling=style_habits.measure_settings(LOW_AND_SLOW))
    plain = Preset("plain", z=(0.0, 0.0))
    half = preset_maker.blend("half", plain, low, 0.5)
    assert half.sampling["habit.place.1"] == pytest.approx(low.sampling["habit.place.1"] / 2)
    path = tmp_path / "half.toml"
    preset_maker.write(half, path)
    again = presets.read(path)
    assert again.sampling == pytest.approx(half.sampling, abs=0.01)
