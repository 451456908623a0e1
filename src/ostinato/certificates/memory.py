"""Tasks that keep something for later: symbols over many blanks, pairs by their keys, two numbers of many."""

from __future__ import annotations

import torch

from ostinato.certificates.task import Batch, Task, last

SYMBOLS = 8


def recall(name: str, count: int, blanks: int, tests: tuple[int, ...]) -> Task:
    """Symbols, then blanks, then a signal, at which the symbols are to be told in their order.

    >>> task = recall("recall", 2, 3, ())
    >>> batch = task.draw(torch.Generator().manual_seed(0), 1, 3)
    >>> batch.inputs.tolist(), batch.target[batch.labelled.expand(1, -1)].tolist()
    ([[4, 7, 8, 8, 8, 9, 8]], [4, 7])

    8 is the blank and 9 the signal. Hochreiter & Schmidhuber, 1997 (doi:10.1162/neco.1997.9.8.1735); in this form
    Arjovsky et al., 2016 (arXiv:1511.06464).
    """

    def draw(chance: torch.Generator, rows: int, length: int) -> Batch:
        symbols = torch.randint(0, SYMBOLS, (rows, count), generator=chance)
        steps = 2 * count + length
        inputs = torch.full((rows, steps), SYMBOLS)
        inputs[:, :count] = symbols
        inputs[:, count + length] = SYMBOLS + 1
        target = torch.zeros(rows, steps, dtype=torch.long)
        target[:, -count:] = symbols
        return Batch(inputs, target, last(count, steps), last(count, steps))

    return Task(
        name=name,
        sentence=f"{count} symbols, told again after {blanks} blanks",
        inputs=SYMBOLS + 2,
        classes=SYMBOLS,
        chance=1 / SYMBOLS,
        draw=draw,
        start=blanks,
        train=blanks,
        tests=tests,
        unit="blanks",
        rows=16,
        lr=2e-2,
        timescale=1.5 * (blanks + 2 * count),
    )


def associative(pairs: int, tests: tuple[int, ...]) -> Task:
    """Keys with a value each, one pair a step, then the keys in another order: each time the value is to be told.

    >>> batch = associative(2, ()).draw(torch.Generator().manual_seed(1), 1, 2)
    >>> batch.inputs.tolist()
    [[[4, 15], [1, 8], [1, 16], [4, 16]]]
    >>> batch.target[batch.labelled.expand(1, -1)].tolist()
    [0, 7]

    Symbols 0 to 7 are keys, 8 to 15 values, and 16 stands where a value is asked for. Ba et al., 2016
    (arXiv:1610.06258).
    """

    def draw(chance: torch.Generator, rows: int, length: int) -> Batch:
        keys = torch.rand(rows, SYMBOLS, generator=chance).argsort(1)[:, :length]
        values = torch.randint(0, SYMBOLS, (rows, length), generator=chance)
        order = torch.rand(rows, length, generator=chance).argsort(1)
        told = torch.stack([keys, values + SYMBOLS], 2)
        asked = torch.stack([keys.gather(1, order), torch.full_like(keys, 2 * SYMBOLS)], 2)
        target = torch.cat([torch.zeros_like(values), values.gather(1, order)], 1)
        end = last(length, 2 * length)
        return Batch(torch.cat([told, asked], 1), target, end, end)

    return Task(
        name="associative",
        sentence=f"{pairs} keys and their values, asked for by key in another order",
        inputs=2 * SYMBOLS + 1,
        classes=SYMBOLS,
        chance=1 / SYMBOLS,
        draw=draw,
        start=1,
        train=pairs,
        tests=tests,
        unit="pairs",
    )


def adding(steps: int, tests: tuple[int, ...]) -> Task:
    """Numbers between 0 and 1, two of them marked, one in each half: their sum is to be told at the end.

    >>> batch = adding(4, ()).draw(torch.Generator().manual_seed(0), 1, 4)
    >>> batch.inputs[0, :, 1].tolist()
    [0.0, 1.0, 0.0, 1.0]

    Whoever always answers 1 has a mean squared error of 1/6, and is within 0.1 in 19 of 100 sequences. Hochreiter &
    Schmidhuber, 1997 (doi:10.1162/neco.1997.9.8.1735).
    """

    def draw(chance: torch.Generator, rows: int, length: int) -> Batch:
        numbers = torch.rand(rows, length, generator=chance)
        half = length // 2
        marks = torch.zeros(rows, length)
        marks.scatter_(1, torch.randint(0, half, (rows, 1), generator=chance), 1.0)
        marks.scatter_(1, torch.randint(half, length, (rows, 1), generator=chance), 1.0)
        total = (numbers * marks).sum(1, keepdim=True).expand(-1, length)
        return Batch(torch.stack([numbers, marks], 2), total, last(1, length), last(1, length))

    return Task(
        name="adding",
        sentence=f"the sum of two marked numbers among {steps}",
        inputs=2,
        classes=0,
        chance=0.19,
        draw=draw,
        start=steps,
        train=steps,
        tests=tests,
        rows=16,
        timescale=1.5 * steps,
    )


four_symbols = recall("recall", 4, 100, (200, 400))
four_pairs = associative(4, (6, 8))
adding200 = adding(200, (400,))
copying = recall("copy", 10, 200, (300, 400))
