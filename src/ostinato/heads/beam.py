"""Beam search: the best sequences of words under a function that scores the next one, for many sentences at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ostinato.errors import OptionError, ShapeError
from ostinato.state import map_state

# ids int64 [R] and a state -> log p [R, V] of the next word, the state after, and weights [R, S] over places or None.
Score = Callable[[Tensor, Any], tuple[Tensor, Any, Tensor | None]]


@dataclass(frozen=True)
class Found:
    """One answer: its ids without the end, the score that ranks it, and sum log p.

    ``attention`` [T + 1, S] are the weights of its steps, that of the end included; ``ended`` is false where the
    longest length cut it off.
    """

    ids: tuple[int, ...]
    score: float
    log_p: float
    ended: bool
    attention: Tensor | None = None


@dataclass(frozen=True)
class Ranking:
    """How finished sequences compare: score = log p / ((5 + length) / 6) ** length_penalty + coverage.

    coverage = ``coverage_penalty`` * sum over places s of log min(sum over steps of a_s, 1); the length counts the end.
    Wu et al., 2016 (arXiv:1609.08144), section 7.
    """

    length_penalty: float = 0.0
    coverage_penalty: float = 0.0

    def __post_init__(self) -> None:
        for name in ("length_penalty", "coverage_penalty"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                raise OptionError(f"{name} wanted a number of at least 0, got {value!r}")

    def of(self, log_p: float, length: int) -> float:
        """The score without coverage."""
        return log_p / self.norm(length)

    def norm(self, length: int) -> float:
        """What log p is divided by."""
        return float(((5 + length) / 6) ** self.length_penalty)

    def coverage(self, attention: Tensor | None, places: int) -> float:
        """What is added for places that no step looked at; never above 0."""
        if not self.coverage_penalty or attention is None:
            return 0.0
        seen = attention[:, :places].sum(0).double().clamp(min=1e-12, max=1.0)
        return self.coverage_penalty * float(seen.log().sum())


def beam_search(
    score: Score,
    state: Any,
    *,
    rows: int,
    start: int,
    end: int,
    width: int = 5,
    best: int = 1,
    longest: int | Sequence[int] = 100,
    ranking: Ranking | None = None,
    places: Sequence[int] | None = None,
) -> list[list[Found]]:
    """For each of some rows the ``best`` answers, those that ended first, in falling order of their scores.

    >>> table = torch.tensor([[0.1, 0.6, 0.3], [0.1, 0.2, 0.7], [0.0, 0.0, 1.0]]).log()
    >>> score = lambda ids, state: (table[ids], state, None)
    >>> [found.ids for found in beam_search(score, None, rows=1, start=0, end=2, width=2, best=2)[0]]
    [(1,), ()]

    ``score(ids, state)`` tells log p [R, V] of the next word of R sequences, and what the state is then; parts of a
    ``state`` have one row for each sequence, and begin with one for each of ``rows``. Rows do not see each other, so a
    batch gives what each of its sentences gives alone. Each answer that ends takes one place of the ``width``, so that
    a width of 1 is the greedy choice; a row stops when its places are taken, when no open sequence can still come
    before the ``best`` found, or at its ``longest`` length (the end not counted). A width above the number of words
    simply begins with fewer open sequences. ``places`` are the lengths of what is looked at, for coverage.
    """
    check_width(width, best)
    limits = [longest] * rows if isinstance(longest, int) else list(longest)
    if len(limits) != rows or any(limit < 1 for limit in limits):
        raise OptionError(f"longest wanted a length from 1 on for each of {rows} rows, got {limits[:5]}")
    search = [
        _Row(width, best, limits[row], end, ranking or Ranking(), None if places is None else places[row])
        for row in range(rows)
    ]
    live = list(range(rows))
    ids = torch.full((rows,), start)
    # Sequence k of those scored belongs to the row owners[k].
    owners = list(range(rows))
    steps: list[_Step] = []
    while live:
        log_p, state, weights = score(ids, state)
        if log_p.dim() != 2 or len(log_p) != len(owners):
            raise ShapeError(f"a score wanted [{len(owners)}, V], got {list(log_p.shape)}")
        chosen = _advance(search, owners, log_p, steps, weights)
        owners = [owner for owner, _, _ in chosen]
        live = sorted(set(owners))
        if not live:
            break
        parents = torch.tensor([parent for _, parent, _ in chosen], device=log_p.device)
        ids = torch.tensor([word for _, _, word in chosen], device=log_p.device)
        state = map_state(lambda part, at=parents: part.index_select(0, at), state)
        steps[-1].kept(parents.tolist(), ids.tolist())
    return [row.answers(steps) for row in search]


class _Step:
    """What one step chose: for each open sequence its parent in the step before and its word; the weights of all."""

    def __init__(self, weights: Tensor | None) -> None:
        self.weights = weights
        self.parents: list[int] = []
        self.words: list[int] = []

    def kept(self, parents: list[int], words: list[int]) -> None:
        self.parents, self.words = parents, words


@dataclass(frozen=True)
class _Ended:
    """A sequence that ended: the place of its last scored sequence, and the step of that."""

    at: int
    step: int
    log_p: float
    ended: bool


class _Row:
    """The search for one sentence."""

    def __init__(self, width: int, best: int, longest: int, end: int, ranking: Ranking, places: int | None) -> None:
        self.width, self.best, self.longest, self.end = width, best, longest, end
        self.ranking, self.places = ranking, places
        self.found: list[tuple[float, _Ended]] = []
        self.open = [0.0]

    def take(
        self, first: int, values: list[float], picked: list[int], size: int, steps: list[_Step]
    ) -> list[tuple[int, int]]:
        """Go through candidates in falling order: those that end are found, the others go on as (parent, word)."""
        step, last = len(steps) - 1, len(steps) > self.longest
        room = self.width - len(self.found)
        onward: list[tuple[int, int]] = []
        logs: list[float] = []
        for value, pick in zip(values, picked, strict=True):
            if room == 0 or value == -math.inf:
                break
            parent, word = first + pick // size, pick % size
            if word == self.end:
                self.keep(_Ended(parent, step, value, True), steps)
            elif not last:
                onward.append((parent, word))
                logs.append(value)
            room -= word == self.end or not last
        if last:
            for k, value in enumerate(self.open[:room]):
                self.keep(_Ended(first + k, step, value, False), steps)
        self.open = logs
        return [] if self.over(step + 1) else onward

    def keep(self, ended: _Ended, steps: list[_Step]) -> None:
        """Note a sequence that is over, with the score that ranks it."""
        score = self.ranking.of(ended.log_p, ended.step + 1)
        if self.ranking.coverage_penalty:
            attention = _traced(steps, ended)[1]
            places = self.places if self.places is not None else 0 if attention is None else attention.shape[1]
            score += self.ranking.coverage(attention, places)
        self.found.append((score, ended))

    def over(self, length: int) -> bool:
        """Whether nothing better can come: log p only falls, and the longest answer divides it by most."""
        if not self.open or len(self.found) >= self.width:
            return True
        if len(self.found) < self.best:
            return False
        worst = sorted((score for score, _ in self.found), reverse=True)[self.best - 1]
        return worst >= self.open[0] / self.ranking.norm(max(self.longest, length) + 1)

    def answers(self, steps: list[_Step]) -> list[Found]:
        """The best that were found: those that ended first, in falling order."""
        order = sorted(range(len(self.found)), key=lambda k: (not self.found[k][1].ended, -self.found[k][0], k))
        told = []
        for k in order[: self.best]:
            score, ended = self.found[k]
            ids, attention = _traced(steps, ended)
            told.append(Found(tuple(ids), score, ended.log_p, ended.ended, attention))
        return told


def _traced(steps: Sequence[_Step], ended: _Ended) -> tuple[list[int], Tensor | None]:
    """The words before a sequence ended, and the weights of all its steps, from its last step back to the first."""
    at, words, weights = ended.at, [], []
    for step in range(ended.step, -1, -1):
        seen = steps[step].weights
        if seen is not None:
            weights.append(seen[at])
        if step:
            before = steps[step - 1]
            words.append(before.words[at])
            at = before.parents[at]
    return words[::-1], torch.stack(weights[::-1]) if weights else None


def _advance(
    search: list[_Row], owners: list[int], log_p: Tensor, steps: list[_Step], weights: Tensor | None
) -> list[tuple[int, int, int]]:
    """The sequences that go on: (row, its place among those scored, its word)."""
    size = log_p.shape[1]
    steps.append(_Step(weights))
    counts: dict[int, int] = {}
    for owner in owners:
        counts[owner] = counts.get(owner, 0) + 1
    width = max(counts.values())
    # [rows still open, width, V]: rows with fewer open sequences are filled up with impossible ones.
    place = torch.zeros(len(counts), width, dtype=torch.int64)
    before = torch.full((len(counts), width), -math.inf, dtype=log_p.dtype)
    firsts, at = [], 0
    for k, (owner, count) in enumerate(counts.items()):
        place[k, :count] = torch.arange(at, at + count)
        before[k, :count] = torch.tensor(search[owner].open, dtype=log_p.dtype)
        firsts.append(at)
        at += count
    total = log_p[place.to(log_p.device)] + before.to(log_p.device)[:, :, None]
    most = min(max(search[owner].width for owner in counts), total.shape[1] * size)
    values, picked = (part.tolist() for part in total.flatten(1).topk(most, dim=1))
    onward = []
    for k, owner in enumerate(counts):
        for parent, word in search[owner].take(firsts[k], values[k], picked[k], size, steps):
            onward.append((owner, parent, word))
    return onward


def check_width(width: int, best: int = 1) -> None:
    """Refuse a beam that follows nothing, or that cannot find as many answers as are wanted."""
    for name, value in (("beam", width), ("best", best)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise OptionError(f"{name} wanted a whole number from 1 on, got {value!r}")
    if best > width:
        raise OptionError(f"a beam of {width} finds at most {width} answers, got best={best}; widen the beam")
