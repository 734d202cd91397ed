"""Nothing leaves the machine, and nothing is written outside the program's own folders: a whole session, watched call by call."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from .rigs.jack import ROOT
from .rigs.privacy import OWN, environment, isolate_network, strace_command, violations

if sys.platform != "linux":
    pytest.skip("strace and network namespaces are asked for on Linux only", allow_module_level=True)

ONE_DOOR = {"onnxruntime": "onnx_session", "matplotlib": "matplotlib_setup"}  # the only module that may import it
INTRUDER = """
import os, socket
from pathlib import Path
home = Path.home()
for act in (
    lambda: socket.getaddrinfo("example.org", 443),
    lambda: socket.create_connection(("192.0.2.1", 443), 0.1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("192.0.2.2", 9)),
    lambda: socket.create_server(("0.0.0.0", 0)),
    lambda: (home / ".config" / "elsewhere").mkdir(parents=True),
    lambda: (home / ".cache" / "tradefours").mkdir(parents=True),
    lambda: (home / ".cache" / "tradefours" / "ours").write_text("may be"),
    lambda: (home / ".cache" / "theirs").write_text("may not be"),
    lambda: os.rename(home / ".cache" / "tradefours" / "ours", home / "moved"),
    lambda: os.open("below", os.O_CREAT | os.O_WRONLY, dir_fd=os.open(home / ".config", os.O_RDONLY)),
):
    try:
        act()
    except OSError:
        pass
"""


@pytest.mark.real
def test_a_whole_session_sends_nothing_and_writes_in_its_own_folders_alone() -> None:
    command = isolate_network(sys.executable, "-m", "tests.system.rigs.privacy")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["found"] == {name: [] for name in ("play", "demo", "answer", "takes", "train", "export")}
    assert report["elsewhere"] == []
    assert done.returncode == 0
    for name in ("take.jsonl", "take.png", "fontlist"):  # it did write what it should
        assert any(name in path for path in report["files"]), report["files"]


@pytest.mark.real
def test_what_another_program_sends_and_writes_is_noticed(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    command = [*strace_command(log), sys.executable, "-c", INTRUDER]
    subprocess.run(isolate_network(*command), env=environment(home), cwd=ROOT, check=True, timeout=120)
    found = "\n".join(violations(log, home))
    for told in (
        *("asks a name server", "speaks to 192.0.2.1:443", "speaks to 192.0.2.2:9", "listens on 0.0.0.0"),
        *("AF_INET SOCK_DGRAM", ".config/elsewhere", ".cache/theirs", "home/moved", ".config/below"),
    ):
        assert told in found
    assert not any(f"writes {home / place}\n" in f"{found}\n" for place in (".config", ".cache", *OWN))
    assert "ours" not in found


@pytest.mark.parametrize("package", sorted(ONE_DOOR))
def test_what_would_report_or_write_is_imported_in_one_place(package: str) -> None:
    files = [path for folder in ("agent", "models", "presets", "tests") for path in (ROOT / folder).rglob("*.py")]
    importers = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            importers |= {path.stem for name in names if name.partition(".")[0] == package}
    assert importers == {ONE_DOOR[package]}
