"""The likeliest continuation of a text, found among several that are followed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ostinato.data.language.spelling import Speller
from ostinato.heads.generation import Sampler


@dataclass
class _Way:
    """One continuation: its sum of log p, how many tokens it has, its text, and what follows it."""

    total: float
    count: int
    text: str
    session: Any
    spelt: Speller
    sampler: Sampler

    @property
    def mean(self) -> float:
        """log p for each token, by which continuations of several lengths compare."""
        return self.total / max(1, self.count)


def best_text(session: Any, spelt: Speller, sampler: Sampler, stops: Sequence[str], length: int, width: int) -> str:
    """The text of ``length`` characters, or up to a stop string or the end, with the highest mean of log p found.

    At each step the ``width`` likeliest continuations of all go on (there may be fewer where the vocabulary is small);
    those that end wait. Nothing is drawn, and the session stays where it is.
    """
    going = [_Way(0.0, 0, "", session.fork(), spelt.fork(), sampler.fork())]
    ended: list[_Way] = []
    while going and length > 0 and len(ended) < width:
        found = []
        for place, way in enumerate(going):
            logs = way.sampler.log_shares(way.session.shown)
            likely = np.argsort(-logs, kind="stable")[:width]
            found += [(way.total + float(logs[k]), place, int(k)) for k in likely if logs[k] > -np.inf]
        found.sort(key=lambda one: (-one[0], one[1], one[2]))
        ways = [_gone_on(going[place], token, total, stops, length) for total, place, token in found[:width]]
        ended += [way for way, over in ways if over]
        going = [way for way, over in ways if not over]
    # What still goes on has not all of its text yet.
    best = max(ended or going, key=lambda way: way.mean)
    return best.text[:length]


def _gone_on(way: _Way, token: int, total: float, stops: Sequence[str], length: int) -> tuple[_Way, bool]:
    """A continuation with one more token, and whether it is over."""
    session, spelt, sampler = way.session.fork(), way.spelt.fork(), way.sampler.fork()
    sampler.take(token)
    if token == sampler.end:
        return _Way(total, way.count + 1, way.text + spelt.end(), session, spelt, sampler), True
    text = way.text + spelt.push(token)
    session.push_token(token)
    places = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    if places:
        text = text[: min(places)]
    return _Way(total, way.count + 1, text, session, spelt, sampler), bool(places) or len(text) >= length
