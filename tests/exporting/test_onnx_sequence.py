from __future__ import annotations

import numpy as np
import pytest

from ostinato.cells import Gates, cell, tanh
from ostinato.errors import ExportError
from ostinato.exporting.onnx_proof import Session
from ostinato.exporting.onnx_sequence import write_sequence
from ostinato.exporting.onnx_step import write_step
from ostinato.model import build
from ostinato.plan import plan_of
from ostinato.state import State
from tests.exporting.models import layer, plan
from tests.exporting.test_onnx_step import shapes

pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")
pytest.importorskip("onnxruntime", reason="exports to ONNX need the extra onnx")

RNG = np.random.default_rng(0)


def session(name):
    return Session(write_sequence(plan(name)).SerializeToString())


def test_rows_time_and_lengths_are_dynamic():
    graph = write_sequence(plan("lstm")).graph
    given = shapes(graph.input)
    assert given == {
        **{"x": ["batch", "time", 5], "lengths": ["batch"]},
        **{"layer0.h": ["batch", 8], "layer0.c": ["batch", 8]},
    }
    assert shapes(graph.output)["y"] == ["batch", "time", 8]
    graph = write_sequence(plan("text both ways")).graph
    assert shapes(graph.input)["edges"] == ["batch"]
    assert shapes(graph.input)["pairs"] == ["batch", "time"]
    assert shapes(graph.output)["probabilities"] == ["batch", 2]


@pytest.mark.parametrize("name", ["gru both ways", "mgu both ways", "lstm both ways"])
def test_padding_and_the_other_rows_never_matter(name):
    run = session(name).run
    x, lengths = RNG.normal(size=(3, 6, 5)).astype(np.float32), np.array([6, 2, 0])
    whole = run({"x": x, "lengths": lengths})
    dirty = x.copy()
    dirty[1, 2:], dirty[2] = np.nan, np.inf
    for output, value in run({"x": dirty, "lengths": lengths}).items():
        np.testing.assert_array_equal(value, whole[output])
    alone = run({"x": x[1:2, :2], "lengths": lengths[1:2]})
    np.testing.assert_allclose(alone["y"], whole["y"][1:2, :2], atol=1e-6)
    assert not whole["y"][1, 2:].any()
    assert not whole["y"][2].any()


@pytest.mark.parametrize("name", ["gru", "mgu", "lstm"])
def test_a_row_without_steps_keeps_its_state(name):
    names = list(plan(name).program.state)
    state = {part: RNG.normal(size=(2, 8)).astype(np.float32) for part in names}
    got = session(name).run({"x": np.ones((2, 3, 5), np.float32), "lengths": np.array([0, 3]), **state})
    for part in names:
        np.testing.assert_array_equal(got[f"{part}.next"][0], state[part][0])
        assert (got[f"{part}.next"][1] != state[part][1]).any()


@pytest.mark.parametrize("name", ["gru", "mgu"])
def test_a_sequence_may_be_cut_anywhere(name):
    run, x = session(name).run, RNG.normal(size=(2, 9, 5)).astype(np.float32)
    whole = run({"x": x, "lengths": np.array([9, 9])})
    left = run({"x": x[:, :4], "lengths": np.array([4, 4])})
    right = run({"x": x[:, 4:], "lengths": np.array([5, 5]), "layer0.h": left["layer0.h.next"]})
    np.testing.assert_allclose(np.concatenate([left["y"], right["y"]], 1), whole["y"], atol=1e-6)
    np.testing.assert_allclose(right["layer0.h.next"], whole["layer0.h.next"], atol=1e-6)


def test_operators_and_loops_are_chosen_by_the_cell():
    kinds = [node.op_type for node in write_sequence(plan("gru both ways")).graph.node]
    assert kinds.count("GRU") == 4
    assert "Scan" not in kinds
    kinds = [node.op_type for node in write_sequence(plan("mgu both ways")).graph.node]
    assert kinds.count("Scan") == 4


def test_an_input_called_like_the_lengths_is_refused():
    @cell(state="h", gates="a", inputs="lengths")
    def named(x: Gates, u: Gates, s: State, e: Gates) -> State:
        """Is given something that sequences are given too."""
        return State(h=tanh(x.a + u.a * e.lengths))

    with pytest.raises(ExportError, match="'lengths'"):
        write_sequence(plan_of(layer(named, 3, 4)))


def test_a_bag_beside_answers_for_every_step_is_refused():
    """The bag speaks of a whole text; a step of such a network can be exported."""
    parts = {
        "embed": {"kind": "words", "words": 9, "pieces": 0, "width": 4},
        "body": {"cell": "gru", "hidden": 6},
        "head": {"kind": "classify", "classes": 3},
        "beside": {"words": 9, "pieces": 0, "pairs": 16, "share": 0.5},
    }
    laid = plan_of(build(parts))
    with pytest.raises(ExportError, match="pool the network's outputs"):
        write_sequence(laid)
    assert write_step(laid).graph.node
