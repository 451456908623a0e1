"""From a head's numbers to answers, with numpy alone, so that streams need no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ostinato.errors import DataError

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


def choose_threshold(correct: npt.NDArray[np.bool_], confidence: Floats, outside: Floats) -> float:
    """The confidence below which a model should say that it does not know.

    >>> choose_threshold(np.array([True, True, False]), np.array([0.9, 0.8, 0.4]), np.array([0.3, 0.7]))
    0.75

    ``correct`` and ``confidence`` [n] are of validation rows inside the task, ``outside`` [m] the confidence on rows
    outside it. The threshold makes (share inside that is answered and right) + (share outside that is refused) the
    largest; of equally good ones it takes the lowest, in the middle between two confidences.
    """
    if not len(confidence) or not len(outside):
        raise DataError("a threshold wanted validation rows inside and outside the task, got none of one kind")
    values = np.unique(np.concatenate([confidence, outside]).astype(np.float64))
    cuts = np.concatenate([[0.0], (values[:-1] + values[1:]) / 2, [np.nextafter(values[-1], 2.0)]])
    right = np.sort(confidence[correct])
    answered = (len(right) - np.searchsorted(right, cuts, side="left")) / len(confidence)
    refused = np.searchsorted(np.sort(outside), cuts, side="left") / len(outside)
    return float(cuts[int(np.argmax(answered + refused))])
