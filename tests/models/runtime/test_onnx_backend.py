"""Every network says what the reference says, whatever was taken back; the compact file is what the live engine plays from."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from models.decoding import backend_choice
from models.decoding.engine import Engine
from models.encoding import codec, longest_match_features
from models.music.note_records import Note, Span
from models.release import export_weights, int8_selection, parity
from models.runtime import checkpoint, quantization, weights_file
from models.runtime.backend import Backend, Floats
from models.runtime.numpy_backend import NumpyBackend
from models.runtime.onnx_backend import OnnxBackend
from models.runtime.torch_backend import TorchBackend

from ...support.musicians import SMALL, scale, small_musician, small_weights

MARGIN = 20
EIGHT_BITS = int8_selection.matrix_groups(SMALL)[2:]  # as after an export that found two matrices to be kept whole


def some_steps(count: int, seed: int) -> codec.Steps:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, n, count) for n in shelf_sizes()], 1)


def shelf_sizes() -> list[int]:
    known = (2, *(codec.SIZES[f] + 1 for f in range(1, 5)), codec.PLACES + 1, 3)
    return [*known, *longest_match_features.SIZES]


def read(network: Backend, steps: codec.Steps, points: Floats, seed: int, rewinds: int) -> Floats:
    """Feed it all in pieces, going back now and then; the style changes on the way."""
    rng, at, found = random.Random(seed), 0, np.zeros((len(steps), SMALL.width), np.float32)
    wide = np.concatenate([np.tile(codec.SILENCE, (2, 1)), steps[:, : len(codec.FIELDS)]])
    while at < len(steps):
        count = min(rng.randint(1, MARGIN), len(steps) - at, 10 - at % 10)  # one style a piece
        found[at : at + count] = network.feed(steps[at : at + count], wide[at : at + 2], points[at // 10])
        at += count
        if rng.random() < 0.4 and rewinds > 0:
            at = rng.randint(network.ring.oldest, at)
            network.ring.rewind(at)
            rewinds -= 1
    return found


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_numpy_says_what_torch_says_and_the_live_one_nearly(seed: int) -> None:
    count = 2 * (SMALL.window + MARGIN)
    steps, points = some_steps(count, seed), np.random.default_rng(seed).normal(size=(count, SMALL.latent))
    points = points.astype(np.float32)
    torch, weights = TorchBackend(small_musician(seed)), small_weights(seed)
    true = read(torch, steps, points, seed, rewinds=0)
    plain = read(NumpyBackend(weights, SMALL, MARGIN), steps, points, seed + 1, rewinds=20)
    live = read(OnnxBackend(weights, SMALL, margin=MARGIN), steps, points, seed + 1, rewinds=20)
    once = read(OnnxBackend(weights, SMALL, margin=MARGIN), steps, points, seed + 2, rewinds=0)
    assert np.abs(plain - true).max() < 1e-4
    assert np.abs(live - once).max() < 0.05 * true.std()  # steps at once or one by one are rounded differently
    assert np.corrcoef(live.ravel(), true.ravel())[0, 1] > 0.999


def test_heads_and_styles_are_those_of_torch() -> None:
    torch, plain, rng = TorchBackend(small_musician()), NumpyBackend(small_weights(), SMALL), np.random.default_rng(0)
    state = rng.normal(size=SMALL.width).astype(np.float32)
    for near in (np.array([40, 43]), np.array([codec.NO_PITCH, 3])):
        a = b = state
        for field, size in enumerate(codec.SIZES):
            assert np.allclose(torch.logits(a, field, near), plain.logits(b, field, near), atol=1e-5)
            if field + 1 < len(codec.SIZES):
                a, b = torch.condition(a, field, size - 1), plain.condition(b, field, size - 1)
    rows = codec.encode(scale(16))
    assert np.allclose(torch.encode_style(rows), plain.encode_style(rows), atol=1e-5)


def test_a_style_change_feeds_nothing_and_the_same_seed_plays_the_same() -> None:
    def play(change: bool) -> tuple[list[Note], int]:
        e = Engine(OnnxBackend(small_weights(), SMALL))
        e.seed(4)
        e.hear(0, scale(30))
        length = e.ring.length
        if change:
            e.style([1.0] * SMALL.latent, {})
        assert e.ring.length == length
        return list(e.play(Span(7.0, 99.0, 9.0, 12.0))), e.ring.length

    assert play(True) == play(True)
    assert play(True) != play(False)


def test_eight_bits_are_near_and_whole() -> None:
    matrix = np.random.default_rng(0).normal(size=(7, 75)).astype(np.float32)
    matrix[2] = 0.0
    small, factor = quantization.quantize(matrix)
    assert small.shape == matrix.shape
    assert factor.shape == (7, 3)
    assert np.abs(quantization.dequantize(small, factor) - matrix).max() <= 0.51 * factor.max()


def exported(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    checkpoint.save(path, small_musician(), {"note": "small"})
    weights = weights_file.read(path)
    small = {name: quantization.quantize(weights.tensors[name]) for group in EIGHT_BITS for name in group}
    export_weights.write(weights, small, tmp_path / "mine.live.safetensors")
    return path


def test_what_eight_bits_blur_too_much_is_kept_whole() -> None:
    weights = {name: w.copy() for name, w in small_weights().items()}
    loud = "transformer.layers.1.down.weight"
    weights[loud] *= 8.0
    check = parity.ParityCheck(
        NumpyBackend(weights, SMALL), parity.generate_passages(Engine(NumpyBackend(weights, SMALL)), 60, 4)
    )
    every = {name for group in int8_selection.matrix_groups(SMALL) for name in group}
    all_small = OnnxBackend(weights, SMALL, {name: quantization.quantize(weights[name]) for name in every})
    before = check.compare(all_small)
    enough = (1.0 + before.same) / 2
    small = int8_selection.select_int8(weights, SMALL, check, enough=enough)
    after = check.compare(mixed := OnnxBackend(weights, SMALL, small), at_once=64)
    assert before.same < enough <= after.same
    assert after.error < before.error
    assert loud not in small
    assert set(small) < every
    assert all_small.bytes_per_step < mixed.bytes_per_step < OnnxBackend(weights, SMALL).bytes_per_step


def test_the_compact_file_is_played_by_every_engine(tmp_path: Path) -> None:
    path = exported(tmp_path)
    live = weights_file.find(str(path), live=True)
    assert live.name == "mine.live.safetensors"
    assert weights_file.find(str(path)) == path
    from_both = [backend_choice.load(str(path), kind) for kind in backend_choice.NAMES]
    assert {e.fingerprint for e in from_both} == {weights_file.digest(path)}
    assert [e.about()["engine"] for e in from_both] == ["onnxruntime", "numpy", "torch"]
    assert [e.name for e in from_both] == 3 * ["mine"]
    path.unlink()
    alone = backend_choice.load(str(path), backend_choice.TORCH)  # in eight bits, where there is nothing else
    for e in (*from_both, alone):
        e.hear(0, scale(20))
    a, b = from_both[2].context.hidden[-1], alone.context.hidden[-1]
    assert np.corrcoef(a, b)[0, 1] > 0.999
    fresh = OnnxBackend(small_weights(), SMALL)
    assert fresh.config == from_both[0].config


def test_a_compact_file_of_other_weights_is_passed_over(tmp_path: Path) -> None:
    path = exported(tmp_path)
    checkpoint.save(path, small_musician(1), {})
    assert weights_file.find(str(path), live=True) == path


def test_a_compact_file_is_not_believed_either(tmp_path: Path) -> None:
    path = exported(tmp_path)
    live = path.with_name("mine.live.safetensors")
    tensors = load_file(live)
    header = weights_file.header(SMALL, {}, "abc")
    for spoilt in (
        {k: v for k, v in tensors.items() if not k.endswith(weights_file.SCALE)}
        | {"x.scale": np.zeros((1, 1), np.float16)},
        {k: v[:1] if k.endswith(weights_file.SCALE) else v for k, v in tensors.items()},
        {k: v for k, v in tensors.items() if "heads" not in k},
    ):
        save_file(spoilt, live, metadata=header)
        with pytest.raises(weights_file.CheckpointError, match="does not hold the weights"):
            weights_file.read(live)
    save_file(tensors, live, metadata={**header, "config": json.dumps({"style_width": 10**9})})
    with pytest.raises(weights_file.CheckpointError, match="cannot be right"):
        weights_file.read(live)


def test_the_shelf_knows_every_tensor_of_a_musician() -> None:
    assert weights_file.tensor_shapes(SMALL) == {k: tuple(v.shape) for k, v in small_weights().items()}


def test_without_its_runtime_numpy_plays_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "models.runtime.onnx_backend", raising=False)
    monkeypatch.delitem(sys.modules, "models.runtime.onnx_session", raising=False)
    about = backend_choice.load(str(exported(tmp_path))).about()
    assert about["engine"] == "numpy"
    assert "ONNX Runtime is not installed" in about["note"]
    assert "\n" not in about["note"]


def test_what_may_not_be_used_commercially_is_called_so_and_presets_are_for_both() -> None:
    path = weights_file.find("full")
    assert path.name == "full-noncommercial.live.safetensors"
    full, ours = weights_file.read(path), weights_file.read(weights_file.find("open", live=True))
    assert "CC BY-NC-SA 4.0" in full.about["licence"]
    assert full.about["points"] == ours.name == "open"
    style = [name for name in ours.tensors if name.startswith("style.")]
    assert len(style) > 10
    assert all(np.array_equal(full.tensors[name], ours.tensors[name]) for name in style)
    assert not np.array_equal(full.tensors["heads.out.1.weight"], ours.tensors["heads.out.1.weight"])


def test_the_shipped_weights_agree_with_the_reference() -> None:
    weights = weights_file.read(weights_file.find("open"))
    reference = NumpyBackend(weights.tensors, weights.config)
    ready = weights_file.read(weights_file.find("open", live=True))
    live = OnnxBackend(ready.tensors, ready.config, ready.int8)
    found = parity.compare(reference, live, parity.generate_passages(Engine(reference)))
    assert found.same >= 0.99, found
    assert found.worse < 0.005, found
