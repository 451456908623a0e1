"""Attention over a memory: its scores, its lengths, and what it refuses."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import ATTENTIONS, Attention
from tests.laws.zoo import random_input

each = pytest.mark.parametrize("kind", ATTENTIONS)
LENGTHS = torch.tensor([5, 0, 2])


def made(kind: str, **changed: Any) -> Attention:
    torch.manual_seed(0)
    return Attention(kind, **{"queries": 3, "keys": 3} | changed).double()


def given() -> tuple[Tensor, Tensor]:
    """Queries [B, T, Q] and a memory [B, S, K]."""
    return random_input(3, 4, inputs=3, seed=4), random_input(3, 5, inputs=3)


def score(layer: Attention, query: Tensor, value: Tensor) -> Tensor:
    """The published scores, one pair at a time."""
    if layer.kind == "additive":
        inside = layer.asked.weight @ query + layer.offered.weight @ value + layer.offered.bias
        return layer.score.weight[0] @ torch.tanh(inside)
    if layer.kind == "general":
        return query @ layer.offered.weight @ value
    return query @ value / (math.sqrt(len(value)) if layer.kind == "scaled" else 1)


@each
def test_weights_are_the_softmax_of_the_published_scores(kind: str) -> None:
    layer, (query, memory) = made(kind), given()
    context, weights = layer(query, memory, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        for t in range(4):
            scores = [score(layer, query[row, t], memory[row, s]) for s in range(length)]
            wanted = torch.stack(scores).softmax(0) if scores else memory.new_zeros(0)
            torch.testing.assert_close(weights[row, t, :length], wanted, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(context[row, t], wanted @ memory[row, :length], rtol=1e-12, atol=1e-12)


@each
def test_padding_never_matters_and_an_empty_row_gives_zeros(kind: str) -> None:
    layer, (query, memory) = made(kind), given()
    valid = torch.arange(5)[None, :, None] < LENGTHS[:, None, None]
    results = []
    for junk in (0.0, float("nan"), float("inf")):
        soiled = torch.where(valid, memory, junk).requires_grad_()
        asked = query.clone().requires_grad_()
        context, weights = layer(asked, soiled, LENGTHS)
        total = (context * query).sum() + (weights**2).sum()
        results.append([context, weights, *torch.autograd.grad(total, [asked, soiled, *layer.parameters()])])
        assert not weights[~valid[..., 0][:, None].expand_as(weights)].any()
        assert not context[1].any()
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert torch.equal(a, b)


@each
def test_a_step_with_keys_made_once_is_the_whole(kind: str) -> None:
    layer, (query, encoded) = made(kind), given()
    context, weights = layer(query, encoded, LENGTHS)
    memory = layer.keys(encoded, LENGTHS)
    for t in range(4):
        one, looked = layer(query[:, t], memory)
        torch.testing.assert_close(one, context[:, t], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(looked, weights[:, t], rtol=1e-12, atol=1e-12)


@each
def test_a_batch_mate_of_nan_never_matters(kind: str) -> None:
    layer, (query, memory) = made(kind), given()
    context, _ = layer(query, memory)
    query[1], memory[1] = float("nan"), float("nan")
    other, _ = layer(query, memory)
    torch.testing.assert_close(other[[0, 2]], context[[0, 2]], rtol=1e-12, atol=1e-12)


@each
def test_gradients_are_right(kind: str) -> None:
    layer, (query, memory) = made(kind), given()
    names = [name for name, _ in layer.named_parameters()]

    def run(query: Tensor, memory: Tensor, *weights: Tensor) -> Any:
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (query, memory, LENGTHS))

    leaves = [query.requires_grad_(), memory.requires_grad_(), *layer.parameters()]
    assert torch.autograd.gradcheck(run, leaves)


@each
def test_nothing_to_look_at_gives_zeros(kind: str) -> None:
    context, weights = made(kind)(random_input(2, 3, inputs=3), random_input(2, 0, inputs=3))
    assert context.shape == (2, 3, 3)
    assert not context.any()
    assert weights.shape == (2, 3, 0)


def test_every_constructor_argument_changes_something() -> None:
    assert set(inspect.signature(Attention).parameters) == {"kind", "queries", "keys", "hidden"}
    sizes = {
        str([p.shape for p in made("additive", **changed).parameters()])
        for changed in ({}, {"queries": 4}, {"keys": 5}, {"hidden": 7})
    }
    assert len(sizes) == 4
    assert len({made(kind)(*given())[0].sum().item() for kind in ATTENTIONS}) == 4


@pytest.mark.parametrize(
    ("kind", "sizes", "words"),
    [
        ("addictive", {}, "unknown attention 'addictive'; did you mean 'additive'"),
        ("dot", {"queries": 4}, "'dot' wanted queries as wide as keys, got 4 and 3; choose 'general' or 'additive'"),
        ("scaled", {"keys": 4}, "'scaled' wanted queries as wide as keys"),
        ("dot", {"hidden": 4}, "hidden is the width of 'additive' scores and does not apply to 'dot'"),
        ("additive", {"hidden": 0}, "hidden wanted a whole number"),
        ("general", {"keys": 0}, "keys wanted a whole number"),
    ],
)
def test_a_wrong_option_is_named(kind: str, sizes: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        made(kind, **sizes)


def test_a_wrong_call_is_named() -> None:
    layer, (query, memory) = made("dot"), given()
    with pytest.raises(ShapeError, match=r"query wanted \[3, 3\] or \[3, T, 3\], one row .*, got \[2, 4, 3\]"):
        layer(query[:2], memory)
    with pytest.raises(ShapeError, match=r"memory wanted \[B, S, 3\], got \[3, 5\]"):
        layer(query, memory[..., 0])
    with pytest.raises(ShapeError, match="lengths wanted numbers from 0 to T = 5"):
        layer(query, memory, torch.tensor([6, 0, 0]))
    with pytest.raises(OptionError, match=r"what keys\(\) made has its lengths"):
        layer(query, layer.keys(memory), LENGTHS)
