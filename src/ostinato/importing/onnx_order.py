"""Which recurrent node reads what, told from places: the nodes of a graph as layers one above the other."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
import torch
from numpy.typing import NDArray

from ostinato.errors import ArtifactError
from ostinato.importing.onnx_file import Node
from ostinato.importing.onnx_nodes import Recurrence
from ostinato.importing.onnx_step import Value
from ostinato.importing.stack import Way
from ostinato.state import State

# Whose a place is: the name of an input, or the number of a node, its direction, and "y" or a part of its last state.
Owner = Any
# What a layer reads: an input of the graph, or directions beside each other.
Source = tuple[Owner, ...]


class Places:
    """Numbers for all that comes in or is made, each a place of its own.

    >>> places = Places()
    >>> x, y = places.new("x", (2,)), places.new("y", (1, 2))
    >>> y.tolist(), places.owner(3), places.owner(1)
    ([[2, 3]], 'y', 'x')
    """

    def __init__(self) -> None:
        self.begins: list[int] = []
        self.owners: list[Owner] = []
        self.held: dict[Owner, NDArray[Any]] = {}
        self.end = 0

    def new(self, owner: Owner, shape: tuple[int, ...]) -> NDArray[Any]:
        """Places for an array of such a shape."""
        size = int(numpy.prod(shape, dtype=numpy.int64))
        array = numpy.arange(self.end, self.end + size, dtype=numpy.int64).reshape(shape)
        self.begins.append(self.end)
        self.owners.append(owner)
        self.held[owner] = array
        self.end += size
        return array

    def owner(self, place: int) -> Owner:
        """Whose a place is."""
        return self.owners[bisect.bisect_right(self.begins, place) - 1]

    def among(self, array: NDArray[Any]) -> list[Owner]:
        """The owners of all places of an array, in the order of their first place in it."""
        indices = numpy.searchsorted(self.begins, array.reshape(-1), side="right") - 1
        found, first = numpy.unique(indices, return_index=True)
        return [self.owners[index] for index in found[numpy.argsort(first)]]


@dataclass(frozen=True)
class Run:
    """One recurrent node and what it reads: the places of x [B, T, D], its lengths, and where it starts."""

    node: Node
    done: Recurrence
    x: NDArray[Any]
    lengths: Value | None
    starts: Sequence[Value | None]
    rows: int
    steps: int

    @property
    def order(self) -> NDArray[Any]:
        """Which row of what comes in each row is: exporters sort rows by length, and put them back at the end."""
        rows = numpy.arange(self.rows)
        if self.lengths is None or not self.lengths.places or self.lengths.array.shape != rows.shape:
            return rows
        order = self.lengths.array - self.lengths.array.min()
        return order if numpy.array_equal(numpy.sort(order), rows) else rows


@dataclass(frozen=True)
class Stack:
    """Layers, lowest first; ``lengths`` are those that the file fixes."""

    layers: list[list[Way]]
    lengths: list[int] | None
    names: list[list[tuple[str, int]]] = field(default_factory=list)

    def same(self, other: Stack) -> bool:
        """Whether another walk found the same."""
        if self.names != other.names or self.lengths != other.lengths:
            return False
        pairs = zip(
            (way for ways in self.layers for way in ways), (way for ways in other.layers for way in ways), strict=True
        )
        return all(_alike(left.weights, right.weights) and _alike(left.start, right.start) for left, right in pairs)


def stacked(title: str, places: Places, runs: list[Run], outputs: Mapping[str, Value]) -> Stack:
    """The runs of a graph as layers. Raises :class:`~ostinato.errors.ArtifactError` where they are no single stack."""
    if not runs:
        raise ArtifactError(f"{title} has no RNN, LSTM or GRU that its outputs need; wanted at least one")
    readers: dict[Source, list[tuple[int, int]]] = {}
    for number, run in enumerate(runs):
        readers.setdefault(_source(places, run), []).extend((number, way) for way in range(len(run.done.ways)))
    begins = [source for source in readers if isinstance(source[0], str)]
    if len(begins) != 1:
        inputs = " and ".join(str(begin[0])[:80] for begin in begins) or "nothing"
        raise ArtifactError(f"{title} reads {inputs} in its lowest layers; wanted one input of the graph")
    layers: list[list[tuple[int, int]]] = []
    source: Source | None = begins[0]
    while source is not None:
        members = readers.pop(source)
        above = [s for s in readers if {owner[:2] for owner in s} <= set(members)]
        if len(above) > 1 or (above and len(above[0]) != len(members)):
            raise ArtifactError(f"{title} has layers that read only a part of what is below; wanted one stack")
        source = above[0] if above else None
        layers.append(members if source is None else [owner[:2] for owner in source])
    if readers:
        raise ArtifactError(f"{title} has recurrent nodes side by side; wanted one above the other")
    layers[-1] = _checked_outputs(title, places, runs, layers[-1], outputs)
    lengths = _lengths(title, places, runs)
    ways = [[_started(places, runs[number], way) for number, way in members] for members in layers]
    names = [[(runs[number].node.name or runs[number].node.outputs[0], way) for number, way in m] for m in layers]
    return Stack(ways, lengths, names)


def _source(places: Places, run: Run) -> Source:
    """What a node reads as x; anything but all of it, step by step, is refused."""
    owners = places.among(run.x)
    held = [places.held[owner] for owner in owners]
    if len(owners) == 1 and isinstance(owners[0], str):
        whole = held[0]
        # [B, T, ...] or [T, B, ...]; one sequence is [T, D], one step [B, D]. Features may have axes of their own.
        ways = [whole[None], whole[:, None]] if whole.ndim == 2 else [whole, whole.swapaxes(0, 1)]
        fitting = [way[run.order] for way in ways if way.shape[:2] == run.x.shape[:2]]
        if any(numpy.array_equal(way.reshape(run.x.shape), run.x) for way in fitting):
            return (owners[0],)
    shown = all(isinstance(owner, tuple) and owner[2] == "y" for owner in owners)
    if shown and numpy.array_equal(numpy.concatenate(held, axis=-1), run.x):
        return tuple(owners)
    raise ArtifactError(
        f"{run.node} reads {', '.join(_said(owner) for owner in owners)[:200]} in another order, or only in parts; "
        "wanted all steps and features of the input or of the layer below"
    )


def _checked_outputs(
    title: str, places: Places, runs: Sequence[Run], top: list[tuple[int, int]], outputs: Mapping[str, Value]
) -> list[tuple[int, int]]:
    """The directions of the uppermost layer in the order in which the graph hands them out."""
    seen: list[tuple[int, int]] = []
    for name, value in outputs.items():
        owners = places.among(value.array) if value.places else []
        if not owners:
            raise ArtifactError(f"{title}: the output '{name:.80}' does not depend on what comes in")
        for owner in owners:
            lower = not isinstance(owner, str) and owner[2] == "y" and owner[:2] not in top
            if isinstance(owner, str) or (lower and runs[owner[0]].steps != 1):
                raise ArtifactError(
                    f"{title}: the output '{name:.80}' hands out {_said(owner)}; "
                    "wanted what the uppermost layer shows, or last states"
                )
            # Row by row as they came in.
            whole = places.held[owner][numpy.argsort(runs[owner[0]].order)]
            parts = [whole, whole[:, -1], whole[:, 0]] if owner[2] == "y" else [whole]
            if not any(_moved(value.array, part, places.held[owner]) for part in parts):
                raise ArtifactError(
                    f"{title}: the output '{name:.80}' hands out {_said(owner)} in another order, or only in parts; "
                    "wanted all of it, or its last step"
                )
            if owner[2] == "y" and owner[:2] in top and owner[:2] not in seen:
                seen.append(owner[:2])
    return seen + [member for member in top if member not in seen]


def _moved(array: NDArray[Any], part: NDArray[Any], held: NDArray[Any]) -> bool:
    """Whether of all that is held an array has this part, each place once, and only its axes were moved."""
    flat = array.reshape(-1)
    (found,) = numpy.nonzero((flat >= held.min()) & (flat <= held.max()))
    if len(found) != part.size:
        return False
    order = numpy.argsort(flat[found])
    if not numpy.array_equal(flat[found][order], numpy.sort(part.reshape(-1))):
        return False
    # Where each place stands now: that rises along every axis unless somebody turned one round.
    stands = numpy.empty(part.size, numpy.int64)
    stands[numpy.argsort(part.reshape(-1))] = found[order]
    return all((numpy.diff(stands.reshape(part.shape), axis=axis) > 0).all() for axis in range(part.ndim))


def _lengths(title: str, places: Places, runs: Sequence[Run]) -> list[int] | None:
    """The lengths that the file fixes, if it does; all nodes must have the same ones."""
    found: list[Any] = []
    for run in runs:
        told: Any = None
        if run.lengths is not None and run.lengths.places:
            owners = places.among(run.lengths.array)
            whole = places.held[owners[0]].reshape(-1)
            fits = len(whole) == run.rows and numpy.array_equal(whole[run.order], run.lengths.array)
            if not fits or not isinstance(owners[0], str):
                raise ArtifactError(f"{run.node}: sequence_lens wanted an input of the graph, one length for each row")
            told = (owners[0], *run.order)
        elif run.lengths is not None:
            array = run.lengths.array
            fits = array.shape == (run.rows,) and array.dtype.kind in "iu"
            if not fits or array.min() < 0 or array.max() > run.steps:
                raise ArtifactError(
                    f"{run.node}: sequence_lens wanted {run.rows} whole numbers up to {run.steps}, "
                    f"got {array.tolist()!r:.80}"
                )
            told = None if (array == run.steps).all() else [int(length) for length in array]
        found.append(told)
    if any(told != found[0] for told in found):
        raise ArtifactError(f"{title} has layers of different sequence_lens; wanted the same for all of them")
    return found[0] if isinstance(found[0], list) else None


def _started(places: Places, run: Run, way: int) -> Way:
    """One direction with the state that the file fixes for it; one that comes in is left to the caller."""
    plain = run.done.ways[way]
    parts: dict[str, torch.Tensor] = {}
    for part, value in zip(plain.cell.state, run.starts, strict=False):
        if value is None:
            continue
        array = value.array
        if not run.done.batch_first and array.ndim == 3:
            array = array.swapaxes(0, 1)
        ways, hidden = len(run.done.ways), run.done.hidden
        if array.ndim != 3 or array.shape[1:] != (ways, hidden) or (not value.places and len(array) != run.rows):
            raise ArtifactError(
                f"{run.node}: the initial {part} wanted {ways} direction{'s' * (ways > 1)}, {run.rows} rows and "
                f"{hidden} units, got {list(value.array.shape)}"
            )
        if value.places:
            owner = next((o for o in places.among(array) if not isinstance(o, str)), None)
            if owner is not None or value.whole:
                raise ArtifactError(f"{run.node} starts from {_said(owner)}; wanted an input of the graph, or numbers")
            rows = array if len(array) != run.rows else array[numpy.argsort(run.order)]
            if not all((numpy.diff(rows, axis=axis) > 0).all() for axis in range(3)):
                raise ArtifactError(
                    f"{run.node} starts from rows, directions or units in another order than they came in"
                )
            continue
        if array.dtype.kind != "f" or not numpy.isfinite(array).all():
            raise ArtifactError(f"{run.node}: the initial {part} wanted finite numbers like 0.5, got {array.dtype}")
        mine = array[:, way]
        if mine.any():
            one = (mine == mine[:1]).all()
            parts[part] = torch.tensor(mine[:1] if one else mine, dtype=plain.weights["W"].dtype)
    if not parts:
        return plain
    zero = plain.weights["W"].new_zeros(1, run.done.hidden)
    return replace(plain, start=State(**{part: parts.get(part, zero) for part in plain.cell.state}))


def _alike(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return set(left) == set(right) and all(torch.equal(left[name], right[name]) for name in left)


def _said(owner: Owner) -> str:
    """An owner in words."""
    if isinstance(owner, str):
        return f"the input '{owner:.80}'"
    if owner is None:
        return "whole numbers"
    what = "what it shows" if owner[2] == "y" else f"its last {owner[2]}"
    return f"recurrent node {owner[0] + 1}, {what}"
