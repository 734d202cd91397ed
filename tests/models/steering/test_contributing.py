"""The example of CONTRIBUTING, a steering term and its test, works as it stands there."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from models.music.style_settings_table import TERMS, Setting
from models.steering import pipeline

GUIDE = Path(__file__).resolve().parents[3] / ".github" / "CONTRIBUTING.md"


def test_the_example_term_passes_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    module, row, test = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf8"), re.DOTALL)
    setting = eval(row, {"Setting": Setting})
    assert isinstance(setting, Setting)
    monkeypatch.setitem(TERMS, setting.term, setting)
    drone = types.ModuleType("models.steering.drone")
    drone.__package__ = "models.steering"
    monkeypatch.setitem(sys.modules, drone.__name__, drone)
    exec(module, vars(drone))
    scope = {"__name__": f"{__package__}.test_drone", "__package__": __package__}
    exec(test, scope)
    tests = [name for name in scope if name.startswith("test_")]
    assert tests == ["test_the_lowest_pitch_of_the_call_is_favoured"]
    scope[tests[0]]()
    assert drone.Drone().name not in {term.name for term in pipeline.PIPELINE}  # it is an example, and no more
