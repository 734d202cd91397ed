"""SoundFonts: where systems keep them, and whether a file is one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SUFFIXES = (".sf2", ".sf3")  # the second is compressed; FluidSynth reads both
PREFERRED = ("FluidR3_GM.sf2", "default-GM.sf2", "default.sf2", "default-GM.sf3")  # looked for first, in this order
GENERAL_MIDI = ("gm", "general")  # in the name of a file that has all instruments
#: The folders of the usual packages and programs, below which no other folder is searched.
FOLDERS = {
    "linux": (
        "/usr/share/sounds/sf2",
        "/usr/share/soundfonts",
        "/usr/share/sounds/sf3",
        "/usr/local/share/sounds/sf2",
        "/usr/local/share/sounds/sf3",
        "/usr/local/share/soundfonts",
        "~/.local/share/sounds/sf2",
        "~/.local/share/sounds/sf3",
        "~/.local/share/soundfonts",
    ),
    "darwin": (
        "~/Library/Audio/Sounds/Banks",
        "/Library/Audio/Sounds/Banks",
        "/opt/homebrew/share/soundfonts",
        "/usr/local/share/soundfonts",
    ),
    "win32": ("%ProgramData%/soundfonts",),
}
MOST_LISTED = 100  # files
CHUNK_HEADER = 8  # bytes: four letters, and the size of what follows
PARTS = {b"INFO", b"sdta", b"pdta"}  # what a SoundFont has: its name, its samples, its presets


def find_soundfont(folders: tuple[str, ...] | None = None) -> Path | None:
    """A SoundFont in a usual folder, best one with all the instruments of General MIDI; None where there is none."""
    return next((path for path in _ranked(folders) if why_not(path) is None), None)


def list_soundfonts(folders: tuple[str, ...] | None = None) -> list[Path]:
    """The files in the usual folders that are called SoundFonts, best ones first, each file and each name once."""
    files: dict[Path, Path] = {}
    for path in _ranked(folders):
        files.setdefault(path.resolve(), path)  # some are links to others
    names: dict[str, Path] = {}
    for path in files.values():
        names.setdefault(path.name, path)
    return list(names.values())[:MOST_LISTED]


def why_not(path: Path) -> str | None:
    """Why a file cannot be used as a SoundFont, in a few words; None where it can."""
    try:
        if not path.exists():
            return "is not there"
        if not path.is_file():
            return "is no file"
        return None if _parts(path) >= PARTS else "is no SoundFont"
    except OSError:
        return "cannot be read"


def _parts(path: Path) -> set[bytes]:
    """The parts of a whole RIFF file of the form `sfbk`; none where it is another file, or one that is cut short."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"sfbk" or int.from_bytes(head[4:8], "little") + CHUNK_HEADER > size:
            return set()
        found = set()
        while len(chunk := file.read(12)) == 12 and chunk[:4] == b"LIST":
            found.add(chunk[8:])
            length = int.from_bytes(chunk[4:8], "little")
            file.seek(length + length % 2 - 4, os.SEEK_CUR)
        return found


def _files(folder: Path) -> list[Path]:
    """The SoundFonts of a folder, by their names."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError:
        return []


def _ranked(folders: tuple[str, ...] | None) -> list[Path]:
    """The SoundFonts of these folders, or of the usual ones, best ones first."""
    places = FOLDERS.get(sys.platform, FOLDERS["linux"]) if folders is None else folders
    found = [path for place in places for path in _files(Path(os.path.expandvars(place)).expanduser())]
    return sorted(found, key=_rank)


def _rank(path: Path) -> tuple[int, bool]:
    known = PREFERRED.index(path.name) if path.name in PREFERRED else len(PREFERRED)
    return known, not any(word in path.name.lower() for word in GENERAL_MIDI)
