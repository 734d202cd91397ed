"""Two musicians of one family have a mean; two of different ones have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.runtime import checkpoint
from models.training import average_two_models

from ...support.musicians import SMALL, small_musician


@pytest.fixture
def related(tmp_path: Path) -> tuple[Path, Path]:
    """Weights, and the same a little further on."""
    musician, paths = small_musician(), (tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    checkpoint.save(paths[0], musician, {"points": "a", "licence": "asks for something"}, torch.float32)
    with torch.no_grad():
        for parameter in musician.parameters():
            parameter += 0.01
    checkpoint.save(paths[1], musician, {"points": "a", "notes": 7}, torch.float32)
    return paths


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_mean_lies_between(related: tuple[Path, Path], tmp_path: Path, share: float) -> None:
    out = tmp_path / "mean.safetensors"
    assert average_two_models.main([*map(str, related), "--share", str(share), "--out", str(out)]) == 0
    a, b, mean = (checkpoint.load(str(p)) for p in (*related, out))
    weights = zip(*(m.model.parameters() for m in (a, b, mean)), strict=True)
    assert all(torch.allclose((1 - share) * x + share * y, z, atol=2e-3) for x, y, z in weights)
    assert mean.about["licence"] == "asks for something"
    assert mean.about["notes"] == 7
    assert mean.about["points"] == "a"
    assert mean.about["averaged"] == [f"{1 - share:.2f} of {a.fingerprint}", f"{share:.2f} of {b.fingerprint}"]


def test_style_encoders_that_differ_are_not_said_to_mean_the_same(related: tuple[Path, Path]) -> None:
    a, b = (checkpoint.load(str(p)) for p in related)
    b.about["points"] = "b"
    assert "points" not in average_two_models.average(a, b, 0.5).about


def test_strangers_have_no_mean(related: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, wider, out = tmp_path / "other.safetensors", tmp_path / "wider.safetensors", tmp_path / "mean.safetensors"
    checkpoint.save(other, small_musician(seed=1), {})
    checkpoint.save(wider, small_musician(config=replace(SMALL, hidden=64)), {})
    first = str(related[0])
    for wrong, said in (
        ([first, str(other), "--out", str(out)], "not related"),
        ([first, str(wider), "--out", str(out)], "differ in shape"),
        ([first, first, "--share", "1.5", "--out", str(out)], "from 0 to 1"),
        ([first, first, "--out", str(tmp_path / "mean")], "does not end"),
        ([first, "nobody", "--out", str(out)], "not found"),
        ([first, first, "--out", str(related[0] / "mean.safetensors")], "cannot be written"),
    ):
        assert average_two_models.main(wrong) == 2
        assert said in capsys.readouterr().err
    assert not out.exists()
