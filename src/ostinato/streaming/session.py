"""A session: one live sequence through a model, sample by sample."""

from __future__ import annotations

import copy
import importlib
import os
import struct
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ostinato.core import load_core
from ostinato.errors import OptionError, StreamError
from ostinato.heads.decoding import Answer, decide
from ostinato.plan import Answers, Plan, plan_of
from ostinato.streaming.compiled import compiled
from ostinato.streaming.feed import Feed, as_floats
from ostinato.streaming.snapshot import pack, unpack

Floats = NDArray[np.float32]
# The id of the word before, -1 where there is none.
_PREVIOUS = struct.Struct("<q")
# Where there is one id in each step, nobody asks where its ids end.
_NO_ENDS = (np.zeros(1, np.int64),)


def stream(model: Any, *, id: str | None = None, history: Any = None) -> Any:
    """A live session of a model file (a path), a trained model, or a layer: one sample in, one answer out.

    >>> import ostinato as ost
    >>> session = ost.stream(ost.layers.Recurrent("gru", 3, 5))
    >>> session.push([0.1, 0.2, 0.3]).shape, session.push([[0.1, 0.2, 0.3]] * 4).shape
    ((5,), (4, 5))

    A language model gives a :class:`~ostinato.streaming.writer.Writer`, a detector of anomalies a
    :class:`~ostinato.streaming.watch.Watch`, a forecaster a
    :class:`~ostinato.streaming.forecast_session.ForecastSession`, another model of series a
    :class:`~ostinato.streaming.series_session.SeriesSession`, all else a :class:`Session`. For a detector and a
    forecaster ``id`` says which series of the training goes on; a forecaster may also begin after a ``history``, as its
    ``predict`` takes it. Runs without torch. Raises :class:`~ostinato.errors.PlanError` for a model that cannot run
    step by step, such as a bidirectional one, and :class:`~ostinato.errors.ArtifactError` for a file that cannot be
    read.
    """
    plan = plan_of(os.fspath(model) if isinstance(model, os.PathLike) else model)
    return session_of(plan, {"id": ("id=", id), "history": ("history=", history)})


def session_of(plan: Plan, begin: Mapping[str, tuple[str, Any]]) -> Any:
    """The session that serves a plan; ``begin`` has words for its beginning: what users call each, and its value."""
    place, name, takes = _SESSIONS["none"]
    if plan.tokens is not None:
        place, name, takes = _SESSIONS["language-model"]
    if plan.series is not None:
        place, name, takes = _SESSIONS.get(str(plan.task), _SESSIONS["series"])
    given = {word: value for word, (_, value) in begin.items() if value is not None}
    for word in given:
        if word not in takes:
            raise OptionError(f"{begin[word][0]} does not apply to {plan.task or 'a network'}; leave it out")
    kinds: Any = importlib.import_module(f"ostinato.streaming.{place}")
    return getattr(kinds, name)(plan, **given)


# What reads series takes as long to import as all the rest: the module, the class, and what it is told beside the plan.
_SESSIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "none": ("session", "Session", ()),
    "language-model": ("writer", "Writer", ()),
    "anomaly-detector": ("watch", "Watch", ("id",)),
    "forecaster": ("forecast_session", "ForecastSession", ("id", "history")),
    "series": ("series_session", "SeriesSession", ()),
}


class Session:
    """One sequence on its way through a model; it keeps the state between samples.

    ``push`` takes one sample or a chunk of them. :meth:`snapshot` and :meth:`restore` keep the state as bytes,
    :meth:`reset` begins a new sequence, :meth:`fork` begins another session where this one stands. Sessions of one
    model share its weights. Pushing step by step, in chunks, or all at once gives the same bits. Two threads may push
    to two sessions; one session belongs to one thread at a time.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._shared = _shared(plan)
        self._stream = load_core().Stream(self._shared.model)
        self._push = self._stream.push
        # What the last step showed, where an answer or the next token can be made of it.
        self._shown: Floats | None = None
        self._keeps = plan.answers is not None or plan.tokens is not None
        self._token = np.zeros(1, np.int32)
        plain = not plan.ids and set(plan.numbers) == {"x"}
        self._feed = None if plain else Feed(plan)
        self._fast = plain and plan.answers is None

    @property
    def inputs(self) -> dict[str, int]:
        """The numbers that come in at each step, and how many of each; empty for a model of texts or ids."""
        return dict(self.plan.numbers)

    @property
    def width(self) -> int:
        """How many numbers a step gives."""
        program = self.plan.quick
        return program.values[next(iter(program.outputs.values()))].width

    def push(self, x: Any, **given: Any) -> Floats:
        """What the model shows after one sample [D] -> [N], or after each of a chunk [T, D] -> [T, N].

        A model of ids takes one id or a list [T], a model of texts a text of whole words, which gives [words, N], and a
        language model ids or a text. What a cell declares besides x comes by name: ``push(x, dt=0.1)``, one for each
        sample.

        Raises :class:`~ostinato.errors.ShapeError` for a wrong width and :class:`~ostinato.errors.DataError` for NaN or
        an id out of range: nothing of the chunk is run, and the state is as it was.
        """
        if self._fast and not given:
            try:
                shown: Floats = self._push(x)
                return shown
            except TypeError:
                # Lists, and arrays of other types.
                pass
        shown = self._fed(x, given)
        if self._keeps and shown.size:
            # A copy: what is given away may be written to.
            self._shown = shown.reshape(-1, shown.shape[-1])[-1].copy()
        return shown

    def push_token(self, token: int) -> Floats:
        """What a model of ids alone shows after one id, the short way: what ``push(token)`` gives."""
        self._token[0] = token
        ((shown,),) = self._stream.push_parts(1, (), (self._token,), _NO_ENDS)
        self._feed.previous, self._shown = token, shown  # type: ignore[union-attr]
        last: Floats = shown
        return last

    @property
    def shown(self) -> Floats | None:
        """What a model with labels or tokens showed after the last sample; None before the first one."""
        return self._shown

    def _fed(self, x: Any, given: dict[str, Any]) -> Floats:
        """A chunk that needs to be made of what came."""
        if self._feed is None:
            if given:
                raise OptionError(f"this model takes x alone, got {', '.join(given)} too; leave it out")
            made: Floats = self._push(as_floats(x, "x", self.plan.numbers["x"]))
            return made
        chunk = self._feed.chunk(x, given)
        (shown,) = self._stream.push_parts(chunk.steps, chunk.numbers, chunk.ids, chunk.ends)
        self._feed.advance(chunk)
        only: Floats = shown[0] if chunk.single else shown
        return only

    def answer(self) -> Answer:
        """The label of the sequence so far, how sure the model is, and whether it believes to know at all."""
        answers = self.plan.answers
        if answers is None:
            raise StreamError("this model has no labels; read what push gives")
        if self._shown is None:
            raise StreamError("there is no answer before the first sample; push one")
        return answer_of(answers, self._shown)

    def state(self) -> dict[str, Floats]:
        """The parts of the state by name, copied."""
        flat = np.frombuffer(self._stream.state(), np.float32)
        parts, first = {}, 0
        for name, part in self.plan.quick.state.items():
            parts[name] = flat[first : first + part.width].copy()
            first += part.width
        return parts

    def snapshot(self) -> bytes:
        """All that this session remembers, as bytes for :meth:`restore`, bound to the model."""
        last = np.full(self.width, np.nan) if self._shown is None else self._shown
        previous = -1 if self._feed is None else self._feed.previous
        return pack(self.plan.digest, _PREVIOUS.pack(previous) + last.astype("<f4").tobytes() + self._stream.state())

    def restore(self, data: bytes) -> None:
        """Go on where a snapshot of the same model was taken.

        Raises :class:`~ostinato.errors.StreamError` for bytes of another model, cut off or changed; the session is then
        as it was.
        """
        content = unpack(data, self.plan.digest)
        begin = _PREVIOUS.size + 4 * self.width
        wanted = begin + self._stream.state_bytes
        if len(content) != wanted:
            raise StreamError(f"the state wanted {wanted} bytes of content, got {len(content)}; take it again")
        (previous,) = _PREVIOUS.unpack_from(content)
        last = np.frombuffer(content, "<f4", self.width, _PREVIOUS.size).astype(np.float32)
        if not np.isfinite(np.frombuffer(content, "<f4", offset=begin)).all():
            raise StreamError("the state holds what is not a finite number; take it again")
        self._stream.set_state(content[begin:])
        self._shown = None if np.isnan(last).all() else last
        if self._feed is not None:
            self._feed.previous = previous

    def reset(self) -> None:
        """Begin a new sequence."""
        self._stream.reset()
        self._shown = None
        if self._feed is not None:
            self._feed = Feed(self.plan)

    def fork(self) -> Session:
        """Another session that stands where this one stands; from now on each goes its own way."""
        other = Session.__new__(Session)
        other.__dict__.update(self.__dict__)
        other._stream = self._stream.fork()
        other._push = other._stream.push
        other._feed, other._token = copy.copy(self._feed), self._token.copy()
        return other

    def __repr__(self) -> str:
        return f"<session of {self.plan.task or 'a network'}, {self._stream.state_bytes} bytes of state>"


def answer_of(answers: Answers, shown: Floats) -> Answer:
    """The label that probabilities [N] mean."""
    shares = shown.astype(np.float64)[None]
    if not (np.isfinite(shares).all() and shares.sum() > 0):
        raise StreamError("the model answered with what is no probability; its weights are too large, train it anew")
    names, outside = answers.names, answers.outside
    return decide(shares / shares.sum(), names, outside=outside, threshold=answers.threshold)[0]


class _Shared:
    """A packed model, kept as long as a session runs it."""

    __slots__ = ("__weakref__", "model")

    def __init__(self, model: Any) -> None:
        self.model = model


# By what names the weights and the CPU target that they are packed for.
_packed: WeakValueDictionary[tuple[str, str], _Shared] = WeakValueDictionary()


def _shared(plan: Plan) -> _Shared:
    """The packed model of a plan: one for all sessions of equal models."""
    key = (plan.digest, load_core().target)
    shared = _packed.get(key)
    if shared is None:
        shared = _packed[key] = _Shared(compiled(plan.quick))
    return shared
