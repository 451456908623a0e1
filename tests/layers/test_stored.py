"""What is stored of a network computes what the network computes, however its weights are made."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import ostinato as ost
from ostinato.errors import OptionError
from ostinato.layers import LockedDropout, Recurrent
from ostinato.layers.stored import stored_weights


def _pruned(layer):
    prune.l1_unstructured(layer.layers[0][0], "R", 0.5)
    prune.l1_unstructured(layer.layers[0][0], "W", 0.5)


UNUSUAL = {
    "orthogonal": lambda layer: parametrizations.orthogonal(layer.layers[0][0], "R"),
    "of a length and a direction": lambda layer: parametrizations.weight_norm(layer.projections[0]),
    "pruned": _pruned,
    "in bfloat16": lambda layer: layer.bfloat16(),
    "in half precision": lambda layer: layer.half(),
    "in double precision": lambda layer: layer.double(),
    "frozen": lambda layer: layer.requires_grad_(False),
    "in training": lambda layer: layer.train(),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_weights_of_every_making_are_stored_as_they_act(what, tmp_path):
    torch.manual_seed(1)
    layer = Recurrent("elman", 3, 4, layers=2, projection=4, weight_drop=0.5, dropout=LockedDropout(0.5), norm=True)
    UNUSUAL[what](layer)
    training = layer.training
    ost.save(layer, tmp_path / "l.safetensors")
    assert layer.training == training
    x = torch.randn(1, 9, 3)
    with torch.inference_mode():
        wanted = layer.eval().float()(x)[0]
        again = ost.load(tmp_path / "l.safetensors").float()(x)[0]
    torch.testing.assert_close(again, wanted, rtol=0, atol=1e-5)
    streamed = ost.stream(tmp_path / "l.safetensors").push(x[0].numpy())
    np.testing.assert_allclose(streamed, wanted[0].numpy(), rtol=0, atol=1e-5)


def test_a_pruned_weight_is_stored_as_its_last_step_of_training_left_it():
    layer = nn.Linear(2, 2, bias=False)
    prune.custom_from_mask(layer, "weight", torch.eye(2))
    with torch.no_grad():
        layer.weight_orig.fill_(7.0)
    assert stored_weights(layer)["weight"].tolist() == [[7.0, 0.0], [0.0, 7.0]]


@pytest.mark.parametrize("module", [nn.Tanh(), nn.Linear(4, 4), nn.Linear(9, 9)], ids=str)
def test_a_module_between_layers_that_acts_outside_of_training_is_not_lost_silently(module):
    with pytest.raises(OptionError, match=r"dropout is the module \w+, which changes what it gets outside of training"):
        ost.stream(Recurrent("gru", 3, 4, layers=2, dropout=module))


def test_dropout_of_any_maker_leaves_no_trace():
    layer = Recurrent("gru", 3, [4, 8], dropout=nn.Dropout(0.5)).train()
    assert ost.stream(layer).width == 8
    assert layer.dropout.training


def test_a_cell_that_chooses_how_wide_it_shows_itself_does_so_in_every_layer(tmp_path):
    layer = Recurrent("lstm_projected", 3, [5, 8])
    ost.save(layer, tmp_path / "l.safetensors")
    x = torch.randn(1, 6, 3)
    np.testing.assert_allclose(
        ost.stream(tmp_path / "l.safetensors").push(x[0].numpy()), layer(x)[0][0].detach().numpy(), rtol=0, atol=1e-6
    )
    assert torch.equal(ost.load(tmp_path / "l.safetensors")(x)[0], layer(x)[0])
