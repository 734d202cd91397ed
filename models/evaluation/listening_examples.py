"""Examples to listen to: calls that the musician has never heard, answered in several styles, as .mid, .png and .wav.

They are made by the program's own command, as a user would make them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..music.midifile import write_notes
from .answers import Excerpt

STYLES = ("late-night-ballad", "ragtime", "bebop-line")
#: Where common packages put a General MIDI SoundFont.
SOUNDFONTS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
)
ROOT = Path(__file__).resolve().parents[2]
#: The program as a user starts it, without the current folder on its path (`agent/isolated_launcher.py`, by its path: no import).
COMMAND = (sys.executable, "-P", str(ROOT / "agent" / "isolated_launcher.py"), "agent")


class ListenError(RuntimeError):
    """An answer could not be made; one sentence that says why."""


def listen(folder: Path, calls: Sequence[Excerpt], weights: str, seed: int) -> int:
    """Write each call, and for each style its answer as .mid and .png, and as .wav where FluidSynth and a SoundFont are found.

    Returns how many answers there are. Raises ListenError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    soundfont = next((path for path in SOUNDFONTS if Path(path).is_file()), None)
    synth = shutil.which("fluidsynth") if soundfont else None
    made = 0
    for number, cut in enumerate(calls, 1):
        call = folder / f"{number:02}_{cut.source}.mid"
        write_notes(call, {"call": cut.call})
        for style in STYLES:
            both = folder / f"{call.stem}__{style}.mid"
            command = [*COMMAND, "answer", str(call), "-o", str(both), "--preset", style]
            command += ["--seed", str(seed), "--weights", weights, "--picture", str(both.with_suffix(".png"))]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode != 0:
                raise ListenError(done.stderr.strip().rpartition("\n")[2] or f"{both.name} could not be made")
            if synth and soundfont:
                sound = ["-ni", "-g", "0.7", "-r", "44100", "-F", str(both.with_suffix(".wav")), soundfont, str(both)]
                subprocess.run([synth, *sound], capture_output=True)
            made += 1
            print(f"… {made} of {len(calls) * len(STYLES)}: {both.name}", file=sys.stderr, flush=True)
    return made
