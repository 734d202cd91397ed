"""Cached decoding gives the numbers of the full pass, whatever was taken back on the way."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.encoding import codec, longest_match_features
from models.network.kv_cache import RingCache
from models.network.transformer import sliding_mask

from ...support.musicians import SMALL, small_musician


def some_steps(count: int, seed: int) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    sizes = (
        2,
        codec.SIZES[1] + 1,
        codec.SIZES[2] + 1,
        codec.SIZES[3] + 1,
        codec.SIZES[4] + 1,
        codec.PLACES + 1,
        3,
        *longest_match_features.SIZES,
    )
    return torch.stack([torch.randint(0, n, (count,), generator=g) for n in sizes], -1)[None]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), margin=st.integers(3, 20))
def test_cache_equals_the_full_pass_after_rewinds_wraps_and_style_changes(seed: int, margin: int) -> None:
    length = 3 * (SMALL.window + margin)
    musician, rng = small_musician(seed), random.Random(seed)
    steps, z = some_steps(length, seed), torch.randn(1, length, SMALL.latent)
    silence = torch.as_tensor(codec.SILENCE).expand(1, 2, -1)
    wide = torch.cat([silence, steps[..., : len(codec.FIELDS)]], dim=1)
    cache, at, found, rewinds = RingCache(SMALL, margin), 0, [], 0
    with torch.inference_mode():
        full = musician.transformer(steps, z, mask=sliding_mask(length, SMALL.window))[0]
        while at < length:
            count = min(rng.randint(1, margin), length - at)
            assert cache.reserve(count) == at
            hidden = musician.transformer(
                steps[:, at : at + count], z[:, at : at + count], before=wide[:, at : at + 2], first=at, cache=cache
            )
            found = found[:at] + list(hidden[0])
            at += count
            if rng.random() < 0.4 and rewinds < 40:
                at = rng.randint(cache.oldest, at)
                cache.rewind(at)
                rewinds += 1
        near = torch.stack([wide[0, i : i + length, codec.PITCH] for i in (2, 1)], -1)
        given_logits = musician.heads(torch.stack(found), steps[0], near)
        full_logits = musician.heads(full, steps[0], near)
    for a, b in zip(given_logits, full_logits, strict=True):
        assert (a - b).abs().max() < 1e-4


def test_a_future_note_changes_no_earlier_output() -> None:
    musician, steps, z = small_musician(), some_steps(20, 0), torch.randn(1, 20, SMALL.latent)
    changed = steps.clone()
    changed[:, 12:] = some_steps(20, 1)[:, 12:]
    changed_z = z.clone()
    changed_z[:, 12:] += 1.0
    with torch.inference_mode():
        a, b = musician.transformer(steps, z), musician.transformer(changed, changed_z)
    assert torch.equal(a[:, :12], b[:, :12])
    assert not torch.allclose(a[:, 12:], b[:, 12:])


def test_style_steers_from_the_step_where_it_changes() -> None:
    musician, steps, z = small_musician(), some_steps(10, 0), torch.zeros(1, 10, SMALL.latent)
    other = z.clone()
    other[:, 6:] = 1.0
    with torch.inference_mode():
        difference = (musician.transformer(steps, z) - musician.transformer(steps, other)).abs().amax(-1)[0]
    assert (difference[:6] == 0).all()
    assert (difference[6:] > 1e-4).all()


def test_a_rewind_past_the_ring_is_refused() -> None:
    cache = RingCache(SMALL, margin=8)
    for _ in range(10):
        cache.reserve(8)
    cache.rewind(cache.oldest)
    with pytest.raises(ValueError, match="cannot go back"):
        cache.rewind(cache.oldest - 1)
    with pytest.raises(ValueError, match="steps at once"):
        cache.reserve(9)
