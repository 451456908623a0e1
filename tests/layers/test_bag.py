"""The bag of words, neighbours and pieces."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from ostinato.errors import OptionError
from ostinato.layers import Bag

TABLE = {"words": torch.tensor([3, 5]), "grams": torch.tensor([7, 8, 9]), "offsets": torch.tensor([0, 2])}
TOKENS, LENGTHS = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 0]]), torch.tensor([4, 1])


def bag(pieces: int = 20, pairs: int = 16, dropout: float = 0.0) -> Bag:
    torch.manual_seed(0)
    made = Bag(10, pieces, pairs, 3, dropout=dropout).double()
    for weight in made.parameters():
        torch.nn.init.normal_(weight)
    return made


def pair(left: int, right: int, buckets: int) -> int:
    """The hash of two neighbours by plain integers of 64 bits."""
    mixed = (left * 0x9E3779B1 + right * 0x85EBCA77) & (2**64 - 1)
    signed = mixed - 2**64 if mixed >= 2**63 else mixed
    return (signed ^ (signed >> 15)) % buckets


@pytest.mark.parametrize("pieces", [0, 20])
@pytest.mark.parametrize("pairs", [0, 16])
def test_the_scores_are_the_written_sum(pieces: int, pairs: int) -> None:
    made = bag(pieces, pairs)
    got = made(TOKENS, LENGTHS, **TABLE)
    spelled = {0: [7, 8], 1: [9]}
    for row, length in enumerate(LENGTHS.tolist()):
        tokens = TOKENS[row, :length].tolist()
        ids = [TABLE["words"].tolist()[t] for t in tokens]
        features = [made.words[i] for i in ids]
        if made.pieces is not None:
            features += [made.pieces[g] for t in tokens for g in spelled[t]]
        if made.pairs is not None:
            around = [10, *ids, 10]
            features += [made.pairs[pair(a, b, 16)] for a, b in itertools.pairwise(around)]
        wanted = made.bias + 25.0 * torch.stack(features).sum(0) / math.sqrt(len(features))
        torch.testing.assert_close(got[row], wanted, rtol=1e-12, atol=1e-12)


def test_padding_and_batch_mates_never_matter() -> None:
    made = bag()
    together = made(TOKENS, LENGTHS, **TABLE)
    alone = made(TOKENS[1:, :1], LENGTHS[1:], **TABLE)
    torch.testing.assert_close(alone[0], together[1], rtol=1e-12, atol=1e-12)
    junk = torch.where(torch.arange(4) < LENGTHS[:, None], TOKENS, 1)
    assert torch.equal(made(junk, LENGTHS, **TABLE), together)


def test_an_empty_text_has_only_its_edges() -> None:
    made = bag(pairs=0)
    assert torch.equal(made(TOKENS[:1, :1], torch.tensor([0]), **TABLE)[0], made.bias)


def test_the_order_of_words_matters_through_their_neighbours_only() -> None:
    turned = TOKENS[:1].flip(1) * 0 + torch.tensor([[1, 0, 0, 1]])
    for pairs, same in ((0, True), (4096, False)):
        made = bag(pairs=pairs)
        scores = [made(tokens, LENGTHS[:1], **TABLE) for tokens in (TOKENS[:1], turned)]
        assert torch.allclose(*scores) is same


def test_dropout_acts_in_training_only() -> None:
    noisy = bag(dropout=0.5)
    assert not torch.equal(noisy(TOKENS, LENGTHS, **TABLE), bag()(TOKENS, LENGTHS, **TABLE))
    assert torch.equal(noisy.eval()(TOKENS, LENGTHS, **TABLE), bag()(TOKENS, LENGTHS, **TABLE))


def test_every_weight_gets_its_gradient() -> None:
    made = bag()
    made(TOKENS, LENGTHS, **TABLE).sum().backward()
    grads = {name: weight.grad for name, weight in made.named_parameters()}
    assert all(grad is not None and grad.any() for grad in grads.values())
    assert grads["words"] is not None
    assert not grads["words"][[0, 1, 2, 4]].any()


def test_it_starts_undecided_and_says_what_it_is() -> None:
    made = Bag(10, 20, 16, 3)
    assert not made(TOKENS, LENGTHS, **TABLE).any()
    assert repr(made) == "Bag(words=10, pieces=20, pairs=16)"
    with pytest.raises(OptionError, match="below 1"):
        Bag(10, 20, 16, 3, dropout=1.5)
