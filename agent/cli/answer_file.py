"""Answers a MIDI file: the same musician, asked without a clock. The same call, preset and seed give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.music.midifile import DRUM_CHANNEL, MidiFileError, MidiMusic, Part, read_music, write_music
from models.music.note_records import Note, Span, from_wire, span_to_wire, to_wire
from models.music.pulse import find_pulse

from ..errors import UserError
from ..playing.ask_worker_offline import ask
from ..playing.load_shedding import MOST_CANDIDATES
from ..styles.presets import Preset
from ..turns.mode_settings import ALONE_GROOVE

CALL, ANSWER = "call", "answer"  # names of tracks; the call's where it has none
CHANNELS = 16  # of MIDI 1.0
CLOSING = 0.85  # share of the time asked for, after which the answer may come to its end
RING_SECONDS = 2.0  # for which the last notes may ring on
LEAST_GAP = 0.05  # seconds between the call's last key and the answer
MOST_ERROR = 500  # characters of what the worker says that is shown


@dataclass(frozen=True)
class Answer:
    """What was played, in seconds, the call's first note at 0."""

    call: list[Note]
    answer: list[Note]


def answer_file(
    call_path: Path, out_path: Path, preset: Preset, *, seconds: float, seed: int, command: Sequence[str]
) -> Answer:
    """Read a call, have it answered by the worker that `command` starts, write both. Raises UserError.

    The call keeps its place in its bars, its tempo and metre, and the name, channel and sound of each part.
    """
    if out_path.exists() and call_path.exists() and out_path.samefile(call_path):
        raise UserError(f"{out_path} is the call itself; name another file with -o.")
    try:
        music = read_music(call_path)
    except MidiFileError as error:
        raise UserError(str(error)) from error
    notes = music.notes
    call = [n.shift(-notes[0].onset) for n in notes]
    answer = ask_for_answer(call, preset, seconds=seconds, seed=seed, command=command)
    if not answer:
        raise UserError("the musician had nothing to say to that; try another seed or preset.")
    try:
        out_path.parent.mkdir(parents=True, exist_ok=True)
        write_music(out_path, _with_answer(music, [n.shift(notes[0].onset) for n in answer]))
    except OSError as error:
        raise UserError(f"{out_path} cannot be written ({error.strerror}); name another file.") from error
    return Answer(call, answer)


def _with_answer(music: MidiMusic, answer: Sequence[Note]) -> MidiMusic:
    """The call, and the answer as a part of its own, with the sound of the call's largest part, on a channel that is free."""
    parts = [replace(part, name=part.name or CALL) for part in music.parts]
    main = max((part for part in parts if part.channel != DRUM_CHANNEL), key=lambda part: len(part.notes))
    used = {DRUM_CHANNEL, *(part.channel for part in parts)}
    others = ((main.channel + k) % CHANNELS for k in range(1, CHANNELS))
    channel = next((c for c in others if c not in used), main.channel)
    last = Part(ANSWER, tuple(answer), channel, main.program, main.bank)
    return MidiMusic((*parts, last), music.tempo_map.refine())


def ask_for_answer(
    call: Sequence[Note], preset: Preset, *, seconds: float, seed: int, command: Sequence[str]
) -> list[Note]:
    """The answer to some notes: it begins after the last key has been let go, and lasts about `seconds`. Raises UserError."""
    last_key = max(n.end for n in call)
    # A last chord that rings on under the pedal need not be waited for.
    start = max(min(last_key, call[-1].onset + 1.0), call[-1].onset + LEAST_GAP)
    stop = start + seconds
    style = {"do": "style", "z": list(preset.z) or None, "sampling": preset.sampling}
    vamp = {"do": "vamp", "notes": [to_wire(n) for n in preset.vamp]}
    beat = find_pulse(call, ALONE_GROOVE)
    span = Span(start, stop + 1.0, start + CLOSING * seconds, stop, bar=beat, on_beat=beat is not None)
    play = {"do": "play", "id": 1, **span_to_wire(span)}
    hear = {"do": "hear", "at": 0, "notes": [to_wire(n) for n in call]}
    draft = {**play, "do": "draft", "candidates": MOST_CANDIDATES, "side_by_side": True, "at_once": True}
    notes = []
    for reply in ask(command, [style, vamp, {"do": "seed", "seed": seed}, hear, draft, play]):
        if "note" in reply:
            try:
                note = from_wire(reply["note"])
            except ValueError as error:
                raise UserError(f"the musician said something that is {error}; install the program again.") from error
            notes.append(replace(note, duration=min(note.duration, stop + RING_SECONDS - note.onset)))
        elif "error" in reply:
            raise UserError(str(reply["error"])[:MOST_ERROR])
    return notes
