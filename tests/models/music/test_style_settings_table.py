"""One table of settings: presets, help, presets/README.md and the musician's defaults are made of it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from agent.cli.arguments import parser
from agent.errors import UserError
from agent.styles import presets
from models.music import preset_file
from models.music.style_settings_table import (
    ANSWER,
    KNOBS,
    SAMPLING,
    SWITCHES,
    TERMS,
    add_options,
    changes,
    nearest,
    settings_table,
)
from models.steering.sampling import Sampling

README = Path(__file__).resolve().parents[3] / "presets" / "README.md"


def test_the_table_in_the_readme_is_the_one_in_the_code() -> None:
    text = README.read_text(encoding="utf8")
    written = text.partition("<!-- settings:begin -->\n")[2].partition("<!-- settings:end -->")[0]
    assert written.strip() == settings_table().strip()
    assert all(f"`{name}`" in written for name in (*SAMPLING, *KNOBS, *ANSWER))


def test_defaults_lie_within_their_bounds_and_every_setting_says_what_it_does() -> None:
    for setting in (*SAMPLING.values(), *KNOBS.values(), *ANSWER.values()):
        assert setting.low <= setting.default <= setting.high
        assert setting.about
        assert setting.unit
    assert len({s.term for s in TERMS.values()}) == len(TERMS)


def test_every_setting_can_be_written_in_a_preset_and_is_the_musicians(tmp_path: Path) -> None:
    for name, setting in SAMPLING.items():
        if name in ("lowest", "highest"):
            continue
        path = tmp_path / "one.toml"
        path.write_text(f"[sampling]\n{name} = {setting.high}\n", encoding="utf8")
        told = presets.read(path).sampling
        assert told == {name: setting.high}
        assert Sampling.of(told) != Sampling() or setting.high == setting.default


def test_shipped_presets_come_out_as_they_were_read(tmp_path: Path) -> None:
    for preset in presets.all_presets():
        path = tmp_path / f"{preset.name}.toml"
        path.write_text(preset_file.written(preset), encoding="utf8")
        assert presets.read(path) == preset


def told(*words: str) -> argparse.Namespace:
    options = argparse.ArgumentParser(exit_on_error=False)
    add_options(options)
    return options.parse_args(words)


def test_set_and_without_are_told_to_the_musician() -> None:
    args = told("--set", "motif=0", "--set", "beat=2.5", "--without", "clash", "--without", "reranker")
    sampling = Sampling.of(changes(args.settings, args.without))
    assert (sampling.strengths["motif"], sampling.strengths["beat"], sampling.strengths["clash"]) == (0.0, 2.5, 0.0)
    assert sampling.without == {"clash", "reranker"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--set", "motiv=1"), "'motiv' is no setting; did you mean motif?"),
        (("--set", "motif=9"), "motif does not fit; give a number from 0 to 4"),
        (("--set", "motif=much"), "motif does not fit; give a number from 0 to 4"),
        (("--set", "motif=nan"), "motif does not fit; give a number from 0 to 4"),
        (("--without", "rerank"), "'rerank' cannot be switched off; did you mean reranker?"),
    ],
)
def test_a_wrong_name_is_one_sentence_with_the_nearest(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(argparse.ArgumentError) as caught:
        told(*words)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_range_that_is_too_narrow_is_refused() -> None:
    with pytest.raises(UserError, match="at least an octave apart"):
        presets.load(None, settings=[("lowest", 60.0), ("highest", 64.0)])


@pytest.mark.parametrize("command", ["play", "answer"])
def test_help_is_printed_from_the_table(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "motif (0 to 4; 2)" in shown
    assert all(name in shown for name in SWITCHES)


def test_nearest_names_one_or_all() -> None:
    assert nearest("temprature", SAMPLING, "sampling.") == "did you mean sampling.temperature?"
    assert nearest("spice", ANSWER) == "there are: shortest, longest."
