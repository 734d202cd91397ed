"""Links of iReal Pro are read right, bar by bar."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.charts.chart import ChartError
from agent.charts.formats.ireal_links import songs_of, swap_block, unshuffle
from agent.charts.formats.ireal_progression import read_progression

from ....support.chart_lines import plain, played
from ....support.lead_sheets import plain_link, shuffled_link, shuffled_song

PROGRESSIONS = {
    "plain bars": ("[T44C^7   |A-7   |D-7   |G7   Z", "Cmaj7 | Am7 | Dm7 | G7"),
    "two and four chords": ("T44C^7 A-7 |D-7 G7 |C,A7,D7,G7,|C6   Z", "Cmaj7 2:Am7 | Dm7 2:G7 | C 1:A7 2:D7 3:G7 | C6"),
    "three chords": ("[T44C E-7A7|F G7CZ", "C 2:Em7 3:A7 | F 2:G7 3:C"),
    "bars and two bars again": (
        "[C7   | x  |F7 C7 | x  |G7   | r  |    |C   Z",
        "C7 | C7 | F7 2:C7 | F7 2:C7 | G7 | F7 2:C7 | G7 | C",
    ),
    "repeat with endings": (
        "{*AT44C   |F   |N1G7   |C   }            |N2G7   |F   ][*BA-7   |D7   Z",
        "[A] C | F | G7 | C | [A] C | F | G7 | F | [B] Am7 | D7",
    ),
    "three times": ("{T44C7   |F7 <3x> }G7   Z", "C7 | F7 | C7 | F7 | C7 | F7 | G7"),
    "D.S. al Coda": (
        "[T44C   |SF   |G7 Q |A-7 <D.S. al Coda> ][QD7   |G6   Z",
        "C | F | G7 | Am7 | F | G7 | D7 | G6",
    ),
    "D.C. al Fine": ("[*AT44C   |F <Fine> ][*BG   |D7 <D.C. al Fine> Z", "[A] C | F | [B] G | D7 | [A] C | F"),
    "D.C. al second ending": (
        "{*AT44C   |N1F   }|N2G   ][*BA-7   |D7   |<D.C. al 2nd End.>E7   Z",
        "[A] C | F | [A] C | G | [B] Am7 | D7 | E7 | [A] C | G",
    ),
    "no chord, basses, slashes": ("[T44n   |C,W/B,A-7,W/G,|FpG7pZ", "N.C. | C 1:C/B 2:Am7 3:Am7/G | F 2:G7"),
    "small chords, other chords, space": ("T44sC7,F7,l|YYC^7(A-7)  |D-7   Z", "C7 2:F7 | Cmaj7 | Dm7"),
    "a waltz": ("[T34C^7  |A-7 D7|G  Z", "Cmaj7 | Am7 2:D7 | G"),
    "twelve eighths": ("[T12C7   |F7 C7 Z", "C7 | F7 6:C7"),
    "five quarters": ("[T54Eb-7   |Eb-7 Bb-7 Z", "Ebm7 | Ebm7 3:Bbm7"),
    "an own quality": ("[T44C*-7b9*   |Fh7   |Bb7alt   Z", "Cm7b9 | Fm7b5 | Bb7alt"),
    "an introduction": ("[*iT44C7sus   ][*AF^7   ]", "[Intro] C7sus | [A] Fmaj7"),
}


@pytest.mark.parametrize("name", PROGRESSIONS)
def test_links_are_read_right(name: str) -> None:
    progression, expected = PROGRESSIONS[name]
    for link in (plain_link(progression), shuffled_link(shuffled_song(progression))):
        (song,) = songs_of(link)
        assert played(song.chart()) == plain(expected)


def test_what_a_link_says() -> None:
    (song,) = songs_of(
        shuffled_link(shuffled_song("[T44D-7   Z", "My Tune", "D-", "Bossa Nova", "Latin-Brazil: Bossa Acoustic", 140))
    )
    chart = song.chart()
    assert (chart.title, chart.composer, chart.key.name, chart.feel, chart.tempo) == (
        "My Tune",
        "First Last",
        "Dm",
        "bossa",
        140.0,
    )
    (song,) = songs_of(shuffled_link(shuffled_song("[T12C7   Z", style="Shuffle", player="Pop-Shuffle", tempo=60)))
    assert (song.chart().tempo, song.chart().feel) == (180.0, "shuffle")  # sixty groups of three


def test_a_playlist_in_a_page() -> None:
    link = shuffled_link(
        *(shuffled_song(f"[T44{root}7   |F7   Z", f"Tune {root}") for root in "CDE"), playlist="My list"
    )
    songs = songs_of(f'<html><a href="{link}">My list</a></html>')
    assert [song.title for song in songs] == ["Tune C", "Tune D", "Tune E"]
    assert [played(song.chart()) for song in songs] == ["C7 | F7", "D7 | F7", "E7 | F7"]
    plain_songs = plain_link("C   Z") + "=" + plain_link("D   Z", title="Second").removeprefix("irealbook://")
    assert [song.title for song in songs_of(plain_songs)] == ["Tune", "Second"]


@pytest.mark.parametrize("around", ["{}", " {}\n", '<a href="{}">x</a>', "<a href='{}'>x</a>", "Play {} now"])
def test_a_link_is_found_where_it_stands(around: str) -> None:
    (song,) = songs_of(
        around.format(plain_link("[T44C7   |F7   Z", "It's")).replace("%27", "'" if "'" not in around else "%27")
    )
    assert song.title == "It's"
    assert played(song.chart()) == "C7 | F7"


def test_a_link_that_somebody_has_decoded() -> None:
    (song,) = songs_of("irealbook://My Tune=Last First=Medium Swing=C=n=[T44C7   |F7 G7 Z")
    assert (song.title, played(song.chart())) == ("My Tune", "C7 | F7 2:G7")


def test_a_link_of_nothing_but_percent_signs_takes_little_memory() -> None:
    text = "irealb://" + "%20" * 2_000_000
    tracemalloc.start()
    with pytest.raises(ChartError, match="holds no chart"):
        songs_of(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def test_a_block_is_shuffled_as_is_publicly_known() -> None:
    block = "".join(chr(48 + number) for number in range(50))
    shuffled = swap_block(block)
    assert swap_block(shuffled) == block
    assert shuffled[:5] == block[:-6:-1]
    assert shuffled[5:10] == block[5:10]
    assert shuffled[10:24] == block[26:40][::-1]
    assert shuffled[24:26] == block[24:26]
    assert unshuffle(shuffled) == shuffled  # one block alone is not shuffled
    assert unshuffle(shuffled + "ab") == block + "ab"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no link", "no link of iReal Pro"),
        ("irealb://Title=x==y=C", "holds no chart"),
        ("irealbook://Title=x", "holds no chart"),
        (plain_link("[T44C   |$   Z"), "unknown"),
        (plain_link("[T44 x  |C   Z"), "there is none"),
        (plain_link("[T44C   | r  Z"), "before there are two"),
        (plain_link(""), "no bar"),
        (plain_link("[T44C   Z", key="H"), "no key"),
        (plain_link("[T99C   Z"), "Tune"),
        (plain_link("C   |" * 4500), "longer than any chart"),
    ],
)
def test_bad_links_are_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ChartError, match=says):
        songs_of(text)[0].chart()


@given(st.text("[]{}|ZT4N1 xrnpQSUABCDEFG^-7hob#sus/W*<>DC.al", max_size=80))
def test_any_progression_is_read_or_refused(text: str) -> None:
    try:
        builder = read_progression(text)
    except ChartError:
        return
    assert all(bar.chords for bar in builder.bars)


@given(st.text(max_size=60))
def test_any_link_is_read_or_refused(text: str) -> None:
    try:
        songs = songs_of(f"irealb://{text}")
        charts = [song.chart() for song in songs]
    except ChartError:
        return
    assert charts
