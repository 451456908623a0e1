"""Tasks that follow a state: every input changes it, and the label at each step is the state so far.

What each needs is a state of a few bits that never fades. Whether a cell can keep one for ever is a question of its
algebra, not of its size: a sum with non-negative weights, however long, never changes its sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ostinato.certificates.task import Batch, Task, every, last

_TRAIN, _TESTS = 40, (128, 256)
Permutation = tuple[int, ...]


def counting(modulus: int) -> Task:
    """How many ones there were so far, modulo a number; modulo 2 it is the parity.

    >>> batch = counting(2).draw(torch.Generator().manual_seed(0), 1, 6)
    >>> batch.inputs.tolist(), batch.target.tolist()
    ([[0, 1, 1, 0, 1, 1]], [[0, 1, 0, 0, 1, 0]])
    """

    def draw(chance: torch.Generator, rows: int, length: int) -> Batch:
        bits = torch.randint(0, 2, (rows, length), generator=chance)
        return _followed(bits, bits.cumsum(1) % modulus)

    even = modulus == 2
    return Task(
        name="parity" if even else f"modulo{modulus}",
        sentence=f"whether the number of ones so far is {'odd' if even else f'0 to {modulus - 1} modulo {modulus}'}",
        inputs=2,
        classes=modulus,
        chance=1 / modulus,
        draw=draw,
        start=4,
        train=_TRAIN,
        tests=_TESTS,
    )


def word_problem(name: str, sentence: str, generators: Sequence[Permutation]) -> Task:
    """Which element of a group the product of all symbols so far is, each symbol being one of its generators.

    >>> task = word_problem("s3", "the order of three cups after each move", [(1, 0, 2), (1, 2, 0)])
    >>> task.classes
    6
    >>> task.draw(torch.Generator().manual_seed(0), 1, 4).target.tolist()
    [[1, 3, 4, 2]]
    """
    products = cayley(generators)

    def draw(chance: torch.Generator, rows: int, length: int) -> Batch:
        symbols = torch.randint(0, len(generators), (rows, length), generator=chance)
        # The neutral element is number 0.
        product, target = torch.zeros(rows, dtype=torch.long), torch.empty_like(symbols)
        for step in range(length):
            product = products[product, symbols[:, step]]
            target[:, step] = product
        return _followed(symbols, target)

    size = len(products)
    return Task(name, sentence, len(generators), size, 1 / size, draw, 4, _TRAIN, _TESTS)


def cayley(generators: Sequence[Permutation]) -> Tensor:
    """The products [N, G] of each element of a group with each of its generators; element 0 is neutral.

    >>> cayley([(1, 2, 0)]).tolist()
    [[1], [2], [0]]
    """
    elements: list[Permutation] = [tuple(range(len(generators[0])))]
    number = {elements[0]: 0}
    rows: list[list[int]] = []
    # The list grows while it is gone through, until every product is known.
    for element in elements:
        row = []
        for generator in generators:
            product = tuple(generator[place] for place in element)
            if product not in number:
                number[product] = len(elements)
                elements.append(product)
            row.append(number[product])
        rows.append(row)
    return torch.tensor(rows)


def _followed(inputs: Tensor, target: Tensor) -> Batch:
    # Whoever can follow the state only for a while is right at the beginning of every sequence.
    length = inputs.shape[1]
    return Batch(inputs, target, every(length), last(max(1, length // 4), length))


parity = counting(2)
modulo5 = counting(5)
s3 = word_problem("s3", "the order of 3 things after a swap or a turn of all, S3", [(1, 0, 2), (1, 2, 0)])
a5 = word_problem("a5", "the order of 5 things after a turn of 5 or of 3, A5", [(1, 2, 3, 4, 0), (1, 2, 0, 3, 4)])
