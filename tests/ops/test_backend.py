"""The choice of an engine, and its explanation."""

from __future__ import annotations

import pytest
import torch

from ostinato import ops
from ostinato.cells import gru
from ostinato.errors import EngineError, OptionError
from ostinato.layers import Direction, Recurrent
from tests.laws.zoo import peephole, two_products
from tests.lowering.steps import too_many_products


def test_kernels_serve_all_that_can_be_lowered_and_the_loop_the_rest() -> None:
    x = torch.randn(2, 4, 3)
    assert str(Direction("gru", 3, 5).engine(x)) == "cpu"
    assert Direction(peephole, 3, 5).engine(x).engine == "cpu"
    assert Direction(two_products, 3, 5).engine(x).engine == "cpu"
    choice = Direction(too_many_products(), 3, 5).engine(x)
    assert choice.engine == "reference"
    assert set(choice.refusals) == {"cpu", "torch"}
    assert "it multiplies one value by 13 matrices" in choice.refusals["cpu"]
    assert choice.refusals["torch"] == "torch has no fused layer for the cell 'crowd'"
    assert str(choice).startswith("reference (not cpu: ")


@pytest.mark.parametrize(
    ("x", "call", "words"),
    [
        (torch.randn(2, 4, 3), {"reset": torch.zeros(2, 4, dtype=torch.bool)}, "no resets"),
        (torch.randn(0, 4, 3), {}, "at least one row"),
        (torch.randn(2, 0, 3), {}, "at least one row, one step"),
    ],
)
def test_every_refusal_has_its_reason(x: torch.Tensor, call: dict[str, torch.Tensor], words: str) -> None:
    with pytest.raises(EngineError, match=f"'torch' was asked for but cannot serve this call: .*{words}"):
        Direction("gru", 3, 5, engine="torch")(x, **call)


def test_half_precision_on_the_cpu_runs_by_the_loop() -> None:
    layer = Direction("lstm", 3, 5).bfloat16()
    x = torch.randn(2, 4, 3, dtype=torch.bfloat16)
    assert "bfloat16" in layer.engine(x).refusals["cpu"]
    assert "bfloat16" in layer.engine(x).refusals["torch"]
    assert layer(x)[0].dtype is torch.bfloat16


def test_a_cell_that_only_borrows_a_name_is_not_the_library_s() -> None:
    import dataclasses

    stranger = dataclasses.replace(gru)
    with pytest.raises(EngineError, match="torch has no fused layer for the cell 'gru'"):
        Direction(stranger, 3, 5, engine="torch")(torch.randn(1, 2, 3))


def test_an_engine_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = Recurrent("gru", 3, 5), torch.randn(2, 4, 3)
    with ops.use_engine("reference"):
        assert layer.engine(x).engine == "reference"
    assert layer.engine(x).engine == "cpu"
    with ops.use_engine("torch"):
        assert layer.engine(x).engine == "torch"
    monkeypatch.setenv("OSTINATO_ENGINE", "reference")
    assert layer.engine(x).engine == "reference"
    monkeypatch.setenv("OSTINATO_ENGINE", "refrence")
    with pytest.raises(OptionError, match="unknown engine 'refrence'; did you mean 'reference'"):
        layer(x)
    with pytest.raises(OptionError, match="unknown engine 'cuda'"), ops.use_engine("cuda"):
        pass


def test_autocast_is_left_to_those_who_cast() -> None:
    layer, x = Direction("gru", 3, 5), torch.randn(2, 4, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert "autocast" in layer.engine(x).refusals["cpu"]
        assert layer(x)[0].shape == (2, 4, 5)


def test_forward_mode_is_refused_by_kernels_with_the_reason() -> None:
    layer, x = Direction("gru", 3, 5), torch.randn(2, 4, 3)
    with torch.autograd.forward_ad.dual_level():
        assert "the way back only" in layer.engine(x).refusals["cpu"]
