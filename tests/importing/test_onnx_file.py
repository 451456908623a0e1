from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from ostinato import from_onnx
from ostinato.errors import ArtifactError, MissingExtraError, OptionError
from ostinato.importing import onnx_file
from ostinato.importing.onnx_file import read_file
from tests.importing.graphs import D, H, model_of, node_weights, open_value, single


def broken(change: Callable[[Any], Any]) -> bytes:
    """A sound model, damaged."""
    model = single("GRU")
    change(model)
    return bytes(model.SerializeToString())


def tensor(model: Any, name: str = "W") -> Any:
    return next(each for each in model.graph.initializer if each.name == name)


def external(model: Any) -> None:
    each = tensor(model)
    each.ClearField("raw_data")
    each.data_location = TensorProto.EXTERNAL
    each.external_data.add(key="location", value="../../etc/passwd")


def external_constant(model: Any) -> None:
    value = TensorProto(data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["unused"], value=value))


def huge(model: Any) -> None:
    each = tensor(model)
    del each.dims[:]
    each.dims.extend([2**31, 2**31, 2**31])


def negative(model: Any) -> None:
    tensor(model).dims[0] = -1


def too_short(model: Any) -> None:
    each = tensor(model)
    each.raw_data = each.raw_data[:-4]


def no_data(model: Any) -> None:
    tensor(model).ClearField("raw_data")


def words(model: Any) -> None:
    tensor(model).CopyFrom(TensorProto(name="W", data_type=TensorProto.STRING, dims=[1], string_data=[b"W"]))


def unknown_kind(model: Any) -> None:
    tensor(model).data_type = 999


def twice(model: Any) -> None:
    model.graph.initializer.append(tensor(model))


def input_twice(model: Any) -> None:
    model.graph.input.append(model.graph.input[0])


def made_twice(model: Any) -> None:
    model.graph.node.append(helper.make_node("Identity", ["x"], ["y"]))


def made_though_given(model: Any) -> None:
    model.graph.node.append(helper.make_node("Identity", ["x"], ["W"]))


def attribute_twice(model: Any) -> None:
    model.graph.node[0].attribute.append(model.graph.node[0].attribute[0])


def subgraph(model: Any) -> None:
    inner = helper.make_graph([], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=inner, else_branch=inner))


def functions(model: Any) -> None:
    model.functions.add(name="mine", domain="mine")


def sparse(model: Any) -> None:
    model.graph.sparse_initializer.add()


def no_nodes(model: Any) -> None:
    del model.graph.node[:]


def no_outputs(model: Any) -> None:
    del model.graph.output[:]


def no_opset(model: Any) -> None:
    del model.opset_import[:]


def old_opset(model: Any) -> None:
    model.opset_import[0].version = 3


def sequence_input(model: Any) -> None:
    inner = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
    model.graph.input.append(helper.make_value_info("s", helper.make_sequence_type_proto(inner)))


def word_input(model: Any) -> None:
    model.graph.input.append(open_value("s", [1], TensorProto.STRING))


HOSTILE: dict[Callable[[Any], Any], str] = {
    external: "the tensor 'W' lies in another file, which is never opened; save the model as one file",
    external_constant: r"the node 'unused' \(Constant\) lies in another file, which is never opened",
    huge: "the tensor 'W' wanted .* bytes for its shape .* got 540; copy the file again",
    negative: r"the tensor 'W' has the impossible shape \[-1, 27, 5\]",
    too_short: "the tensor 'W' wanted 540 bytes for its shape .*, got 536",
    no_data: "the tensor 'W' wanted 135 numbers for its shape .*, got 0",
    words: "the tensor 'W' is of type STRING",
    unknown_kind: "the tensor 'W' is of type 999",
    twice: "two tensors called 'W'",
    input_twice: "two inputs called 'x'",
    made_twice: r"the node 'y' \(Identity\) makes 'y', which is made already",
    made_though_given: "makes 'W', which is made already",
    attribute_twice: "two attributes called 'hidden_size'",
    subgraph: r"the node 'z' \(If\) is not understood: its attribute '.*_branch' has a graph inside",
    functions: "functions of its own; export it with them inlined",
    sparse: "sparse tensors",
    no_nodes: "not an ONNX model: it has no graph",
    no_outputs: "a graph without outputs",
    no_opset: "wanted one version of ONNX's own operators, got 0",
    old_opset: "is of opset 3; wanted 7 or later",
    sequence_input: "the input 's' is no tensor but sequence_type",
    word_input: "the input 's' wanted numbers, got STRING",
}


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_what_is_not_as_it_should_be_is_refused(change: Callable[[Any], Any]) -> None:
    with pytest.raises(ArtifactError, match=HOSTILE[change]):
        from_onnx(broken(change))


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path: Any) -> None:
    data = single("GRU").SerializeToString()
    path = tmp_path / "cut.onnx"
    for end in [*range(0, 64), *range(64, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:end])
        with pytest.raises(ArtifactError, match=r"cut\.onnx"):
            from_onnx(path)


def test_flipped_bytes_never_do_more_than_raise_our_errors() -> None:
    data = bytearray(single("LSTM", lengths=True, starts=True).SerializeToString())
    random = numpy.random.default_rng(0)
    refused = 0
    for _ in range(1000):
        damaged = bytearray(data)
        # The beginning and the end hold the graph, the middle the weights.
        for place in [*random.integers(0, 300, 2).tolist(), len(data) - int(random.integers(1, 300))]:
            damaged[place] = int(random.integers(0, 256))
        try:
            from_onnx(bytes(damaged))
        except ArtifactError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 and so on", "zip archive"),
        (b"\x80\x04 a pickle", "not an ONNX model, or it is cut off"),
        (b"hello, world", "not an ONNX model"),
        (b"\x00" * 100, "not an ONNX model"),
    ],
)
def test_another_kind_of_file_is_refused(content: bytes, said: str, tmp_path: Any) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=rf"model\.onnx.*{said}"):
        from_onnx(path)


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ArtifactError, match="there is no file"):
        from_onnx(tmp_path / "none.onnx")
    with pytest.raises(ArtifactError, match="there is no file"):
        from_onnx("a\0b")
    with pytest.raises(ArtifactError, match="is a directory"):
        from_onnx(tmp_path)
    for source in (None, 3, ["a"]):
        with pytest.raises(OptionError, match=r"wanted a path, bytes or an onnx.ModelProto, got"):
            from_onnx(source)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Any, monkeypatch: Any) -> None:
    path = tmp_path / "large.onnx"
    path.write_bytes(single("GRU").SerializeToString())
    monkeypatch.setattr(onnx_file, "LARGEST_FILE", 100)
    with pytest.raises(ArtifactError, match="bytes; an ONNX model has at most 100"):
        from_onnx(path)


def test_data_of_another_file_are_never_opened(tmp_path: Any) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(single("GRU"), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").is_file()
    with pytest.raises(ArtifactError, match="lies in another file, which is never opened"):
        from_onnx(path)


def test_weights_may_be_inputs_of_the_graph() -> None:
    weights = {n: a for n, a in node_weights("GRU", 1).items() if n in "WR"}
    inputs = [open_value(name, list(array.shape)) for name, array in weights.items()]
    step = helper.make_node("GRU", ["x", "W", "R"], ["y"], hidden_size=H)
    model = model_of([step], [open_value("x", ["t", "b", D]), *inputs], ["y"], {})
    layer = from_onnx(model, weights=weights)
    plain = from_onnx(single("GRU", biases=False))
    assert all(torch.equal(a, b) for a, b in zip(layer.parameters(), plain.parameters(), strict=True))
    with pytest.raises(ArtifactError, match=r"takes its weights from 'R'.*from_onnx\(\.\.\., weights=\{'R': array\}\)"):
        from_onnx(model, weights={"W": weights["W"]})
    with pytest.raises(OptionError, match=r"weights got 'w', which is no open input of the graph; did you mean 'W'"):
        from_onnx(model, weights={"w": weights["W"]})
    with pytest.raises(OptionError, match="weights wanted numbers as 'W', got <U1"):
        from_onnx(model, weights={**weights, "W": numpy.array("a")})
    with pytest.raises(OptionError, match=r"weights got 'W'.*known: 'x'"):
        from_onnx(single("GRU"), weights=weights)


def test_old_files_list_their_tensors_among_the_inputs() -> None:
    model = single("GRU")
    model.graph.input.extend(open_value(each.name, list(each.dims)) for each in model.graph.initializer)
    assert list(read_file(model).inputs) == ["x"]


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("raw", [True, False])
def test_a_tensor_is_read_from_raw_bytes_and_from_its_field(kind: str, raw: bool) -> None:
    array = numpy.arange(6).reshape(2, 3).astype(kind)
    model = single("GRU")
    elem = helper.np_dtype_to_tensor_dtype(array.dtype)
    values: Any = array.tobytes() if raw else array.reshape(-1).tolist()
    model.graph.initializer.append(helper.make_tensor("more", elem, [2, 3], values, raw=raw))
    found = read_file(model).tensors["more"]
    assert numpy.array_equal(found, array)
    assert found.dtype == ("float32" if kind == "float16" else kind)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: Any) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[onnx\]'"):
        from_onnx("model.onnx")


def test_numbers_of_a_tensor_are_those_that_were_stored() -> None:
    model = single("GRU")
    assert numpy.array_equal(read_file(model).tensors["R"], numpy_helper.to_array(tensor(model, "R")))
