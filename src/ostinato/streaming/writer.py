"""A language model that writes: a prompt in, text out as it comes, without torch and in the same memory all along."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.language.tokens import MARK
from ostinato.errors import DataError, OptionError, StreamError
from ostinato.heads.generation import WINDOW, Constraint, Sampler, Stops
from ostinato.plan import Plan
from ostinato.streaming.beams import best_text
from ostinato.streaming.session import Session
from ostinato.streaming.snapshot import pack, unpack

# A long prompt is read in chunks of so many tokens.
_CHUNK = 256
# How many of the latest tokens a snapshot holds.
_COUNT = struct.Struct("<q")


class Writer:
    """One text on its way: what has been read and written, and what may come next.

    :meth:`read` takes a text in, :meth:`generate` goes on from where the writer stands, so that it does not matter
    whether a prompt is read in one go or in parts that are cut where tokens are. A text begins with the mark of
    documents, if the model was trained with one. :meth:`snapshot`, :meth:`restore`, :meth:`reset` and :meth:`fork` are
    those of a :class:`~ostinato.streaming.session.Session`; writers of one model share its weights.
    """

    def __init__(self, plan: Plan) -> None:
        if plan.tokens is None:
            raise OptionError("a writer wanted a model of the task 'language-model'; ost.stream() serves others")
        self.plan, self.tokens = plan, plan.tokens
        self._mark = self.tokens.special(MARK) if MARK in self.tokens.specials else None
        self._session = Session(plan)
        self._begin()

    def _begin(self, latest: Iterable[int] = ()) -> None:
        """Forget the latest tokens, or know these as the latest."""
        self._spelt, self._latest = self.tokens.decoder(), deque[int](maxlen=WINDOW)
        for token in latest:
            self._note(token)

    def _note(self, token: int) -> str:
        """Count a token as the latest; gives the text that is ready with it."""
        self._latest.append(token)
        return self._spelt.push(token)

    def read(self, text: str) -> None:
        """Take a text in, as if it had been written."""
        self._take(text)

    def push(self, x: Any) -> NDArray[np.float32]:
        """log p of what comes next after each token of a text, or of ids [T], as :meth:`Session.push` gives it."""
        shown: NDArray[np.float32] = self._session.push(x)
        for token in np.atleast_1d(self.tokens.encode(x) if isinstance(x, str) else np.asarray(x)).tolist():
            self._note(token)
        return shown

    @property
    def next(self) -> NDArray[np.float32]:
        """log p of each token that may come next: float32 [V]."""
        if self._session.shown is None:
            self._take("")
        shown = self._session.shown
        assert shown is not None
        latest: NDArray[np.float32] = shown.copy()
        return latest

    def generate(
        self,
        prompt: str = "",
        length: int | None = None,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        seed: int = 0,
        stop: str | Iterable[str] = (),
        constraint: Constraint | None = None,
        ends: bool | None = None,
        beam: int | None = None,
    ) -> Iterator[str]:
        """Go on from what was read and the prompt; gives text as it comes, ``length`` characters in all.

        Without a length the text ends where the model ends its document. With one the model goes on up to it, and
        ``ends=True`` lets it end its document sooner. Before the first of the ``stop`` strings it ends in any case.
        Options of sampling are those of :class:`~ostinato.heads.generation.Sampler`; a ``constraint`` begins with the
        prompt. ``beam`` looks for the likeliest text among so many at once instead, and gives it whole. What it wrote
        counts as read; with ``beam`` the writer stays behind the prompt.
        """
        self._check(prompt, length, beam)
        stops = Stops(stop)
        end = self._mark if (length is None if ends is None else ends) else None
        banned = [*(k for k in range(self.tokens.first) if k != end)]
        strings = self.tokens.strings if constraint is not None else None
        sampling = {
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "repetition_penalty": repetition_penalty,
        }
        sampler = Sampler(**sampling, seed=seed, banned=banned, constraint=constraint, strings=strings, end=end)  # type: ignore[arg-type]
        if beam is not None:
            chosen = {**sampling, "seed": seed}
            for name, usual in (("temperature", 1.0), ("repetition_penalty", 1.0), ("seed", 0)):
                if chosen.pop(name) != usual:
                    raise OptionError(
                        f"{name} is for sampling, and beam looks for the likeliest; leave one of them out"
                    )
            if top_k is not None or top_p is not None:
                raise OptionError("top_k and top_p are for sampling, and beam looks for the likeliest; leave them out")
        self._take(prompt)
        sampler.begin(prompt, self._latest)
        if beam is not None:
            assert length is not None
            return iter((best_text(self._session, self._spelt, sampler, stops.strings, length, beam),))
        return self._written(sampler, stops, length)

    def _written(self, sampler: Sampler, stops: Stops, length: int | None) -> Iterator[str]:
        """Token by token; what is given out has been read, so that the writer may go on from there."""
        left = float("inf") if length is None else length
        scores = self._session.shown
        while left > 0:
            token = sampler.draw(scores)
            text = self._note(token) if token != sampler.end else self._spelt.end()
            scores = self._session.push_token(token)
            ready = stops.push(text)
            if token == sampler.end:
                ready += stops.end()
            if ready:
                ready = ready if len(ready) <= left else ready[: int(left)]
                left -= len(ready)
                yield ready
            if stops.stopped or token == sampler.end:
                return

    def _take(self, text: str) -> None:
        """Read a text, after the mark where it is the first."""
        ids = self.tokens.encode(text)
        if self._session.shown is None:
            if self._mark is None and not len(ids):
                raise DataError("this model was trained without marks of documents; begin with a prompt of some text")
            if self._mark is not None:
                self._session.push_token(self._mark)
        for begin in range(0, len(ids), _CHUNK):
            self.push(ids[begin : begin + _CHUNK])

    def _check(self, prompt: str, length: int | None, beam: int | None) -> None:
        if not isinstance(prompt, str):
            raise DataError(f"a prompt wanted a str, got {type(prompt).__name__}")
        if length is not None and (type(length) is not int or length < 0):
            raise OptionError(f"length wanted a whole number from 0 on, got {length!r:.40}")
        if beam is not None and (type(beam) is not int or beam < 1):
            raise OptionError(f"beam wanted a whole number from 1 on, got {beam!r:.40}")
        if beam is not None and length is None:
            raise OptionError("beam wanted a length: it looks for the likeliest text of so many characters")

    def snapshot(self) -> bytes:
        """All that is remembered of what was read and written, as bytes for :meth:`restore`, bound to the model."""
        latest = np.array(self._latest, "<i4")
        return pack(self.plan.digest, _COUNT.pack(len(latest)) + latest.tobytes() + self._session.snapshot())

    def restore(self, data: bytes) -> None:
        """Go on where a snapshot of the same model was taken.

        Raises :class:`~ostinato.errors.StreamError` for bytes of another model, cut off or changed; the writer is then
        as it was.
        """
        content = unpack(data, self.plan.digest)
        count = _COUNT.unpack_from(content)[0] if len(content) >= _COUNT.size else -1
        begin = _COUNT.size + 4 * count
        if not 0 <= count <= WINDOW or len(content) < begin:
            raise StreamError("the state is not that of a writer; take it again by Writer.snapshot()")
        latest = np.frombuffer(content, "<i4", count, _COUNT.size)
        if count and not 0 <= latest.min() <= latest.max() < self.tokens.size:
            raise StreamError(f"the state holds tokens beyond the {self.tokens.size} of the model; take it again")
        self._session.restore(content[begin:])
        self._begin(latest.tolist())

    def reset(self) -> None:
        """Begin a new text."""
        self._session.reset()
        self._begin()

    def fork(self) -> Writer:
        """Another writer that stands where this one stands."""
        other = Writer.__new__(Writer)
        other.__dict__.update(self.__dict__)
        other._session, other._spelt = self._session.fork(), self._spelt.fork()
        other._latest = self._latest.copy()
        return other

    def __repr__(self) -> str:
        return f"<writer of {self.tokens.size} {self.tokens.kind}, {self._session!r}>"
