"""The head that says what comes next."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from ostinato.data.batch import Batch
from ostinato.errors import OptionError, ShapeError
from ostinato.heads.language import Language
from ostinato.model import build

TOKENS, WIDTH = 11, 6
# Every way to score, by its options; a table of another width wants a projection.
WAYS: dict[str, dict[str, Any]] = {
    "linear": {},
    "tied": {"tied": True, "width": WIDTH},
    "tied and projected": {"tied": True, "width": 4},
    "adaptive": {"cutoffs": (3, 7)},
}


def made(way: str, kind: torch.dtype = torch.float64, **more: Any) -> Language:
    torch.manual_seed(0)
    options = dict(WAYS[way])
    width = options.pop("width", None)
    table = None if width is None else nn.Parameter(torch.empty(TOKENS, width))
    head = Language(WIDTH, TOKENS, table=table, **options, **more)
    if table is not None:
        head.tie(nn.Parameter(table.detach().to(kind)))
    return head.to(kind)


def batch(rows: int = 3, steps: int = 5, **more: Any) -> Batch:
    target = torch.randint(TOKENS, (rows, steps), generator=torch.Generator().manual_seed(2))
    return Batch(target, target=target, **more)


Y = torch.randn(3, 5, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("way", WAYS)
def test_the_probabilities_of_all_tokens_sum_to_one(way: str) -> None:
    total = made(way).decode(Y).exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_products_of_half_size_give_nearly_the_loss(way: str) -> None:
    head, given = made(way, torch.float32), batch()
    wanted = head.loss(head(Y.float()), given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for y in (Y.float(), Y.bfloat16()):
            # bfloat16 rounds to 2^-8; the mean over 15 tokens is off by less than a tenth of that.
            torch.testing.assert_close(head.loss(head(y), given).float(), wanted, rtol=2**-8, atol=0)


@pytest.mark.parametrize("way", WAYS)
def test_the_loss_is_the_mean_of_minus_log_p_of_what_came(way: str) -> None:
    head, given = made(way), batch()
    logs = head.decode(Y).gather(-1, given.target[..., None])
    torch.testing.assert_close(head.loss(head(Y), given), -logs.mean(), rtol=1e-12, atol=0)
    assert head.count(given) == 15


@pytest.mark.parametrize("way", WAYS)
def test_steps_past_the_lengths_and_masked_ones_do_not_count(way: str) -> None:
    head, lengths = made(way), torch.tensor([5, 2, 0])
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[0, 4] = False
    logs = head.decode(Y).gather(-1, batch().target[..., None])[..., 0]
    wanted = -(logs[0, :4].sum() + logs[1, :2].sum()) / 6
    wild = torch.where(torch.arange(5)[None, :, None] < lengths[:, None, None], Y, math.nan)
    given = batch(lengths=lengths, mask=mask)
    torch.testing.assert_close(head.loss(head(wild), given), wanted, rtol=1e-12, atol=0)
    assert head.count(given) == 6
    assert torch.equal(head.decode(Y, lengths)[2], torch.zeros(5, TOKENS, dtype=torch.float64))


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_of_no_steps_has_the_loss_zero_and_gradients_of_zero(way: str) -> None:
    head = made(way)
    y = Y.clone().requires_grad_()
    loss = head.loss(head(y), batch(lengths=torch.zeros(3, dtype=torch.int64)))
    loss.backward()
    assert loss == 0
    assert torch.equal(y.grad, torch.zeros_like(Y))


@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_right(way: str) -> None:
    head, given = made(way), batch()
    y = Y.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda y: head.loss(head(y), given), (y,))


def test_dropout_is_off_when_nothing_is_learned_and_locked_keeps_features_over_time() -> None:
    head = made("linear", dropout=0.5, locked=True)
    dropped = head.dropout(torch.ones_like(Y))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert {*dropped.unique().tolist()} == {0.0, 2.0}
    assert torch.equal(head.eval()(Y), made("linear")(Y))


def network(**head: Any) -> Any:
    torch.manual_seed(0)
    return build(
        {
            "embed": {"kind": "ids", "count": TOKENS, "width": 4},
            "body": {"cell": "gru", "hidden": WIDTH},
            "head": {"kind": "language", "tokens": TOKENS, **head},
        }
    )


def test_a_shared_table_is_kept_once_and_learns_from_both_ends() -> None:
    model = network(tied=True)
    assert [name for name in model.state_dict() if "table" in name] == ["embed.table.weight"]
    assert model.embed.table.weight.abs().max() <= 0.1
    model.loss(batch()).loss.backward()
    both = model.embed.table.weight.grad.clone()
    model.zero_grad()
    model.head.tie(nn.Parameter(model.embed.table.weight.detach().clone()))
    model.loss(batch()).loss.backward()
    assert not torch.equal(both, model.embed.table.weight.grad)


def test_a_shared_table_stays_shared_when_weights_are_loaded() -> None:
    model, weights = network(tied=True), {name: value + 1 for name, value in network(tied=True).state_dict().items()}
    model.load_state_dict(weights, assign=True)
    assert torch.equal(model.head(Y.float())[0, 0], model.head(Y.float())[0, 0])
    with torch.no_grad():
        model.embed.table.weight.zero_()
    assert torch.equal(model.head(Y.float()), model.head.bias.expand(3, 5, TOKENS))


def test_the_whole_network_tells_its_loss_over_all_valid_tokens_and_its_state() -> None:
    step = network().loss(batch(lengths=torch.tensor([5, 1, 3])))
    assert step.count == 9
    assert step.state is not None
    assert network().decode(batch()).shape == (3, 5, TOKENS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tokens": 1}, "at least 2 tokens, got 1"),
        ({"tokens": 9, "tied": True}, "an embedding of 9 tokens, a vector each, got none"),
        ({"tokens": 9, "cutoffs": (9,)}, "from 1 to 8"),
        ({"tokens": 9, "cutoffs": (4, 4)}, "that grow"),
        ({"tokens": 9, "cutoffs": (4,), "tied": True}, "leave out one of the two"),
        ({"tokens": 9, "dropout": 1.0}, "dropout wanted a share"),
    ],
)
def test_what_makes_no_head_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Language(WIDTH, **options)


def test_targets_of_another_shape_are_refused() -> None:
    head = made("linear")
    with pytest.raises(ShapeError, match=r"wanted \[3, 5\], the token after each step, got \[3, 4\]"):
        head.loss(head(Y), batch(steps=4))
