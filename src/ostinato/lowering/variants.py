"""Functions from cell to cell: what is done to the equations of any cell, on its graph.

Each returns a new cell with the same gates and the same state, so that every engine, layer and law knows it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ostinato.cells import Cell, Constant, Initial, Mask, find
from ostinato.cells.declaration import ARGUMENTS
from ostinato.errors import OptionError, nearest
from ostinato.lowering.graph import Builder, Graph, Node
from ostinato.lowering.rebuild import LONGEST_NAME, cell_from_data, cell_to_data, copied, origin_of
from ostinato.lowering.simplify import gathered
from ostinato.lowering.trace import trace
from ostinato.state import State

ACTIVATIONS = ("sigmoid", "tanh", "relu", "exp", "softplus", "sin", "cos", "absolute")
# Added to the variance of a row, as torch's LayerNorm does.
EPSILON = 1e-5


def layer_norm(cell: str | Cell, *, gates: bool = True, memory: bool = False) -> Cell:
    """Normalise what each gate sees over the units of a row, and with ``memory`` what the cell shows of its memory.

    n(v) = gain * (v - mean(v)) / sqrt(var(v) + 1e-5) + shift. Where a gate sees x + u as one sum, that sum is
    normalised; where it does not, x and u each are. shift starts as the gate's bias did, gain at 1. Each part of the
    state but the shown one is normalised where it is read for what is shown, not where it is remembered.

    >>> layer_norm("lstm", memory=True)
    <cell lstm_normed: state h c, gates i f g o>

    Ba, Kiros & Hinton, 2016 (arXiv:1607.06450), gate by gate. Raises :class:`~ostinato.errors.OptionError` where there
    is nothing to normalise.
    """
    cell = find(cell)
    if not gates and not memory:
        raise OptionError("layer_norm wanted gates=True or memory=True, got neither")
    if memory and len(cell.state) == 1:
        raise OptionError(f"{cell.name} has no memory apart from what it shows; normalise its gates alone")
    parameters = dict(cell.parameters)
    edit = _Edit(cell)
    if gates:
        for gate in cell.gates:
            _norm_gate(edit, gate, cell, parameters)
    if memory:
        _norm_memory(edit, cell, parameters)
    return edit.made(f"{cell.name}_normed", parameters=parameters)


def zoneout(cell: str | Cell, share: float | Mapping[str, float]) -> Cell:
    """Let single units keep their old state in training: with the probability ``share`` at each step.

    s' = s + m (new - s), m being 0 with the probability share and else 1; without noise m is its mean, 1 - share.
    ``share`` is one number for all parts of the state or one for each.

    >>> zoneout("lstm", {"c": 0.5, "h": 0.05}).noise["zone_c"]
    Mask(share=0.5, per='step', scaled=False)

    Krueger et al., 2017 (arXiv:1606.01305).
    """
    cell = find(cell)
    shares = _shares(cell, share)
    if cell.projected is not None and cell.output in shares:
        raise OptionError(f"zoneout does not reach '{cell.output}' of {cell.name}, which is a projection; name others")
    edit = _Edit(cell)
    noise = dict(cell.noise)
    for part, amount in shares.items():
        name = _free(f"zone_{part}", cell)
        noise[name] = Mask(amount, scaled=False)
        old = edit.leaf("state", part)
        edit.outputs[part] = old + edit.leaf("given", name) * (edit.outputs[part] - old)
    return edit.made(f"{cell.name}_zoneout", noise=noise)


def clip(cell: str | Cell, bound: float) -> Cell:
    """Keep each part of the state between -bound and bound inside the loop.

    >>> from ostinato.cells import Gates
    >>> from ostinato.state import State
    >>> one = Gates(h=5.0)
    >>> clip("elman_relu", 3.0)(one, one, State(h=0.0)).h
    3.0

    Sak, Senior & Beaufays, 2014 (arXiv:1402.1128).
    """
    cell = find(cell)
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0.0 < bound < float("inf"):
        raise OptionError(f"clip wanted a bound above 0, got {bound!r}")
    if cell.projected is not None:
        raise OptionError(f"clip does not reach '{cell.output}' of {cell.name}, which is a projection")
    edit = _Edit(cell)
    for part, new in edit.outputs.items():
        low, high = edit.leaf("constant", -float(bound)), edit.leaf("constant", float(bound))
        edit.outputs[part] = edit.to.apply("minimum", edit.to.apply("maximum", new, low), high)
    return edit.made(f"{cell.name}_clipped")


def recurrent_dropout(cell: str | Cell, share: float, *, per: str = "step") -> Cell:
    """Drop single units of the candidate in training, and leave the memory alone.

    >>> recurrent_dropout("gru", 0.25).noise
    {'drop': Mask(share=0.25, per='step', scaled=True)}

    The candidate is what the cell declares as such, after its activation. Semeniuta et al., 2016 (arXiv:1603.05118).
    """
    cell = find(cell)
    if cell.candidate is None:
        raise OptionError(f"recurrent dropout acts on a candidate, and {cell.name} declares none (candidate=...)")
    name = _free("drop", cell)
    edit = _Edit(cell)
    mask = edit.leaf("given", name)
    edit.changes[_candidate(edit.graph, cell.candidate)] = lambda node: node * mask
    edit.apply()
    return edit.made(f"{cell.name}_dropout", noise={**cell.noise, name: Mask(share, per)})


def state_dropout(cell: str | Cell, share: float) -> Cell:
    """Hide units of the shown part from R in training, the same ones at every step of a sequence.

    u = R (m h) + br. Gal & Ghahramani, 2016 (arXiv:1512.05287).

    >>> state_dropout("gru", 0.25).seen_through
    'seen'
    """
    cell = find(cell)
    if cell.recurrent == "none":
        raise OptionError(f"state dropout acts on what R sees, and {cell.name} has no R")
    if cell.seen_through is not None:
        raise OptionError(f"{cell.name} hides units of its state already")
    name = _free("seen", cell)
    noise = {**cell.noise, name: Mask(share, per="sequence")}
    return _Edit(cell).made(f"{cell.name}_hidden", noise=noise, seen_through=name)


def resting(cell: str | Cell) -> Cell:
    """The cell without noise: the mean of each mask stands in its place. What streams and exports run.

    >>> resting(zoneout("gru", 0.1)).noise
    {}
    """
    cell = find(cell)
    if not cell.noise:
        return cell
    means = {name: mask.resting for name, mask in cell.noise.items()}
    edit = _Edit(cell, means)
    return edit.made(f"{cell.name}_resting", noise={}, seen_through=None)


class _Edit:
    """The graph of a cell, copied with changes: what is made of a node is read by everybody who read the node."""

    def __init__(self, cell: Cell, means: Mapping[str, float] | None = None) -> None:
        self.cell, self.graph, self.means = cell, trace(cell), dict(means or {})
        self.to = Builder()
        self.changes: dict[int, Callable[[Node], Node]] = {}
        self.outputs: dict[str, Node] = {}
        self.apply()

    def leaf(self, kind: str, label: str | float) -> Node:
        """A leaf of the new graph."""
        return self.to.leaf(kind, label)

    def apply(self, only: str | None = None) -> None:
        """Make the outputs, or only one of them, with the changes that are known."""
        made: list[Node] = []
        for node in self.graph.nodes:
            new = self._one(node, made)
            made.append(self.changes[node.index](new) if node.index in self.changes else new)
        for part, index in self.graph.outputs.items():
            if only in (None, part):
                self.outputs[part] = made[index]

    def _one(self, node: Node, made: list[Node]) -> Node:
        if node.kind == "given" and node.label in self.means:
            return self.to.leaf("constant", self.means[str(node.label)])
        if node.arguments:
            return self.to.apply(node.kind, *(made[i] for i in node.arguments))
        return self.to.leaf(node.kind, node.label)

    def made(self, name: str, **changes: Any) -> Cell:
        """The new cell."""
        cell = dataclasses.replace(self.cell, **changes)
        p = ("p",) if cell.constants or cell.parameters or cell.matrices else ()
        e = ("e",) if cell.inputs or cell.noise else ()
        u = ("u",) if cell.recurrent != "none" else ()
        function = _Function(gathered(self.outputs), cell.output, ("x", *u, "s", *p, *e))
        # A name tells all that was done, as far as files have room for it.
        new = dataclasses.replace(cell, name=name[:LONGEST_NAME], function=function, arguments=function.arguments)
        object.__setattr__(new, "__doc__", self.cell.__doc__)
        function.cell = new
        origin = origin_of(self.cell)
        # What came from a file is compiled on the same terms whatever is done to it.
        return new if origin is None else cell_from_data(cell_to_data(new), trusted=origin.trusted)


class _Function:
    """A graph as the function of a cell."""

    cell: Cell

    def __init__(self, graph: Graph, output: str, arguments: tuple[str, ...]) -> None:
        self.graph, self.output, self.arguments = graph, output, arguments
        # Errors of cells name a line of their function; this one has none of its own.
        self.__module__, self.__code__ = __name__, type(self).__call__.__code__

    @property
    def made_again(self) -> tuple[Any, ...]:
        """How whoever copies the cell to another process makes it there."""
        return cell_again, (cell_to_data(self.cell),)

    def __call__(self, *given: Any) -> State:
        named: dict[str, Any] = {**dict.fromkeys(ARGUMENTS), **dict(zip(self.arguments, given, strict=True))}
        symbol = named["s"][self.output]
        return copied(self.graph, symbol, **named) if isinstance(symbol, Node) else self.graph.evaluate(**named)


def cell_again(data: Any) -> Cell:
    """A cell of this program, from its data."""
    return cell_from_data(data, trusted=True)


def _free(name: str, cell: Cell) -> str:
    """A name that the cell has not declared yet."""
    taken = {*cell.constants, *cell.parameters, *cell.matrices, *cell.inputs, *cell.noise}
    names = (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
    return next(n for n in names if n not in taken)


def _shares(cell: Cell, share: float | Mapping[str, float]) -> dict[str, float]:
    if not isinstance(share, Mapping):
        parts = [part for part in cell.state if cell.projected is None or part != cell.output]
        return dict.fromkeys(parts, share)
    for part in share:
        if part not in cell.state:
            raise OptionError(f"{cell.name} has no part of the state called '{part}'; {nearest(part, cell.state)}")
    if not share:
        raise OptionError(f"zoneout of {cell.name} wanted a share for some of {', '.join(cell.state)}, got none")
    return dict(share)


def _normed(edit: _Edit, value: Node, name: str, shift: Initial, parameters: dict[str, Initial]) -> Node:
    known = dataclasses.replace(edit.cell, parameters=parameters)
    gain_name, shift_name = _free(f"gain_{name}", known), _free(f"shift_{name}", known)
    parameters[gain_name], parameters[shift_name] = Constant(1.0), shift
    centred = value - edit.to.apply("row_mean", value)
    deviation = edit.to.apply("sqrt", edit.to.apply("row_mean", centred * centred) + EPSILON)
    return edit.leaf("parameter", gain_name) * (centred / deviation) + edit.leaf("parameter", shift_name)


def _norm_gate(edit: _Edit, gate: str, cell: Cell, parameters: dict[str, Initial]) -> None:
    """Normalise the sum of a gate's two shares where it is one, else each share."""
    nodes = edit.graph.nodes
    leaves = {node.kind: node.index for node in nodes if node.label == gate and node.kind in ("input", "recurrent")}
    readers = {index: [n.index for n in nodes if index in n.arguments] for index in leaves.values()}
    joined = {tuple(found) for found in readers.values()}
    start = cell.initial_of(f"b.{gate}", 1)
    if len(leaves) == 2 and len(joined) == 1:
        (found,) = joined
        if len(found) == 1 and nodes[found[0]].kind == "add":
            edit.changes[found[0]] = _norming(edit, gate, start, parameters)
            edit.apply()
            return
    for kind, index in leaves.items():
        name = gate if kind == "input" else f"u_{gate}"
        edit.changes[index] = _norming(edit, name, start if kind == "input" else Constant(0.0), parameters)
    edit.apply()


def _norming(edit: _Edit, name: str, shift: Initial, parameters: dict[str, Initial]) -> Callable[[Node], Node]:
    """Normalise once, however often the graph is copied."""
    made: dict[int, Node] = {}

    def change(value: Node) -> Node:
        if value.index not in made:
            made[value.index] = _normed(edit, value, name, shift, parameters)
        return made[value.index]

    return change


def _norm_memory(edit: _Edit, cell: Cell, parameters: dict[str, Initial]) -> None:
    """Normalise what the shown part reads of the new memory; what is remembered stays as it is."""
    graph = edit.graph
    below = {graph.outputs[cell.output]}
    for node in reversed(graph.nodes):
        if node.index in below:
            below.update(node.arguments)
    memory = {graph.outputs[part]: part for part in cell.state if part != cell.output}
    read = {index: part for index, part in memory.items() if index in below and graph.nodes[index].arguments}
    if not read:
        raise OptionError(
            f"what {cell.name} shows does not read its memory; normalise the gates alone, or the memory before zoneout"
        )
    before = dict(edit.changes)
    for index, part in read.items():
        inner = _norming(edit, f"memory_{part}", Constant(0.0), parameters)
        earlier = before.get(index)
        edit.changes[index] = inner if earlier is None else lambda v, i=inner, e=earlier: i(e(v))  # type: ignore[misc]
    edit.apply(only=cell.output)
    edit.changes = before


def _candidate(graph: Graph, gate: str) -> int:
    """The node that makes the candidate: the first activation through which all of the gate's input passes."""
    leaf = next(node.index for node in graph.nodes if node.kind == "input" and node.label == gate)
    ends = set(graph.outputs.values())

    def reaches(without: int) -> bool:
        seen = {leaf}
        for node in graph.nodes:
            if node.index != without and seen.intersection(node.arguments):
                seen.add(node.index)
        return bool(seen & ends)

    for node in graph.nodes:
        if node.kind in (*ACTIVATIONS, "select", "maximum", "minimum") and not reaches(node.index):
            return node.index
    return leaf
