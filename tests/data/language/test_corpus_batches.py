from __future__ import annotations

from itertools import chain

import numpy
import pytest
import torch

from ostinato.data.language.corpus import Corpus
from ostinato.data.language.corpus_batches import CorpusBatches, EvaluationBatches
from ostinato.data.language.tokens import Tokens
from ostinato.errors import DataError, OptionError

BYTES = Tokens("bytes")
LONG = Corpus.of_texts(["".join(chr(33 + k * k % 90) for k in range(5000))], BYTES)
MANY = Corpus.of_texts(["x" * n for n in (7, 1, 30, 2, 2, 60, 11)], BYTES)


def joined(batches, number=0):
    inputs = torch.cat([batch.inputs for batch in batches.epoch(number)], 1)
    return inputs, torch.cat([batch.target for batch in batches.epoch(number)], 1)


@pytest.mark.parametrize("vary", [False, True])
@pytest.mark.parametrize(("rows", "steps"), [(1, 10), (3, 70), (7, 4999), (20, 8)])
def test_rows_go_on_from_window_to_window(vary, rows, steps):
    batches = CorpusBatches(LONG, rows, steps, vary=vary, seed=3)
    inputs, target = joined(batches, 2)
    time = (len(LONG) - 1) // rows
    whole = LONG.read(0, len(LONG))[0]
    assert inputs.shape == (rows, time)
    assert inputs.numpy().reshape(-1).tolist() == whole[: rows * time].tolist()
    assert target.numpy().reshape(-1).tolist() == whole[1 : rows * time + 1].tolist()
    assert len(list(batches.epoch(2))) == len(batches)


def test_a_window_is_made_of_int64_when_it_is_asked_for():
    (batch, *_) = CorpusBatches(LONG, 2, 5).epoch(0)
    assert batch.inputs.dtype == batch.target.dtype == torch.int64
    assert (batch.lengths, batch.reset) == (None, None)
    assert batch.inputs.is_contiguous()


def test_windows_vary_by_epoch_and_seed_and_can_be_resumed():
    batches = CorpusBatches(LONG, 2, 40, seed=1, vary=True)
    lengths = [[batch.inputs.shape[1] for batch in batches.epoch(number)] for number in (0, 0, 1)]
    assert lengths[0] == lengths[1] != lengths[2]
    assert len(set(map(len, lengths))) == 1
    assert [batch.pace for batch in batches.epoch(0)] == [length / 40 for length in lengths[0]]
    assert {batch.pace for batch in CorpusBatches(LONG, 2, 40).epoch(0)} == {1.0}
    other = CorpusBatches(LONG, 2, 40, seed=2, vary=True)
    assert [batch.inputs.shape[1] for batch in other.epoch(0)] != lengths[0]
    for start in (0, 1, 17, len(batches)):
        rest = [batch.inputs.tolist() for batch in batches.epoch(1, start)]
        assert rest == [batch.inputs.tolist() for batch in batches.epoch(1)][start:]


def test_window_lengths_are_normal_around_the_steps_and_seldom_half():
    corpus = Corpus.of_texts(["x" * 400_000], BYTES)
    ends = CorpusBatches(corpus, 1, 70, vary=True).ends(0)
    lengths = numpy.diff(ends, prepend=0)
    assert ends[-1] == 399_999
    assert lengths.min() >= 5
    halved = lengths < 52
    assert 0.03 < halved.mean() < 0.07
    assert abs(lengths[~halved].mean() - 70) < 1.5
    assert 4.5 < lengths[~halved].std() < 5.5


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_the_state_is_reset_where_documents_begin(rows):
    batches = CorpusBatches(MANY, rows, 9)
    time = batches.time
    seen = torch.cat(
        [torch.zeros_like(b.inputs, dtype=torch.bool) if b.reset is None else b.reset for b in batches.epoch(0)], 1
    )
    wanted = numpy.zeros(len(MANY), bool)
    wanted[MANY.starts[1:]] = True
    assert seen.numpy().reshape(-1).tolist() == wanted[: rows * time].tolist()


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 112, 500])
@pytest.mark.parametrize("steps", [1, 9, 1000])
@pytest.mark.parametrize("corpus", [MANY, LONG[:113]], ids=["many documents", "one"])
def test_every_id_but_the_first_is_scored_exactly_once(corpus, rows, steps):
    batches = EvaluationBatches(corpus, rows, steps)
    found = [[] for _ in range(batches.rows)]
    before = [[] for _ in range(batches.rows)]
    count = 0
    for batch in batches.epoch(0):
        count += 1
        lengths = [batch.inputs.shape[1]] * len(batch) if batch.lengths is None else batch.lengths.tolist()
        for row, length in enumerate(lengths):
            found[row] += batch.target[row, :length].tolist()
            before[row] += batch.inputs[row, :length].tolist()
    whole = corpus.read(0, len(corpus))[0].tolist()
    assert list(chain(*found)) == whole[1:]
    assert list(chain(*before)) == whole[:-1]
    assert count == len(batches)
    assert [len(list(batches.epoch(0, start))) for start in range(count + 1)] == list(range(count, -1, -1))


def test_rows_that_are_scored_begin_where_documents_do():
    batches = EvaluationBatches(MANY, 4)
    assert set(batches._origins) <= set(MANY.starts.tolist())
    assert 1 < batches.rows <= 4
    assert EvaluationBatches(MANY, 112).rows == len(MANY.starts)
    assert EvaluationBatches(LONG, 100).rows == 100
    assert EvaluationBatches(LONG[:9], 100).rows == 8


def test_resets_reach_rows_that_are_scored():
    (batch,) = EvaluationBatches(MANY, 1, 1000).epoch(0)
    assert numpy.flatnonzero(batch.reset[0]).tolist() == MANY.starts[1:].tolist()
    assert next(iter(EvaluationBatches(LONG, 3).epoch(0))).reset is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": 0}, "rows wanted a whole number from 1 on, got 0"),
        ({"steps": 0}, "steps wanted a whole number from 1 on"),
        ({"steps": 2.5}, "steps wanted"),
        ({"seed": -1}, "seed wanted a whole number from 0 on"),
        ({"steps": 7, "vary": True}, "vary wanted windows of at least 8 steps, got 7"),
    ],
)
def test_options_out_of_range_are_refused(wrong, message):
    with pytest.raises(OptionError, match=message):
        CorpusBatches(**{"corpus": LONG, "rows": 2, "steps": 10, **wrong})


def test_a_corpus_that_is_too_short_is_refused():
    with pytest.raises(DataError, match="5 rows wanted a text of at least 6 tokens, got 5; choose fewer rows"):
        CorpusBatches(LONG[:5], 5, 10)
    assert len(CorpusBatches(LONG[:6], 5, 10)) == 1
    with pytest.raises(DataError, match="at least 2 ids, got 1"):
        EvaluationBatches(LONG[:1])
