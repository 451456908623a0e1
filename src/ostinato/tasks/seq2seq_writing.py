"""Answers of an encoder-decoder: texts in batches through the beam, back in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.tasks.seq2seq_sides import Sides
from ostinato.tasks.text_training import few_threads

if TYPE_CHECKING:
    from ostinato.encoder_decoder import EncoderDecoder
    from ostinato.heads.beam import Found, Ranking

# So many places of texts, padding counted and times the beam, go through the network together.
_AT_ONCE = 1 << 13


@dataclass(frozen=True, eq=False)
class Written:
    """One answer: the text, the score that ranks it, sum log p, and whether it came to an end by itself.

    ``attention`` float64 [T, S] says which of the places ``read`` each of the tokens ``wrote`` looked at; the last of
    these is the end, where the answer has one. None without attention.
    """

    text: str
    score: float
    log_p: float
    ended: bool
    read: tuple[str, ...]
    wrote: tuple[str, ...]
    attention: NDArray[np.float64] | None = None


def write(
    network: EncoderDecoder,
    sides: Sides,
    texts: Sequence[str],
    *,
    beam: int,
    best: int,
    ranking: Ranking,
    reach: tuple[int, int],
) -> list[list[Written]]:
    """The best answers to each text, in the order of the texts; none is empty.

    ``reach`` are the most tokens of a text and of an answer in training. An answer may be as long as the longest of
    these, and longer for a text that is longer than any.
    """
    from ostinato.heads.beam import check_width

    check_width(beam, best)
    ids = sides.encoded(texts)
    copies = sides.copies(texts, ids)
    order = np.argsort([-len(line) for line in ids], kind="stable")
    out: list[list[Written]] = [[] for _ in texts]
    at = 0
    with few_threads(sum(len(line) for line in ids) * beam):
        while at < len(order):
            longest = max(1, len(ids[order[at]]))
            rows = order[at : at + int(np.clip(_AT_ONCE // (longest * beam), 1, 64))].tolist()
            limits = [max(1, -(-reach[1] * max(len(ids[row]), reach[0]) // max(reach[0], 1))) for row in rows]
            marked = None if copies is None else [copies[row] for row in rows]
            found = _found(network, sides, [ids[row] for row in rows], marked, limits, beam, best, ranking)
            for row, each in zip(rows, found, strict=True):
                out[row] = [_told(sides, texts[row], ids[row], one) for one in each]
            at += len(rows)
    return out


def _found(
    network: EncoderDecoder,
    sides: Sides,
    ids: list[NDArray[np.int64]],
    copies: list[NDArray[np.int64]] | None,
    limits: list[int],
    beam: int,
    best: int,
    ranking: Ranking,
) -> list[list[Found]]:
    import torch

    from ostinato.data.language.pair_batches import PairBatches
    from ostinato.heads.beam import beam_search

    batches = PairBatches(ids, size=len(ids), shuffle=False, copies=copies)
    with torch.inference_mode():
        read, state = network.read(batches.batch(np.arange(len(ids))))
        # What is looked at is laid out anew only when sequences came or went.
        laid: list[Any] = [None, None]

        def score(last: Any, told: Any) -> Any:
            inner, owners = told
            if read is not None and (laid[0] is None or not torch.equal(laid[0], owners)):
                laid[:] = owners, read.pick(owners)
            log_p, weights, inner = network.step(last, laid[1], inner)
            return log_p, (inner, owners), weights

        return beam_search(
            score,
            (state, torch.arange(len(ids))),
            rows=len(ids),
            start=sides.start,
            end=sides.end,
            width=beam,
            best=best,
            longest=limits,
            ranking=ranking,
            places=[len(line) for line in ids],
        )


def _told(sides: Sides, text: str, ids: NDArray[np.int64], found: Found) -> Written:
    wrote = [*found.ids, *([sides.end] if found.ended else [])]
    attention = None
    if found.attention is not None:
        attention = found.attention[: len(wrote), : len(ids)].double().numpy()
    return Written(
        sides.text(found.ids, text),
        found.score,
        found.log_p,
        found.ended,
        tuple(sides.places(text, ids.tolist())),
        tuple(sides.pieces(wrote, text)),
        attention,
    )
