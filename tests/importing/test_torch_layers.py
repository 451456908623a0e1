from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import ostinato.nn
from ostinato import from_torch
from ostinato.errors import OptionError
from ostinato.layers import Recurrent
from ostinato.state import State

KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "rnn_tanh": (nn.RNN, {}),
    "rnn_relu": (nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "lstm_projected": (nn.LSTM, {"proj_size": 3}),
}
OPTIONS = [
    {"num_layers": layers, "bidirectional": both, "bias": bias, "batch_first": first}
    for layers, both, bias, first in itertools.product([1, 2], [False, True], [True, False], [False, True])
]


def same(came: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(came, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_computes_what_torch_s_does(kind: str) -> None:
    made, extra = KINDS[kind]
    lengths = torch.tensor([7, 1, 4])
    for options in OPTIONS:
        theirs = made(3, 5, **extra, **options).double()
        ours = from_torch(theirs)
        assert isinstance(ours, Recurrent)
        x = torch.randn(3, 7, 3, dtype=torch.float64)
        count = options["num_layers"] * (2 if options["bidirectional"] else 1)
        parts = [torch.randn(count, 3, extra.get("proj_size", 5), dtype=torch.float64)]
        parts += [torch.randn(count, 3, 5, dtype=torch.float64)] if made is nn.LSTM else []
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        wanted, end = theirs(packed, tuple(parts) if len(parts) > 1 else parts[0])
        state = tuple(State(**dict(zip("hc", (part[i] for part in parts), strict=False))) for i in range(count))
        y, last = ours(x, state, lengths=lengths)
        same(y, pad_packed_sequence(wanted, batch_first=True)[0])
        for name, part in zip("hc", end if isinstance(end, tuple) else (end,), strict=False):
            same(torch.stack([each[name] for each in last]), part)


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
@pytest.mark.parametrize("bias", [True, False])
def test_a_cell_is_a_layer_whose_sequences_have_one_step(kind: Any, bias: bool) -> None:
    theirs = kind(3, 5, bias=bias).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    wanted = theirs(x)
    y, (state,) = from_torch(theirs)(x[:, None])
    for name, part in zip("hc", wanted if isinstance(wanted, tuple) else (wanted,), strict=False):
        same(state[name], part)
    same(y[:, 0], state.h)


def test_a_cell_of_relu_and_of_something_else() -> None:
    theirs = nn.RNNCell(3, 5, nonlinearity="relu").double()
    x = torch.randn(2, 3, dtype=torch.float64)
    same(from_torch(theirs)(x[:, None])[0][:, 0], theirs(x))
    with pytest.raises(OptionError, match="wanted a nonlinearity of 'tanh' or 'relu', got 'gelu'"):
        from_torch(nn.RNNCell(3, 5, nonlinearity="gelu"))


def test_dropout_type_mode_and_frozen_weights_stay() -> None:
    theirs = nn.GRU(3, 5, num_layers=2, dropout=0.4).double().eval().requires_grad_(False)
    ours = from_torch(theirs)
    assert ours.dropout.share == 0.4
    assert not ours.training
    assert {weight.dtype for weight in ours.parameters()} == {torch.float64}
    assert not any(weight.requires_grad for weight in ours.parameters())
    assert from_torch(nn.GRU(3, 5)).training


def test_training_ours_leaves_torch_s_alone() -> None:
    theirs = nn.LSTM(3, 5)
    before = theirs.weight_ih_l0.detach().clone()
    ours = from_torch(theirs)
    ours(torch.randn(2, 4, 3))[0].sum().backward()
    with torch.no_grad():
        for weight in ours.parameters():
            weight -= weight.grad
    assert torch.equal(theirs.weight_ih_l0, before)
    assert theirs.weight_ih_l0.grad is None


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_stays_half_precision(kind: torch.dtype) -> None:
    assert {weight.dtype for weight in from_torch(nn.GRU(2, 3).to(kind)).parameters()} == {kind}


def test_the_doors_of_torch_users_come_in_too() -> None:
    theirs = ostinato.nn.LSTM(3, 5, batch_first=True)
    x = torch.randn(2, 4, 3)
    torch.testing.assert_close(from_torch(theirs)(x)[0], theirs(x)[0])
    cell = ostinato.nn.GRUCell(3, 5)
    torch.testing.assert_close(from_torch(cell)(x[:, :1])[0][:, 0], cell(x[:, 0]))


def test_weights_that_are_computed_come_in_as_they_are_now() -> None:
    theirs = parametrizations.weight_norm(nn.GRU(3, 5, batch_first=True), "weight_hh_l0")
    x = torch.randn(2, 4, 3)
    torch.testing.assert_close(from_torch(theirs)(x)[0], theirs(x)[0])


class Louder(nn.GRU):
    def forward(self, *given: Any) -> Any:
        return super().forward(*given)


def test_a_layer_that_computes_in_another_way_is_refused() -> None:
    with pytest.raises(OptionError, match="wanted torch's own GRU, got Louder, which overrides forward"):
        from_torch(Louder(3, 5))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (nn.Linear(3, 5), r"torch\.nn's RNN, LSTM, GRU, .*, got torch\.nn\.modules\.linear\.Linear"),
        (nn.Sequential(nn.GRU(3, 5)), "got .*Sequential; pass the recurrent layer itself"),
        ("gru", r"got builtins\.str"),
        (None, "got builtins.NoneType"),
    ],
)
def test_anything_else_is_refused_by_name(layer: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        from_torch(layer)


@pytest.mark.filterwarnings("ignore")
def test_quantized_layers_are_refused_by_name() -> None:
    quantized = torch.ao.nn.quantized.dynamic.LSTM(3, 5)
    with pytest.raises(OptionError, match=r"quantized\.dynamic\.modules\.rnn\.LSTM; pass .* as floating-point numbers"):
        from_torch(quantized)


def test_weights_without_numbers_are_refused() -> None:
    with torch.device("meta"):
        empty = nn.GRU(3, 5)
    with pytest.raises(OptionError, match="weights that have numbers"):
        from_torch(empty)
