from __future__ import annotations

import numpy as np
import pytest

from ostinato.diagnosis.attention import MOST, draw_attention
from ostinato.errors import DataError, OptionError

WEIGHTS = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_a_picture_is_written(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    draw_attention(path, WEIGHTS, ["ein$", " \n"], ["a", "\x00", "<end>"], title="a $ house")
    assert path.stat().st_size > 1000


def test_what_no_page_can_hold_is_refused(tmp_path):
    with pytest.raises(DataError, match="draw a shorter text"):
        draw_attention(tmp_path / "a.png", np.zeros((1, MOST + 1)), ["x"] * (MOST + 1), ["y"])
    with pytest.raises(DataError, match="draw a shorter text"):
        draw_attention(tmp_path / "a.png", np.zeros((1, 0)), [], ["y"])


def test_weights_of_another_shape_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"wanted \[1, 2\], got \[3, 2\]"):
        draw_attention(tmp_path / "a.png", WEIGHTS, ["a", "b"], ["c"])


def test_an_unknown_format_names_the_nearest(tmp_path):
    with pytest.raises(OptionError, match=r"did you mean '.png'"):
        draw_attention(tmp_path / "a.pgn", WEIGHTS, ["a", "b"], ["c", "d", "e"])
