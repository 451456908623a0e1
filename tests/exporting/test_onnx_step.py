from __future__ import annotations

import numpy as np
import pytest
import torch

from ostinato.cells import Gates, cell, tanh
from ostinato.errors import ExportError, PlanError
from ostinato.exporting.onnx_operators import FORMS
from ostinato.exporting.onnx_proof import Session
from ostinato.exporting.onnx_step import write_step
from ostinato.importing import from_onnx
from ostinato.plan import plan_of
from ostinato.state import State
from tests.exporting.models import layer, plan

pytest.importorskip("onnx", reason="exports to ONNX need the extra onnx")
pytest.importorskip("onnxruntime", reason="exports to ONNX need the extra onnx")


def shapes(infos):
    return {i.name: [d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim] for i in infos}


def test_inputs_outputs_and_states_have_the_names_of_the_plan():
    graph = write_step(plan("lstm")).graph
    assert shapes(graph.input) == {"x": ["batch", 5], "layer0.h": ["batch", 8], "layer0.c": ["batch", 8]}
    assert shapes(graph.output) == {"y": ["batch", 8], "layer0.h.next": ["batch", 8], "layer0.c.next": ["batch", 8]}
    graph = write_step(plan("text, bag 0.5, buckets 30")).graph
    assert shapes(graph.input)["pieces"] == ["batch", "pieces_most"]
    assert shapes(graph.input)["words"] == ["batch"]
    assert next(iter(shapes(graph.output))) == "probabilities"


def test_an_operator_runs_where_there_is_one_and_plain_nodes_elsewhere():
    assert [n.op_type for n in write_step(plan("gru")).graph.node].count("GRU") == 1
    kinds = {n.op_type for n in write_step(plan("mgu")).graph.node}
    assert not kinds & {"GRU", "LSTM", "RNN", "Scan", "Loop"}


def test_a_network_that_reads_backwards_is_refused():
    with pytest.raises(PlanError, match="layer0_reverse"):
        write_step(plan("gru both ways"))


def test_names_that_mean_something_to_onnx_do_no_harm():
    @cell(state="Identity batch", gates="Scan lengths", inputs="time next", output="batch")
    def hostile(x: Gates, u: Gates, s: State, e: Gates) -> State:
        """Its names are those of operators, dimensions and inputs."""
        kept = tanh(x.Scan + u.lengths * e.time)
        return State(Identity=kept + s.Identity * 0.5, batch=tanh(kept - x.lengths + u.Scan) * e.next)

    made = plan_of(layer(hostile, 3, 4))
    session = Session(write_step(made).SerializeToString())
    given = {"x": np.ones((2, 3)), "time": np.full((2, 1), 0.5), "next": np.ones((2, 1))}
    state = {name: np.full((2, 4), 0.25) for name in made.program.state}
    wanted, _ = made.program.run(given, {}, state)
    got = session.run({name: np.asarray(v, np.float32) for name, v in {**given, **state}.items()})
    np.testing.assert_allclose(got["y"], wanted["y"], atol=2e-6)


def test_an_input_that_is_called_like_an_output_is_refused():
    @cell(state="h", gates="a", inputs="y")
    def named(x: Gates, u: Gates, s: State, e: Gates) -> State:
        """Is given something called like what networks show."""
        return State(h=tanh(x.a + u.a * e.y))

    with pytest.raises(ExportError, match="called 'y'"):
        write_step(plan_of(layer(named, 3, 4)))


def test_a_state_that_forgets_everything_has_a_row_for_each_row():
    @cell(state="h c", gates="a", recurrent="none")
    def forgetful(x: Gates, s: State) -> State:
        """One part of its state is always the same number."""
        return State(h=tanh(x.a + s.c), c=s.h * 0.0 + 0.5)

    @cell(state="h c", gates="a", recurrent="none")
    def constant(x: Gates, s: State) -> State:
        """One part of its state hangs on nothing."""
        return State(h=tanh(x.a + s.c), c=s.c * 0.0)

    for made in (forgetful, constant):
        laid = plan_of(layer(made, 3, 4))
        session = Session(write_step(laid).SerializeToString())
        state = {name: np.ones((5, 4), np.float32) for name in laid.program.state}
        assert session.run({"x": np.ones((5, 3), np.float32), **state})["layer0.c.next"].shape == (5, 4)


@pytest.mark.parametrize("name", FORMS)
def test_a_step_of_an_operator_comes_back_as_the_layer_it_was(name, tmp_path):
    made = layer(name, 3, 4, layers=2)
    (tmp_path / "m.onnx").write_bytes(write_step(plan_of(made)).SerializeToString())
    again, x = from_onnx(tmp_path / "m.onnx"), torch.randn(2, 6, 3)
    torch.testing.assert_close(again(x)[0], made(x)[0], rtol=0, atol=1e-6)
