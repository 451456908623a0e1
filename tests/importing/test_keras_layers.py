from __future__ import annotations

import copy
import json
import sys
import types
from typing import Any

import numpy
import pytest
import torch

from ostinato import from_keras
from ostinato.errors import OptionError
from ostinato.importing import Imported
from ostinato.layers import Recurrent
from tests.golden.make_keras import FILE

# What real layers of Keras computed.
GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
CASES: dict[str, Any] = GOLDEN["cases"]
X, LENGTHS = torch.tensor(GOLDEN["x"]), torch.tensor(GOLDEN["lengths"])


def stand_in(kind: str, config: dict[str, Any], weights: list[Any], dtype: str = "float32") -> Any:
    """An object that answers what a layer of Keras answers about itself."""

    class Layer:
        def get_config(self) -> dict[str, Any]:
            return config

        def get_weights(self) -> list[Any]:
            return [numpy.array(weight, dtype) for weight in weights]

    Layer.__name__, Layer.__module__ = kind, f"keras.src.layers.rnn.{kind.lower()}"
    return Layer()


def layer_of(name: str, **changes: Any) -> Any:
    case = CASES[name]
    return stand_in(case["class"], {**copy.deepcopy(case["config"]), **changes}, case["weights"])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_layer_computes_what_keras_did(name: str, masked: bool) -> None:
    case = CASES[name]
    layer = from_keras(layer_of(name))
    y, state = layer(X, lengths=LENGTHS if masked else None)
    wanted, *ends = (torch.tensor(part) for part in case["masked" if masked else "whole"])
    if case["config"].get("go_backwards"):
        # Keras hands out what it read last at the end.
        wanted = wanted.flip(1)
    for row, length in enumerate(LENGTHS if masked else [X.shape[1]] * len(X)):
        # Keras repeats the last output in the padding.
        torch.testing.assert_close(y[row, :length], wanted[row, :length], rtol=2e-6, atol=2e-6)
    ours = [part for each in state for _, part in each.items()]
    for came, end in zip(ours, ends, strict=True):
        torch.testing.assert_close(came, end, rtol=2e-6, atol=4e-6)
    assert isinstance(layer, Imported if case["config"].get("go_backwards") else Recurrent)
    assert not layer.training


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("SimpleRNN", "elman"),
        ("SimpleRNN_activation_relu", "elman_relu"),
        ("LSTM", "lstm"),
        ("GRU", "gru"),
        ("GRU_reset_after_False", "gru_reset_before"),
        ("Bidirectional_GRU_before", "gru_reset_before"),
    ],
)
def test_a_standard_layer_has_the_built_in_cell(name: str, cell: str) -> None:
    layer = from_keras(layer_of(name))
    assert isinstance(layer, Recurrent)
    assert layer.cell.name == cell
    assert layer.bidirectional is name.startswith("Bidirectional")


def test_dropout_acts_in_training_only() -> None:
    quiet = from_keras(layer_of("LSTM"))
    layer = from_keras(layer_of("LSTM", dropout=0.5, recurrent_dropout=0.25))
    assert torch.equal(layer(X)[0], quiet(X)[0])
    direction = layer.directions()[0][0]
    assert direction.input_dropout == 0.5
    assert next(iter(direction.cell.noise.values())).share == 0.25
    assert not torch.equal(layer.train()(X)[0], quiet(X)[0])


def test_cells_and_layers_with_flags_come_in_alike() -> None:
    wanted = from_keras(layer_of("GRU"))(X)[0]
    case = CASES["GRU"]
    assert torch.equal(from_keras(stand_in("GRUCell", case["config"], case["weights"]))(X)[0], wanted)
    flags = {"stateful": True, "return_sequences": False, "return_state": False, "unroll": True}
    assert torch.equal(from_keras(layer_of("GRU", **flags))(X)[0], wanted)


def test_a_second_half_that_is_not_written_down_is_made_from_the_first() -> None:
    layer = layer_of("Bidirectional_LSTM")
    config = {name: value for name, value in layer.get_config().items() if name != "backward_layer"}
    again = stand_in("Bidirectional", config, CASES["Bidirectional_LSTM"]["weights"])
    assert torch.equal(from_keras(again)(X)[0], from_keras(layer)(X)[0])


@pytest.mark.parametrize(("version", "slope"), [("2.15.0", 0.2), ("3.4.1", 1 / 6)])
def test_a_hard_sigmoid_is_that_of_the_version(monkeypatch: Any, version: str, slope: float) -> None:
    module = types.ModuleType("keras")
    module.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras", module)
    config = {"units": 1, "activation": "hard_sigmoid", "use_bias": False}
    y, _ = from_keras(stand_in("SimpleRNN", config, [[[1.0]], [[0.0]]]))(torch.ones(1, 1, 1))
    assert y.item() == pytest.approx(0.5 + slope)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_half_precision_is_widened(dtype: str) -> None:
    case = CASES["LSTM"]
    layer = from_keras(stand_in("LSTM", case["config"], case["weights"], dtype))
    assert layer.directions()[0][0].W.dtype is (torch.float64 if dtype == "float64" else torch.float32)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("LSTM", {"activation": "gelu"}, "cannot import the activation 'gelu'; did you mean 'relu'"),
        ("GRU", {"recurrent_activation": "hard_sigmod"}, "did you mean 'hard_sigmoid'"),
        ("LSTM", {"activation": {"class_name": "Mine"}}, "the activation 'a function of its own'"),
        ("GRU", {"units": 5}, r"kernels of GRU as \[D, 3 H\] and \[H, 3 H\] with H = 5, got \[3, 12\] and \[4, 12\]"),
        ("GRU", {"units": None}, "with H = 0"),
        ("GRU", {"use_bias": False}, "wanted the 2 weights of GRU, got 3; call the layer once to build it"),
        ("GRU", {"reset_after": False}, r"wanted a bias \[12\] of GRU, got \[2, 12\]"),
        ("Bidirectional_GRU", {"merge_mode": "sum"}, "merge_mode='concat', got 'sum'; import it so"),
        ("Bidirectional_GRU", {"merge_mode": None}, "merge_mode='concat', got None"),
        ("Bidirectional_GRU", {"layer": {"class_name": "ConvLSTM1D", "config": {}}}, "got 'ConvLSTM1D'"),
        ("Bidirectional_GRU", {"layer": None}, "wanted a Bidirectional of SimpleRNN, LSTM, GRU, got None"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(kind: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        from_keras(layer_of(kind, **changes))


def test_halves_that_run_in_other_directions_are_refused() -> None:
    config = copy.deepcopy(CASES["Bidirectional_GRU"]["config"])
    config["layer"]["config"]["go_backwards"] = True
    with pytest.raises(OptionError, match="runs forwards first and then backwards"):
        from_keras(layer_of("Bidirectional_GRU", **config))
    config = copy.deepcopy(CASES["Bidirectional_GRU"]["config"])
    config["layer"]["config"]["dropout"] = 0.5
    with pytest.raises(OptionError, match=r"one dropout for both directions, got \[0.0, 0.5\]"):
        from_keras(layer_of("Bidirectional_GRU", **config))


@pytest.mark.parametrize(("layer", "came"), [(None, "NoneType"), ("gru", "str"), (torch.nn.GRU(2, 3), "GRU")])
def test_anything_else_is_refused(layer: Any, came: str) -> None:
    with pytest.raises(OptionError, match=f"wanted a recurrent layer of Keras, got {came}; "):
        from_keras(layer)


def test_a_wrapper_around_cells_is_refused_by_name() -> None:
    with pytest.raises(OptionError, match=r"got StackedRNNCells; .* known: 'SimpleRNN', 'LSTM'"):
        from_keras(stand_in("StackedRNNCells", {}, []))


def test_a_layer_without_weights_is_refused() -> None:
    with pytest.raises(OptionError, match="wanted the 3 weights of LSTM, got 0; call the layer once"):
        from_keras(stand_in("LSTM", CASES["LSTM"]["config"], []))


@pytest.mark.parametrize(("value", "said"), [(float("nan"), "not finite"), (float("inf"), "not finite")])
def test_weights_that_are_no_numbers_are_refused(value: float, said: str) -> None:
    weights = copy.deepcopy(CASES["LSTM"]["weights"])
    weights[0][0][0] = value
    with pytest.raises(OptionError, match=said):
        from_keras(stand_in("LSTM", CASES["LSTM"]["config"], weights))
    with pytest.raises(OptionError, match="wanted floating-point weights of LSTM, got int64"):
        from_keras(stand_in("LSTM", CASES["LSTM"]["config"], [[[1]]] * 3, "int64"))
