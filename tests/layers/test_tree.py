"""The tree layer begins as its cell declares, and each of its options does something or is refused."""

from __future__ import annotations

import copy
import inspect
import io
from typing import Any

import pytest
import torch
from torch import nn

from ostinato import ops
from ostinato.cells import Gates, cell
from ostinato.errors import OptionError, ShapeError
from ostinato.forest import Forest
from ostinato.layers import Direction, TreeFold, roots_of
from ostinato.state import State
from tests.laws.trees import random_parents

CHANGES: dict[str, Any] = {
    "cell": "gru",
    "inputs": 4,
    "hidden": 7,
    "arity": 3,
    "shown": 3,
    "dropout": 0.5,
    "weight_drop": 0.5,
    "timescale": 100.0,
}


@cell(state="h", gates="a", recurrent="none")
def blind(x: Gates, s: State) -> State:
    """Sees its input only."""
    return State(h=0.5 * s.h + x.a)


@cell(state="h", gates="a", recurrent="diagonal", recurrent_bias=True)
def narrow(x: Gates, u: Gates, s: State) -> State:
    """Each unit sees itself only."""
    return State(h=0.5 * s.h + x.a + u.a)


def forest() -> Forest:
    return Forest.of([random_parents(size, size, arity=3) for size in (9, 1, 4)])


def outcome(**changed: Any) -> tuple[Any, ...]:
    """What a small layer answers in training, or how it is built."""
    options = {"cell": "lstm", "inputs": 3, "hidden": 5} | changed
    torch.manual_seed(0)
    layer = TreeFold(**options)
    torch.manual_seed(1)
    y, _ = layer(torch.randn(14, options["inputs"]), forest())
    return y.shape, y.sum().item()


def test_the_changes_cover_every_argument() -> None:
    assert set(CHANGES) == set(inspect.signature(TreeFold).parameters)


@pytest.mark.parametrize("argument", CHANGES)
def test_every_constructor_argument_changes_something(argument: str) -> None:
    others = {"cell": "lstm_projected"} if argument == "shown" else {}
    assert outcome(**others, **{argument: CHANGES[argument]}) != outcome(**others)


def test_a_projected_state_may_be_as_wide_as_asked() -> None:
    layer, trees = TreeFold("lstm_projected", 3, 6, arity=3, shown=2), forest()
    y, state = layer(torch.randn(14, 3), trees)
    assert (layer.width, y.shape, state.c.shape) == (2, (14, 2), (14, 6))
    with pytest.raises(OptionError, match="lstm shows what it remembers, 6 wide"):
        TreeFold("lstm", 3, 6, shown=2)


@pytest.mark.parametrize("name", ["lstm", "gru", "elman_relu", narrow, blind])
def test_a_layer_without_places_begins_as_that_of_a_sequence(name: Any) -> None:
    torch.manual_seed(0)
    tree = TreeFold(name, 3, 5, timescale=None).state_dict()
    torch.manual_seed(0)
    line = Direction(name, 3, 5).state_dict()
    assert tree.keys() == line.keys()
    assert all(torch.equal(tree[weight], line[weight]) for weight in line)


def test_with_places_each_block_begins_as_the_cell_declares() -> None:
    layer = TreeFold("lstm", 3, 5, arity=3)
    assert layer.R.shape == (6 * 5, 3 * 5)
    for rows in layer.R.detach().split(5):
        for block in rows.split(5, 1):
            torch.testing.assert_close(block @ block.T, torch.eye(5), rtol=0, atol=1e-5)
    assert layer.b.detach()[5:10].tolist() == [1.0] * 5
    assert not TreeFold("gru", 3, 5, arity=2).br.any()
    edge = TreeFold(narrow, 3, 50, arity=2).R.detach()
    assert edge.shape == (50, 2)
    assert 0.8 / 50**0.5 < edge.abs().max() <= 1 / 50**0.5


def test_the_layer_is_the_primitive_with_its_weights() -> None:
    layer, x, trees = TreeFold("gru", 3, 5, arity=3), torch.randn(14, 3), forest()
    start = State(h=torch.randn(1, 5))
    y, state = layer(x, trees, start)
    wanted, last = ops.fold("gru", x, layer.weights(), trees, start, arity=3)
    assert torch.equal(y, wanted)
    assert torch.equal(state.h, last.h)
    assert not torch.equal(y, layer(x, trees)[0])


def test_roots_are_taken_in_the_order_of_the_trees() -> None:
    trees = Forest.of([[-1, 0], [1, -1], [-1]])
    y = trees.arrange(torch.arange(5)[:, None])
    assert roots_of(y, trees).flatten().tolist() == [0, 3, 4]
    with pytest.raises(ShapeError, match=r"y wanted \[5, ...\], one for each node of the forest, got \[3, 1\]"):
        roots_of(y[:3], trees)


def test_dropout_changes_outputs_in_training_and_no_state() -> None:
    layer, x, trees = TreeFold("elman", 3, 50, dropout=0.5), torch.randn(14, 3), forest()
    y, state = layer(x, trees)
    dropped = y == 0
    assert dropped.any()
    torch.testing.assert_close(y[~dropped], 2 * state.h[~dropped])
    y, again = layer.eval()(x, trees)
    assert torch.equal(y, again.h)
    assert torch.equal(again.h, state.h)


def test_weight_drop_cuts_connections_in_training_only() -> None:
    layer = TreeFold("lstm", 3, 5, arity=2, weight_drop=0.5)
    cut = layer.weights()["R"]
    assert (cut == 0).any()
    assert torch.equal(layer.eval().weights()["R"], layer.R)
    with pytest.raises(OptionError, match="weight_drop does not apply to blind"):
        TreeFold(blind, 3, 5, weight_drop=0.5)


def test_options_that_cannot_act_are_refused() -> None:
    with pytest.raises(OptionError, match="arity does not apply to blind"):
        TreeFold(blind, 3, 5, arity=2)
    with pytest.raises(OptionError, match="timescale does not apply to elman"):
        TreeFold("elman", 3, 5, timescale=10.0)
    with pytest.raises(OptionError, match="arity wanted a whole number of at least 1"):
        TreeFold("lstm", 3, 5, arity=0)
    with pytest.raises(OptionError, match="hidden wanted a whole number of at least 1, got 0"):
        TreeFold("lstm", 3, 0)
    with pytest.raises(OptionError, match="dropout wanted a share"):
        TreeFold("lstm", 3, 5, dropout=1.0)


def test_weights_survive_a_file_and_a_copy() -> None:
    layer, x, trees = TreeFold("lstm", 3, 5, arity=3), torch.randn(14, 3), forest()
    wanted, _ = layer(x, trees)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    fresh = TreeFold("lstm", 3, 5, arity=3)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(x, trees)[0], wanted)
    assert torch.equal(copy.deepcopy(layer)(x, trees)[0], wanted)


def test_parametrizations_are_read_at_every_call() -> None:
    layer, x, trees = TreeFold("lstm", 3, 5), torch.randn(14, 3), forest()
    before, _ = layer(x, trees)
    nn.utils.parametrizations.orthogonal(layer, "W")
    assert not torch.equal(layer(x, trees)[0], before)


def test_a_stack_learns_from_all_its_weights() -> None:
    below, above, trees = TreeFold("gru", 3, 6), TreeFold("lstm", 6, 5), forest()
    middle, _ = below(torch.randn(14, 3), trees)
    y, _ = above(middle, trees)
    roots_of(y, trees).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in (*below.parameters(), *above.parameters()))
