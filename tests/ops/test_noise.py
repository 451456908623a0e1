"""One record of noise: its sizes, its means, and refusals of what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ostinato import ops
from ostinato.cells import Gates, Mask, cell, tanh
from ostinato.errors import ShapeError
from ostinato.ops import Noise
from ostinato.state import State


@cell(state="h", gates="a", inputs="dt", noise={"keep": Mask(0.25), "locked": Mask(0.5, per="sequence")})
def noisy(x: Gates, u: Gates, s: State, e: Gates) -> State:
    """Time gaps and two kinds of noise."""
    return State(h=tanh(e.dt * (x.a + u.a)) * e.keep + 0.1 * e.locked)


def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = noisy.shapes(3, 4)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def test_masks_have_the_sizes_and_values_that_their_cell_declares() -> None:
    noise = Noise.draw(noisy, torch.zeros(50, 7, 3), 4, x_share=0.5, y_share=0.5)
    assert noise.masks["keep"].shape == (50, 7, 4)
    assert noise.masks["locked"].shape == (50, 1, 4)
    assert noise.x is not None
    assert noise.y is not None
    assert (noise.x.shape, noise.y.shape) == ((50, 1, 3), (50, 1, 4))
    assert set(noise.masks["keep"].flatten().tolist()) == {0.0, torch.tensor(4 / 3).item()}
    assert noise.masks["keep"].mean().item() == pytest.approx(1.0, abs=0.1)


def test_without_noise_the_means_stand() -> None:
    x, dt = torch.randn(2, 5, 3), torch.ones(2, 5)
    resting = Noise({"keep": torch.ones(2, 5, 4), "locked": torch.ones(2, 1, 4)})
    given = ops.recur(noisy, x, weights(), inputs={"dt": dt}, noise=resting)[0]
    assert torch.equal(ops.recur(noisy, x, weights(), inputs={"dt": dt})[0], given)


def test_the_masks_of_input_and_output_multiply_them() -> None:
    x, dt = torch.randn(2, 5, 3), torch.ones(2, 5)
    noise = Noise.draw(noisy, x, 4, x_share=0.5, y_share=0.5)
    assert noise.x is not None
    assert noise.y is not None
    by_hand = ops.recur(noisy, x * noise.x, weights(), inputs={"dt": dt}, noise=Noise(noise.masks))[0] * noise.y
    assert torch.equal(ops.recur(noisy, x, weights(), inputs={"dt": dt}, noise=noise)[0], by_hand)


@pytest.mark.parametrize(
    ("inputs", "noise", "words"),
    [
        (None, None, r"wanted inputs=\{'dt': a tensor \[B, T\]\}, got none"),
        ({"td": torch.ones(2, 5)}, None, "no inputs called 'td'; did you mean 'dt'"),
        ({"dt": torch.ones(2, 4)}, None, r"dt of noisy wanted \[2, 5\] or \[2, 5, 4\], got \[2, 4\]"),
        ({"dt": torch.ones(2, 5).double()}, None, "wanted torch.float32 on cpu like x, got torch.float64"),
        ({"dt": torch.ones(2, 5)}, Noise({"keep": torch.ones(2, 5, 4)}), "wanted noise={'locked'"),
        ({"dt": torch.ones(2, 5)}, Noise({"wild": torch.ones(2, 5, 4)}), "no noise called 'wild'"),
    ],
)
def test_what_does_not_fit_is_refused(inputs: Any, noise: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        ops.recur(noisy, torch.zeros(2, 5, 3), weights(), inputs=inputs, noise=noise)


def test_a_cell_without_extras_refuses_them() -> None:
    with pytest.raises(ShapeError, match="lstm has no inputs called 'dt'; it declares none"):
        ops.recur(
            "lstm",
            torch.zeros(1, 1, 2),
            {"W": torch.zeros(8, 2), "b": torch.zeros(8), "R": torch.zeros(8, 2)},
            inputs={"dt": torch.ones(1, 1)},
        )
