"""The marker `torch`: given by what a test module imports. See `support/torch_users.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support.torch_users import TORCH, needs_torch


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Modules that need torch are not even loaded under `-m "not torch"`."""
    is_test = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    if is_test and f"not {TORCH}" in config.option.markexpr and needs_torch(collection_path):
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of a module that needs torch."""
    for item in items:
        if needs_torch(item.path):
            item.add_marker(TORCH)
