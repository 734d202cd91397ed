"""Standard streams that are closed, full, without a reader or of few characters: the program does without what is not there."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agent import standard_streams
from agent.demo_call import written_call
from models.music.midifile import read_notes, write_notes

from ..system.rigs.jack import ROOT

AGENT = f"{shlex.quote(sys.executable)} -m agent"
ECHO = f"{sys.executable} -m models.worker --echo"
PLAY = f"{AGENT} play --page-port 0 --sound off --seconds 1 --mind {shlex.quote(ECHO)}"
needs_shell = pytest.mark.skipif(os.name != "posix", reason="a shell of Unix closes the streams")


def shell(line: str, home: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    quiet = {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1", "HOME": str(home), "DISPLAY": ""}
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, timeout=120, cwd=ROOT, env={**os.environ, **quiet, **env}
    )


def takes_of(home: Path) -> int:
    return len(list((home / "tradefours" / "takes").glob("*/take.jsonl")))


@needs_shell
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "| head -n 1"])
def test_a_session_does_without_the_streams_that_are_not_there(tmp_path: Path, closed: str) -> None:
    done = shell(f"{PLAY} {closed}", tmp_path)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert b"Traceback" not in done.stdout + done.stderr
    assert b"Exception ignored" not in done.stderr
    assert takes_of(tmp_path) == 1
    [take] = (tmp_path / "tradefours" / "takes").glob("*/take.jsonl")
    assert '"ends": true' in take.read_text(encoding="utf8")  # it played to its end


@needs_shell
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("presets >/dev/full", 2, b"cannot be written (No space left on device)"),
        ("presets --json >/dev/full", 2, b"cannot be written (No space left on device)"),
        ("takes list >/dev/full", 2, b"cannot be written (No space left on device)"),
        ("presets >&-", 0, b""),
        ("takes list >&- <&-", 0, b""),
        ("answer none.mid -o x.mid 2>&-", 2, b""),
        ("answer none.mid -o x.mid 2>/dev/full", 2, b""),
        ("play --channel 17 2>&-", 2, b""),
    ],
)
def test_a_list_that_cannot_be_written_is_said_in_one_line(tmp_path: Path, line: str, code: int, said: bytes) -> None:
    done = shell(f"{AGENT} {line}", tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert done.stderr.count(b"\n") == (1 if said else 0)


@needs_shell
@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "cp437", "utf-8"])
def test_no_encoding_is_too_small(tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "Müller → 日本"
    folder.mkdir()
    home = str(folder)
    done = shell(
        f"{AGENT} takes list; {AGENT} presets vamp baroque -o {shlex.quote(home)}/x.mid",
        folder,
        PYTHONIOENCODING=encoding,
    )
    assert done.stderr == b""
    lines = done.stdout.decode(encoding).splitlines()
    assert len(lines) == 2
    asked = "Müller → 日本".encode(encoding, "replace").decode(encoding)
    assert ("Müller → 日本" in lines[0]) == (asked == "Müller → 日本")
    assert "ller" in lines[0]


@needs_shell
def test_names_that_are_no_text_are_printed_as_they_are(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/M\xfcller.mid"
    done = shell(f"{AGENT} presets vamp baroque -o \"$(printf '{tmp_path}/M\\374ller.mid')\"", tmp_path)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


@needs_shell
@pytest.mark.parametrize("encoding", ["utf-16", "cp037", "utf-7"])
def test_the_musician_is_understood_in_encodings_without_ascii(tmp_path: Path, encoding: str) -> None:
    write_notes(tmp_path / "call.mid", {"piano": written_call().notes})
    line = f"{AGENT} answer {tmp_path}/call.mid -o {tmp_path}/both.mid --mind {shlex.quote(ECHO)}"
    done = shell(line, tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr.decode(encoding)
    assert "style Pop ballad" in done.stdout.decode(encoding)
    assert len(read_notes(tmp_path / "both.mid")) > len(written_call())


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("a → b", "ascii", b"a -> b"),
        ("● 3·4 …", "ascii", b"* 3-4 ..."),
        ("Für Elise", "ascii", b"Fur Elise"),
        ("Für →", "latin-1", "Für ->".encode("latin-1")),
        ("日本 😀", "cp1252", b"?? ?"),
        ("x\udcffy", "utf-8", b"x\xffy"),
        ("x\ud800y", "utf-8", b"x?y"),
    ],
)
def test_what_is_written_for_a_character_that_is_missing(text: str, encoding: str, written: bytes) -> None:
    standard_streams.prepare()
    assert text.encode(encoding, standard_streams.ERRORS) == written
