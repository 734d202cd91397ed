"""Our own sound on a real sound system: heard at once, and quiet as soon as the output leads to another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...system.rigs.jack import Program, Recorder, jack_server, wait_for

if sys.platform != "linux":
    pytest.skip("JACK's dummy driver is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with jack_server(tmp_path / "jackd.log") as name:
        yield name


@pytest.mark.parametrize("sound_wanted", ["built-in", "fluidsynth"])
def test_keys_are_heard_before_the_musician_and_quiet_where_another_sounds(
    server: str, tmp_path: Path, sound_wanted: str
) -> None:
    echo = ("--mind", f"{sys.executable} -m models.worker --echo", "--sound", sound_wanted, "--no-page")
    with Recorder() as recorder, Program("play", *echo, "--take", str(tmp_path / "take")) as program:
        program.wait_for_line("Listening to")
        sound = wait_for(
            lambda: [
                p.name
                for p in recorder.client.get_ports(is_audio=True, is_output=True)
                if any(word in p.name.lower() for word in ("ortaudio", "python", "tradefours", "fluidsynth"))
            ],
            10,
            f"our sound among {recorder.names()}",
        )
        recorder.connect("recorder:keys", "tradefours:in")
        recorder.connect(sound[0], "recorder:audio")
        begun = recorder.now() + 0.3
        recorder.play([(0.0, b"\x90\x3c\x64"), (0.5, b"\x80\x3c\x00")], begun)
        wait_for(lambda: any(v > 1e-3 for t, v in recorder.loudness if t > begun), 10, "the key's sound")
        recorder.connect("tradefours:out", "recorder:out")
        program.wait_for_line("our own sound is quiet", 15)
        begun = recorder.now() + 0.6
        recorder.play([(0.0, b"\x90\x3e\x64"), (0.5, b"\x80\x3e\x00")], begun)
        wait_for(lambda: recorder.now() > begun + 0.6, 5, "half a second")
        assert max(v for t, v in recorder.loudness if begun < t < begun + 0.5) < 1e-3
        program.process.terminate()
        assert program.wait(60) == 0
        assert "Traceback" not in program.said
