"""The primitive that all tree layers are made of: a cell that is folded over trees, from the leaves to the roots."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from ostinato.cells import Cell, find
from ostinato.errors import DataError, OptionError, ShapeError, nearest
from ostinato.forest import Forest, Level
from ostinato.ops.tree_step import Brood, Sight, tree_step
from ostinato.shapes import expect_shape
from ostinato.state import State, map_state


def fold(
    cell: str | Cell,
    x: Tensor,
    weights: Mapping[str, Tensor],
    forest: Forest,
    state: State | None = None,
    *,
    arity: int | None = None,
) -> tuple[Tensor, State]:
    """Run a cell over trees: each node takes one step, from its own input and the states of its children.

    >>> import torch
    >>> weights = {"W": torch.eye(1), "b": torch.zeros(1), "R": torch.eye(1)}
    >>> forest = Forest.of([[2, 2, -1]])
    >>> y, state = fold("elman_relu", torch.tensor([[1.], [2.], [10.]]), weights, forest)
    >>> y.flatten().tolist()
    [1.0, 2.0, 13.0]

    x is [N, D] in the forest's order of nodes, ``weights`` as :func:`fold_shapes` says. Returns y [N, H] and the state
    of every node. A leaf has one child that is no node, in place 0: the initial state, given by ``state`` with parts
    [1, H], or [L, H] with one row for each of ``forest.leaves``; zeros if None. Nodes of one level of all trees are
    computed together; a tree may be as deep and as wide as memory allows.

    A step of a cell sees one state, and a node has several children. What becomes of their states follows from the
    cell's equations by these rules, under which a one-child tree is the sequence:

    - The cell's ``per_child`` names what there is one of for each child k: R h_k + br of a gate (``"u.n"``), and also
      the gate's W x + b (``"r"``, the whole gate). The parts of the children's states are per child as well.
    - For the other gates, R acts on the sum of the children's shown states (``arity=None``, child-sum). With
      ``arity=N`` all gates see the children one beside another, told apart by their places, zeros where one is missing;
      a gate that is per child has N blocks of rows in R and br, one for each place.
    - What is computed from anything per child is per child; what belongs to the node is the same for all its children.
    - Plus and minus join: where one side is per child and the other belongs to the node, the side that is per child is
      added up over the children first. So is a new state that is still per child at the end. Numbers and parameters
      belong to nobody and join nothing: with f per child, 1 - f is one for each child.
    - Nothing else joins. A product, a maximum or a choice between a node's value and its children's is made for each
      child by itself, and what comes of it is added up at the next such plus or minus, or at the end.

    So lstm's c = f c + i g, with f per child, adds up f_k c_k, and gru's n = tanh(x.n + r u.n), with r and u.n per
    child, adds up r_k u_k inside. Plus and minus join because a term of a sum is what a child contributes, and several
    children contribute several terms. What is no sum of contributions gets no better meaning by this: a running
    maximum, as some exponential gates keep, is added up over the children like everything else.

    Tai, Socher & Manning, 2015 (arXiv:1503.00075): with lstm, equations 2 to 8 (child-sum) and 9 to 14 (N-ary).

    Raises :class:`~ostinato.errors.OptionError` for a cell with inputs or noise at every step, and where ``arity`` does
    not apply; :class:`~ostinato.errors.ShapeError` for shapes that do not fit; :class:`~ostinato.errors.DataError` for
    a node with more than N children.
    """
    cell = find(cell)
    step = tree_step(cell)
    hidden = _check_weights(cell, x, weights, forest, arity)
    _check_places(forest, arity)
    children = _initial_state(cell, state, x, cell.widths(hidden, _width(cell, weights)), forest)
    levels, sight = forest.levels(), Sight(step, weights, hidden, arity)
    given = functional.linear(x if forest.tidy else x.index_select(0, forest.order), weights["W"], weights["b"])
    inputs = torch.split(given, [len(level.nodes) for level in levels])
    done = [step.run(inputs[0], children, Brood(len(inputs[0]), arity=arity or 1), sight, weights)]
    waiting = _by_level(done[0], levels)
    for level, share, leaves in zip(levels[1:], inputs[1:], waiting, strict=True):
        # The children of a level are the inner nodes of the level before and, after them, some leaves.
        inner = done[-1] if len(done) > 1 else None
        children = leaves if inner is None else inner
        if inner is not None and level.leaves:
            children = map_state(_joined, inner, leaves)
        done.append(step.run(share, children, Brood.of_level(level, arity), sight, weights))
    parts = {part: torch.cat([new[part] for new in done]) for part in cell.state}
    if not forest.tidy:
        back = torch.argsort(forest.order)
        parts = {part: value.index_select(0, back) for part, value in parts.items()}
    return parts[cell.output], State(**parts)


def fold_shapes(
    cell: str | Cell, inputs: int, hidden: int, arity: int | None = None, *, shown: int | None = None
) -> dict[str, tuple[int, ...]]:
    """The weights of a fold: name to shape.

    >>> fold_shapes("lstm", 12, 32) == find("lstm").shapes(12, 32)
    True
    >>> fold_shapes("lstm", 12, 32, arity=2)["R"]
    (160, 64)

    Without ``arity`` they are those of :meth:`Cell.shapes`. With N places R is [rows, N H]: the children's states one
    beside another; gates in their order, N blocks of H rows for a gate that is per child, one for each place, and one
    block for any other. br has the same rows. A diagonal R is [rows, N].
    """
    cell = find(cell)
    shapes = cell.shapes(inputs, hidden, shown)
    if arity is None:
        return shapes
    if isinstance(arity, bool) or not isinstance(arity, int) or arity < 1:
        raise OptionError(f"arity wanted a whole number of at least 1, or None for child-sum, got {arity!r}")
    if cell.recurrent == "none" or cell.heads > 1:
        why = "it has no R to tell children apart" if cell.recurrent == "none" else "its R is cut into heads"
        raise OptionError(f"arity does not apply to {cell.name}: {why}; leave it out for child-sum")
    apart = len(tree_step(cell).apart)
    rows = (len(cell.sees) - apart + apart * arity) * hidden
    shapes["R"] = (rows, arity) if cell.recurrent == "diagonal" else (rows, arity * shapes["R"][1])
    if "br" in shapes:
        shapes["br"] = (rows,)
    return shapes


def _by_level(leaves: State, levels: tuple[Level, ...]) -> list[State]:
    """The states of the leaves, split by the level that they are children of."""
    sizes = [level.leaves for level in levels[1:]]
    # Trees of a single node are nobody's children; they stand last.
    sizes.append(len(levels[0].nodes) - sum(sizes))
    pieces = {part: torch.split(value, sizes) for part, value in leaves.items()}
    return [State(**{part: piece[index] for part, piece in pieces.items()}) for index in range(len(levels) - 1)]


def _joined(inner: Tensor, leaves: Tensor) -> Tensor:
    return torch.cat([inner, leaves])


def _width(cell: Cell, weights: Mapping[str, Tensor]) -> int | None:
    """The width of a shown part that is projected."""
    return None if cell.projected is None else int(weights[cell.projected].shape[0])


def _initial_state(cell: Cell, state: State | None, x: Tensor, widths: Mapping[str, int], forest: Forest) -> State:
    """What leaves start from, [1, H] or [L, H] in the order of the first level."""
    if state is None:
        return State(**{part: x.new_zeros(1, widths[part]) for part in cell.state})
    if not isinstance(state, State) or set(state) != set(cell.state):
        came = ", ".join(state) if isinstance(state, State) else type(state).__name__
        raise ShapeError(f"the state of {cell.name} wanted State({', '.join(cell.state)}), got {came}")
    first = forest.levels()[0].nodes
    for part, value in state.items():
        if tuple(value.shape) not in ((1, widths[part]), (len(first), widths[part])):
            raise ShapeError(
                f"state {part} of {cell.name} wanted [1, {widths[part]}], or [{len(first)}, {widths[part]}] with one "
                f"row for each leaf, got {list(value.shape)}"
            )
        _check_like(f"state {part}", cell, value, x)
    if forest.tidy or len(first) == 1:
        return State(**{part: state[part] for part in cell.state})
    rank = torch.argsort(torch.argsort(first))
    return State(**{part: v if len(v := state[part]) == 1 else v.index_select(0, rank) for part in cell.state})


def _check_weights(cell: Cell, x: Tensor, weights: Mapping[str, Tensor], forest: Forest, arity: int | None) -> int:
    """The width H of weights that fit x and the forest."""
    if x.dim() != 2 or x.shape[0] != forest.nodes:
        raise ShapeError(f"x wanted [{forest.nodes}, D], one row for each node of the forest, got {list(x.shape)}")
    if not x.is_floating_point():
        raise ShapeError(f"x wanted floating-point numbers, got {x.dtype}; embed ids first")
    if forest.parent.device != x.device:
        raise ShapeError(
            f"the forest wanted the device of x, {x.device}, got {forest.parent.device}; use forest.to(...)"
        )
    names = fold_shapes(cell, 1, cell.heads, arity)
    for name in names:
        if name not in weights:
            raise OptionError(f"{cell.name} wanted the weight '{name}', got {', '.join(weights) or 'none'}")
    for name in weights:
        if name not in names:
            raise OptionError(f"{cell.name} has no weight '{name}'; {nearest(name, names)}")
    hidden = int(weights["W"].shape[0]) // len(cell.gates)
    wanted = fold_shapes(cell, x.shape[1], hidden, arity, shown=_width(cell, weights))
    for name, shape in wanted.items():
        built = int(weights["W"].shape[-1])
        advice = f"the weights were made for {built} features" if name == "W" and built != x.shape[1] else ""
        expect_shape(f"weight {name} of {cell.name}", weights[name], shape, advice)
        _check_like(f"weight {name}", cell, weights[name], x)
    return hidden


def _check_like(what: str, cell: Cell, value: Tensor, x: Tensor) -> None:
    if value.dtype != x.dtype or value.device != x.device:
        raise ShapeError(
            f"{what} of {cell.name} wanted {x.dtype} on {x.device} like x, got {value.dtype} on {value.device}; "
            "convert one of them with .to(...)"
        )


def _check_places(forest: Forest, arity: int | None) -> None:
    if arity is None or forest.arity <= arity:
        return
    child = int(forest.place.argmax())
    node = int(forest.parent[child])
    raise DataError(
        f"node {node} of the forest, in tree {int(forest.tree[node])}, has a child in place {forest.arity - 1}; "
        f"arity={arity} has places 0 to {arity - 1}: raise it, or leave it out for child-sum"
    )
