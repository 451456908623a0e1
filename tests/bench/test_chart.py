from __future__ import annotations

import pytest

from ostinato.bench.chart import draw
from ostinato.errors import DataError
from tests.bench.results import of_row, results


def test_the_rows_of_speed_are_drawn(tmp_path):
    points = {**of_row("gru-train", 8.0, 9.0), **of_row("jax-forward", 2.0, 0.9), **of_row("user-cells", 5.0)}
    draw(results(points), tmp_path / "s.png")
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


def test_results_without_speed_are_no_picture(tmp_path):
    with pytest.raises(DataError, match="no row of speed to draw"):
        draw(results(of_row("memory", 0.5)), tmp_path / "s.png")
    assert not (tmp_path / "s.png").exists()
