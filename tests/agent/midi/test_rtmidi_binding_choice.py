"""The second binding to RtMidi has the form of the first; the system's libjack comes before those in wheels."""

from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from agent.midi import rtmidi_backend, rtmidi_binding_choice
from agent.midi.jack import library
from agent.midi.port_errors import NoMidiSystem


class FakeClient:
    """A client of supriya-midi."""

    def __init__(self, api: str, client_name: str) -> None:
        self.made = (api, client_name)
        self.callback: Any = None
        self.calls: list[str] = []

    def set_callback(self, callback: Any, data: Any = None) -> None:
        self.callback = lambda message, seconds: callback(message, seconds, data)

    def get_ports(self) -> list[str]:
        return ["piano"]

    def delete(self) -> None:
        self.calls.append("delete")


class FakeOutputClient(FakeClient):
    pass


def fake_supriya() -> SimpleNamespace:
    apis = SimpleNamespace(LINUX_ALSA="alsa", UNIX_JACK="jack", MACOSX_CORE="core", WINDOWS_MM="mm")
    return SimpleNamespace(
        RtMidiAPI=apis, MidiIn=FakeClient, MidiOut=FakeOutputClient, get_compiled_apis=lambda: ["alsa", "jack"]
    )


def test_the_other_binding_has_the_form_of_the_first() -> None:
    binding = rtmidi_binding_choice.SupriyaBinding(fake_supriya())
    client = binding.MidiIn(binding.API_LINUX_ALSA, name="tradefours")
    assert client.made == ("alsa", "tradefours")
    assert client.get_ports() == ["piano"]
    received: list[Any] = []
    client.set_callback(lambda packet, data: received.append((packet, data)))
    client.callback([0x90, 60, 80], 0.5)
    assert received == [(([0x90, 60, 80], 0.5), None)]
    client.delete()
    assert client.calls == ["delete"]
    assert isinstance(binding.MidiOut(binding.API_UNIX_JACK, name="x")._client, FakeOutputClient)


def test_where_the_first_is_missing_the_second_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.setitem(sys.modules, "supriya_midi", fake_supriya())  # type: ignore[arg-type]
    binding = rtmidi_binding_choice.load_rtmidi()
    assert isinstance(binding, rtmidi_binding_choice.SupriyaBinding)
    assert rtmidi_backend.compiled_apis()[0] == "alsa"


def test_another_package_called_rtmidi_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", SimpleNamespace())  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "supriya_midi", fake_supriya())  # type: ignore[arg-type]
    assert isinstance(rtmidi_binding_choice.load_rtmidi(), rtmidi_binding_choice.SupriyaBinding)


def test_a_machine_with_no_binding_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.setitem(sys.modules, "supriya_midi", None)
    with pytest.raises(NoMidiSystem, match="neither python-rtmidi nor supriya-midi is installed"):
        rtmidi_binding_choice.load_rtmidi()


@pytest.mark.parametrize("broken", ["rtmidi", "supriya_midi"])
def test_a_missing_libasound_is_named(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    if broken == "supriya_midi":
        monkeypatch.setitem(sys.modules, "rtmidi", None)
    else:
        monkeypatch.delitem(sys.modules, "rtmidi", raising=False)
    monkeypatch.delitem(sys.modules, "supriya_midi", raising=False)
    real_import = builtins.__import__

    def fail(name: str, *rest: Any) -> Any:
        if name == broken:
            raise ImportError("libasound.so.2: cannot open shared object file")
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(NoMidiSystem, match="libasound2 is not installed"):
        rtmidi_binding_choice.load_rtmidi()


def test_without_the_systems_libjack_there_is_no_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.setitem(sys.modules, "supriya_midi", fake_supriya())  # type: ignore[arg-type]
    monkeypatch.setattr(rtmidi_backend, "load_system_jack", lambda: None)
    assert rtmidi_backend.compiled_apis() == ["alsa"]
    monkeypatch.setattr(rtmidi_backend, "load_system_jack", lambda: object())
    assert rtmidi_backend.compiled_apis() == ["alsa", "jack"]


def test_a_library_that_cannot_be_loaded_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no such file")

    monkeypatch.setattr(library.ctypes, "CDLL", fail)
    assert library.load_system_jack.__wrapped__() is None
