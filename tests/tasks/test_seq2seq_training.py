from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.language.pairs import Pairs
from ostinato.errors import DataError
from ostinato.tasks.seq2seq_options import Seq2SeqOptions
from ostinato.tasks.seq2seq_sides import Sides
from ostinato.tasks.seq2seq_training import batches_of, check_lengths, fingerprint, parted
from tests.tasks.numbers import pairs


def some():
    source, target = pairs()
    return Pairs(source, target, tuple(range(1, 41)))


def test_pairs_are_parted_by_the_seed():
    kept, held = parted(some(), 0.25, 3)
    assert (len(kept), len(held)) == (31, 9)
    assert not {*kept.lines} & {*held.lines}
    assert parted(some(), 0.25, 3)[1].lines == held.lines != parted(some(), 0.25, 4)[1].lines


def test_a_fingerprint_tells_other_pairs_apart():
    assert fingerprint(some(), None) != fingerprint(some().pick(range(39)), None)
    assert fingerprint(some(), None) != fingerprint(some(), some())


def test_batches_hold_what_is_copied():
    sides = Sides.learn(Seq2SeqOptions(shared=True, copying=True), some())
    batch = next(iter(batches_of(sides, some(), 100, size=4, shuffle=False).epoch(0)))
    n = int(batch.lengths[0])
    assert (batch.copies[0, :n] == batch.inputs[0, :n]).all()


def test_a_long_text_is_refused_with_its_place_and_its_side():
    with pytest.raises(DataError, match="row 2: the target has 9 tokens, and a text has at most 3"):
        check_lengths([np.zeros(3), np.zeros(9)], 3, lambda row: f"row {row + 1}", "target")
