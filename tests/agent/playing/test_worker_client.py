"""The worker's client with real processes: one that answers, and ones that die, hang or talk nonsense."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from agent.errors import UserError
from agent.playing import worker_subprocess
from agent.playing.worker_client import WorkerClient
from agent.playing.worker_client_interface import REPLACED, WorkerLost, WorkerReplaced
from models.music.note_records import Note, Span

ECHO = [sys.executable, "-m", "models.worker", "--echo"]
CALL = [Note(i * 0.1, 0.1, 60 + i, 70) for i in range(4)]


def with_mind(command: list[str], act: Any) -> Any:
    async def both() -> Any:
        client = WorkerClient(command)
        await client.start()
        try:
            return await act(client)
        finally:
            await client.close()

    return asyncio.run(both())


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def played(client: WorkerClient) -> list[Note | str]:
    return [item async for item in client.play(Span(1.0, 99.0, 2.0, 99.0))]


def test_the_echo_answers() -> None:
    async def act(client: WorkerClient) -> list[Note | str]:
        assert (await client.wait_ready())["engine"] == "echo"
        client.style(None, {})
        client.seed(1)
        client.hear(0, CALL)
        return await played(client)

    *notes, end = with_mind(ECHO, act)
    assert [n.pitch for n in notes] == [72, 73, 74, 75]
    assert end == "end"


def test_notes_before_it_joined_do_not_count() -> None:
    async def act(client: WorkerClient) -> list[Note | str]:
        await client.wait_ready()
        client.join(40, CALL[:2])
        client.hear(42, CALL[2:])
        return await played(client)

    assert [n.pitch for n in with_mind(ECHO, act)[:-1]] == [72, 73, 74, 75]


def test_an_answer_that_was_abandoned_does_not_mix_with_the_next() -> None:
    async def act(client: WorkerClient) -> tuple[int, list[Note | str]]:
        await client.wait_ready()
        client.hear(0, CALL)
        playing = client.play(Span(1.0, 99.0, 2.0, 99.0))
        first = await anext(playing)
        await playing.aclose()
        client.hear(0, [Note(9.0, 0.1, 40, 70)])
        assert isinstance(first, Note)
        return first.pitch, await played(client)

    pitch, again = with_mind(ECHO, act)
    assert pitch == 72
    assert [n.pitch for n in again[:-1]] == [52]


@pytest.mark.parametrize(
    "command",
    [
        python("print('{\"ready\": {}}', flush=True)"),
        python("print('{\"ready\": {}}', flush=True); input(); print('what?', flush=True); input()"),
        python("print('{\"ready\": {}}', flush=True); input(); print('[1]', flush=True); input()"),
        python("print('{\"ready\": {}}', flush=True); input(); print('x' * 3000000, flush=True); input()"),
        python('print(\'{"ready": {}}\', flush=True); input(); print(\'{"id": 1, "note": [1]}\', flush=True); input()'),
        python(
            'print(\'{"ready": {}}\', flush=True); input(); print(\'{"id": 1, "error": "no"}\', flush=True); input()'
        ),
    ],
    ids=["ends", "not json", "not an object", "endless line", "not a note", "an error"],
)
def test_death_and_nonsense_are_noticed(command: list[str]) -> None:
    async def act(client: WorkerClient) -> None:
        await client.wait_ready()
        with pytest.raises(WorkerLost):
            await played(client)

    with_mind(command, act)


def test_silence_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_subprocess, "PATIENCE", 0.2)

    async def act(client: WorkerClient) -> None:
        await client.wait_ready()
        with pytest.raises(WorkerLost, match="said nothing"):
            await played(client)

    with_mind(python("print('{\"ready\": {}}', flush=True); input(); input(); input()"), act)


def test_death_between_turns_is_noticed() -> None:
    async def act(client: WorkerClient) -> None:
        await client.wait_ready()
        await asyncio.wait_for(client.gone.wait(), 10.0)
        with pytest.raises(WorkerLost, match="out of breath"):
            await played(client)

    with_mind(python("import sys; print('{\"ready\": {}}', flush=True); sys.exit('out of breath')"), act)


def test_weights_that_are_missing_are_said_in_its_own_words() -> None:
    async def act(client: WorkerClient) -> None:
        with pytest.raises(UserError, match="'nowhere' not found"):
            await client.wait_ready()

    with_mind([sys.executable, "-m", "models.worker", "--weights", "nowhere"], act)


def test_another_may_take_its_seat() -> None:
    async def act(client: WorkerClient) -> list[Any]:
        rows: list[Any] = []
        client.journal = rows.append
        await client.wait_ready()
        assert not client.seat("full"), "the user has named a musician"
        client.others = lambda weights: [*ECHO, "--weights", weights]
        assert client.seat("full")
        assert not client.seat("full")
        with pytest.raises(WorkerReplaced):
            await played(client)
        await client.close()
        await client.start()
        await client.wait_ready()
        client.hear(0, CALL)
        assert len(await played(client)) == 5
        return [row for row in rows if "seat" in row or "lost" in row]

    assert with_mind(ECHO, act) == [{"seat": [*ECHO[1:], "--weights", "full"]}, {"lost": REPLACED}]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ([sys.executable, "-m", "models.worker", "--weights", "nowhere"], "'nowhere' not found"),
        (python("raise SystemExit('out of breath')"), "out of breath"),
    ],
)
def test_where_the_other_cannot_play_the_former_one_comes_back(other: list[str], sentence: str) -> None:
    async def act(client: WorkerClient) -> None:
        await client.wait_ready()
        client.others = lambda weights: other
        assert client.seat("nowhere")
        await client.close()
        await client.start()
        with pytest.raises((UserError, WorkerLost), match=sentence):
            await client.wait_ready()
        assert client.command == ECHO
        await client.close()
        await client.start()
        assert (await client.wait_ready())["engine"] == "echo"

    with_mind(ECHO, act)


def test_a_command_that_is_not_there_is_one_sentence() -> None:
    async def act() -> None:
        with pytest.raises(UserError, match="cannot be started"):
            await WorkerClient(["/no/such/program"]).start()

    asyncio.run(act())


def test_it_ends_with_its_input() -> None:
    async def act(client: WorkerClient) -> Coroutine[Any, Any, int]:
        await client.wait_ready()
        process = client._process
        assert process is not None
        await client.close()
        assert process.returncode is not None
        await client.close()
        return process.returncode  # type: ignore[return-value]

    assert with_mind(ECHO, act) == 0


def test_who_is_sent_away_as_a_reply_comes_goes() -> None:
    """A session that ends, or changes its mode, cancels whoever waits for a note: it must not go on because the note was there."""

    async def both(moments: int) -> None:
        client = WorkerClient(ECHO)
        waiting = asyncio.ensure_future(client._next(5.0))
        await asyncio.sleep(0.01)
        client._replies.put_nowait({"id": 1})
        for _ in range(moments):
            await asyncio.sleep(0)
        if waiting.cancel():
            with pytest.raises(asyncio.CancelledError):
                await waiting
        else:
            assert await waiting == {"id": 1}

    for moments in range(4):
        asyncio.run(both(moments))


def test_somebody_else_may_ask_for_a_style_while_it_plays() -> None:
    """Each gets its own reply, and the take is told who asked."""

    async def act(client: WorkerClient) -> list[Any]:
        rows: list[Any] = []
        await client.wait_ready()
        client.journal = rows.append
        client.hear(0, CALL)
        notes, style = await asyncio.gather(played(client), client.encode_aside(CALL))
        assert len(notes) == 5
        assert style == ([], {})
        return [row for row in rows if row.get("ask", {}).get("do") == "encode"]

    (asked,) = with_mind(ECHO, act)
    assert asked["aside"] is True


def test_who_asks_aside_learns_that_it_is_gone() -> None:
    async def act(client: WorkerClient) -> None:
        await client.wait_ready()
        with pytest.raises(WorkerLost):
            await client.encode_aside(CALL)
        with pytest.raises(WorkerLost):
            await client.encode_aside(CALL)

    with_mind(python("import sys; print('{\"ready\": {}}', flush=True); sys.stdin.readline()"), act)
