from __future__ import annotations

import copy
import json
import os
import sys

import numpy as np
import pytest
import torch

from ostinato.errors import ExportError, MissingExtraError, OptionError, OutputError, PlanError
from ostinato.exporting import onnx_export, onnx_trials
from ostinato.exporting.onnx_export import to_onnx, vectors_of
from ostinato.exporting.onnx_proof import Session
from ostinato.exporting.onnx_step import NEXT
from tests.exporting.models import MODELS, STEPPING, layer, plan, source

onnx = pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")
pytest.importorskip("onnxruntime", reason="exports to ONNX need the extra onnx")


@pytest.fixture(autouse=True)
def _short_walks(monkeypatch):
    """A thousand steps are walked once, below."""
    monkeypatch.setattr(onnx_trials, "STEPS", 40)


@pytest.mark.parametrize("name", STEPPING)
def test_a_step_that_is_exported_runs_as_what_was_trained(name):
    export = to_onnx(plan(name), "step")
    onnx.checker.check_model(export.model, full_check=True)
    assert export.facts.error <= 2e-6
    assert export.facts.opset <= 22
    assert export.facts.ir_version <= 10


@pytest.mark.parametrize("name", MODELS)
def test_a_sequence_that_is_exported_runs_as_what_was_trained(name):
    export = to_onnx(plan(name), "sequence")
    onnx.checker.check_model(export.model, full_check=True)
    assert export.facts.error <= 2e-6
    made = source(name)
    if "body" not in dict(made.named_children()) if isinstance(made, torch.nn.Module) else False:
        _check_against_the_layer(made, export)


def _check_against_the_layer(made, export):
    """The trainable layer itself is asked too, whatever the plan says."""
    x, lengths, dt = torch.randn(3, 7, 5), torch.tensor([7, 0, 3]), torch.rand(3, 7)
    given = {"dt": dt} if made.cell.inputs else None
    with torch.no_grad():
        y, _ = made(x, lengths=lengths, inputs=given)
    numbers = {"x": x.numpy(), "lengths": lengths.numpy(), "dt": dt.numpy()[..., None]}
    got = Session(export.model.SerializeToString()).run(numbers)
    np.testing.assert_allclose(got["y"], y, rtol=2e-6, atol=4e-6)


def test_a_thousand_steps_stay_close(monkeypatch):
    monkeypatch.setattr(onnx_trials, "STEPS", 1000)
    assert to_onnx(plan("gru"), "step").facts.drift < 1e-5


def test_the_step_of_a_network_that_reads_backwards_is_refused_with_the_reason():
    with pytest.raises(PlanError, match="export whole sequences"):
        to_onnx(plan("lstm both ways"), "step")


def test_an_unknown_form_is_refused():
    with pytest.raises(OptionError, match="did you mean 'step'"):
        to_onnx(plan("gru"), "steps")


def test_facts_are_those_of_the_model():
    facts = to_onnx(layer("lstm", 3, 4), "step").facts
    assert (facts.state, facts.operators, facts.opset, facts.ir_version) == (32, ("LSTM",), 13, 7)
    assert facts.operations == plan_operations(3, 4)
    assert to_onnx(layer("mgu", 3, 4), "sequence").facts.operators == ("derived",)


def plan_operations(inputs, hidden):
    """Two for each weight of the products, and the nine vectors of an LSTM's arithmetic."""
    products = 2 * 4 * hidden * (inputs + hidden)
    return products + 9 * hidden


def test_the_file_holds_its_origin_and_vectors_that_it_answers(tmp_path):
    for name, form in (("gru", "step"), ("text both ways", "sequence")):
        path, beside = to_onnx(plan(name), form).save(tmp_path / f"{form}.onnx")
        model = onnx.load(path)
        told = {entry.key: entry.value for entry in model.metadata_props}
        assert told["ostinato.digest"] == plan(name).digest
        assert told["ostinato.form"] == form
        assert told["ostinato.beside"] == beside.name == f"{form}.json"
        inputs, outputs, limit = vectors_of(model)
        got = Session(path.read_bytes()).run(inputs)
        assert got.keys() == outputs.keys()
        for output, wanted in outputs.items():
            np.testing.assert_allclose(got[output], wanted, rtol=limit, atol=limit)


@pytest.mark.parametrize("name", ["elman", "lstm", "gru", "mgu", "slstm", "lru"])
def test_a_second_judge_agrees_on_a_step(name):
    """The standard's own evaluator, where there are neither lengths nor other activations than its own."""
    reference = pytest.importorskip("onnx.reference")
    model = to_onnx(plan(name), "step").model
    inputs, outputs, _ = vectors_of(model)
    got = reference.ReferenceEvaluator(model).run(None, inputs)
    for value, info in zip(got, model.graph.output, strict=True):
        np.testing.assert_allclose(value, outputs[info.name], rtol=2e-6, atol=2e-6)


def test_a_stream_of_steps_is_the_whole_sequence():
    x = np.random.default_rng(0).normal(size=(2, 9, 5)).astype(np.float32)
    step, whole = (
        Session(to_onnx(plan("residual and norm"), f).model.SerializeToString()) for f in ("step", "sequence")
    )
    state = {name: np.zeros((2, 6), np.float32) for name in plan("residual and norm").program.state}
    shown = []
    for t in range(9):
        made = step.run({"x": x[:, t], **state})
        shown.append(made["y"])
        state = {name: made[NEXT.format(name)] for name in state}
    at_once = whole.run({"x": x, "lengths": np.array([9, 9])})
    np.testing.assert_allclose(np.stack(shown, 1), at_once["y"], atol=2e-6)
    for name in state:
        np.testing.assert_allclose(state[name], at_once[NEXT.format(name)], atol=2e-6)


def test_both_files_or_none(tmp_path, monkeypatch):
    export, real = to_onnx(plan("gru"), "step"), onnx_export.replace_file

    def fails_at_the_second(path, data):
        if str(path).endswith(".json"):
            raise OutputError("the disk is full")
        real(path, data)

    monkeypatch.setattr(onnx_export, "replace_file", fails_at_the_second)
    with pytest.raises(OutputError, match="full"):
        export.save(tmp_path / "g.onnx")
    assert os.listdir(tmp_path) == []
    (tmp_path / "g.onnx").write_bytes(b"older")
    with pytest.raises(OutputError, match="full"):
        export.save(tmp_path / "g.onnx")
    assert os.listdir(tmp_path) == ["g.onnx"]
    assert (tmp_path / "g.onnx").read_bytes() == b"older"


def test_what_cannot_be_written_is_refused_and_nothing_is_left(tmp_path):
    export = to_onnx(plan("gru"), "step")
    with pytest.raises(OutputError, match="no directory"):
        export.save(tmp_path / "nowhere" / "g.onnx")
    (tmp_path / "g.json").write_text('{"mine": 1}')
    with pytest.raises(OutputError, match="another kind"):
        export.save(tmp_path / "g.onnx")
    (tmp_path / "h.json").mkdir()
    with pytest.raises(OutputError, match="directory"):
        export.save(tmp_path / "h.onnx")
    assert sorted(os.listdir(tmp_path)) == ["g.json", "h.json"]


def test_a_file_of_ours_is_replaced(tmp_path):
    export = to_onnx(plan("gru"), "step")
    first = [path.read_bytes() for path in export.save(tmp_path / "g.onnx")]
    assert [path.read_bytes() for path in export.save(tmp_path / "g.onnx")] == first
    assert [path.name for path in export.save(tmp_path / "g.bin")] == ["g.bin", "g.bin.json"]


def test_a_file_name_that_is_no_text_does_no_harm(tmp_path):
    path, beside = to_onnx(plan("gru"), "step").save(tmp_path / os.fsdecode(b"g\xff \n.onnx"))
    assert json.loads(beside.read_bytes())["model"] == "g\ufffd \n.onnx"
    assert Session(path.read_bytes()).outputs


def test_bytes_that_changed_after_the_proof_are_not_written(tmp_path):
    export = to_onnx(plan("gru"), "step")
    spoilt = copy.deepcopy(export.model)
    spoilt.graph.node[[n.op_type for n in spoilt.graph.node].index("GRU")].attribute[-1].i = 0
    with pytest.raises(ExportError, match="nothing was written"):
        onnx_export.OnnxExport(export.plan, "step", spoilt, export.facts, export.beside).save(tmp_path / "g.onnx")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_names_the_command(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[onnx\]'"):
        to_onnx(plan("gru"), "step")
