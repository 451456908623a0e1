from __future__ import annotations

from collections import Counter

import pytest

from ostinato.bench.points import Job
from ostinato.bench.registry import FIXED, GRIDS, ROWS, chosen, work
from ostinato.bench.user_cells import find_cell
from ostinato.errors import OptionError


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_grid_is_whole(cell):
    jobs = [point.ours.job for point in ROWS[f"{cell}-train"].points]
    assert {(j.rows, j.steps, j.hidden) for j in jobs} == {
        (b, t, h) for b in (1, 8, 32, 128) for t in (32, 128, 512) for h in (32, 64, 128, 256, 512)
    }
    assert len(jobs) == 4 * 3 * 5 * 2
    assert all(j.inputs in (16, j.hidden) and j.train and j.cell == cell for j in jobs)


def test_every_point_has_a_name_of_its_own():
    names = Counter(point.name for row in ROWS.values() for point in row.points)
    assert max(names.values()) == 1


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.name not in (*GRIDS, "memory", "roof")])
def test_other_rows_have_the_twelve_fixed_points_and_share_them_fairly(row):
    jobs = [point.ours.job for point in row.points]
    assert len(jobs) == 12
    assert {(j.rows, j.steps, j.inputs, j.hidden) for j in jobs} <= set(FIXED)
    assert len(set(Counter(j.cell for j in jobs).values())) == 1


def test_twelve_points_of_the_grid_are_held_against_the_loop_in_float64():
    assert sum(point.exact for name in GRIDS for point in ROWS[name].points) == 12


def test_a_user_s_cell_is_held_against_a_built_in_one_of_as_many_gates():
    for point in ROWS["user-built-in"].points:
        assert len(find_cell(point.ours.job.cell).gates) == len(find_cell(point.against.job.cell).gates)


def test_every_row_says_what_must_be_true_and_is_in_the_short_run():
    for row in ROWS.values():
        assert "all" in row.wanted
        assert row.points
        assert any(point.quick for point in row.points), row.name


def test_points_are_found_by_row_part_and_pattern():
    assert {point.row for point in chosen("full", "memory")} == {"memory"}
    assert all("-B8-" in point.name for point in chosen("full", "-B8-"))
    assert [point.name for point in chosen("full", "roof.*")] == ["roof.lstm-B32-T128-I256-H256"]
    with pytest.raises(
        OptionError, match=r"no point of the quick run matches 'lstm-tran'; rows: did you mean 'lstm-train'"
    ):
        chosen("quick", "lstm-tran")


def test_the_work_of_a_call_counts_the_products_of_all_gates():
    assert work(Job("lstm", 32, 128, 256, 256)) == 6 * 4 * 32 * 128 * 256 * 512
