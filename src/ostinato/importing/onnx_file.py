"""An ONNX file as plain data: every size is known to be true before anything is made of it."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.errors import ArtifactError, OptionError, nearest, needs

# What protobuf can hold at all.
LARGEST_FILE = 2**31 - 1
OLDEST_OPSET = 7
_MOST_DIMENSIONS = 32
# The field of a tensor that holds its numbers if they are not raw bytes.
_FIELDS = {
    **{"FLOAT": "float_data", "DOUBLE": "double_data", "INT64": "int64_data"},
    **dict.fromkeys(("INT32", "INT16", "INT8", "UINT16", "UINT8", "BOOL", "FLOAT16", "BFLOAT16"), "int32_data"),
    **dict.fromkeys(("UINT32", "UINT64"), "uint64_data"),
}
_ITEMS = {
    **dict.fromkeys(("DOUBLE", "INT64", "UINT64"), 8),
    **dict.fromkeys(("FLOAT", "INT32", "UINT32"), 4),
    **dict.fromkeys(("INT16", "UINT16", "FLOAT16", "BFLOAT16"), 2),
    **dict.fromkeys(("INT8", "UINT8", "BOOL"), 1),
}
_FLOATS = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")


@dataclass(frozen=True)
class Node:
    """One operation: names of what it reads and makes ("" where it leaves one out), and its attributes."""

    operation: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        called = self.name or next((name for name in self.outputs if name), "")
        return f"the node '{called:.80}' ({self.operation:.80})"


@dataclass(frozen=True)
class Declared:
    """An input of the graph: whether it is of whole numbers, and its shape; a word or None where that is open."""

    whole: bool
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class File:
    """A graph without subgraphs, checked name by name; ``title`` is what errors call it."""

    title: str
    opset: int
    nodes: tuple[Node, ...]
    tensors: Mapping[str, NDArray[Any]]
    inputs: Mapping[str, Declared]
    outputs: tuple[str, ...]


def read_file(source: Any, weights: Mapping[str, Any] | None = None) -> File:
    """Read a path, bytes or an ``onnx.ModelProto``; ``weights`` are arrays for inputs of the graph.

    Nothing but the one file is opened. Raises :class:`~ostinato.errors.ArtifactError` for what is missing, foreign, cut
    off, or says of itself what is not true, and :class:`~ostinato.errors.OptionError` for unknown weights.
    """
    onnx = needs("onnx", "onnx")
    model, title = _model(onnx, source)
    graph = model.graph
    if not graph.node:
        raise ArtifactError(f"{title} is not an ONNX model: it has no graph, or a graph without nodes")
    if model.functions:
        raise ArtifactError(f"{title} has functions of its own; export it with them inlined")
    if graph.sparse_initializer:
        raise ArtifactError(f"{title} holds sparse tensors; export it with dense ones")
    nodes = tuple(_node(onnx, node, title) for node in graph.node)
    tensors: dict[str, NDArray[Any]] = {}
    for tensor in graph.initializer:
        name = _text(tensor.name)
        if name in tensors:
            raise ArtifactError(f"{title} has two tensors called '{name:.80}'")
        tensors[name] = _array(onnx, tensor, f"{title}: the tensor '{name:.80}'")
    inputs: dict[str, Declared] = {}
    for value in graph.input:
        name = _text(value.name)
        if name in inputs or not name:
            raise ArtifactError(f"{title} has two inputs called '{name:.80}', or one without a name")
        inputs[name] = _declared(onnx, value.type, f"{title}: the input '{name:.80}'")
    _check_names(nodes, tensors, inputs, title)
    opset = _opset(model, title)
    outputs = tuple(_text(value.name) for value in graph.output)
    if not outputs:
        raise ArtifactError(f"{title} has a graph without outputs; name what it hands out")
    # Old files list their tensors among the inputs.
    inputs = {name: declared for name, declared in inputs.items() if name not in tensors}
    tensors.update(_given(weights, inputs))
    inputs = {name: declared for name, declared in inputs.items() if name not in tensors}
    return File(title, opset, nodes, tensors, inputs, outputs)


def _model(onnx: Any, source: Any) -> tuple[Any, str]:
    """The message, and what to call it."""
    if isinstance(source, onnx.ModelProto):
        return source, "the model"
    title = "the model"
    if isinstance(source, bytes | bytearray):
        data = bytes(source)
    elif isinstance(source, str | os.PathLike):
        title = os.fsdecode(source)
        data = _bytes(Path(title), title)
    else:
        raise OptionError(f"from_onnx wanted a path, bytes or an onnx.ModelProto, got {type(source).__name__}")
    if not data:
        raise ArtifactError(f"{title} is empty; wanted an ONNX model")
    if data[:2] == b"PK":
        raise ArtifactError(f"{title} is a zip archive (a PyTorch or Keras file, perhaps); wanted an ONNX model")
    try:
        return onnx.load_model_from_string(data), title
    except Exception as error:
        # The parser's own error belongs to whichever protobuf is installed.
        raise ArtifactError(
            f"{title} is not an ONNX model, or it is cut off ({str(error)[:120]}); copy it again, or export it anew"
        ) from None


def _bytes(path: Path, title: str) -> bytes:
    if "\0" in title or not path.exists():
        raise ArtifactError(f"there is no file {title!r}; give the path of an ONNX model")
    try:
        size, mode = path.stat().st_size, path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "not an ordinary file"
            raise ArtifactError(f"{title} is {what}; wanted an ONNX model")
        if size > LARGEST_FILE:
            raise ArtifactError(f"{title} has {size:,} bytes; an ONNX model has at most {LARGEST_FILE:,}")
        with path.open("rb") as file:
            return file.read(LARGEST_FILE)
    except OSError as error:
        raise ArtifactError(f"{title} cannot be read: {error.strerror}") from None
    except MemoryError:
        raise ArtifactError(f"{title} cannot be read: it does not fit into memory") from None


def _opset(model: Any, title: str) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise ArtifactError(f"{title} wanted one version of ONNX's own operators, got {len(versions)}; export it anew")
    if versions[0] < OLDEST_OPSET:
        raise ArtifactError(f"{title} is of opset {versions[0]}; wanted {OLDEST_OPSET} or later, export it anew")
    return int(versions[0])


def _node(onnx: Any, node: Any, title: str) -> Node:
    operation, domain = _text(node.op_type), _text(node.domain)
    operation = operation if domain in ("", "ai.onnx") else f"{domain}.{operation}"
    bare = Node(operation, _text(node.name), tuple(map(_text, node.input)), tuple(map(_text, node.output)), {})
    kinds = onnx.AttributeProto
    attributes: dict[str, Any] = {}
    plain: dict[int, Callable[[Any], Any]] = {
        kinds.FLOAT: lambda a: float(a.f),
        kinds.INT: lambda a: int(a.i),
        kinds.STRING: lambda a: a.s.decode("utf-8", "replace"),
        kinds.FLOATS: lambda a: [float(value) for value in a.floats],
        kinds.INTS: lambda a: [int(value) for value in a.ints],
        kinds.STRINGS: lambda a: [value.decode("utf-8", "replace") for value in a.strings],
        kinds.TENSOR: lambda a: _array(onnx, a.t, f"{title}: {bare}"),
    }
    for attribute in node.attribute:
        name = _text(attribute.name)
        if name in attributes:
            raise ArtifactError(f"{title}: {bare} has two attributes called '{name:.80}'")
        if attribute.type not in plain or attribute.ref_attr_name:
            what = "a graph inside" if attribute.type in (kinds.GRAPH, kinds.GRAPHS) else "no plain value"
            raise ArtifactError(
                f"{title}: {bare} is not understood: its attribute '{name:.80}' has {what}; "
                "RNN, LSTM and GRU with plain operations between them are imported"
            )
        attributes[name] = plain[attribute.type](attribute)
    return replace(bare, attributes=attributes)


def _text(value: Any) -> str:
    """A word of the file; one that is no text is given back as bytes by some versions of protobuf."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _array(onnx: Any, tensor: Any, what: str) -> NDArray[Any]:
    """The numbers of a tensor; half precision is widened to float32, which changes no number."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ArtifactError(
            f"{what} lies in another file, which is never opened; save the model as one file "
            "(onnx.save with save_as_external_data=False)"
        )
    known = {number: name for name, number in onnx.TensorProto.DataType.items()}
    kind = known.get(tensor.data_type, str(tensor.data_type))
    shape = [int(size) for size in tensor.dims]
    if kind not in _ITEMS or tensor.HasField("segment"):
        raise ArtifactError(f"{what} is of type {kind}, in one piece or not; wanted plain numbers such as FLOAT")
    if len(shape) > _MOST_DIMENSIONS or any(size < 0 for size in shape):
        raise ArtifactError(f"{what} has the impossible shape {shape[:_MOST_DIMENSIONS]}")
    wanted = math.prod(shape)
    if tensor.HasField("raw_data"):
        came, wanted = len(tensor.raw_data), wanted * _ITEMS[kind]
        unit = "bytes"
    else:
        came, unit = len(getattr(tensor, _FIELDS[kind])), "numbers"
    if came != wanted:
        raise ArtifactError(f"{what} wanted {wanted:,} {unit} for its shape {shape}, got {came:,}; copy the file again")
    array = numpy.asarray(onnx.numpy_helper.to_array(tensor))
    if kind in ("FLOAT16", "BFLOAT16"):
        array = array.astype(numpy.float32)
    return array


def _declared(onnx: Any, kind: Any, what: str) -> Declared:
    if kind.WhichOneof("value") != "tensor_type":
        raise ArtifactError(f"{what} is no tensor but {kind.WhichOneof('value') or 'nothing'}")
    declared = kind.tensor_type
    known = {number: name for name, number in onnx.TensorProto.DataType.items()}
    name = known.get(declared.elem_type, "")
    if name not in _ITEMS:
        raise ArtifactError(f"{what} wanted numbers, got {name or declared.elem_type}")
    shape: tuple[int | str | None, ...] | None = None
    if declared.HasField("shape"):
        shape = tuple(d.dim_value if d.dim_value > 0 else _text(d.dim_param) or None for d in declared.shape.dim)
    return Declared(name not in _FLOATS, shape)


def _check_names(nodes: tuple[Node, ...], tensors: Mapping[str, Any], inputs: Mapping[str, Any], title: str) -> None:
    """Every name is made once."""
    made = {*tensors, *inputs}
    for node in nodes:
        for name in node.outputs:
            if name in made:
                raise ArtifactError(f"{title}: {node} makes '{name:.80}', which is made already; export it anew")
            made.update({name} - {""})


def _given(weights: Mapping[str, Any] | None, inputs: Mapping[str, Declared]) -> dict[str, NDArray[Any]]:
    """The arrays that stand for inputs of the graph."""
    given = {}
    for name, array in (weights or {}).items():
        if name not in inputs:
            raise OptionError(f"weights got '{name}', which is no open input of the graph; {nearest(name, inputs)}")
        value = numpy.asarray(array)
        if value.dtype.kind not in "fiu":
            raise OptionError(f"weights wanted numbers as '{name}', got {value.dtype}")
        given[name] = value.astype(numpy.float32) if value.dtype == numpy.float16 else value
    return given
