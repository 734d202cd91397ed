"""The engine: the musician of one session, with the commands that `models.worker` passes on.

It holds the context, the settings and the random generator, and gives them to `models.decoding.generation` for each
answer. Times are seconds on the caller's own line of time.

Notes of the player are fed to the network at once, so an answer begins from a hidden state that is there already. Notes
of the answer are told first and fed afterwards. The style is read at each step, so it changes at the next note.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from ..encoding import codec
from ..music.note_records import ANSWER, CALL, Note, Span
from ..music.style_settings_table import PROMPT_NOTES
from ..runtime.backend import Backend, Floats
from ..steering import player_knobs, random_style_offset, style_habits
from ..steering.pipeline import Pipeline
from ..steering.sampling import Sampling
from .candidate_pool import MOST, CandidatePool
from .generation import Generation, generate
from .reranker import Reranker
from .session_context import Context
from .style_prompt import StylePrompt

WARM_UP_STEPS = 6  # of spare time: the drafts' own run of the network is made, and used a few times
SPARE_STEPS = 16  # rows that are fed in spare time before the next request is looked for
STYLE_LEAST_NOTES = 4  # notes that have a style


class Engine:
    """One musician in one session."""

    def __init__(
        self,
        backend: Backend,
        name: str = "unnamed",
        fingerprint: str = "none",
        points: str = "",
        reranker: Reranker | None = None,
    ) -> None:
        self.backend = backend
        self.config = backend.config
        self.ring = backend.ring
        self.name = name
        self.fingerprint = fingerprint
        self.points = points or name  # the weights with whose style encoder style points were made
        self.reranker = reranker
        self.note = ""  # a sentence for the user about the weights or the runtime
        self.context = Context(backend)
        self.generation = Generation(Pipeline(self.config.latent), Sampling())
        self.random = np.random.default_rng(0)
        self.prompt = StylePrompt()
        self.candidates = CandidatePool(self.context, self.generation, self.prompt, reranker)
        self._fed_count = 0  # see `feed_counts`
        self._correction_count = 0
        self.context.feed()

    def warm_up(self) -> None:
        """Play a few notes for nobody, as a runtime does some work only once, and not before the first answer."""
        for count in (1, 2, 8, 24):
            self.hear(0, [Note(0.25 * i, 0.2, 60 + i % 12, 64) for i in range(count)])
            next(self.play(Span(6.0, 7.0, 8.0, 9.0)), None)
        self.draft(Span(7.0, 7.1, 8.0, 9.0), MOST)
        for _ in range(WARM_UP_STEPS):
            self.spare()
        self.candidates.drop()
        self.context.restart(0, [])
        self.seed(0)
        self.candidates.candidate_count = 0
        self._fed_count = 0
        self._correction_count = 0
        self.context.refeeds = 0

    def about(self) -> dict[str, Any]:
        """What the `ready` line of the worker says."""
        fields = {
            "engine": self.backend.runtime,
            "weights": self.name,
            "fingerprint": self.fingerprint,
            "window": self.config.window,
            "style": self.config.latent,
            "points": self.points,
        }
        return {**fields, "note": self.note} if self.note else fields

    def style(self, z: list[float] | None, sampling: dict[str, float]) -> None:
        """Set style and settings from the next note on. Raises ValueError where they do not fit."""
        point = np.zeros(self.config.latent, np.float32) if z is None else np.array(z, np.float32)
        if point.shape != (self.config.latent,) or not np.isfinite(point).all():
            raise ValueError(f"a style has {self.config.latent} numbers; this one has {len(z or ())}")
        settings = Sampling.of(sampling)
        self.generation.sampling = settings
        self.generation.steering.style(point, settings, z is not None)
        emphasized = random_style_offset.emphasize(point, settings.emphasis)
        self.context.z = player_knobs.move_style(emphasized, settings.knobs)
        self.candidates.drop()
        self.candidates.forget_others()
        self.prompt.renew(self.context)

    def vamp(self, notes: list[Note]) -> None:
        """Set the style prompt for the answers to come (`models.decoding.style_prompt`). Raises ValueError where it is too long."""
        if len(notes) > PROMPT_NOTES:
            raise ValueError(f"a vamp has at most {PROMPT_NOTES} notes; this one has {len(notes)}")
        self.prompt.notes = notes
        self.candidates.drop()
        self.prompt.renew(self.context)

    def seed(self, seed: int) -> None:
        """Make what follows repeatable."""
        self.generation.seed = abs(seed)
        self.random = np.random.default_rng(abs(seed))
        self.candidates.drop()

    def hear(self, at: int, notes: list[Note]) -> None:
        """Replace all notes from note `at` of the session on. Only what differs is fed again. Raises ValueError."""
        context = self.context
        if not self.candidates.outlasts_release:
            self.candidates.drop_candidates()
        length = context.length
        if not 0 <= at <= length:
            raise ValueError(f"hear at {at}: {length} notes are known")
        if at < context.offset:  # farther back than the context goes
            context.restart(at, [])
        old = context.notes[at - context.offset :]
        same = _common_prefix(old, notes)
        only_released = [_key(n) for n in old[same:]] == [_key(n) for n in notes[same:]]
        if not only_released:
            self.candidates.drop()
            if any(n.role == CALL for n in notes[same:]):
                self.candidates.forget_others()
        self._correction_count += at + same < length and same < len(notes)
        self._fed_count += len(notes) - same
        after_prompt = notes[max(context.prompt_position - at, 0) :]
        answer_goes_on = bool(after_prompt) and all(n.role == ANSWER for n in after_prompt)
        keep_prompt = answer_goes_on and not self.prompt.answer_is_over
        context.replace_from(
            at + same, notes[same:], keep_prompt or (only_released and self.candidates.outlasts_release)
        )
        self.generation.steering.forget_call()
        self.candidates.keys_released()
        if not self.candidates.is_reading_context:  # else the lengths of keys are fed once the candidates are done
            context.feed()
            context.drop_oldest()

    def encode(self, notes: list[Note]) -> list[float]:
        """The style of some notes, (latent,): the mean over stretches of the length that the encoder was trained on."""
        if len(notes) < STYLE_LEAST_NOTES:
            raise ValueError(f"a style needs at least {STYLE_LEAST_NOTES} notes; there are {len(notes)}")
        size = self.config.style_notes
        means = []
        for start in range(0, max(len(notes) - size // 2, 1), size):
            means.append(self.backend.encode_style(codec.encode(notes[start : start + size])))
        return [round(float(v), 4) for v in np.mean(means, axis=0)]

    def habits(self, notes: list[Note]) -> dict[str, float]:
        """The habits of some notes, as settings of a style."""
        return style_habits.measure_settings(notes)

    def play(self, span: Span) -> Generator[Note, None, str]:
        """The notes of an answer, one by one, of a candidate where there is one.

        Returns "more" where the span's horizon is reached, or "end" where the answer is over.
        """
        length = self.length
        self.candidates.cancel()
        self.prompt.insert(self.context, span, self.generation.sampling)
        end = yield from self.candidates.play(span)
        if end is None:
            rest = replace(span, on_beat=span.on_beat and self.length == length)
            end = yield from generate(self.context, rest, self.generation, self.random)
        self.prompt.answer_is_over = end == "end"
        return end

    def counts(self) -> dict[str, int]:
        """How many notes were fed, and how many candidates were generated and used."""
        return {
            **self.feed_counts,
            "drafts": self.candidates.candidate_count,
            "drafted": self.candidates.use_count,
            "chosen_from": self.candidates.choice_count,
        }

    def draft(self, span: Span, count: int, side_by_side: bool = True) -> None:
        """Generate up to `count` candidates for that answer in spare time: see `models.decoding.candidates`."""
        has_reranker = "reranker" not in self.generation.sampling.without
        self.candidates.request(span, count if has_reranker else min(count, 1), side_by_side)

    def spare(self) -> bool:
        """Do a little of what nobody waits for. Returns whether there may be more to do."""
        if not self.context.is_fed and not self.candidates.is_reading_context:
            self.context.feed(SPARE_STEPS)
            return True
        if self.prompt.remove_after_answer(self.context):
            return True
        return self.candidates.work()

    @property
    def state(self) -> Floats:
        """(width,) the hidden state after the last note, from which the next is drawn."""
        return self.context.feed()

    @property
    def feed_counts(self) -> dict[str, int]:
        """Notes that were `fed`, how often notes were fed `again` after a correction, and how often a whole window was, `anew`."""
        return {"fed": self._fed_count, "again": self._correction_count, "anew": self.context.refeeds}

    @property
    def notes(self) -> list[Note]:
        """The notes of all players, as far as they are remembered."""
        return self.context.notes

    @property
    def length(self) -> int:
        """How many notes the session has had."""
        return self.context.length


def _common_prefix(old: list[Note], new: list[Note]) -> int:
    """How many notes at the beginning are the same."""
    for i, (before, now) in enumerate(zip(old, new, strict=False)):
        if before != now:
            return i
    return min(len(old), len(new))


def _key(note: Note) -> tuple[float, int, int]:
    """What of a note does not change when its key is released."""
    return note.onset, note.pitch, note.role
