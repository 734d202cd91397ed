"""A duet over written music, and the figures that judge one."""

from __future__ import annotations

import pytest

from agent.styles.presets import Preset
from agent.turns.duet import LEAN, accompaniment_settings, find_key
from models.decoding import backend_choice
from models.music.note_records import ANSWER, Note

from ...measure.duet import SCALE, PlayingOptions, Tune, average, duet, share_in_harmony, share_on_beat, similarity

BAR = 2.4
#: Sixteen bars, written for this test: a chord a bar, its line in degrees of C major, one a beat.
CHORDS = ((0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2)) * 4
LINES = ((4, 3, 2, 4), (5, 4, 2, 0), (3, 5, 7, 5), (4, 6, 4, 1)) * 4


def written() -> Tune:
    """A melody, and broken chords under it in eighths."""
    beat = BAR / 4
    degree = [60 + 12 * (d // 7) + SCALE[d % 7] for d in range(16)]
    melody = [
        Note((4 * b + i) * beat, 0.8 * beat, degree[d] + 12, 76)
        for b, line in enumerate(LINES)
        for i, d in enumerate(line)
    ]
    accompaniment = [
        Note((8 * b + i) * beat / 2, 0.4 * beat, 48 + chord[i % 3], 60, ANSWER)
        for b, chord in enumerate(CHORDS)
        for i in range(8)
    ]
    return Tune("written", melody, accompaniment, BAR)


def test_the_figures_know_good_from_bad() -> None:
    tune = written()
    assert share_in_harmony(tune.accompaniment, tune.melody) == 1.0
    wrong = [Note(n.onset, n.duration, n.pitch + 1, 60, ANSWER) for n in tune.accompaniment]
    assert share_in_harmony(wrong, tune.melody) < 0.4
    assert share_on_beat(tune.accompaniment, BAR) == pytest.approx(1.0)
    assert share_on_beat([n.shift(0.075) for n in tune.accompaniment], BAR) < 0.0
    assert similarity(tune.accompaniment, BAR) == pytest.approx(1.0)  # it turns in circles, as written
    other = [Note(n.onset, n.duration, 40 + (7 * i * i) % 37, 60, ANSWER) for i, n in enumerate(tune.accompaniment)]
    assert similarity(other, BAR) < 0.2


def test_a_duet_over_written_music() -> None:
    """The shipped musician comps: each note ready, in the key, on the beat, and no loop."""
    tune = written()
    found = average(
        [
            duet(tune, backend_choice.load("open"), PlayingOptions(Preset("none"), seed=seed), takes=0.012)
            for seed in (1, 2, 3)
        ]
    )
    assert found.notes > 60
    assert found.ready >= 0.999
    assert found.harmony >= 0.85 * found.harmony_real
    assert found.on_beat >= 0.7
    assert found.similarity <= 1.3 * found.similarity_real


def test_the_players_key_is_found_and_leaned_on_only_where_there_is_one() -> None:
    melody = written().melody
    end = melody[-1].end
    found = find_key(melody, end)
    assert {c for c in range(12) if int(found["key"]) >> c & 1} == set(SCALE)
    assert found["lean"] == pytest.approx(LEAN)
    assert find_key(melody[:2], 1.2)["lean"] < 0.3 * LEAN  # two notes are no key yet
    chromatic = [Note(0.3 * i, 0.3, 60 + i % 12, 70) for i in range(48)]
    assert find_key(chromatic, 48 * 0.3)["lean"] == 0.0
    assert find_key([], 0.0) == {}


def test_a_busy_player_gets_a_quiet_partner_and_the_register_that_is_free() -> None:
    slow = [Note(i, 0.5, 72 + i % 5, 70) for i in range(4)]
    busy = [Note(4 * i / 32, 0.1, 72 + i % 5, 70) for i in range(32)]
    chords = [Note(i / 4, 0.2, 40 + 3 * (i % 4), 70) for i in range(16)]
    assert (
        accompaniment_settings({}, busy, 4.0, "comp")["density"]
        < 0.5 * accompaniment_settings({}, slow, 4.0, "comp")["density"]
    )
    assert accompaniment_settings({}, slow, 4.0, "auto")["highest"] < 73  # under a melody
    assert accompaniment_settings({}, chords, 4.0, "auto")["lowest"] > 46  # over chords
    assert accompaniment_settings({}, slow, 4.0, "bass")["highest"] == 52
