"""Knobs tilt what is likely, never what is impossible, and who is sure is moved little."""

from __future__ import annotations

import numpy as np
import pytest

from models.decoding.engine import Engine
from models.encoding import codec
from models.music import features
from models.music.note_records import ANSWER, Note, Span
from models.music.style_settings_table import KNOB
from models.steering import player_knobs
from models.steering.base import Row
from models.steering.sampling import Sampling, draw, softmax

from ...support.musicians import SMALL, scale, small_network

FULL = player_knobs.STRENGTH * player_knobs.STRENGTH_FACTORS["register"]  # of a register knob that is turned fully


def mean_of(logits: Row) -> float:
    return float(softmax(logits) @ np.arange(len(logits)))


@pytest.mark.parametrize(
    ("name", "field", "rises"),
    [
        ("density", codec.TIME, False),  # denser: shorter waits
        ("polyphony", codec.TIME, False),
        ("polyphony", codec.DURATION, True),
        ("register", codec.PITCH, True),
        ("articulation", codec.DURATION, True),
    ],
)
def test_a_knob_moves_its_field(name: str, field: int, rises: bool) -> None:
    logits, notes = np.zeros(codec.SIZES[field]), scale(12)
    down, up = (mean_of(player_knobs.tilt(logits, field, {name: s}, notes)) for s in (-1.0, 1.0))
    assert (up > down) == rises
    assert abs(up - down) > 1.0


def test_chromaticism_is_about_the_key_that_was_heard() -> None:
    logits, notes = np.zeros(codec.SIZES[codec.PITCH]), scale(24)  # C major
    p = softmax(player_knobs.tilt(logits, codec.PITCH, {"chromaticism": 1.0}, notes))
    c, c_sharp = p[60 - 21], p[61 - 21]
    assert c_sharp > 2 * c


def test_freedom_is_about_the_last_wait() -> None:
    logits, notes = np.zeros(codec.SIZES[codec.TIME]), scale(12, step=0.2)
    p = softmax(player_knobs.tilt(logits, codec.TIME, {"freedom": -1.0}, notes))
    assert p[20] > 1.5 * p[24]  # as long again, rather than a fifth longer


def test_what_is_impossible_stays_impossible() -> None:
    logits = np.zeros(codec.SIZES[codec.PITCH])
    logits[40:] = -np.inf
    tilted = player_knobs.tilt(logits, codec.PITCH, {"register": 1.6}, scale(12))
    assert (tilted[40:] == -np.inf).all()
    assert np.isfinite(tilted[:40]).all()


def test_who_is_sure_is_moved_little() -> None:
    values = np.arange(codec.SIZES[codec.DURATION])
    sure = np.where(values == 18, np.log(0.98), np.log(0.02 / (len(values) - 1)))
    unsure = -0.5 * ((values - 18) / 6.0) ** 2
    for strength in (-0.5, 0.5):  # as firmly as a style pulls
        tilted = softmax(player_knobs.tilt(sure, codec.DURATION, {"articulation": strength}, scale(12)))
        assert tilted[18] > 0.9
        moved = mean_of(player_knobs.tilt(unsure, codec.DURATION, {"articulation": strength}, scale(12)))
        assert abs(moved - 18) == pytest.approx(0.5 * 6, rel=0.15)  # by half a spread, as ever
    turned = softmax(
        player_knobs.tilt(sure, codec.DURATION, {"articulation": 5.0}, scale(12))
    )  # who turns a knob means it
    assert turned[18] < 0.5


def test_the_tilt_fades_where_the_notes_are_as_asked() -> None:
    z = np.zeros(SMALL.latent)
    low = [Note(0.2 * i, 0.2, 50, 70, ANSWER) for i in range(12)]
    high = [Note(0.2 * i, 0.2, 90, 70, ANSWER) for i in range(12)]
    wanted = (90 - features.MEAN[1]) / features.SPREAD[1]
    z[features.NAMES.index("register")] = (wanted - player_knobs.KNOB_SPREADS) / (1.0 - player_knobs.KNOB_STYLE_LOSS)
    assert player_knobs.tilt_strengths({"register": 1.0}, 0.0, z, low) == {"register": pytest.approx(FULL)}
    assert player_knobs.tilt_strengths({"register": 1.0}, 0.0, z, high)["register"] == pytest.approx(0.0, abs=1e-5)
    assert player_knobs.tilt_strengths({"register": -1.0}, 0.0, z, high)["register"] == pytest.approx(-FULL)
    assert player_knobs.tilt_strengths({"register": 0.0}, 0.0, z, high) == {}


def test_what_is_more_than_asked_is_drawn_back_gently() -> None:
    z = np.zeros(SMALL.latent)
    top = [Note(0.2 * i, 0.2, 106, 70, ANSWER) for i in range(12)]
    assert player_knobs.tilt_strengths({"register": 1.0}, 0.0, z, top)["register"] == pytest.approx(
        -player_knobs.BACK_STRENGTH
    )


def test_a_knob_turned_fully_asks_nearly_the_same_of_every_style() -> None:
    """Twelve notes, in the middle between what two styles ask for: the one is drawn on, the other back."""
    place = features.NAMES.index("register")
    loud, soft = np.zeros(SMALL.latent), np.zeros(SMALL.latent)
    loud[place], soft[place] = 2.0, -2.0
    for value in (0.25, 0.5, 1.0):
        asked = [
            x[place] * (1.0 - player_knobs.KNOB_STYLE_LOSS * value) + player_knobs.KNOB_SPREADS * value
            for x in (loud, soft)
        ]
        assert 4.0 > asked[0] - asked[1] == pytest.approx(4.0 * (1.0 - player_knobs.KNOB_STYLE_LOSS * value))
        for z, spreads in zip((loud, soft), asked, strict=True):
            pitch = round(features.MEAN[1] + features.SPREAD[1] * (spreads - 0.5))
            here = [Note(0.2 * i, 0.2, pitch, 70, ANSWER) for i in range(12)]
            short = player_knobs.tilt_strengths({"register": value}, 0.0, z, here)["register"]
            assert short / (FULL * value) == pytest.approx(0.5, abs=0.1)


def test_a_style_pulls_where_its_notes_are_elsewhere() -> None:
    z = np.zeros(SMALL.latent)
    low = [Note(0.2 * i, 0.2, 30, 70, ANSWER) for i in range(12)]
    pulled = player_knobs.tilt_strengths({}, 0.5, z, low)
    assert pulled["register"] == pytest.approx(0.5)
    z[features.NAMES.index("freedom")] = 9.0
    assert player_knobs.tilt_strengths({}, 0.5, z, low)["freedom"] == pytest.approx(
        0.5 * player_knobs.PULL_FACTORS["freedom"]
    )
    assert player_knobs.tilt_strengths({"freedom": 1.0}, 0.5, z, low)["freedom"] == pytest.approx(
        player_knobs.STRENGTH
    )  # who asks is obeyed
    assert set(pulled) == set(player_knobs.TILT_QUALITIES)
    assert all(s == 0.0 for s in player_knobs.tilt_strengths({}, 0.5, z, low[:3]).values())


def test_a_turned_knob_is_heard_and_the_cache_is_untouched() -> None:
    def pitches(value: float) -> list[int]:
        e = Engine(small_network())
        e.hear(0, scale(12))
        e.seed(3)
        fed = e.ring.length
        e.style(None, {KNOB + "register": value})
        assert e.ring.length == fed
        return [n.pitch for n in e.play(Span(3.0, 99.0, 8.0, 9.0))]

    low, high = pitches(-1.0), pitches(1.0)
    assert sum(high) / len(high) > sum(low) / len(low) + 5


def test_settings_are_strict_about_knobs() -> None:
    assert Sampling.of({KNOB + "density": 0.5}).knobs == {"density": 0.5}
    for wrong in ({KNOB + "spice": 1.0}, {"knobs": 1.0}):
        with pytest.raises(ValueError, match="no sampling setting"):
            Sampling.of(wrong)


@pytest.mark.parametrize("min_p", [0.0, 1.0, 7.0])
def test_the_likeliest_is_never_too_rare(min_p: float) -> None:
    logits = np.array([-np.inf, 0.0, 1.0, -np.inf])
    drawn = {draw(logits, 1.0, 1.0, min_p, np.random.default_rng(seed)) for seed in range(60)}
    assert drawn == ({1, 2} if min_p == 0.0 else {2})
