"""From scores of what comes next to one choice: sampling, what may be chosen, and where to stop. Needs numpy only."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy
from numpy.typing import NDArray

from ostinato.errors import DataError, OptionError

Floats = NDArray[numpy.float64]
# So many tokens back a repetition counts as one, unless said otherwise.
WINDOW = 64


class Constraint(Protocol):
    """Which continuations of a text are allowed: what a sampler asks before each choice.

    A constraint follows one text. :meth:`begin` is called once, with the prompt; then, for each token,
    :meth:`allowed` and, with the string of the token that was chosen, :meth:`push`. The text so far is the prompt and
    all strings that were pushed, one after another. A constraint keeps what it needs to know of it, so that a call
    costs the same however long the text has grown.

    >>> class Short:
    ...     "Allows texts of up to three characters, which may end anywhere."
    ...     def begin(self, prompt):
    ...         self.left = 3 - len(prompt)
    ...     def allowed(self, strings):
    ...         return numpy.array([string is None or len(string) <= self.left for string in strings])
    ...     def push(self, string):
    ...         self.left -= len(string)
    ...     def fork(self):
    ...         import copy
    ...         return copy.copy(self)
    >>> sampler = Sampler(temperature=0, constraint=Short(), strings=(None, "a", "bb"), end=0)
    >>> sampler.begin("a")
    >>> [sampler.draw([0.1, 0.2, 0.3]) for _ in range(2)]
    [2, 0]
    """

    def begin(self, prompt: str) -> None:
        """A new text begins with the prompt, which may be empty and need not be allowed itself."""

    def allowed(self, strings: Sequence[str | None]) -> NDArray[numpy.bool_]:
        """Which of these strings may come next: bool [V].

        ``strings`` is the same sequence at every call, one string for each token of the model; a table made of it once
        serves all calls. None stands for tokens that write nothing: what is answered for None says whether the text may
        end here. A part of a character (of bytes or of pieces of words) comes as U+FFFD.
        """

    def push(self, string: str) -> None:
        """This string came next, of a token that was allowed; never called for the end."""

    def fork(self) -> Constraint:
        """Another one that stands where this one stands: several continuations of one text may be tried."""


class Sampler:
    """Chooses the next token by its scores, again and again; the same seed makes the same choices.

    >>> sampler = Sampler(temperature=0.5, top_k=2, seed=7)
    >>> sampler.begin()
    >>> [sampler.draw([1.0, 2.0, 0.0]) for _ in range(6)]
    [1, 1, 1, 1, 1, 1]

    Scores are log p up to a constant: float [V]. In this order: what is ``banned`` or not allowed by the
    ``constraint`` is left out; the p of each of the last ``window`` tokens becomes p^``repetition_penalty`` (log p
    times it; 1 changes nothing); log p is divided by the ``temperature`` (0: always the likeliest); the ``top_k``
    likeliest are kept; of these, the fewest that together have ``top_p``. ``strings`` are what each token writes, which
    a constraint wants (see there), and ``end`` is the token that ends a text, if there is one. One uniform number is
    drawn for each choice. Top-k: Fan et al., 2018 (arXiv:1805.04833); top-p: Holtzman et al., 2020 (arXiv:1904.09751);
    repetition: after Keskar et al., 2019 (arXiv:1909.05858), on log p.
    """

    def __init__(
        self,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        window: int = WINDOW,
        seed: int = 0,
        banned: Iterable[int] = (),
        constraint: Constraint | None = None,
        strings: Sequence[str | None] | None = None,
        end: int | None = None,
    ) -> None:
        _check(temperature, top_k, top_p, repetition_penalty, window, seed)
        if constraint is not None and strings is None:
            raise OptionError("a constraint wanted the strings of the tokens (strings=)")
        self.temperature, self.top_k, self.top_p = float(temperature), top_k, top_p
        self.penalty, self.seed, self.end = float(repetition_penalty), seed, end
        self.constraint, self.strings = constraint, strings
        self._banned = numpy.array(sorted(set(banned)), numpy.int64)
        self._recent: deque[int] = deque(maxlen=window)
        self._bits = numpy.random.PCG64(seed)
        # No option but the temperature asks for more than one look at the scores.
        self._plain = top_k is None and top_p is None and self.penalty == 1.0

    def begin(self, prompt: str = "", ids: Iterable[int] = ()) -> None:
        """A new text begins; ``ids`` are the tokens of its prompt. The seed begins anew too."""
        self._bits = numpy.random.PCG64(self.seed)
        self._recent.clear()
        if self.penalty != 1.0:
            self._recent.extend(int(k) for k in ids)
        if self.constraint is not None:
            self.constraint.begin(prompt)

    def draw(self, scores: Any) -> int:
        """The next token, which counts as written from now on."""
        logs: Floats = numpy.array(scores, numpy.float64)
        self._leave_out(logs)
        if self.penalty != 1.0:
            self._weaken(logs)
        token = int(logs.argmax())
        if not logs[token] > -numpy.inf:
            raise DataError(self._nothing(scores))
        if self.temperature > 0:
            token = self._drawn(logs - logs[token])
        self.take(token)
        return token

    def take(self, token: int) -> None:
        """Count a token as written that was chosen in another way."""
        if self.penalty != 1.0:
            self._recent.append(token)
        if self.constraint is not None and token != self.end:
            assert self.strings is not None
            self.constraint.push(self.strings[token] or "")

    def fork(self) -> Sampler:
        """Another sampler that stands where this one stands."""
        other = copy.copy(self)
        other._recent, other._bits = self._recent.copy(), copy.deepcopy(self._bits)
        other.constraint = None if self.constraint is None else self.constraint.fork()
        return other

    def log_shares(self, scores: Any) -> Floats:
        """log p of each token among those that may come now: float64 [V], -inf for the others."""
        logs: Floats = numpy.array(scores, numpy.float64)
        self._leave_out(logs)
        top = logs.max()
        if not top > -numpy.inf:
            raise DataError(self._nothing(scores))
        shifted: Floats = logs - top
        logs_of_shares: Floats = shifted - numpy.log(numpy.exp(shifted).sum())
        return logs_of_shares

    def shares(self, scores: Any) -> Floats:
        """With which probability each token would be drawn now: float64 [V]; nothing is drawn."""
        logs: Floats = numpy.array(scores, numpy.float64)
        self._leave_out(logs)
        if self.penalty != 1.0:
            self._weaken(logs)
        best = int(logs.argmax())
        if not logs[best] > -numpy.inf:
            raise DataError(self._nothing(scores))
        if self.temperature == 0:
            likeliest: Floats = (numpy.arange(len(logs)) == best).astype(numpy.float64)
            return likeliest
        powers = self._powers(logs - logs[best])
        whole: Floats = powers / powers.sum()
        return whole

    def _leave_out(self, logs: Floats) -> None:
        if self._banned.size:
            logs[self._banned] = -numpy.inf
        if self.constraint is not None:
            assert self.strings is not None
            logs[~numpy.asarray(self.constraint.allowed(self.strings), bool)] = -numpy.inf

    def _weaken(self, logs: Floats) -> None:
        """Make what came lately less likely; scores become log p first, which no constant moves."""
        top = logs.max()
        if not numpy.isfinite(top):
            return
        logs -= top + numpy.log(numpy.exp(logs - top).sum())
        lately = list(set(self._recent))
        logs[lately] *= self.penalty

    def _drawn(self, logs: Floats) -> int:
        sums = self._powers(logs).cumsum()
        share = (self._bits.random_raw() >> 11) * 2.0**-53
        # The number may meet the whole sum by rounding, behind which nothing stands.
        return min(int(sums.searchsorted(share * sums[-1], side="right")), int(sums.searchsorted(sums[-1])))

    def _powers(self, logs: Floats) -> Floats:
        """p of each token up to a factor, 0 for what is not kept; the highest of ``logs`` is 0."""
        if self.temperature != 1.0:
            logs = logs / self.temperature
        powers: Floats = numpy.exp(logs)
        if self._plain:
            return powers
        if self.top_k is not None and self.top_k < len(powers):
            powers[powers < numpy.partition(powers, -self.top_k)[-self.top_k]] = 0
        if self.top_p is not None and self.top_p < 1:
            order = numpy.argsort(-powers, kind="stable")
            sums = powers[order].cumsum()
            powers[order[int(sums.searchsorted(self.top_p * sums[-1])) + 1 :]] = 0
        return powers

    def _nothing(self, scores: Any) -> str:
        if numpy.isnan(numpy.asarray(scores, numpy.float64)).any():
            return "the scores of the next token are no numbers; the model's weights are too large, train it anew"
        if self.constraint is None:
            return "no token is left to choose from: all that the model may write are banned"
        return "the constraint allows no continuation of the text so far; begin with another prompt, or loosen it"


class Stops:
    """Ends a text before the first of some strings, and holds back what may be the beginning of one.

    >>> stops = Stops(["\\n\\n"])
    >>> stops.push("one\\n"), stops.push("two\\n"), stops.push("\\nthree"), stops.stopped
    ('one', '\\ntwo', '', True)
    """

    def __init__(self, strings: Iterable[str]) -> None:
        self.strings = [strings] if isinstance(strings, str) else list(strings)
        for string in self.strings:
            if not isinstance(string, str) or not string:
                raise OptionError(f"a stop string wanted at least one character, got {string!r:.40}")
        self._longest = max(map(len, self.strings), default=0)
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """What is ready to be shown once this text has come."""
        if not self.strings or self.stopped:
            return "" if self.stopped else text
        self._held += text
        found = [place for place in map(self._held.find, self.strings) if place >= 0]
        if found:
            self.stopped = True
            return self._held[: min(found)]
        keep = next(
            n
            for n in range(min(self._longest - 1, len(self._held)), -1, -1)
            if any(string.startswith(self._held[len(self._held) - n :]) for string in self.strings)
        )
        ready, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return ready

    def end(self) -> str:
        """What was held back, when nothing follows."""
        rest, self._held = ("" if self.stopped else self._held), ""
        return rest


def _check(temperature: Any, top_k: Any, top_p: Any, penalty: Any, window: Any, seed: Any) -> None:
    def number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and bool(numpy.isfinite(value))

    def whole(value: Any, least: int) -> bool:
        return type(value) is int and value >= least

    if not number(temperature) or temperature < 0:
        raise OptionError(f"temperature wanted a number from 0 on, got {temperature!r:.40}")
    if top_k is not None and not whole(top_k, 1):
        raise OptionError(f"top_k wanted a whole number from 1 on, got {top_k!r:.40}")
    if top_p is not None and not (number(top_p) and 0 < top_p <= 1):
        raise OptionError(f"top_p wanted a number above 0 and at most 1, got {top_p!r:.40}")
    if temperature == 0 and (top_k is not None or top_p is not None):
        raise OptionError("temperature 0 always takes the likeliest token; leave top_k and top_p out")
    if not number(penalty) or penalty < 1:
        raise OptionError(f"repetition_penalty wanted a number from 1 on, got {penalty!r:.40}")
    if not whole(window, 1):
        raise OptionError(f"window wanted a whole number from 1 on, got {window!r:.40}")
    if not whole(seed, 0):
        raise OptionError(f"seed wanted a whole number from 0 on, got {seed!r:.40}")
