from __future__ import annotations

import copy
import re

import numpy as np
import pytest
import torch

from ostinato.errors import ExportError
from ostinato.exporting import onnx_trials
from ostinato.exporting.onnx_export import to_onnx
from ostinato.exporting.onnx_proof import Session, prove
from ostinato.exporting.onnx_sequence import write_sequence
from ostinato.exporting.onnx_step import write_step
from ostinato.layers import Recurrent
from ostinato.plan import plan_of
from tests.exporting.models import layer, network, plan

onnx = pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")
pytest.importorskip("onnxruntime", reason="exports to ONNX need the extra onnx")

WRITERS = {"step": write_step, "sequence": write_sequence}


@pytest.fixture(autouse=True)
def _short_walks(monkeypatch):
    monkeypatch.setattr(onnx_trials, "STEPS", 40)


def nodes(model, *kinds):
    found = [node for node in model.graph.node if node.op_type in kinds]
    found += [n for node in found if node.op_type == "Scan" for n in node.attribute[0].g.node]
    return found


def weights(model, ending):
    return [w for w in model.graph.initializer if w.name.endswith(ending)]


def changed(model, ending, change):
    for weight in weights(model, ending):
        array = onnx.numpy_helper.to_array(weight)
        weight.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(change(array)), weight.name))


def attribute(node, name):
    return next(a for a in node.attribute if a.name == name)


def gates_in_our_order(model):
    """The gates of all weights in the order of the cell instead of the standard's."""
    kind = next(node.op_type for node in model.graph.node if node.op_type in ("LSTM", "GRU"))
    order = {"LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2]}[kind]
    for ending in ("/W", "/R"):
        changed(model, ending, lambda a: np.concatenate([np.split(a, len(order), 1)[i] for i in order], 1))


def biases_swapped(model):
    changed(model, "/B", lambda a: np.concatenate(np.split(a, 2, 1)[::-1], 1))


def other_gru(model):
    for node in nodes(model, "GRU"):
        form = attribute(node, "linear_before_reset")
        form.i = 1 - form.i


def lengths_off_by_one(model):
    """Everybody reads lengths that are one too short."""
    one = onnx.numpy_helper.from_array(np.array([1], np.int64), "one_too_many")
    model.graph.initializer.append(one)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == "lengths":
                node.input[place] = "shorter"
    model.graph.node.insert(0, onnx.helper.make_node("Sub", ["lengths", "one_too_many"], ["shorter"]))


def operator_lengths_off_by_one(model):
    """Only the recurrent operator reads lengths that are one too short."""
    one = onnx.numpy_helper.from_array(np.array([1], np.int32), "one_too_many")
    model.graph.initializer.append(one)
    (place,) = (i for i, node in enumerate(model.graph.node) if node.op_type == "GRU")
    node = model.graph.node[place]
    model.graph.node.insert(place, onnx.helper.make_node("Sub", [node.input[4], "one_too_many"], ["shorter"]))
    node.input[4] = "shorter"


def lengths_left_out(model):
    for node in nodes(model, "GRU"):
        node.input[4] = ""


def direction_lost(model):
    for node in nodes(model, "GRU", "LSTM", "RNN"):
        attribute(node, "direction").s = b"forward"
    for node in nodes(model, "Scan"):
        for way in node.attribute:
            if way.name.endswith("directions"):
                del way.ints[:]


def activation_changed(model):
    for node in nodes(model, "RNN"):
        attribute(node, "activations").strings[:] = [b"Sigmoid"]


def derived_activation_changed(model):
    for node in nodes(model, "Tanh", "Scan"):
        if node.op_type == "Tanh":
            node.op_type = "Sigmoid"


def state_not_carried(model):
    for node in nodes(model, "GRU"):
        node.input[5] = ""


def peepholes_in_our_order(model):
    changed(model, "/P", lambda a: np.concatenate([np.split(a, 3, 1)[i] for i in (0, 2, 1)], 1))


def mean_over_the_padding(model):
    for node in nodes(model, "ReduceSum"):
        if node.output[0].endswith("/sum"):
            node.op_type = "ReduceMax"


def padding_shown(model):
    (clean,) = (node for node in model.graph.node if node.output[0].startswith("y/clean"))
    clean.input[0], clean.input[2] = clean.input[0], clean.input[1]


def a_weight_lost_its_digits(model):
    changed(model, "/W", lambda a: a.astype(np.float16).astype(np.float32))


FAULTS = {
    "gates in our order, lstm": ("lstm", "step", gates_in_our_order),
    "gates in our order, gru": ("gru", "sequence", gates_in_our_order),
    "biases swapped": ("gru", "step", biases_swapped),
    "biases swapped in a sequence": ("gru", "sequence", biases_swapped),
    "the other gru": ("gru", "step", other_gru),
    "the other gru in a sequence": ("gru", "sequence", other_gru),
    "the other gru for the reset before": ("gru_reset_before", "sequence", other_gru),
    "lengths one too short": ("mgu", "sequence", lengths_off_by_one),
    "lengths one too short for all": ("gru", "sequence", lengths_off_by_one),
    "lengths one too short for the operator": ("gru", "sequence", operator_lengths_off_by_one),
    "lengths one too short for a pool": ("ids, mean", "sequence", lengths_off_by_one),
    "no lengths": ("gru", "sequence", lengths_left_out),
    "no direction": ("gru both ways", "sequence", direction_lost),
    "no direction of a loop": ("mgu both ways", "sequence", direction_lost),
    "another activation": ("elman", "step", activation_changed),
    "another activation in a sequence": ("elman_relu", "sequence", activation_changed),
    "another activation of what is derived": ("mgu", "step", derived_activation_changed),
    "another activation in a loop": ("mgu", "sequence", derived_activation_changed),
    "the state starts anew": ("gru", "step", state_not_carried),
    "peepholes in our order": ("lstm_peephole", "sequence", peepholes_in_our_order),
    "a maximum for a mean": ("ids, mean", "sequence", mean_over_the_padding),
    "padding shown": ("residual and norm", "sequence", padding_shown),
    "half precision": ("lstm", "step", a_weight_lost_its_digits),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_export_is_refused_and_the_place_is_told(fault):
    name, form, spoil = FAULTS[fault]
    model = WRITERS[form](plan(name))
    before = model.SerializeToString()
    spoil(model)
    assert model.SerializeToString() != before
    with pytest.raises(ExportError) as refused:
        prove(plan(name), form, model.SerializeToString())
    place = r"(row|step) \d+, .*(unit|number) \d+: wanted \S+, got \S+, (allowed is a|and \S+ is allowed)"
    assert re.search(place, str(refused.value)) or "onnxruntime" in str(refused.value)
    assert "nothing was written" in str(refused.value)


def test_what_onnxruntime_refuses_is_an_export_error():
    with pytest.raises(ExportError, match="onnxruntime refuses"):
        Session(b"no model at all")
    session = Session(write_step(plan("gru")).SerializeToString())
    with pytest.raises(ExportError, match="cannot run"):
        session.run({"x": np.zeros((1, 4), np.float32)})


def test_rows_and_single_steps_are_asked_for_too():
    proof = prove(plan("gru"), "sequence", write_sequence(plan("gru")).SerializeToString())
    assert proof.example.inputs["lengths"].tolist() == [7, 0, 2]
    assert 0 < proof.error < 2e-6
    assert 0 < proof.drift < 1e-5


def test_a_network_of_one_unit_stands_the_proof():
    for form, write in WRITERS.items():
        small = plan_of(layer("gru", 1, 1))
        assert prove(small, form, write(small).SerializeToString()).error < 2e-6


def test_weights_that_make_the_network_chaotic_do_not_look_like_a_fault():
    wild = layer("elman", 4, 16)
    for weight in wild.parameters():
        weight.data *= 6
    wild = plan_of(wild)
    proof = prove(wild, "sequence", write_sequence(wild).SerializeToString())
    assert copy.copy(proof).error < 2e-6


def test_a_network_of_ids_without_a_pool_is_asked_too():
    steps = plan_of(network([]))
    assert prove(steps, "step", write_step(steps).SerializeToString()).error < 2e-6


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_an_ordinary_wide_network_is_not_blamed_for_inputs_of_ten_thousand(cell):
    torch.manual_seed(1)
    assert to_onnx(Recurrent(cell, 256, 256), "step").facts.error < 2e-6
