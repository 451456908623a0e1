"""An architecture as data becomes the same network again."""

from __future__ import annotations

import json

import pytest
import torch

from ostinato import ops
from ostinato.errors import LoweringError
from ostinato.lowering.rebuild import origin_of
from ostinato.model import build, stored
from tests.laws.zoo import peephole
from tests.model.architectures import INPUTS, architecture


def test_a_cell_of_one_s_own_is_stored_as_data_and_built_again() -> None:
    model = build(architecture("numbers", body={"cell": peephole, "hidden": 5}))
    written = json.loads(json.dumps(stored(model.architecture), sort_keys=True))
    assert written["body"]["hidden"] == 5
    for trust in (False, True):
        again = build(written, trust_cell=trust)
        again.load_state_dict(model.state_dict())
        assert origin_of(again.body.cell).trusted is trust
        assert stored(again.architecture)["body"] == written["body"]
        x = INPUTS["numbers"]
        with ops.use_engine("reference"):
            assert torch.equal(again.eval().decode(x), model.eval().decode(x))


def test_a_cell_as_data_that_is_none_is_refused() -> None:
    with pytest.raises(LoweringError, match="a cell as data wanted the fields"):
        build(architecture(body={"cell": {"name": "gru"}, "hidden": 5}))


def test_the_same_architecture_and_seed_give_the_same_network() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build(architecture()))
    assert torch.equal(networks[0].decode(INPUTS["words"]), networks[1].decode(INPUTS["words"]))
