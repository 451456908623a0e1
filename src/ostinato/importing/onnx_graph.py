"""An ONNX graph of recurrent nodes as layers of ours.

The graph is followed with places instead of numbers (see :mod:`~ostinato.importing.onnx_plumbing`), at two different
sizes of the batch and of time, so that nothing that was read depends on either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy
import torch
from numpy.typing import NDArray

from ostinato.errors import ArtifactError
from ostinato.importing.gates import ONNX
from ostinato.importing.onnx_file import Declared, File, Node, read_file
from ostinato.importing.onnx_nodes import recurrence
from ostinato.importing.onnx_order import Places, Run, Stack, stacked
from ostinato.importing.onnx_plumbing import PLUMBING, run
from ostinato.importing.onnx_step import Budget, Value
from ostinato.importing.stack import Imported, assembled
from ostinato.layers import Recurrent

# Sizes for what a graph leaves open, in the order in which it does.
_SIZES = ((3, 5, 7, 9, 11, 13), (4, 6, 8, 10, 12, 14))


def from_onnx(source: Any, weights: Mapping[str, Any] | None = None) -> Recurrent | Imported:
    """The RNN, LSTM and GRU nodes of an ONNX model as layers that compute the same.

    >>> import onnx, numpy
    >>> from onnx import TensorProto, helper
    >>> rows = {"W": [1, 15, 3], "R": [1, 15, 5]}
    >>> graph = helper.make_graph(
    ...     [helper.make_node("GRU", ["x", "W", "R"], ["y", "h"], hidden_size=5)], "gru",
    ...     [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", 3])],
    ...     [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    ...     [onnx.numpy_helper.from_array(numpy.ones(rows[n], numpy.float32), n) for n in rows])
    >>> from_onnx(helper.make_model(graph)).cell
    <cell gru_reset_before: state h, gates r z n>

    ``source`` is a path, bytes or an ``onnx.ModelProto``. ``weights`` are arrays by name for weights that are inputs of
    the graph. The result is a :class:`~ostinato.layers.Recurrent`, which can be trained, saved, streamed and exported,
    or, where one cannot hold it (a layer that only runs in reverse, layers of different cells, a fixed initial state),
    an :class:`Imported` that is called alike. It is in evaluation mode.

    Whatever axes the graph moves at its ends, x is [B, T, D] and y [B, T, width] here. What the graph takes as initial
    states is ``state``, one :class:`~ostinato.state.State` for each layer and direction; what it takes as sequence
    lengths is ``lengths``. The activations are Tanh, Sigmoid, Relu and HardSigmoid. Between the nodes there may be what
    exporters put there to move values and count shapes. Anything else raises
    :class:`~ostinato.errors.ArtifactError` that names the first node that is not understood, and so does a file that is
    damaged, refers to other files, or is not what it says.
    """
    file = read_file(source, weights)
    found = [_Followed(file, sizes).stack() for sizes in _SIZES]
    if not found[0].same(found[1]):
        raise ArtifactError(
            f"{file.title} computes its weights or initial states from the size of what comes in; "
            "export it with sizes that are fixed, or left open throughout"
        )
    stack = found[0]
    lengths = None if stack.lengths is None else torch.tensor(stack.lengths, dtype=torch.int64)
    return assembled(stack.layers, lengths=lengths).eval()


@dataclass
class _Followed:
    """One walk through a graph, from what it hands out back to what comes in."""

    file: File
    sizes: tuple[int, ...]
    places: Places = field(default_factory=Places)
    budget: Budget = field(default_factory=Budget)
    values: dict[str, Value] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def stack(self) -> Stack:
        """The layers of the graph."""
        order = self._order()
        self._check_known(order)
        self.values.update({name: Value.known(array) for name, array in self.file.tensors.items()})
        needed = {name for node in order for name in node.inputs} | set(self.file.outputs)
        self._open({name: declared for name, declared in self.file.inputs.items() if name in needed}, order)
        for node in order:
            given = [self.values[name] if name else None for name in node.inputs]
            made = self._run(node, given) if node.operation in ONNX else run(node, given, self.budget)
            if len(made) < len(node.outputs):
                raise ArtifactError(f"{node} has {len(node.outputs)} outputs; it makes {len(made)}")
            self.values.update({name: value for name, value in zip(node.outputs, made, strict=False) if name})
        return stacked(self.file.title, self.places, self.runs, {n: self.values[n] for n in self.file.outputs})

    def _order(self) -> list[Node]:
        """The nodes that the outputs need, each after those that it reads from."""
        makers = {name: node for node in self.file.nodes for name in node.outputs if name}
        ready = {*self.file.tensors, *self.file.inputs}
        order: list[Node] = []
        begun: set[int] = set()
        for output in self.file.outputs:
            waiting: list[tuple[str, str]] = [(output, "the graph's outputs")]
            while waiting:
                name, reader = waiting[-1]
                node = makers.get(name)
                if name in ready:
                    waiting.pop()
                    continue
                if node is None:
                    raise ArtifactError(f"{self.file.title}: nothing makes '{name:.80}', which {reader} read")
                wanting = [n for n in node.inputs if n and n not in ready]
                if not wanting:
                    order.append(node)
                    ready.update(node.outputs)
                elif id(node) in begun:
                    raise ArtifactError(f"{self.file.title}: {node} needs what it makes itself; the graph has a cycle")
                else:
                    begun.add(id(node))
                    waiting += [(n, str(node)) for n in reversed(wanting)]
        return order

    def _check_known(self, order: list[Node]) -> None:
        """Refuse the first node of the file that is not understood."""
        needed = {id(node) for node in order}
        for node in self.file.nodes:
            if id(node) in needed and node.operation not in PLUMBING and node.operation not in ONNX:
                raise ArtifactError(
                    f"{self.file.title}: {node} is not understood; RNN, LSTM and GRU are imported, with what moves "
                    "values between them. Cut the recurrent part out (onnx.utils.extract_model) and import that"
                )

    def _open(self, inputs: Mapping[str, Declared], order: list[Node]) -> None:
        """Give what comes in a size and places."""
        sizes = iter(self.sizes * 8)
        named: dict[str, int] = {}
        features = next((self._features(node) for node in order if node.operation in ONNX), None)
        for name, declared in inputs.items():
            shape = []
            for axis, size in enumerate(declared.shape if declared.shape is not None else (None,) * 3):
                if isinstance(size, int):
                    shape.append(size)
                elif size in named:
                    shape.append(named[str(size)])
                else:
                    shape.append(features if axis == 2 and features is not None else next(sizes, self.sizes[-1]))
                    named.update({} if size is None else {size: shape[-1]})
            count = 1
            for size in shape:
                count *= size
            self.budget.count(count)
            self.values[name] = Value(self.places.new(name, tuple(shape)), True, declared.whole)

    def _features(self, node: Node) -> int | None:
        """How many features a node reads, where its W is at hand."""
        W = self.file.tensors.get(node.inputs[1]) if len(node.inputs) > 1 else None
        return None if W is None or W.ndim != 3 else W.shape[2]

    def _run(self, node: Node, given: list[Value | None]) -> list[Value]:
        """A recurrent node: note what it reads, and give what it makes places of its own."""
        given = given + [None] * (8 - len(given))
        X, lengths, starts = given[0], given[4], given[5:7]
        arrays = [self._weight(node, given, index) for index in (1, 2, 3, 7)]
        if any(value is not None for value in given[8:] + (starts[1:] if node.operation != "LSTM" else [])):
            raise ArtifactError(f"{node} has more inputs than {node.operation} takes")
        done = recurrence(node, arrays)
        if X is None or not X.places or X.whole or X.array.ndim != 3 or X.array.shape[2] != done.inputs:
            came = "numbers of the file" if X is None or not X.places else f"{list(X.array.shape)}"
            raise ArtifactError(
                f"{node} wanted X with three axes, the last {done.inputs} wide as W has it, to come in; got {came}"
            )
        x = X.array if done.batch_first else X.array.swapaxes(0, 1)
        rows, steps = x.shape[:2]
        ways = len(done.ways)
        number = len(self.runs)
        self.budget.count(2 * rows * steps * done.hidden * ways)
        y = [self.places.new((number, way, "y"), (rows, steps, done.hidden)) for way in range(ways)]
        self.runs.append(Run(node, done, x, lengths, starts, rows, steps))
        made = [numpy.stack(y, axis=2 if done.batch_first else 1)]
        if not done.batch_first:
            # [B, ways, T, H] to [T, ways, B, H]
            made[0] = made[0].transpose(2, 1, 0, 3)
        for part in done.ways[0].cell.state:
            # After one step, what was shown is the last state.
            if part == done.ways[0].cell.output and steps == 1:
                made.append(numpy.stack([shown[:, 0] for shown in y], axis=1 if done.batch_first else 0))
                continue
            ends = [self.places.new((number, way, part), (rows, done.hidden)) for way in range(ways)]
            made.append(numpy.stack(ends, axis=1 if done.batch_first else 0))
        return [Value(array, True) for array in made]

    def _weight(self, node: Node, given: list[Value | None], index: int) -> NDArray[Any] | None:
        value = given[index]
        if value is not None and value.places:
            name = f"'{node.inputs[index]:.80}'"
            raise ArtifactError(
                f"{node} takes its weights from {name}, which comes in; pass them: "
                f"from_onnx(..., weights={{{name}: array}})"
            )
        return None if value is None else value.array
