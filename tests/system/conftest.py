"""Fixtures for tests of the page: a browser for each module, and a visit to the address that the module serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .rigs.browser import Visit, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    made = Visit(browser, address)
    yield made
    made.close()
