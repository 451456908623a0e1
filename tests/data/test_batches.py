from __future__ import annotations

import itertools
import os
import subprocess
import sys

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.batches import ContinuousBatches, TextBatches
from ostinato.data.words import Vocabulary
from ostinato.errors import DataError, OptionError

WORDS = [
    "turn",
    "on",
    "off",
    "the",
    "light",
    "lamp",
    "music",
    "stop",
    "play",
    "what",
    "time",
    "is",
    "it",
    "in",
    "paris",
]


def sentences(n, seed=0, longest=12):
    draw = numpy.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(0, longest + 1))) for _ in range(n)]


def source(n, **options):
    texts = sentences(n)
    vocabulary = Vocabulary.learn(texts)
    return TextBatches(vocabulary.encode(texts), numpy.arange(n), **options), texts, vocabulary


def same(one, two):
    parts = ("inputs", "lengths", "target", "weight")
    pairs = [(getattr(one, part), getattr(two, part)) for part in parts] + list(zip(one.table, two.table, strict=True))
    return all(a is b is None or torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("n", "size"), [(1, 1), (1, 64), (7, 1), (7, 3), (7, 7), (7, 8), (500, 3), (500, 64)])
def test_every_row_comes_once_an_epoch(n, size, shuffle):
    batches, _, _ = source(n, size=size, shuffle=shuffle)
    for number in (0, 1):
        epoch = list(batches.epoch(number))
        assert len(epoch) == len(batches) == -(-n // size)
        assert max(len(batch) for batch in epoch) <= size
        seen = torch.cat([batch.target for batch in epoch]).tolist()
        assert sorted(seen) == list(range(n))
        assert [batch.target.tolist() for batch in epoch] == [rows.tolist() for rows in batches.rows(number)]
        if not shuffle:
            assert seen == list(range(n))


@settings(max_examples=30)
@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2**64), st.integers(0, 1000), st.integers(0, 300))
def test_an_epoch_may_begin_anywhere(n, size, seed, number, start):
    batches, _, _ = source(n, size=size, seed=seed)
    whole, tail = list(batches.epoch(number)), list(batches.epoch(number, start))
    assert len(tail) == max(0, len(whole) - start)
    assert all(same(one, two) for one, two in zip(whole[start:], tail, strict=True))


def test_batches_hold_their_sentences():
    batches, texts, vocabulary = source(100, size=9)
    for batch in batches.epoch(3):
        assert batch.inputs.shape == (len(batch), max(1, int(batch.lengths.max())))
        bounds = [*batch.table.offsets.tolist(), len(batch.table.grams)]
        for row, target in enumerate(batch.target.tolist()):
            expected = vocabulary.encode([texts[target]])
            length = int(batch.lengths[row])
            assert length == expected.lengths[0]
            assert (batch.inputs[row, length:] == 0).all()
            for at, token in enumerate(batch.inputs[row, :length].tolist()):
                kind = expected.tokens[at]
                assert batch.table.words[token] == expected.types.words[kind]
                begin, end = expected.types.starts[kind], expected.types.starts[kind + 1]
                assert (
                    batch.table.grams[bounds[token] : bounds[token + 1]].tolist()
                    == expected.types.grams[begin:end].tolist()
                )


def test_batches_pad_little():
    batches, _, _ = source(5000, size=32)
    epoch = list(batches.epoch(0))
    assert sum(int(batch.lengths.sum()) for batch in epoch) > 0.95 * sum(batch.inputs.numel() for batch in epoch)


def test_epochs_and_seeds_differ():
    first, _, _ = source(100, size=10, seed=1)
    second, _, _ = source(100, size=10, seed=2)
    orders = [numpy.concatenate(each.rows(number)).tolist() for each in (first, second) for number in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    assert numpy.concatenate(first.rows(1)).tolist() == orders[1]


def test_sentences_of_one_length_meet_others_in_every_epoch():
    texts = ["turn on"] * 64
    batches = TextBatches(Vocabulary.learn(texts).encode(texts), numpy.arange(64), size=8)
    groups = [{frozenset(rows.tolist()) for rows in batches.rows(number)} for number in range(5)]
    assert len(set.union(*groups)) > 35


def test_short_and_long_batches_are_mixed():
    batches, _, _ = source(2000, size=10)
    lengths = [int(batch.lengths.max()) for batch in batches.epoch(0)]
    rises = sum(a < b for a, b in itertools.pairwise(lengths))
    assert 0.3 * len(lengths) < rises < 0.7 * len(lengths)


def test_the_order_is_the_same_on_every_machine_and_in_every_version():
    texts = ["stop " * length for length in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)]
    batches = TextBatches(Vocabulary.learn(texts).encode(texts), size=4, seed=7)
    assert [rows.tolist() for rows in batches.rows(3)] == [[4, 8, 2, 9], [5, 11, 7, 10], [0, 6, 3, 1]]


def test_the_order_does_not_depend_on_the_process():
    code = """
import numpy, torch
from ostinato.data import TextBatches, Vocabulary
texts = ["turn on the light", "stop", "what time is it", "turn off the music"] * 9
batches = TextBatches(Vocabulary.learn(texts).encode(texts), numpy.arange(36), size=5, seed=3)
for batch in batches.epoch(2):
    print(batch.inputs.tolist(), batch.lengths.tolist(), batch.target.tolist(), [part.tolist() for part in batch.table])
"""
    seen = {
        subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("0", "1")
    }
    assert len(seen) == 1


@pytest.mark.parametrize("ngrams", [None, (3, 5)])
def test_batches_of_empty_sentences_have_one_step_and_one_token(ngrams):
    batches = TextBatches(Vocabulary.learn(WORDS, ngrams=ngrams).encode(["", ""]), size=2)
    (batch,) = batches.epoch(0)
    assert batch.inputs.tolist() == [[0], [0]]
    assert batch.lengths.tolist() == [0, 0]
    assert [part.tolist() for part in batch.table] == [[0], [], [0]]


def test_an_empty_sentence_among_others_has_length_0():
    batches = TextBatches(Vocabulary.learn(WORDS, min_count=1).encode(["", "turn on", "stop"]), size=3)
    (batch,) = batches.epoch(0)
    assert sorted(batch.lengths.tolist()) == [0, 1, 2]
    assert batch.inputs.shape == (3, 2)


def test_the_tensors_are_of_the_types_that_models_read():
    texts = Vocabulary.learn(WORDS).encode(["turn on", "stop"])
    (batch,) = TextBatches(texts, numpy.array([1, 0], numpy.int32), size=2, weight=[1, 2]).epoch(0)
    ids = (batch.inputs, batch.lengths, batch.target, *batch.table)
    assert {part.dtype for part in ids} == {torch.int64}
    assert batch.weight.dtype == torch.float32


def test_targets_and_weights_follow_their_rows():
    texts = sentences(50)
    encoded = Vocabulary.learn(texts).encode(texts)
    for batch in TextBatches(encoded, numpy.arange(50), size=7, weight=numpy.arange(50) / 2).epoch(0):
        assert torch.equal(batch.weight * 2, batch.target.float())
    assert next(iter(TextBatches(encoded, size=7).epoch(0))).target is None


def test_no_sentences_are_no_batches():
    with pytest.raises(DataError, match="at least one sentence, got none"):
        TextBatches(Vocabulary.learn(WORDS).encode([]), size=4)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 0}, OptionError, "size wanted a whole number from 1 on, got 0"),
        ({"seed": -1}, OptionError, "seed wanted a whole number from 0 on, got -1"),
        ({"target": [0]}, DataError, r"target wanted one whole number for each of 2 sentences, got int64 \[1\]"),
        ({"target": [0.5, 1]}, DataError, r"target wanted one whole number for each of 2 sentences, got float64 \[2\]"),
        ({"target": ["a", "b"]}, DataError, "target wanted one whole number"),
        ({"weight": [1.0]}, DataError, r"weight wanted one number for each of 2 sentences, got float64 \[1\]"),
        ({"weight": [1.0, -1]}, DataError, r"weight wanted finite numbers from 0 on, got -1.0 in row 2"),
        ({"weight": [float("nan"), 1]}, DataError, "weight wanted finite numbers from 0 on, got nan in row 1"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        TextBatches(Vocabulary.learn(WORDS).encode(["a", "b"]), **{"size": 2, **options})


@settings(max_examples=60)
@given(st.integers(2, 60), st.integers(1, 5), st.integers(1, 12))
def test_lanes_read_the_sequence_in_order(n, size, steps):
    if n - 1 < size:
        with pytest.raises(
            DataError, match=f"{size} lanes wanted at least {size} steps of data with a target, got {n - 1}"
        ):
            ContinuousBatches(numpy.arange(n), size=size, steps=steps)
        return
    batches = ContinuousBatches(numpy.arange(n), size=size, steps=steps)
    epoch = list(batches.epoch(0))
    assert batches.continuous
    assert len(epoch) == len(batches)
    assert all(batch.inputs.shape[1] == steps for batch in epoch[:-1])
    lanes = torch.cat([batch.inputs for batch in epoch], 1)
    length = (n - 1) // size
    assert lanes.tolist() == numpy.arange(size * length).reshape(size, length).tolist()
    assert torch.equal(torch.cat([batch.target for batch in epoch], 1), lanes + 1)
    for start in range(len(epoch) + 2):
        tail = list(batches.epoch(1, start))
        assert [batch.inputs.tolist() for batch in tail] == [batch.inputs.tolist() for batch in epoch[start:]]


def test_numbers_are_read_with_the_next_step_or_a_target_of_their_own():
    data = numpy.arange(14.0).reshape(7, 2)
    (batch,) = ContinuousBatches(data, size=2, steps=9).epoch(0)
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.tolist() == data[:6].reshape(2, 3, 2).tolist()
    assert batch.target.tolist() == data[1:7].reshape(2, 3, 2).tolist()
    (batch,) = ContinuousBatches(data, numpy.arange(7), size=2, steps=9).epoch(0)
    assert batch.inputs.tolist() == data[:6].reshape(2, 3, 2).tolist()
    assert batch.target.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"size": 0}, OptionError, "size wanted a whole number from 1 on, got 0"),
        ({"steps": 0}, OptionError, "steps wanted a whole number from 1 on, got 0"),
        ({"data": "abc"}, DataError, "data wanted ids"),
        (
            {"data": numpy.zeros((2, 2, 2))},
            DataError,
            r"data wanted ids \[N\] or numbers \[N, D\], got float64 \[2, 2, 2\]",
        ),
        ({"data": [0.0, float("inf"), 1.0]}, DataError, "data wanted finite numbers, got inf at step 2"),
        ({"target": [1, 2]}, DataError, "data and target are equally long; got 9 steps and 2 targets"),
        ({"data": []}, DataError, "1 lanes wanted at least 1 steps"),
    ],
)
def test_continuous_arguments_that_cannot_be_used_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ContinuousBatches(**{"data": numpy.arange(9), "size": 1, "steps": 2, **arguments})
