"""Pooling respects lengths, whatever stands in the padding."""

from __future__ import annotations

import pytest
import torch

from ostinato.errors import OptionError
from ostinato.layers import POOLINGS, Pooling
from tests.laws.zoo import random_input

every_kind = pytest.mark.parametrize("kind", POOLINGS)


def pooled(kind: str, y: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
    torch.manual_seed(0)
    return Pooling([kind], 3).double()(y, lengths)


@every_kind
def test_padding_never_matters_not_even_for_gradients(kind: str) -> None:
    lengths = torch.tensor([4, 0, 1])
    clean = random_input(3, 4).requires_grad_()
    valid = torch.arange(4)[None, :, None] < lengths[:, None, None]
    dirty = torch.where(valid, clean.detach(), torch.nan).requires_grad_()
    a, b = pooled(kind, clean, lengths), pooled(kind, dirty, lengths)
    assert torch.equal(a, b)
    assert torch.equal(a[1], torch.zeros(3, dtype=a.dtype))
    (found,) = torch.autograd.grad(b.sum(), dirty)
    (wanted,) = torch.autograd.grad(a.sum(), clean)
    assert torch.equal(found, wanted)


@every_kind
def test_a_row_alone_gives_what_it_gives_in_a_batch(kind: str) -> None:
    y, lengths = random_input(3, 5), torch.tensor([5, 2, 3])
    together = pooled(kind, y, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(pooled(kind, y[row : row + 1, :length])[0], together[row], rtol=1e-12, atol=0)


@every_kind
def test_gradients_are_right(kind: str) -> None:
    y = random_input(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: pooled(kind, v, torch.tensor([3, 2])), (y,))


@every_kind
def test_no_steps_give_zeros(kind: str) -> None:
    assert not pooled(kind, random_input(2, 0)).any()


def test_the_attention_learns_where_to_look() -> None:
    pool = Pooling(["attention", "last"], 3)
    assert len(list(pool.parameters())) == 3
    assert not list(Pooling(["mean"], 3).parameters())
    assert pool.width == 6


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(OptionError, match="unknown pooling 'maen'; did you mean 'mean'"):
        Pooling(["maen"], 3)
    with pytest.raises(OptionError, match=r"got 'mean'; write \['mean'\]"):
        Pooling("mean", 3)
    with pytest.raises(OptionError, match="different kinds"):
        Pooling([], 3)
    with pytest.raises(OptionError, match="different kinds"):
        Pooling(["mean", "mean"], 3)
