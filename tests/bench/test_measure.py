from __future__ import annotations

import dataclasses

import pytest

from ostinato.bench import measure as module
from ostinato.bench import worker
from ostinato.bench.measure import measure
from ostinato.bench.points import Job, Point, Row, Side
from ostinato.bench.registry import ROWS
from ostinato.bench.turns import Pace
from ostinato.errors import EngineError
from tests.bench.inside import InsideCrew, small

QUICK = Pace(0.0, rest=0.0)


def measured(point, tmp_path, row=None):
    crew = InsideCrew()
    crew.muster(point.workers)
    record = measure(point, row or ROWS[point.row], crew, QUICK, tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists()
    assert all(not worker.desk.prepared for worker in crew.workers.values())
    return record, crew


def against_torch(row, job, **more):
    return Point(row, Side("ours", job), Side("torch", job), **more)


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman_relu"])
def test_a_point_of_speed_is_checked_against_the_peer_and_the_loop_in_float64(tmp_path, cell):
    record, _ = measured(against_torch("rnn-train", small(cell), exact=True), tmp_path)
    assert record["ratio"] > 0
    assert record["others"] is None or record["others"] >= 0
    assert record["apart"]["outputs"] < 1e-6
    assert set(record["error"]) == {"ours", "peer"}
    assert record["error"]["ours"]["gradients"] < 1e-5


def test_lengths_and_stacks_agree_with_torch_too(tmp_path):
    for job in (small("lstm", ragged=True), small("gru", ragged=True), small("lstm", layers=2)):
        record, _ = measured(against_torch("ragged", job), tmp_path)
        assert record["apart"]["gradients"] < 1e-5


def test_a_peer_that_computes_something_else_is_not_timed(tmp_path, monkeypatch):
    from ostinato.bench.peers import torch_loops

    def wrong(gates, turned, now, w):
        return (2 * torch_loops.minimal_gated(gates, turned, now, w)[0],)

    monkeypatch.setitem(torch_loops.STEPS, "minimal_gated", wrong)
    job = small("minimal_gated")
    point = Point("user-cells", Side("ours", job), Side("torch", dataclasses.replace(job, style="loop")))
    with pytest.raises(EngineError, match=r"user-cells\.\S+: ours and torch do not agree: .*y .* \(at most 1e-05\)"):
        measured(point, tmp_path)


def test_the_slower_loop_is_shown_beside(tmp_path):
    job = small("two_paces")
    sides = [Side("torch", dataclasses.replace(job, style=style)) for style in ("loop", "indexing")]
    record, _ = measured(Point("user-cells", Side("ours", job), sides[0], beside=sides[1]), tmp_path)
    assert record["beside"]["style"] == "indexing"
    assert record["beside"]["ratio"] > 0


@pytest.mark.parametrize(("ratio", "again"), [(0.9, True), (1.1, False)])
def test_a_point_under_one_is_measured_again_with_five_times_the_rounds(tmp_path, monkeypatch, ratio, again):
    asked = []

    def in_turns(ours, peer, pace, times=1):
        asked.append(times)
        return {
            "ratio": ratio,
            "spread": [ratio, ratio],
            "rounds": 5 * times,
            "ours_seconds": 1.0,
            "peer_seconds": ratio,
        }

    monkeypatch.setattr(module, "in_turns", in_turns)
    monkeypatch.setattr(module, "_handed_over", lambda *given: False)
    record, _ = measured(against_torch("gru-train", small()), tmp_path)
    assert asked == ([1, 5] if again else [1])
    assert ("first" in record) is again


def test_what_torch_s_own_layer_serves_counts_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_handed_over", lambda *given: True)
    record, _ = measured(against_torch("gru-train", small()), tmp_path)
    assert record["value"] == 1.0
    assert record["handed_over"] is True
    assert "first" not in record


def test_only_a_dense_call_can_be_handed_to_torch():
    point = against_torch("gru-train", small())
    assert module._handed_over(point, {"engine": "torch (not cpu: why)"})
    assert not module._handed_over(point, {"engine": "cpu"})
    assert not module._handed_over(against_torch("ragged", small(ragged=True)), {"engine": "torch"})


def test_the_cost_of_lengths_takes_the_valid_share_out(tmp_path, monkeypatch):
    found = {"ratio": 2.0, "spread": [1.9, 2.5], "rounds": 5, "ours_seconds": 1.0, "peer_seconds": 2.0}
    monkeypatch.setattr(module, "in_turns", lambda *given: dict(found))
    dense = small(rows=40, steps=40)
    point = Point("valid-share", Side("ours", dataclasses.replace(dense, ragged=True)), Side("ours", dense))
    record, _ = measured(point, tmp_path)
    assert 0.5 < record["valid_share"] < 0.75
    assert record["value"] == pytest.approx(0.5 / record["valid_share"])
    assert record["spread"] == pytest.approx([0.4 / record["valid_share"], 1 / 1.9 / record["valid_share"]])


def test_the_share_of_the_roof_compares_operations_per_second(tmp_path, monkeypatch):
    found = {"ratio": 0.001, "spread": [1, 1], "rounds": 5, "ours_seconds": 1.0, "peer_seconds": 0.001}
    monkeypatch.setattr(module, "in_turns", lambda *given: dict(found))
    product = Job("sgemm", 8, 1, 8, 8, style="product")
    row = Row("roof", "t", "a", (), "share", {"all": 0.0})
    record, _ = measured(Point("roof", Side("ours", small("lstm")), Side("torch", product)), tmp_path, row)
    flops = 6 * 4 * 3 * 7 * 5 * (4 + 5)
    assert record["value"] == pytest.approx(0.001 * flops / (2 * 1024**3))
    assert record["flops"] == pytest.approx(flops)
    assert record["roof"] == pytest.approx(2 * 1024**3 / 0.001)


def test_memory_is_measured_in_fresh_processes(tmp_path, monkeypatch):
    # The workers of this test live in its own process, whose heap may have room enough for a call.
    marks = iter([1000, 4000, 1000, 3000])
    monkeypatch.setattr(worker, "resident", lambda name: next(marks))
    record, crew = measured(against_torch("memory", small("lstm", rows=32, steps=200, hidden=64)), tmp_path)
    assert (record["ours_bytes"], record["peer_bytes"], record["value"]) == (3000, 2000, 1.5)
    fresh = [one for one in crew.started if one not in crew.workers.values()]
    assert [one.peer for one in fresh] == ["ours", "torch"]
    assert all(one.stopped for one in fresh)
