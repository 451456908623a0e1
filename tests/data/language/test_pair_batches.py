from __future__ import annotations

import numpy as np
import pytest
import torch

from ostinato.data.language.pair_batches import Lines, PairBatches
from ostinato.errors import DataError, OptionError


def some(count=40, seed=0):
    rng = np.random.default_rng(seed)
    source = [rng.integers(3, 30, rng.integers(1, 12)) for _ in range(count)]
    return source, [np.append(line[::-1], 2) for line in source]


def seen(batches, epoch, start=0):
    return [(b.inputs.tolist(), b.target.tolist()) for b in batches.epoch(epoch, start)]


def test_every_pair_comes_once_an_epoch():
    source, target = some()
    batches = PairBatches(source, target, size=7, seed=3)
    assert sorted(np.concatenate(batches.rows(0)).tolist()) == list(range(40))
    assert len(batches) == len(list(batches.epoch(0))) == 6


def test_epochs_differ_and_repeat_with_the_seed():
    batches, again = (PairBatches(*some(), size=7, seed=3) for _ in range(2))
    assert seen(batches, 0) == seen(again, 0)
    assert seen(batches, 0) != seen(batches, 1)
    assert seen(batches, 0) != seen(PairBatches(*some(), size=7, seed=4), 0)


def test_an_epoch_goes_on_from_any_batch():
    batches = PairBatches(*some(), size=7, seed=3)
    assert seen(batches, 2, start=4) == seen(batches, 2)[4:]


def test_a_batch_holds_pairs_of_similar_length():
    batches = PairBatches(*some(200), size=10, seed=1)
    padding = sum(int((b.target.shape[1] - b.target_lengths).sum()) for b in batches.epoch(0))
    plain = PairBatches(*some(200), size=10, shuffle=False)
    assert padding < 0.3 * sum(int((b.target.shape[1] - b.target_lengths).sum()) for b in plain.epoch(0))


def test_pairs_stay_together_and_padding_is_on_the_right():
    for batch in PairBatches(*some(), size=7, seed=3).epoch(0):
        for row in range(len(batch)):
            n, m = int(batch.lengths[row]), int(batch.target_lengths[row])
            assert batch.target[row, :m].tolist() == [*batch.inputs[row, :n].tolist()[::-1], 2]
            assert not batch.inputs[row, n:].any()


def test_copies_are_padded_with_none():
    batch = PairBatches([[5, 6], [7]], [[2], [2]], size=2, shuffle=False, copies=[[5, 40], [41]]).batch(np.arange(2))
    assert batch.copies.tolist() == [[5, 40], [41, -1]]
    assert batch.to("cpu").copies is not None


def test_an_empty_line_has_a_step_to_stand_on():
    data, lengths = Lines.of([[], []]).padded(np.arange(2))
    assert data.shape == (2, 1)
    assert torch.equal(lengths, torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"size": 0}, OptionError, "size wanted"),
        ({"size": 2, "seed": -1}, OptionError, "seed wanted"),
        ({"size": 2, "target": [[1]]}, DataError, "as many targets as sources, got 1 and 2"),
        ({"size": 2, "copies": [[1], [1]]}, DataError, "one id for each place"),
        ({"size": 2, "source": []}, DataError, "at least one pair"),
    ],
)
def test_what_does_not_fit_is_refused(words, error, message):
    told = {"source": [[3, 4], [5]], "target": [[2], [2]], **words}
    with pytest.raises(error, match=message):
        PairBatches(told.pop("source"), told.pop("target"), **told)
