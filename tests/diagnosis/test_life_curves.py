from __future__ import annotations

import numpy as np
import pytest

from ostinato.diagnosis.life_curves import draw_life_curves, draw_numbers
from ostinato.errors import OptionError, OutputError

CURVES = [np.linspace(30, 5, 20), np.linspace(12, 0, 9), np.array([4.0])]
ENDS, IDS = np.array([3.0, 0.0, 40.0]), ("a", "b", "c")


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_pictures_have_the_format_of_their_names(tmp_path, suffix, start):
    draw_life_curves(tmp_path / f"life{suffix}", CURVES, ENDS, IDS, cap=25, title="t")
    draw_numbers(tmp_path / f"numbers{suffix}", np.array([1.0, 2.0]), np.array([1.5, 1.5]), title="t")
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(start)


def test_all_that_is_drawn_has_a_name_in_the_legend(tmp_path):
    draw_life_curves(tmp_path / "life.svg", CURVES, ENDS, IDS, units=["a"])
    text = (tmp_path / "life.svg").read_text()
    for words in ("truly left", "as the model tells it", "told too much", "unit a"):
        assert f"<!-- {words} -->" in text
    assert "<!-- unit b -->" not in text


def test_many_units_are_shown_by_some(tmp_path):
    many = [np.linspace(9, 1, 3 + k) for k in range(30)]
    names = [f"u{k}" for k in range(30)]
    draw_life_curves(tmp_path / "life.svg", many, np.zeros(30), names)
    assert (tmp_path / "life.svg").read_text().count("<!-- unit u") == 6


def test_numbers_that_are_all_equal_can_be_drawn(tmp_path):
    draw_numbers(tmp_path / "n.png", np.array([2.0]), np.array([2.0]))
    assert (tmp_path / "n.png").is_file()


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(OptionError, match="a picture's file ends in"):
        draw_life_curves(tmp_path / "life.gif", CURVES, ENDS, IDS)
    with pytest.raises(OptionError, match="there is no unit 'd'"):
        draw_life_curves(tmp_path / "life.png", CURVES, ENDS, IDS, units="d")
    with pytest.raises(OptionError, match="units wanted at least one id"):
        draw_life_curves(tmp_path / "life.png", CURVES, ENDS, IDS, units=[])
    with pytest.raises(OutputError):
        draw_numbers(tmp_path / "no" / "n.png", np.array([2.0]), np.array([2.0]))
