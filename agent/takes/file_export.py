"""Export a take as one file, of the name that the user gives."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..errors import UserError
from . import library
from .recorder import MIDI, write_take_midi
from .take_sound import write_wav

PICTURE_KIND = ".png"
MIDI_KINDS = (".mid", ".midi")
SOUND = ".wav"
OTHER_SOUNDS = (".mp3", ".ogg", ".flac", ".aiff", ".m4a")


def export(folder: Path, to: Path) -> list[Path]:
    """Write the take of that folder; returns the paths of what was written. Raises UserError.

    `to` is a file of MIDI, a picture or a sound, which is written alone, or else a folder for MIDI and picture.
    """
    kind = "" if to.is_dir() else to.suffix.lower()
    if kind in OTHER_SOUNDS:
        raise UserError(f"{to} would be a sound of a kind that is not written here; name a .wav file, and convert it.")
    if kind not in (PICTURE_KIND, SOUND, *MIDI_KINDS):
        return library.export(folder, to)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if kind == PICTURE_KIND:
            library.draw(folder, to)
        elif kind == SOUND:
            write_wav(folder, to)
        else:
            _write_midi(folder, to)
    except OSError as error:
        raise UserError(f"{to} cannot be written ({error.strerror}); name another file.") from error
    return [to]


def _write_midi(folder: Path, to: Path) -> None:
    write_take_midi(folder)
    if not (folder / MIDI).is_file():
        raise UserError(f"{folder.name} holds no notes; choose another take.")
    part = to.with_name(f"{to.name}.part")
    shutil.copyfile(folder / MIDI, part)
    os.replace(part, to)
