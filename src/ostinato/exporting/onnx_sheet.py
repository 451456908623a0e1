"""A sheet on which an ONNX graph is written: nodes, constants, names that are used once, and the versions they need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ExportError, needs

# The operator set in which each operator, as it is used here, appeared: floating point and int64 data, axes of
# reductions as attributes where that is still allowed, as inputs where it became the rule early.
FLOORS = {
    **dict.fromkeys(("Exp", "Log", "Sqrt", "Abs", "Neg", "Sigmoid", "Tanh", "Relu"), 6),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sin", "Cos", "RNN", "LSTM", "GRU"), 7),
    **dict.fromkeys(("Max", "Min", "Expand"), 8),
    **dict.fromkeys(("Cast", "Less", "MatMul", "Where", "Scan"), 9),
    "Slice": 10,
    **dict.fromkeys(("Concat", "Equal", "Gather", "Gemm", "Pad", "Range", "ReduceMax", "ReduceMean"), 11),
    **dict.fromkeys(("ReduceSum", "Softmax", "Split", "Squeeze", "Unsqueeze"), 13),
    **dict.fromkeys(("And", "Identity", "Shape", "Softplus", "Transpose"), 7),
}
LARGEST = 2**31 - 2**20


class Sheet:
    """Nodes and constants of one graph, or of one inside another.

    >>> sheet = Sheet()
    >>> x = sheet.input("x", "float32", ("batch", 2))
    >>> sheet.output("y", sheet.add("Tanh", x), "float32", ("batch", 2))
    >>> sheet.model("pair").opset_import[0].version
    6

    Names of inputs and outputs are the caller's and used once; all others get a number where they are taken.
    """

    def __init__(self, outer: Sheet | None = None) -> None:
        self.onnx: Any = needs("onnx", "onnx") if outer is None else outer.onnx
        # A graph inside another sees its names.
        self.names: set[str] = set() if outer is None else outer.names
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        # Values that are outputs, and what they are called since.
        self.shown: dict[str, str] = {}
        self.constants: dict[tuple[Any, ...], Any] = {}
        self.operators: set[str] = set() if outer is None else outer.operators

    def fresh(self, hint: str) -> str:
        """A name like the hint that nothing else has."""
        name, count = hint, 1
        while name in self.names:
            count += 1
            name = f"{hint}:{count}"
        self.names.add(name)
        return name

    def input(self, name: str, dtype: str, shape: Sequence[int | str], *, otherwise: NDArray[Any] | None = None) -> str:
        """An input of the graph; where the caller leaves it out, it is ``otherwise``, if that is given."""
        self._claim(name, "input")
        self.inputs.append(self._described(name, dtype, shape))
        if otherwise is not None:
            self.constants["default", name] = self.onnx.numpy_helper.from_array(otherwise, name)
        return name

    def output(self, name: str, value: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Show a value under a name; the node that makes it gives it the name where it can."""
        self._claim(name, "output")
        self.outputs.append(self._described(name, dtype, shape))
        value = self.shown.get(value, value)
        if value in self.shown.values() or not any(value in node.output for node in self.nodes):
            self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name], name=name))
            self.operators.add("Identity")
            return
        self.shown[value] = name
        for node in self.nodes:
            _replace(node.input, value, name)
            _replace(node.output, value, name)
            for attribute in node.attribute:
                for inner in attribute.g.node:
                    _replace(inner.input, value, name)

    def hold(self, array: Any, hint: str) -> str:
        """A constant; equal ones are one."""
        array = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        key = (str(array.dtype), array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self.constants:
            self.constants[key] = self.onnx.numpy_helper.from_array(array, self.fresh(hint))
        return str(self.constants[key].name)

    def floats(self, array: Any, hint: str) -> str:
        """A constant in single precision."""
        return self.hold(np.asarray(array, np.float32), hint)

    def whole(self, *numbers: int) -> str:
        """A constant list of whole numbers."""
        return self.hold(np.array(numbers, np.int64), "whole/" + "_".join(map(str, numbers)))

    def add(self, operator: str, *inputs: str, hint: str = "", **attributes: Any) -> str:
        """A node with one output, whose name it gives."""
        return self.spread(operator, inputs, [hint or operator.lower()], **attributes)[0]

    def spread(self, operator: str, inputs: Iterable[str], hints: Iterable[str], **attributes: Any) -> list[str]:
        """A node with several outputs; an empty hint leaves one out."""
        outputs = [self.fresh(hint) if hint else "" for hint in hints]
        name = next(output for output in outputs if output)
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), outputs, name=name, **attributes))
        self.operators.add(operator)
        return outputs

    def graph(self, name: str) -> Any:
        """What was written, as a graph."""
        return self.onnx.helper.make_graph(
            self.nodes, name, self.inputs, self.outputs, initializer=list(self.constants.values())
        )

    def model(self, name: str) -> Any:
        """What was written, as a model of the lowest versions that hold it.

        Raises :class:`~ostinato.errors.ExportError` where the weights are too large for one file.
        """
        size = sum(constant.ByteSize() for constant in self.constants.values())
        if size > LARGEST:
            raise ExportError(
                f"an ONNX file holds less than 2 GiB and these weights are {size:,} bytes; export a smaller network"
            )
        helper = self.onnx.helper
        opset = helper.make_opsetid("", max(FLOORS[operator] for operator in self.operators))
        # Constants that are no inputs came with version 4, which older tables of versions do not know of.
        version = max(4, helper.find_min_ir_version_for([opset]))
        return helper.make_model(self.graph(name), opset_imports=[opset], ir_version=version, producer_name="ostinato")

    def _claim(self, name: str, what: str) -> None:
        if name in self.names or not name:
            raise ExportError(f"two things of this network are called '{name}'; rename the {what} of that name")
        self.names.add(name)

    def _described(self, name: str, dtype: str, shape: Sequence[int | str]) -> Any:
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.onnx.helper.make_tensor_value_info(name, kind, list(shape))


def _replace(names: Any, old: str, new: str) -> None:
    for place, name in enumerate(names):
        if name == old:
            names[place] = new
