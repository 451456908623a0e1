from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from ostinato.encoder_decoder import choosing
from ostinato.encoder_decoder.choosing import choice_loss


@pytest.mark.parametrize("at_once", [1, 40, 1 << 17])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("biased", [False, True])
def test_it_is_torchs_cross_entropy(monkeypatch, at_once, smoothing, biased):
    monkeypatch.setattr(choosing, "_AT_ONCE", at_once)
    torch.manual_seed(0)
    features, table, bias = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((7, 5), (11, 5), (11,)))
    target = torch.randint(11, (7,))
    told = (features, table, bias) if biased else (features, table)
    loss, right = choice_loss(features, table, bias if biased else None, target, smoothing)
    scores = functional.linear(features, table, bias if biased else None)
    wanted = functional.cross_entropy(scores, target, label_smoothing=smoothing)
    assert torch.allclose(loss, wanted)
    assert right.item() == (scores.argmax(1) == target).sum().item()
    for ours, theirs in zip(torch.autograd.grad(3 * loss, told), torch.autograd.grad(3 * wanted, told), strict=True):
        assert torch.allclose(ours, theirs)


def test_high_scores_do_not_overflow():
    loss, _ = choice_loss(torch.full((2, 1), 1e4), torch.tensor([[1.0], [-1.0]]), None, torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(1e4)


def test_nothing_is_kept_where_no_gradient_is_wanted():
    table = torch.randn(4, 3, requires_grad=True)
    with torch.no_grad():
        loss, _ = choice_loss(torch.zeros(2, 3), table, None, torch.tensor([0, 1]), 0.1)
    assert not loss.requires_grad
