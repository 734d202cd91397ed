"""Phrases for those who cannot play: one for each style, within its bars."""

from __future__ import annotations

import math

import pytest

from agent.styles.presets import SHIPPED
from agent.web.ready_made_calls import BY_STYLE, PHRASES, phrase_for

STYLES = sorted(path.stem for path in SHIPPED.glob("*.toml"))


def test_every_style_that_comes_with_the_program_has_a_phrase() -> None:
    assert sorted(BY_STYLE) == STYLES
    assert len({phrase_for(name) for name in STYLES}) == len(PHRASES) == 8


@pytest.mark.parametrize("style", [*STYLES, "my-style", "été", "pad", ""])
def test_a_phrase_is_two_bars_of_playable_notes(style: str) -> None:
    phrase = phrase_for(style)
    assert phrase is phrase_for(style)
    assert 8 <= len(phrase.notes) <= 48
    assert min(n.onset for n in phrase.notes) >= 0.0
    assert max(n.end for n in phrase.notes) <= 8.0
    assert all(21 <= n.pitch <= 108 and 1 <= n.velocity <= 127 and n.duration > 0.0 for n in phrase.notes)
    assert 50.0 <= phrase.tempo <= 200.0


@pytest.mark.parametrize("beats", [1, 3, 4, 8, math.inf])
@pytest.mark.parametrize("style", STYLES)
def test_a_phrase_is_cut_to_the_bars_there_are(style: str, beats: float) -> None:
    timed = phrase_for(style).timed_messages(beats)
    assert timed
    assert max(beat for beat, _ in timed) <= beats
    down: set[int] = set()
    for _, message in timed:
        (down.add if message[0] == 0x90 else down.discard)(message[1])
    assert not down
