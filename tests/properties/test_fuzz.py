"""Fuzzing of all input from outside: it is accepted, or refused in one clear sentence, in bounded time and memory.

The page's requests are in `tests/agent/web/test_page_requests.py`; MIDI messages in `tests/properties/test_floods.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import math
import queue
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from agent.control.midi_learn import LARGEST, MidiLearn
from agent.errors import UserError
from agent.playing.worker_client import WorkerClient
from agent.playing.worker_client_interface import WorkerLost
from agent.styles import presets
from agent.takes import library
from models import worker
from models.decoding.echo_test_musician import Echo
from models.decoding.engine import Engine
from models.music import midifile, preset_file
from models.music.midifile import MidiFileError
from models.music.note_records import Span, to_wire
from models.music.style_settings_table import ANSWER, HABITS, KNOBS, SAMPLING
from models.runtime import weights_file
from models.worker import LINE_LIMIT, serve

from ..support.musicians import SMALL, scale, small_network, small_weights

quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def assert_one_sentence(error: Exception) -> None:
    """A message for the user is one line, and not too long."""
    assert str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 600


@contextlib.contextmanager
def bounded(megabytes: float, seconds: float) -> Iterator[None]:
    """Fails where the block takes more memory or time than this."""
    began = time.perf_counter()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 1e6
    assert time.perf_counter() - began < seconds


# -- values that nobody expects ----------------------------------------------------------------------------------------

numbers = (
    st.integers(-3, 130)
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 2**63, -1, 0, 1e308, math.inf, math.nan, True])
)
values = st.recursive(
    st.none() | numbers | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


# -- MIDI files --------------------------------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        *(
            b"\x00\x90\x3c\x40",
            b"\x10\x80\x3c\x00",
            b"\x00\x3c",
            b"\x83\xff\x7f",
            b"\xff\xff\xff\xff",
            b"\x00\xb0\x40\x7f",
        ),
        *(b"\x00\xff\x2f\x00", b"\x00\xff\x51\x03\x00\x00\x00", b"\x00\xff\x51\x03\x07\xa1\x20", b"\x00\xff\x51\x00"),
        *(
            b"\x00\xf0\xff\xff\xff\x7f",
            b"\x00\xff\x01\xff\xff\xff\x7fabc",
            b"\x00\xf7\x03abc",
            b"\x00\xff\x59\x02\x63\x63",
        ),
    ]
)
lengths = st.none() | st.sampled_from([0, 1, 5, 1 << 20, 0xFFFFFFFF])


@quick
@given(
    tracks=st.lists(st.tuples(st.lists(pieces, max_size=8), lengths), max_size=4),
    count=st.none() | st.sampled_from([0, 1, 65535]),
    kind=st.integers(0, 3),
    beat=st.sampled_from([0, 1, 480, 0x7FFF, 0xE728]),
    tail=st.binary(max_size=6),
)
def test_a_malformed_midi_file(folder: Path, tracks: Any, count: int | None, kind: int, beat: int, tail: bytes) -> None:
    data = b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks) if count is None else count, beat)
    for events, length in tracks:
        body = b"".join(events)
        data += b"MTrk" + struct.pack(">I", len(body) if length is None else length) + body
    path = folder / "lies.mid"
    path.write_bytes(data + tail)
    with bounded(20, 10):
        try:
            notes = midifile.read_notes(path)
        except MidiFileError as error:
            assert_one_sentence(error)
        else:
            assert all(math.isfinite(n.onset) and n.duration > 0 for n in notes)


# -- presets and controls ------------------------------------------------------------------------------------------------


def toml(value: Any) -> str:
    """A value as TOML has it, or nearly."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return "1979-05-27" if value is None else json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


keys = st.sampled_from(
    [
        *preset_file.TOP,
        *(f"style.{k}" for k in preset_file.STYLE),
        *(f"sampling.{k}" for k in SAMPLING),
        *(f"habits.{k}" for k in HABITS),
        *(f"knobs.{k}" for k in KNOBS),
        *(f"answer.{k}" for k in ANSWER),
        "else",
    ]
)


@quick
@given(st.lists(st.tuples(keys, values | st.lists(numbers, min_size=8, max_size=13)), max_size=5))
def test_a_random_preset(folder: Path, rows: list[tuple[str, Any]]) -> None:
    path = folder / "any.toml"
    path.write_bytes("\n".join(f"{key} = {toml(value)}" for key, value in rows).encode("utf8", "surrogatepass"))
    try:
        preset = presets.read(path)
    except UserError as error:
        assert_one_sentence(error)
    else:
        assert all(math.isfinite(x) for x in (*preset.z, *preset.sampling.values(), preset.shortest, preset.longest))


@pytest.mark.parametrize(
    "text",
    ["a = " + "9" * 5000, "a = " + "[" * 9000, "a" + ".a" * 8000 + " = 1", "[a" + ".a" * 8000 + "]", "\x00", '"""' * 9],
)
def test_a_preset_with_huge_values(folder: Path, text: str) -> None:
    path = folder / "endless.toml"
    path.write_text(text, encoding="utf8")
    with bounded(50, 20), pytest.raises(UserError) as caught:
        presets.read(path)
    assert_one_sentence(caught.value)


words = st.sampled_from(
    ["cc", "note", "pc", "wide", "20", "999", "=", "knob:", "density", "preset:", "duet", " ", "\n", "٣", "\x00"]
)


@quick
@given(st.lists(words, max_size=12).map("".join) | st.text(max_size=40), st.booleans())
def test_a_random_file_of_bindings(folder: Path, text: str, torn: bool) -> None:
    path = folder / "controls.txt"
    path.write_bytes(text.encode("utf8", "surrogatepass") + b"\xff" * torn)
    try:
        learning = MidiLearn.load([], path)
    except UserError as error:
        assert_one_sentence(error)
    else:
        assert MidiLearn.load(learning.lines(), folder / "none").lines() == learning.lines()


def test_a_huge_file_of_bindings(folder: Path) -> None:
    path = folder / "controls.txt"
    path.write_text("cc20=duet\n" * LARGEST)
    with bounded(1, 5), pytest.raises(UserError, match="too large"):
        MidiLearn.load([], path)


# -- takes ---------------------------------------------------------------------------------------------------------------

messages = st.sampled_from(["90 3c 50", "80 3c 00", "b0 40 7f", "90", "f0", "zz", "", "90 3c 50 90"]) | values
moments = st.floats(0, 50) | numbers | values
whats = st.sampled_from(["in", "out", "bytes", "t", "at", "tempo", "preset", "seed", "say"])
heard_rows = st.fixed_dictionaries({"t": moments, "in": st.just("keys"), "bytes": messages})
sent_rows = st.fixed_dictionaries({"t": moments, "at": moments, "out": messages})


@quick
@given(st.lists(heard_rows | sent_rows | st.dictionaries(whats, values) | st.binary(max_size=9), max_size=12))
@example([{"t": 0.0, "in": "keys", "bytes": "90 3c 50"}, {"tempo": 10**400}])  # too large for a float
def test_a_random_take(folder: Path, told: list[Any]) -> None:
    """The next start finds it, and must not fail."""
    takes = folder / "takes"
    take = takes / "2024-01-01_10-00-00"
    take.mkdir(parents=True, exist_ok=True)
    (take / "take.jsonl").write_bytes(says(told))
    (take / "take.mid").unlink(missing_ok=True)
    made = library.repair_all(takes)
    assert made == ([take.name] if (take / "take.mid").exists() else [])
    try:
        assert str(library.summarize(take))
        assert all(math.isfinite(row[1]) for row in library.note_rows(take))
    except UserError as error:
        assert_one_sentence(error)


# -- what the musician says ------------------------------------------------------------------------------------------------


class Pipe:
    """A fake process with a given output."""

    pid = returncode = 0

    def __init__(self, words: bytes) -> None:
        self.stdout, self.stderr, self.stdin = asyncio.StreamReader(limit=1 << 20), asyncio.StreamReader(), None
        self.stdout.feed_data(words)
        self.stdout.feed_eof()
        self.stderr.feed_eof()

    def kill(self) -> None:
        pass

    async def wait(self) -> int:
        return 0


def says(replies: list[Any]) -> bytes:
    return b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in replies)


note = st.lists(numbers | st.none(), min_size=5, max_size=7) | values
reply = st.fixed_dictionaries(
    {"id": st.sampled_from([1, 1, 1, 2]) | values},
    optional={
        "note": note,
        "done": values,
        "did": values,
        "z": values,
        "habits": values,
        "seconds": values,
        "error": values,
    },
)
ready = st.fixed_dictionaries({"ready": st.just({"style": 2}) | values | st.fixed_dictionaries({"style": values})})


@quick
@given(
    st.lists(reply | values | st.binary(max_size=8), max_size=5),
    ready | values,
    st.sampled_from(["play", "encode", "measure"]),
)
def test_random_replies_of_a_musician(replies: list[Any], first: Any, ask: str) -> None:
    async def act() -> None:
        client = WorkerClient([])
        client._process = Pipe(says([first, *replies]))  # type: ignore[assignment]
        reading = asyncio.create_task(client._read())
        try:
            about = await client.wait_ready(1.0)
            assert 0 <= about.get("style", 0) <= 1024
            if ask == "play":
                async for item in client.play(Span(0.0, 2.0, 3.0, 4.0)):
                    assert isinstance(item, str) or (0 <= item.pitch < 128 and math.isfinite(item.onset))
            elif ask == "encode":
                z, habits = await client.encode(scale(8))
                assert len(z) == about.get("style", len(z))
                assert all(map(math.isfinite, (*z, *habits.values())))
            else:
                assert all(map(math.isfinite, (x for row in (await client.measure(8, 1.0)).values() for x in row)))
        except (WorkerLost, UserError) as error:
            assert_one_sentence(error)
        finally:
            await reading

    asyncio.run(act())


# -- what the musician is asked --------------------------------------------------------------------------------------------

ENGINE = Engine(small_network())
spans = st.fixed_dictionaries(
    {
        "do": st.sampled_from(["play", "draft"]),
        "id": st.just(1),
        "candidates": st.integers(-1, 3) | values,
        "at_once": st.just(True),
    },
    optional={
        "earliest": st.floats(0, 8) | values,
        "until": st.floats(0, 9) | values,
        "close": st.floats(0, 9) | values,
        "bar": st.lists(numbers, min_size=5, max_size=5) | st.none() | values,
        "on_beat": st.booleans(),
        "together": st.booleans(),
    },
).map(lambda asked: {**asked, "stop": 12.0})
heard = st.fixed_dictionaries(
    {
        "do": st.sampled_from(["hear", "encode", "vamp"]),
        "id": st.just(2),
        "at": st.integers(-2, 14) | values,
        "notes": st.lists(st.sampled_from([to_wire(n) for n in scale(9)]) | note, max_size=9) | values,
    }
)
told = st.fixed_dictionaries(
    {"do": st.sampled_from(["style", "seed"])},
    optional={
        "seed": numbers,
        "z": st.lists(numbers, min_size=SMALL.latent, max_size=SMALL.latent) | values,
        "sampling": st.dictionaries(
            st.sampled_from(
                [
                    *SAMPLING,
                    "knob.density",
                    "knob.register",
                    "habit.wait.3",
                    "habit.leap.99",
                    "habit.x",
                    "without.motif",
                    "without.x",
                    "key",
                    "?",
                ]
            ),
            numbers | values,
            max_size=4,
        )
        | values,
    },
)


@settings(quick, max_examples=60)
@given(st.lists(heard | told | spans, max_size=6))
def test_random_requests_to_the_engine(requests: list[Any]) -> None:
    replies: list[dict[str, Any]] = []

    def say(reply: dict[str, Any]) -> None:
        json.dumps(reply, allow_nan=False)
        replies.append(reply)

    asked = [{"do": "hear", "at": 0, "notes": []}, {"do": "style", "z": None, "sampling": {}}, *requests]
    fine = [{"do": "style", "z": None}, {"do": "hear", "at": 0, "notes": [to_wire(n) for n in scale(9)]}]
    fine += [{"do": "play", "id": 9, "earliest": 3.0, "until": 4.0, "close": 3.5, "stop": 5.0}]
    serve(ENGINE, iter([json.dumps(r) for r in (*asked, *fine)]), say)
    assert replies[-1]["id"] == 9
    assert "done" in replies[-1]
    for said in replies:
        if "error" in said:
            assert_one_sentence(ValueError(said["error"]))


@quick
@given(
    st.lists(
        st.binary(max_size=20) | st.just(b"x" * (LINE_LIMIT + 9)) | st.just(b'{"do": "seed", "seed": 1}'), max_size=5
    )
)
def test_random_bytes_and_long_lines_are_answered(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    got: queue.Queue[str | None] = queue.Queue()
    worker._read(got, io.BytesIO(b"\n".join([*lines, b'{"do": "play", "id": 3}'])))
    taken = list(iter(got.get, None))
    assert len(taken) == len(lines) + 1
    assert all(len(line) <= LINE_LIMIT + 2 for line in taken)
    replies: list[dict[str, Any]] = []
    serve(Echo(), iter(taken), replies.append)
    assert replies[-1]["id"] == 3


# -- weights ------------------------------------------------------------------------------------------------------------------

HEADER = weights_file.header(SMALL, {})
GOOD = save({k: v.astype(np.float16) for k, v in small_weights().items()}, HEADER)
SIZE = struct.unpack("<Q", GOOD[:8])[0]
TABLE: dict[str, Any] = json.loads(GOOD[8 : 8 + SIZE])


def read(folder: Path, data: bytes) -> bool:
    """Whether these bytes are weights; if not, in one sentence."""
    path = folder / "w.safetensors"
    path.write_bytes(data)
    try:
        assert weights_file.find(str(path), live=True) == path
        found = weights_file.read(path)
        assert {name: tensor.shape for name, tensor in found.tensors.items()} == weights_file.tensor_shapes(SMALL)
    except weights_file.CheckpointError as error:
        assert_one_sentence(error)
        return False
    return True


def file_of(table: Any, data: bytes = GOOD[8 + SIZE :]) -> bytes:
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_valid_weights_are_read(folder: Path) -> None:
    assert read(folder, GOOD)
    assert read(folder, file_of(TABLE))


@quick
@given(st.integers(0, len(GOOD)), st.lists(st.tuples(st.integers(0, SIZE + 8), st.integers(0, 255)), max_size=3))
def test_truncated_or_changed_weights(folder: Path, length: int, bent: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for place, value in bent:
        data[place] = value
    if read(folder, bytes(data[:length] if not bent else data)):
        assert bent or length == len(GOOD)


@quick
@given(
    st.dictionaries(
        st.sampled_from(sorted(TABLE)),
        values
        | st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["F16", "F32", "F64", "BF16", "I8", "BOOL", "U64", "X"]),
                "shape": st.lists(st.integers(-1, 64) | st.just(2**62), max_size=3),
                "data_offsets": st.lists(st.integers(0, len(GOOD)), min_size=2, max_size=2),
            }
        ),
        min_size=1,
        max_size=2,
    )
)
def test_weights_with_a_false_table(folder: Path, lies: dict[str, Any]) -> None:
    with bounded(30, 10):
        read(folder, file_of({**TABLE, **lies}))


@quick
@given(
    st.sampled_from(sorted(weights_file.tensor_shapes(SMALL))),
    st.sampled_from(["F64", "BF16", "I16", "I8", "U8"]),
    st.sampled_from(["", weights_file.SCALE]),
)
def test_numbers_of_other_types_are_refused(folder: Path, name: str, kind: str, scale_of: str) -> None:
    wide = {"F64": 8, "BF16": 2, "I16": 2, "I8": 1, "U8": 1}[kind]
    tensors = {k: np.zeros(v, np.float16) for k, v in weights_file.tensor_shapes(SMALL).items()}
    if scale_of:
        tensors[name + weights_file.SCALE] = np.zeros((tensors[name].shape[0], 1), np.float16)
    table, data = dict[str, Any](__metadata__=HEADER), b""
    for key, tensor in tensors.items():
        size = tensor.size * (wide if key == name else 2)
        dtype = kind if key == name else "F16"
        table[key] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + size]}
        data += bytes(size)
    fine = kind == "I8" and bool(scale_of) and tensors[name].ndim == 2 and tensors[name].shape[1] <= 32
    assert read(folder, file_of(table, data)) == fine


@quick
@given(
    config=st.dictionaries(st.sampled_from([*json.loads(HEADER["config"]), "more"]), values, max_size=3),
    about=st.none() | st.text(max_size=8) | values.map(json.dumps) | st.just("[" * 20_000) | st.just("9" * 5000),
)
def test_weights_with_random_headers(folder: Path, config: dict[str, Any], about: str | None) -> None:
    told = {**HEADER, "config": json.dumps({**json.loads(HEADER["config"]), **config})}
    if about is not None:
        told["about"] = about
    read(folder, file_of({**TABLE, "__metadata__": told}))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (struct.pack("<Q", 90 << 20) + b" " * 1000, "endless header"),
        (struct.pack("<Q", 2**63) + GOOD[8:], "endless header"),
        (file_of({**TABLE, "__metadata__": {**HEADER, "about": "[" * 20_000}}), "not a readable"),
        (file_of({**TABLE, "__metadata__": {**HEADER, "config": json.dumps({"heads": 3})}}), "do not share"),
        (GOOD[: 8 + SIZE] + b"\xff\x7f" * 40 + GOOD[8 + SIZE + 80 :], "numbers that are none"),
        (b"", "not a readable"),
    ],
)
def test_files_that_are_no_weights(folder: Path, data: bytes, sentence: str) -> None:
    path = folder / "w.safetensors"
    path.write_bytes(data)
    with bounded(20, 10), pytest.raises(weights_file.CheckpointError, match=sentence):
        weights_file.read(path)


def test_weights_that_are_too_large_are_not_read(folder: Path) -> None:
    path = folder / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(weights_file.MAX_FILE_BYTES + 1)  # of holes: nothing is written
    with bounded(1, 5), pytest.raises(weights_file.CheckpointError, match="larger than"):
        weights_file.read(path)
    path.unlink()


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "", ".", "/", "..", "\udcff"])
def test_invalid_names_of_weights(name: str) -> None:
    with pytest.raises(weights_file.CheckpointError) as caught:
        weights_file.find(name, live=True)
    assert_one_sentence(caught.value)
