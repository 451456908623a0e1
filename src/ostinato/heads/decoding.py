"""From a head's numbers to answers, with numpy alone, so that streams need no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


class Answer(NamedTuple):
    """One answer: its label, how sure the model is of it, and whether it believes to know at all."""

    label: str
    confidence: float
    known: bool


def softmax(scores: Floats) -> Floats:
    """exp(s) / sum exp(s) along the last axis.

    >>> softmax(np.array([1000.0, 1000.0])).tolist()
    [0.5, 0.5]
    """
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    total: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return total


def decide(
    probabilities: Floats, names: Sequence[str], *, outside: str | None = None, threshold: float = 0.0
) -> list[Answer]:
    """The most probable label of each row, and whether it is known.

    >>> decide(np.array([[0.9, 0.1], [0.6, 0.4]]), ["on", "off"], threshold=0.7)
    [Answer(label='on', confidence=0.9, known=True), Answer(label='on', confidence=0.6, known=False)]

    ``probabilities`` is [B, N]. The class named ``outside`` is never a label; where it is the most probable one, or
    where the best other class stays below ``threshold``, the row is not known.
    """
    place = list(names).index(outside) if outside is not None else None
    inside = probabilities if place is None else np.delete(probabilities, place, axis=1)
    kept = [name for name in names if name != outside]
    best = inside.argmax(axis=1)
    confidence = inside[np.arange(len(inside)), best]
    known = confidence >= threshold
    if place is not None:
        known &= probabilities[:, place] <= confidence
    return [
        Answer(kept[b], float(c), bool(k)) for b, c, k in zip(best.tolist(), confidence.tolist(), known, strict=True)
    ]


def choose_threshold(correct: npt.NDArray[np.bool_], confidence: Floats, cost: float) -> float:
    """The confidence below which a model should say that it does not know.

    >>> choose_threshold(np.array([True, True, True, False]), np.array([0.9, 0.8, 0.7, 0.75]), cost=0.25)
    0.8

    ``correct`` and ``confidence`` [n] are of validation rows inside the task. The threshold is the highest one that
    refuses at most a share ``cost`` of them that would have been right: what it refuses outside the task comes at that
    price. No rows, or none that is right, give 0.
    """
    right = np.sort(confidence[correct].astype(np.float64))
    if not len(right):
        return 0.0
    spared = int(np.floor(cost * len(confidence) + 1e-9))
    return float(right[min(spared, len(right) - 1)])
