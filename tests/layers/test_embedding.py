"""Words as vectors."""

from __future__ import annotations

import torch

from ostinato.layers import WordEmbedding

TABLE = {"words": torch.tensor([3, 0]), "grams": torch.tensor([7, 8, 9]), "offsets": torch.tensor([0, 2])}


def test_a_vector_is_the_word_s_plus_the_mean_of_its_pieces() -> None:
    layer = WordEmbedding(10, 20, 4)
    assert layer.pieces is not None
    got = layer(torch.tensor([[1, 0]]), **TABLE)
    words, pieces = layer.words.weight, layer.pieces.weight
    torch.testing.assert_close(got[0, 1], words[3] + (pieces[7] + pieces[8]) / 2)
    torch.testing.assert_close(got[0, 0], words[0] + pieces[9])


def test_without_pieces_it_is_a_plain_table() -> None:
    layer = WordEmbedding(10, 0, 4)
    assert torch.equal(layer(torch.tensor([[0]]), **TABLE)[0, 0], layer.words.weight[3])


def test_a_hidden_word_is_the_unknown_one_without_pieces() -> None:
    torch.manual_seed(0)
    layer = WordEmbedding(10, 20, 4, word_dropout=0.5)
    tokens = torch.zeros(1, 200, dtype=torch.int64)
    got = layer(tokens, **TABLE)[0]
    hidden = (got == layer.words.weight[0]).all(-1)
    assert 60 < int(hidden.sum()) < 140
    assert torch.equal(got[~hidden], layer.eval()(tokens, **TABLE)[0][~hidden])


def test_every_weight_gets_a_gradient() -> None:
    layer = WordEmbedding(4, 10, 3)
    layer(torch.tensor([[0, 1]]), **TABLE).sum().backward()
    assert layer.words.weight.grad is not None
    assert layer.pieces is not None
    assert layer.pieces.weight.grad is not None
    assert layer.words.weight.grad[3].any()
    assert layer.pieces.weight.grad[[7, 8, 9]].all()
