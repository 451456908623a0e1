"""Named shapes in messages."""

from __future__ import annotations

import numpy as np
import pytest

from ostinato.errors import ShapeError
from ostinato.shapes import expect_shape


def test_letters_and_minus_one_stand_for_any_size() -> None:
    expect_shape("x", np.zeros((2, 7, 3)), ["B", -1, 3])


def test_a_wrong_shape_says_what_was_wanted_what_came_and_what_to_do() -> None:
    with pytest.raises(ShapeError, match=r"x wanted \[B, T, 12\], got \[8, 17, 13\]; the model was built for 12"):
        expect_shape("x", np.zeros((8, 17, 13)), ["B", "T", 12], "the model was built for 12 features")
    with pytest.raises(ShapeError, match=r"x wanted \[B\], got \[\]"):
        expect_shape("x", np.zeros(()), ["B"])
