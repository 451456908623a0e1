"""The primitive's own choices; its laws are in tests/laws."""

from __future__ import annotations

import pytest
import torch

from ostinato import ops
from ostinato.errors import EngineError
from ostinato.layers import Direction


def test_a_wish_is_heard_before_anything_else():
    layer, x = Direction("gru", 3, 5), torch.randn(2, 4, 3)
    with pytest.raises(EngineError, match="'torch' was asked for but cannot serve this call: torch's layers know no"):
        ops.recur("gru", x, layer.weights(), reset=torch.zeros(2, 4, dtype=torch.bool), engine="torch")


def test_vmap_is_possible_by_the_reference():
    layer, x = Direction("gru", 3, 5), torch.randn(4, 2, 6, 3)
    got = torch.vmap(lambda x: ops.recur("gru", x, layer.weights(), engine="reference")[0])(x)
    torch.testing.assert_close(got[1], layer(x[1])[0])
