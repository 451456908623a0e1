from __future__ import annotations

import torch

from ostinato.certificates import memory


def drawn(task, length):
    return task.draw(torch.Generator().manual_seed(5), 6, length)


def test_what_is_recalled_are_the_first_symbols_in_their_order():
    batch = drawn(memory.four_symbols, 9)
    assert batch.inputs.shape == (6, 17)
    assert batch.target[:, batch.judged].equal(batch.inputs[:, :4])
    assert (batch.inputs[:, 4:13] == 8).all()
    assert (batch.inputs[:, 13] == 9).all()
    assert (batch.inputs[:, 14:] == 8).all()


def test_every_key_is_asked_for_once_and_its_value_is_the_answer():
    for pairs in (1, 4, 8):
        batch = drawn(memory.four_pairs, pairs)
        for inputs, answers in zip(batch.inputs.tolist(), batch.target[:, batch.judged].tolist(), strict=True):
            told = {key: value - 8 for key, value in inputs[:pairs]}
            assert len(told) == pairs
            asked = [key for key, value in inputs[pairs:] if value == 16]
            assert sorted(asked) == sorted(told)
            assert [told[key] for key in asked] == answers


def test_two_numbers_are_marked_one_in_each_half_and_their_sum_is_asked_for():
    batch = drawn(memory.adding200, 10)
    marks = batch.inputs[..., 1]
    assert (marks[:, :5].sum(1) == 1).all()
    assert (marks[:, 5:].sum(1) == 1).all()
    assert torch.allclose(batch.target[:, -1], (batch.inputs[..., 0] * marks).sum(1))
    assert batch.judged.nonzero().flatten().tolist() == [9]
