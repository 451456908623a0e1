from __future__ import annotations

import math

import pytest

from ostinato.bench.registry import ROWS
from ostinato.bench.summary import summaries, summarise
from tests.bench.results import of_row, record, results


def test_a_row_is_its_geometric_mean_its_batches_and_its_worst_point():
    points = {p.name: {1: 9.0, 8: 5.0, 32: 2.0, 128: 1.0}[p.ours.job.rows] for p in ROWS["gru-train"].points}
    found = summaries(results(points)["points"])["gru-train"]
    assert found.mean == pytest.approx(90**0.25)
    assert {b: pytest.approx(v) for b, v in found.by_batch.items()} == {1: 9.0, 8: 5.0, 32: 2.0, 128: 1.0}
    assert (found.worst, found.count, found.missing) == (1.0, 120, 0)
    assert found.shortfalls() == ["gru-train: the mean at B = 128 is 1, wanted at least 1.2"]


def test_the_worst_cost_is_the_highest():
    found = summaries(results(of_row("valid-share", 1.0, 1.21, 1.1))["points"])["valid-share"]
    assert found.worst == 1.21
    assert found.best == 1.0
    assert found.missing == 9
    assert found.shortfalls() == []


def test_a_row_that_was_not_measured_has_no_numbers():
    assert list(summaries(results(of_row("memory", 0.5))["points"])) == ["memory"]


def test_errors_beside_and_what_was_handed_over_are_gathered():
    a, b = ROWS["user-cells"].points[:2]
    found = summarise(
        ROWS["user-cells"],
        {
            a.name: record(a, 4.0, error={"ours": {"outputs": 1e-7, "gradients": 3e-7}}, beside={"ratio": 10.0}),
            b.name: record(b, 1.0, error={"ours": {"outputs": 2e-7, "gradients": 1e-7}}, handed_over=True),
        },
    )
    assert found.errors == {"outputs": 2e-7, "gradients": 3e-7}
    assert found.handed_over == 1
    assert math.isclose(found.beside, 10.0)
