from __future__ import annotations

import numpy as np
import pytest

from ostinato.errors import ExportError
from ostinato.exporting import onnx_sheet
from ostinato.exporting.onnx_sheet import FLOORS, Sheet

onnx = pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")


def test_every_operator_exists_from_its_floor_on():
    for operator, floor in FLOORS.items():
        assert onnx.defs.get_schema(operator, floor).since_version <= floor


@pytest.mark.parametrize(("operator", "opset", "version"), [("Tanh", 6, 4), ("Softmax", 13, 7)])
def test_the_versions_are_the_lowest_that_hold_the_graph(operator, opset, version):
    sheet = Sheet()
    x = sheet.input("x", "float32", ("batch", 2))
    sheet.output("y", sheet.add(operator, x), "float32", ("batch", 2))
    model = sheet.model("one")
    assert (model.opset_import[0].version, model.ir_version) == (opset, version)
    onnx.checker.check_model(model, full_check=True)


def test_equal_constants_are_one_and_others_have_names_of_their_own():
    sheet = Sheet()
    one, again = sheet.floats([1.0, 2.0], "a"), sheet.floats(np.array([1, 2]), "b")
    other, whole = sheet.floats([[1.0, 2.0]], "a"), sheet.hold(np.array([1, 2]), "a")
    assert one == again == "a"
    assert len({one, other, whole}) == 3
    assert sheet.floats([0.0], "z") != sheet.floats([-0.0], "z")


def test_two_things_of_one_name_are_refused():
    sheet = Sheet()
    x = sheet.input("x", "float32", (2,))
    with pytest.raises(ExportError, match="called 'x'; rename the output"):
        sheet.output("x", sheet.add("Tanh", x), "float32", (2,))
    assert sheet.add("Tanh", x, hint="x") == "x:2"


def test_a_value_may_be_shown_under_several_names_and_an_input_too():
    sheet = Sheet()
    x = sheet.input("x", "float32", (2,))
    made = sheet.add("Tanh", x)
    further = sheet.add("Exp", made)
    for name, value in (("a", made), ("b", made), ("c", x), ("d", further)):
        sheet.output(name, value, "float32", (2,))
    model = sheet.model("names")
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Tanh", "Exp", "Identity", "Identity"]


def test_a_graph_inside_another_uses_other_names_and_counts_for_the_versions():
    sheet = Sheet()
    sheet.floats([1.0], "w")
    inner = Sheet(sheet)
    assert inner.floats([1.0], "w") == "w:2"
    inner.add("Softmax", "w:2")
    sheet.output("y", sheet.add("Identity", "w"), "float32", (1,))
    assert sheet.model("outer").opset_import[0].version == 13


def test_more_weights_than_a_file_can_hold_are_refused(monkeypatch):
    monkeypatch.setattr(onnx_sheet, "LARGEST", 100)
    sheet = Sheet()
    sheet.output("y", sheet.floats(np.zeros(100), "w"), "float32", (100,))
    with pytest.raises(ExportError, match="less than 2 GiB and these weights are"):
        sheet.model("large")
