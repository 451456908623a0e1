from __future__ import annotations

from itertools import permutations

import pytest
import torch

from ostinato.certificates import tracking


def drawn(task, length=24):
    return task.draw(torch.Generator().manual_seed(5), 7, length)


def test_parity_and_counting_are_what_a_loop_counts():
    for task, modulus in ((tracking.parity, 2), (tracking.modulo5, 5)):
        batch = drawn(task)
        for bits, labels in zip(batch.inputs.tolist(), batch.target.tolist(), strict=True):
            count = 0
            for bit, label in zip(bits, labels, strict=True):
                count += bit
                assert label == count % modulus


def swaps(order):
    return sum(a > b for place, a in enumerate(order) for b in order[place + 1 :])


@pytest.mark.parametrize(
    ("task", "generators", "group"),
    [
        (tracking.s3, [(1, 0, 2), (1, 2, 0)], list(permutations(range(3)))),
        (
            tracking.a5,
            [(1, 2, 3, 4, 0), (1, 2, 0, 3, 4)],
            [p for p in permutations(range(5)) if swaps(p) % 2 == 0],
        ),
    ],
)
def test_the_label_names_the_product_of_the_symbols_so_far(task, generators, group):
    assert task.classes == len(group)
    batch = drawn(task, 60)
    named = {}
    for symbols, labels in zip(batch.inputs.tolist(), batch.target.tolist(), strict=True):
        product = tuple(range(len(generators[0])))
        for symbol, label in zip(symbols, labels, strict=True):
            product = tuple(generators[symbol][place] for place in product)
            # One number for each element, and one element for each number.
            assert named.setdefault(label, product) == product
    assert len(set(named.values())) == len(named)
    assert set(named.values()) <= set(group)


def test_only_the_end_of_a_followed_sequence_is_judged():
    batch = drawn(tracking.parity, 40)
    assert batch.labelled.all()
    assert batch.judged.nonzero().flatten().tolist() == list(range(30, 40))
    assert drawn(tracking.parity, 1).judged.tolist() == [True]
