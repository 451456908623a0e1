"""Recurrent matrices stay orthogonal while everything learns."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ostinato.cells import Gates, Uniform, cell, sigmoid, tanh
from ostinato.errors import OptionError
from ostinato.layers import Blocks, Direction, Pooling, Recurrent, orthogonal
from ostinato.state import State
from tests.laws.zoo import input_gated, leaky_diagonal, random_input


@cell(state="h", gates="z n", sees="n", heads=2, initial={"R": Uniform()})
def two_heads(x: Gates, u: Gates, s: State) -> State:
    """Two blocks, for one of two gates, which do not start orthogonal."""
    z = sigmoid(x.z)
    return State(h=(1 - z) * s.h + z * tanh(x.n + u.n))


def off(block: Tensor) -> float:
    """How far from orthogonal a matrix is."""
    return (block.T @ block - torch.eye(block.shape[1], dtype=block.dtype)).abs().max().item()


def trained(layer: Recurrent, steps: int = 60) -> tuple[float, float]:
    """Losses before and after a short training: the sign of the sum of what was read."""
    torch.manual_seed(0)
    x = torch.randn(64, 6, 3)
    target = (x[..., 0].sum(1) > 0).long()
    scores = nn.Linear(layer.width, 2)
    optimizer = torch.optim.Adam([*layer.parameters(), *scores.parameters()], lr=1e-2)
    losses = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(scores(layer(x)[0][:, -1]), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[0], losses[-1]


@pytest.mark.parametrize("weight_drop", [0.0, 0.2])
@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
def test_every_gate_stays_orthogonal_while_the_layer_learns(orthogonal_map: str, weight_drop: float) -> None:
    layer = Recurrent("gru", 3, 8, weight_drop=weight_drop)
    free = {name: p.clone() for name, p in layer.named_parameters()}
    before, after = trained(orthogonal(layer, orthogonal_map=orthogonal_map))
    assert after < 0.6 * before
    R = layer.eval().directions()[0][0].weights()["R"]
    assert max(off(gate) for gate in R.detach().chunk(3)) < 1e-5
    assert not torch.allclose(R, free["layers.0.0.R"], atol=1e-2)


def test_weight_drop_alone_trains() -> None:
    before, after = trained(Recurrent("gru", 3, 8, weight_drop=0.2))
    assert after < 0.6 * before


@pytest.mark.parametrize("gates", ["g", ["f", "o"]])
def test_only_the_gates_named_are_constrained(gates: Any) -> None:
    layer = Recurrent("lstm", 3, 8)
    trained(orthogonal(layer, gates=gates), steps=20)
    R = layer.directions()[0][0].weights()["R"].detach()
    bent = {gate for gate, block in zip("ifgo", R.chunk(4), strict=True) if off(block) > 1e-4}
    assert bent == set("ifgo") - set(gates)


def test_it_starts_from_what_was_there_where_that_is_orthogonal() -> None:
    layer, x = Direction("lstm", 3, 8), torch.randn(2, 5, 3)
    y, _ = layer(x)
    torch.testing.assert_close(orthogonal(layer)(x)[0], y, rtol=0, atol=1e-5)
    assert layer.engine(x).engine == "cpu"


def test_each_head_of_each_gate_that_sees_the_state_is_a_block() -> None:
    layer = Direction(two_heads, 3, 8)
    assert off(layer.R[:4].detach()) > 0.5
    R = orthogonal(layer).weights()["R"].detach()
    assert R.shape == (8, 4)
    assert max(off(block) for block in R.chunk(2)) < 1e-5


@pytest.mark.parametrize(("name", "shape"), [("slstm", (4, 2, 2)), ("lstm_projected", (4, 8, 4))])
def test_blocks_and_projections_of_built_in_cells_stay_orthogonal(name: str, shape: tuple[int, ...]) -> None:
    layer = Recurrent(name, 3, 8)
    trained(orthogonal(layer), steps=5)
    R = layer.directions()[0][0].weights()["R"].detach()
    blocks = R.reshape(-1, *shape[1:])
    assert len(blocks) >= shape[0]
    assert max(off(block) for block in blocks) < 1e-5


def test_all_directions_of_a_larger_module_are_constrained() -> None:
    layer = orthogonal(Blocks(8, "rar", cell="elman", heads=2))
    found = [part for part in layer.modules() if isinstance(part, Direction)]
    assert len(found) == 2
    assert max(off(part.weights()["R"].detach()) for part in found) < 1e-5
    both = orthogonal(Recurrent("gru", 3, [4, 6], bidirectional=True))
    assert [d.weights()["R"].shape for ds in both.directions() for d in ds] == [(12, 4), (12, 4), (18, 6), (18, 6)]


def test_gradients_are_right_and_reach_the_free_numbers() -> None:
    layer, x = orthogonal(Direction("elman", 3, 3)).double(), random_input(2, 3)
    free = layer.parametrizations.R.original

    def run(value: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"parametrizations.R.original": value}, (x,))[0]

    with torch.no_grad():
        free.add_(torch.randn_like(free).tril(-1))
    assert torch.autograd.gradcheck(run, (free.detach().clone().requires_grad_(),))


def test_weights_survive_a_file_and_a_copy() -> None:
    layer, x = orthogonal(Recurrent("lstm", 3, 4)), torch.randn(2, 5, 3)
    trained(layer, steps=3)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    fresh = orthogonal(Recurrent("lstm", 3, 4))
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(x)[0], layer(x)[0])
    assert torch.equal(copy.deepcopy(layer)(x)[0], layer(x)[0])


@pytest.mark.parametrize(
    ("layer", "given", "words"),
    [
        (lambda: Direction(input_gated, 3, 4), {}, "does not apply to input_gated: its gates see the state not at all"),
        (lambda: Direction(leaky_diagonal, 3, 4), {}, "leaky_diagonal: its gates see the state unit by unit"),
        (lambda: Pooling(["mean"], 3), {}, "wanted a layer with recurrent weights, got Pooling"),
        (lambda: orthogonal(Direction("gru", 3, 4)), {}, "R of gru is parametrized already"),
        (
            lambda: Direction("gru", 3, 4),
            {"gates": "x"},
            "gru has no gate 'x' that sees its state; known: 'r', 'z'",
        ),
        (lambda: Direction(two_heads, 3, 4), {"gates": "z"}, "two_heads has no gate 'z' that sees its state"),
        (lambda: Direction("gru", 3, 4), {"gates": ""}, "gates wanted different gates of gru"),
        (lambda: Direction("gru", 3, 4), {"gates": "z z"}, "gates wanted different gates of gru"),
        (lambda: Direction("gru", 3, 4), {"orthogonal_map": "exp"}, "unknown orthogonal_map 'exp'"),
    ],
)
def test_what_cannot_be_constrained_is_refused(layer: Any, given: dict[str, Any], words: str) -> None:
    made = layer()
    with pytest.raises(OptionError, match=words):
        orthogonal(made, **given)
