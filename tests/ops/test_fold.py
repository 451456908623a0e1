"""The fold over trees: the published equations written out, what it refuses, and trees of extreme shapes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ostinato import ops
from ostinato.cells import Gates, Mask, cell, maximum, sigmoid, tanh
from ostinato.errors import DataError, LoweringError, OptionError, ShapeError
from ostinato.forest import Forest
from ostinato.lowering.variants import clip, layer_norm, resting, zoneout
from ostinato.state import State
from tests.laws.trees import random_parents

D, H = 3, 4


def weights_for(name: Any, arity: int | None = None, *, seed: int = 0, dtype: Any = torch.float64) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ops.fold_shapes(name, D, H, arity)
    return {n: 0.5 * torch.randn(shape, generator=generator, dtype=dtype) for n, shape in shapes.items()}


def random_x(nodes: int, seed: int = 1, dtype: Any = torch.float64) -> Tensor:
    return torch.randn(nodes, D, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def folded(name: Any, tree: list[int], x: Tensor, weights: dict[str, Tensor], arity: int | None = None) -> State:
    """The states of the nodes of one tree in the order in which they are listed."""
    forest = Forest.of([tree])
    _, state = ops.fold(name, forest.arrange(x), weights, forest, arity=arity)
    return State(**{part: forest.restore(value) for part, value in state.items()})


def children_of(tree: list[int], node: int) -> list[int]:
    return [child for child, parent in enumerate(tree) if parent == node]


def assert_same(got: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_lstm_is_the_child_sum_tree_lstm(seed: int) -> None:
    tree, w, x = random_parents(14, seed), weights_for("lstm"), random_x(14)
    state = folded("lstm", tree, x, w)
    (W_i, W_f, W_u, W_o), (U_i, U_f, U_u, U_o) = w["W"].split(H), w["R"].split(H)
    b_i, b_f, b_u, b_o = w["b"].split(H)

    def node(j: int) -> tuple[Tensor, Tensor]:
        below = [node(k) for k in children_of(tree, j)]
        # Tai, Socher & Manning, 2015, equations 2 to 8.
        h_tilde = sum((h for h, _ in below), start=torch.zeros(H, dtype=x.dtype))
        i = torch.sigmoid(W_i @ x[j] + U_i @ h_tilde + b_i)
        f = [torch.sigmoid(W_f @ x[j] + U_f @ h_k + b_f) for h_k, _ in below]
        o = torch.sigmoid(W_o @ x[j] + U_o @ h_tilde + b_o)
        u = torch.tanh(W_u @ x[j] + U_u @ h_tilde + b_u)
        c = i * u + sum(f_k * c_k for f_k, (_, c_k) in zip(f, below, strict=True))
        h = o * torch.tanh(c)
        assert_same(state.h[j], h)
        assert_same(state.c[j], c)
        return h, c

    node(tree.index(-1))


@pytest.mark.parametrize("places", [1, 2, 3])
def test_lstm_with_places_is_the_n_ary_tree_lstm(places: int) -> None:
    tree, w, x = random_parents(14, places, arity=places), weights_for("lstm", places), random_x(14)
    state = folded("lstm", tree, x, w, places)
    (W_i, W_f, W_u, W_o), (b_i, b_f, b_u, b_o) = w["W"].split(H), w["b"].split(H)
    U_i, U_f, U_u, U_o = w["R"].split([H, places * H, H, H])
    zero = torch.zeros(H, dtype=x.dtype)

    def through(U: Tensor, states: list[Tensor]) -> Tensor:
        return sum((U_l @ h_l for U_l, h_l in zip(U.split(H, 1), states, strict=True)), start=zero)

    def node(j: int) -> tuple[Tensor, Tensor]:
        below = [node(k) for k in children_of(tree, j)]
        below += [(zero, zero)] * (places - len(below))
        h = [h_l for h_l, _ in below]
        # Tai, Socher & Manning, 2015, equations 9 to 14; U_f[k][l] is how child l moves the forget gate of child k.
        i = torch.sigmoid(W_i @ x[j] + through(U_i, h) + b_i)
        f = [torch.sigmoid(W_f @ x[j] + through(U_k, h) + b_f) for U_k in U_f.split(H)]
        o = torch.sigmoid(W_o @ x[j] + through(U_o, h) + b_o)
        u = torch.tanh(W_u @ x[j] + through(U_u, h) + b_u)
        c = i * u + sum(f_k * c_k for f_k, (_, c_k) in zip(f, below, strict=True))
        assert_same(state.h[j], o * torch.tanh(c))
        assert_same(state.c[j], c)
        return o * torch.tanh(c), c

    node(tree.index(-1))


def test_gru_is_a_tree_gru_with_a_reset_for_each_child() -> None:
    tree, w, x = random_parents(14, 5), weights_for("gru"), random_x(14)
    state = folded("gru", tree, x, w)
    (W_r, W_z, W_n), (U_r, U_z, U_n) = w["W"].split(H), w["R"].split(H)
    (b_r, b_z, b_n), (d_r, d_z, d_n) = w["b"].split(H), w["br"].split(H)

    def node(j: int) -> Tensor:
        # A leaf has the zero state for its child.
        below = [node(k) for k in children_of(tree, j)] or [torch.zeros(H, dtype=x.dtype)]
        total = sum(below[1:], start=below[0])
        z = torch.sigmoid(W_z @ x[j] + b_z + U_z @ total + d_z)
        r = [torch.sigmoid(W_r @ x[j] + b_r + U_r @ h_k + d_r) for h_k in below]
        n = torch.tanh(W_n @ x[j] + b_n + sum(r_k * (U_n @ h_k + d_n) for r_k, h_k in zip(r, below, strict=True)))
        h = (1 - z) * n + z * total
        assert_same(state.h[j], h)
        return h

    node(tree.index(-1))


def test_elman_is_the_plain_recursive_net() -> None:
    tree, w, x = random_parents(14, 6), weights_for("elman"), random_x(14)
    state = folded("elman", tree, x, w)
    for j in range(14):
        below = sum((state.h[k] for k in children_of(tree, j)), start=torch.zeros(H, dtype=x.dtype))
        assert_same(state.h[j], torch.tanh(w["W"] @ x[j] + w["b"] + w["R"] @ below))


@cell(state="h", gates="f a", per_child="f")
def choosy(x: Gates, u: Gates, s: State) -> State:
    """A gate per child, one minus it, and a maximum of a child's value and the node's."""
    f, a = sigmoid(x.f + u.f), tanh(x.a + u.a)
    return State(h=(1 - f) * s.h + f * maximum(s.h, a))


def test_only_plus_and_minus_join_children() -> None:
    w, x = weights_for(choosy), random_x(4)
    state = folded(choosy, [3, 3, 3, -1], x, w)
    (W_f, W_a), (U_f, U_a), (b_f, b_a) = w["W"].split(H), w["R"].split(H), w["b"].split(H)
    below = state.h[:3]
    a = torch.tanh(W_a @ x[3] + U_a @ below.sum(0) + b_a)
    f = torch.sigmoid(W_f @ x[3] + below @ U_f.T + b_f)
    assert_same(state.h[3], ((1 - f) * below + f * torch.maximum(below, a)).sum(0))


@pytest.mark.parametrize("vary", [layer_norm, lambda name: clip(name, 0.5), lambda name: resting(zoneout(name, 0.2))])
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_what_is_made_of_a_cell_folds_as_well(name: str, vary: Any) -> None:
    made = vary(name)
    weights, x = weights_for(made), random_x(5)
    assert_same(
        folded(made, [1, 2, 3, 4, -1], x, weights).h, ops.recur(made, x[None], weights, engine="reference")[0][0]
    )
    state = folded(made, [1, -1, 1, 4, 1], x, weights)
    plain = folded(name, [1, -1, 1, 4, 1], x, {n: w for n, w in weights.items() if n in ("W", "b", "R", "br")})
    assert not torch.allclose(state.h[1], plain.h[1])


def test_a_place_may_be_left_empty() -> None:
    w, x = weights_for("lstm", 2), random_x(2)
    parts = {"parent": [1, -1], "tree": [0, 0], "roots": [1]}
    left, right = (
        Forest(**{n: torch.tensor(v) for n, v in (parts | {"place": [place, 0]}).items()}) for place in (0, 1)
    )
    _, first = ops.fold("lstm", x, w, left, arity=2)
    _, second = ops.fold("lstm", x, w, right, arity=2)
    # Gates i, f of both places, g, o; each sees the child through the columns of its place.
    i, f_0, f_1, g, o = (w["R"] @ torch.cat([torch.zeros(H, dtype=x.dtype), first.h[0]])).split(H)
    x_i, x_f, x_g, x_o = (w["W"] @ x[1] + w["b"]).split(H)
    c = torch.sigmoid(x_i + i) * torch.tanh(x_g + g) + torch.sigmoid(x_f + f_1) * first.c[0]
    assert_same(second.c[1], c)
    assert not torch.allclose(first.c[1], second.c[1])
    assert f_0.shape == (H,)
    assert_same(second.h[1], torch.sigmoid(x_o + o) * torch.tanh(c))


def test_a_chain_of_ten_thousand_nodes_is_no_trouble() -> None:
    forest = Forest.of([[*range(1, 10_000), -1]])
    weights = {n: w.mul(0.3).requires_grad_() for n, w in weights_for("elman", dtype=torch.float32).items()}
    x = random_x(10_000, dtype=torch.float32).requires_grad_()
    y, state = ops.fold("elman", x, weights, forest)
    y.sum().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())
    del y, state


@pytest.mark.parametrize("arity", [None, 50_000])
def test_a_star_of_fifty_thousand_children_is_no_trouble(arity: int | None) -> None:
    forest = Forest.of([[-1] + [0] * 50_000])
    hidden = 2 if arity is None else 1
    shapes = ops.fold_shapes("elman", D, hidden, arity)
    weights = {n: torch.full(shape, 1e-5).requires_grad_() for n, shape in shapes.items()}
    y, _ = ops.fold("elman", torch.ones(50_001, D), weights, forest, arity=arity)
    y[forest.roots].sum().backward()
    leaf, root = float(y[0, 0].detach()), float(y[-1, 0].detach())
    assert root == pytest.approx(torch.tensor(4e-5 + hidden * 0.5 * leaf).tanh().item(), rel=1e-3)
    assert weights["R"].grad is not None


def test_single_nodes_take_one_step_from_the_initial_state() -> None:
    forest, w, x = Forest.of([[-1]] * 3), weights_for("gru"), random_x(3)
    start = State(h=random_x(3, 9)[:, :1].expand(3, H))
    y, state = ops.fold("gru", x, w, forest, start)
    wanted, last = ops.recur("gru", x[:, None], w, start, engine="reference")
    assert_same(y, wanted[:, 0])
    assert_same(state.h, last.h)


def test_gradients_have_gradients() -> None:
    forest, w = Forest.of([[2, 2, -1]]), {n: v.requires_grad_() for n, v in weights_for("lstm").items()}
    x = random_x(3).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: ops.fold("lstm", x, w, forest)[0], (x,))


def test_cells_that_a_tree_cannot_serve_say_why() -> None:
    @cell(state="h", gates="a", inputs="dt")
    def timed(x: Gates, u: Gates, s: State, e: Gates) -> State:
        return State(h=tanh(x.a + u.a) * e.dt)

    @cell(state="h", gates="a", noise={"keep": Mask(0.1)})
    def noisy(x: Gates, u: Gates, s: State, e: Gates) -> State:
        return State(h=tanh(x.a + u.a) * e.keep)

    @cell(state="h", gates="a")
    def branching(x: Gates, u: Gates, s: State) -> State:
        return State(h=x.a if x.a else u.a)

    forest, x = Forest.of([[-1]]), random_x(1)
    for strange, told in ((timed, "wants dt at every step, and a tree has no time"), (noisy, "draws the noise keep")):
        with pytest.raises(OptionError, match=f"fold cannot serve {strange.name}: it {told}"):
            ops.fold(strange, x, {}, forest)
    with pytest.raises(LoweringError, match="cell 'branching' cannot be lowered"):
        ops.fold(branching, x, {}, forest)


@cell(state="h", gates="a", recurrent="none")
def blind(x: Gates, s: State) -> State:
    """Sees its input only."""
    return State(h=0.5 * s.h + x.a)


@cell(state="h", gates="a", heads=2)
def headed(x: Gates, u: Gates, s: State) -> State:
    """Sees its state in two blocks."""
    return State(h=tanh(x.a + u.a))


def test_places_that_nothing_would_see_are_refused() -> None:
    for one, why in ((blind, "it has no R to tell children apart"), (headed, "its R is cut into heads")):
        with pytest.raises(OptionError, match=f"arity does not apply to {one.name}: {why}"):
            ops.fold_shapes(one, D, H, 2)
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(OptionError, match="arity wanted a whole number of at least 1, or None for child-sum, got"):
            ops.fold_shapes("lstm", D, H, wrong)  # type: ignore[arg-type]


def test_a_node_with_too_many_children_is_named() -> None:
    forest = Forest.of([[-1, 0], [-1, 0, 0, 0, 1]])
    with pytest.raises(
        DataError, match=r"node 5 of the forest, in tree 1, has a child in place 2; arity=2 has places 0"
    ):
        ops.fold("lstm", random_x(7), weights_for("lstm", 2), forest, arity=2)


def test_what_does_not_fit_is_named() -> None:
    forest, w, x = Forest.of([[2, 2, -1]]), weights_for("lstm"), random_x(3)
    right = State(h=torch.zeros(1, H, dtype=x.dtype), c=torch.zeros(1, H, dtype=x.dtype))
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"x": x[:2]}, ShapeError, r"x wanted \[3, D\], one row for each node of the forest, got \[2, 3\]"),
        ({"x": x[None]}, ShapeError, r"x wanted \[3, D\]"),
        ({"x": x.long()}, ShapeError, "x wanted floating-point numbers, got torch.int64; embed ids first"),
        ({"x": x[:, :2]}, ShapeError, r"weight W of lstm wanted \[16, 2\], got \[16, 3\]; the weights were made for 3"),
        ({"x": x.float()}, ShapeError, "weight W of lstm wanted torch.float32 on cpu like x, got torch.float64"),
        ({"forest": forest.to("meta")}, ShapeError, "the forest wanted the device of x, cpu, got meta"),
        ({"weights": {}}, OptionError, "lstm wanted the weight 'W', got none"),
        ({"weights": w | {"br": w["b"]}}, OptionError, "lstm has no weight 'br'; did you mean 'b'"),
        ({"arity": 2}, ShapeError, r"weight R of lstm wanted \[20, 8\], got \[16, 4\]"),
        ({"state": State(h=right.h)}, ShapeError, r"the state of lstm wanted State\(h, c\), got h"),
        ({"state": right.h}, ShapeError, r"the state of lstm wanted State\(h, c\), got Tensor"),
        (
            {"state": State(h=right.h, c=w["R"])},
            ShapeError,
            r"state c of lstm wanted \[1, 4\], or \[2, 4\] with one row",
        ),
        ({"state": State(h=right.h, c=right.c.float())}, ShapeError, "state c of lstm wanted torch.float64"),
    ]
    for changed, error, told in wrong:
        given: dict[str, Any] = {"x": x, "weights": w, "forest": forest, "state": right} | changed
        with pytest.raises(error, match=told):
            ops.fold("lstm", **given)
