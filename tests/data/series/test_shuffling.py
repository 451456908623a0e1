from __future__ import annotations

import numpy
import pytest

from ostinato.data.series.shuffling import Shuffle


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 16, 17, 1000, 4096, 4097])
@pytest.mark.parametrize("seed", range(3))
def test_every_number_comes_once(n, seed):
    order = Shuffle(n, [seed, 0]).places(numpy.arange(n))
    assert (numpy.sort(order) == numpy.arange(n)).all()


def test_an_order_may_be_asked_in_parts():
    order, numbers = Shuffle(1000, [1, 2]), numpy.arange(1000)
    parts = [order.places(numbers[at : at + 7]) for at in range(0, 1000, 7)]
    assert (numpy.concatenate(parts) == order.places(numbers)).all()
    assert len(order.places(numbers[:0])) == 0


def test_seeds_and_epochs_give_orders_of_their_own():
    numbers = numpy.arange(1000)
    orders = [Shuffle(1000, [seed, epoch]).places(numbers) for seed in range(3) for epoch in range(3)]
    for k, one in enumerate(orders):
        for other in orders[k + 1 :]:
            assert (one == other).mean() < 0.02


def test_an_order_is_about_as_random_as_numpys():
    numbers = numpy.arange(10_000)
    for seed in range(5):
        order = Shuffle(10_000, [seed, 0]).places(numbers)
        # Neighbours and places are unrelated: a correlation of chance has the standard deviation 0.01.
        assert abs(numpy.corrcoef(numbers, order)[0, 1]) < 0.05
        assert abs(numpy.corrcoef(order[1:], order[:-1])[0, 1]) < 0.05
        # Of each tenth, about a tenth comes in the first tenth.
        counts = numpy.bincount(order[:1000] // 1000, minlength=10)
        assert counts.min() > 60
        assert counts.max() < 140
