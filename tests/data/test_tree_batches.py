from __future__ import annotations

import pytest
import torch

from ostinato.data.tree_batches import TreeBatches
from ostinato.data.words import Vocabulary
from ostinato.errors import DataError

SENTENCES = [["f", "x"], ["g"], ["f", "x", "y", "x"], ["h", "z"]]
PARENTS = [[-1, 0], [-1], [-1, 0, 0, 2], [1, -1]]
TARGET = [[1, -1], [0], [2, 0, -1, 1], [-1, 1]]


def batches(**options):
    words = Vocabulary.learn_words(SENTENCES, min_count=1).encode_words(SENTENCES)
    return words, TreeBatches(words, PARENTS, TARGET, **{"size": 2, **options})


def test_every_node_keeps_its_word_and_its_class():
    words, source = batches(shuffle=False, size=4)
    [batch] = source.epoch(0)
    assert len(batch) == 4
    ids = batch.forest.restore(batch.table.words[batch.inputs])
    assert torch.equal(ids, torch.from_numpy(words.types.words[words.tokens]))
    assert batch.forest.restore(batch.target).tolist() == [1, -1, 0, 2, 0, -1, 1, -1, 1]
    assert batch.target[batch.forest.roots].tolist() == [1, 0, 2, 1]


def test_every_tree_comes_once_an_epoch_and_epochs_differ_but_by_the_seed():
    _, source = batches(seed=3)
    orders = [[batch.target[batch.forest.roots].tolist() for batch in source.epoch(n)] for n in range(6)]
    assert len(source) == 2
    assert all(sorted([*order[0], *order[1]]) == [0, 1, 1, 2] for order in orders)
    assert len({str(order) for order in orders}) > 1
    again = [[batch.target[batch.forest.roots].tolist() for batch in batches(seed=3)[1].epoch(n)] for n in range(6)]
    assert again == orders


def test_an_epoch_may_begin_at_any_batch():
    _, source = batches()
    whole = [batch.inputs.tolist() for batch in source.epoch(1)]
    assert [batch.inputs.tolist() for batch in source.epoch(1, start=1)] == whole[1:]


def test_a_batch_goes_to_a_device_with_its_forest():
    _, source = batches()
    moved = next(iter(source.epoch(0))).to("meta")
    assert moved.forest.parent.device.type == "meta"
    assert len(moved) == 2


def test_trees_are_not_cut_into_windows():
    _, source = batches()
    with pytest.raises(DataError, match="trees have no time axis to be cut; train them with truncate=0"):
        next(iter(source.epoch(0))).windows(2)


def test_what_does_not_belong_together_is_told():
    words, _ = batches()
    with pytest.raises(DataError, match="parents wanted one list for each of 4 trees, got 3"):
        TreeBatches(words, PARENTS[:3], size=1)
    with pytest.raises(DataError, match="tree 0: parents wanted 2 numbers, one for each node"):
        TreeBatches(words, [[-1], *PARENTS[1:]], size=1)
    with pytest.raises(DataError, match="tree 2: target wanted 4 numbers"):
        TreeBatches(words, PARENTS, [[1, 1], [1], [1], [1, 1]], size=1)
