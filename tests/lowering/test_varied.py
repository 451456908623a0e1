"""What a layer is asked for inside its loop: each wish acts, masks are drawn in training, wrong wishes are refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ostinato.cells import lstm
from ostinato.errors import OptionError
from ostinato.layers import Direction, Recurrent
from ostinato.lowering.varied import varied
from ostinato.ops import Noise

WISHES: tuple[dict[str, Any], ...] = (
    {"layer_norm": "gates"},
    {"layer_norm": "memory"},
    {"layer_norm": "gates+memory"},
    {"zoneout": 0.3},
    {"zoneout": {"c": 0.5}},
    {"clip": 0.05},
    {"recurrent_dropout": 0.4},
    {"state_dropout": 0.4},
    {"input_dropout": 0.4},
    {"output_dropout": 0.4},
)
NOISY = ("zoneout", "recurrent_dropout", "state_dropout", "input_dropout", "output_dropout")
each = pytest.mark.parametrize("wish", WISHES, ids=str)


def layer(**wish: Any) -> Recurrent:
    torch.manual_seed(0)
    return Recurrent("lstm", 3, 5, engine="reference", **wish)


@each
def test_each_wish_changes_what_a_layer_computes_in_training(wish: dict[str, Any]) -> None:
    x = torch.randn(4, 6, 3)
    plain, other = layer()(x)[0], layer(**wish)(x)[0]
    assert plain.shape == other.shape
    assert not torch.allclose(plain, other)


@each
def test_noise_is_drawn_in_training_only(wish: dict[str, Any]) -> None:
    made, x = layer(**wish), torch.randn(4, 6, 3)
    assert torch.equal(made.eval()(x)[0], made(x)[0])
    same = torch.equal(made.train()(x)[0], made(x)[0])
    assert same != (next(iter(wish)) in NOISY)


def test_all_wishes_together_train_through_two_layers_and_both_ways() -> None:
    made = Recurrent(
        *("gru", 3, 5),
        **{"layers": 2, "bidirectional": True, "layer_norm": "gates", "zoneout": 0.1, "clip": 3.0, "weight_drop": 0.2},
        **{"recurrent_dropout": 0.1, "state_dropout": 0.1, "input_dropout": 0.1, "output_dropout": 0.1},
        engine="reference",
    )
    y, _ = made(torch.randn(2, 4, 3), lengths=torch.tensor([4, 2]))
    y.square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in made.parameters())


def test_a_given_record_of_noise_is_what_acts() -> None:
    direction = Direction(varied(lstm, zoneout=0.5), 3, 5, engine="reference")
    x = torch.randn(2, 4, 3)
    noise = direction.noise(x)
    assert noise is not None
    assert torch.equal(direction(x, noise=noise)[0], direction(x, noise=noise)[0])
    never = Noise({name: torch.zeros_like(mask) for name, mask in noise.masks.items()})
    assert torch.equal(direction(x, noise=never)[0], torch.zeros(2, 4, 5))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"layer_norm": "gate"}, "layer_norm got 'gate'; did you mean 'gates'"),
        ({"layer_norm": True}, "layer_norm got True"),
        ({"zoneout": 1.0}, "share wanted a number of at least 0 and below 1"),
        ({"zoneout": {"z": 0.1}}, "no part of the state called 'z'"),
        ({"clip": 0.0}, "clip wanted a bound above 0"),
        ({"recurrent_dropout": -0.1}, "share wanted"),
        ({"state_dropout": float("nan")}, "share wanted"),
        ({"input_dropout": 1.5}, "input_dropout wanted a share"),
        ({"output_dropout": -1}, "output_dropout wanted a share"),
    ],
)
def test_a_wrong_wish_is_refused(wish: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        layer(**wish)


def test_what_a_cell_cannot_do_is_refused() -> None:
    with pytest.raises(OptionError, match="no memory apart from what it shows"):
        Recurrent("gru", 3, 5, layer_norm="memory")
