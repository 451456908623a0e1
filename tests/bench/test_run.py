from __future__ import annotations

import pytest

from ostinato.bench import run as module
from ostinato.bench.history import Unfinished, read
from ostinato.bench.registry import chosen
from ostinato.bench.run import line, processor, roofs, run, sources
from ostinato.errors import EngineError, Interrupted, OptionError
from tests.bench.inside import InsideCrew
from tests.bench.results import record


@pytest.fixture
def measured(monkeypatch):
    """Points that take no time; the list of their names, and what goes wrong at which."""
    names, trouble = [], {}

    def measure(point, row, crew, pace, scratch):
        if point.name in trouble:
            raise trouble.pop(point.name)
        names.append(point.name)
        return record(point, 2.0)

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(module, "roofs", lambda crew: {"sgemm": 1e9, "multiply_adds": None})
    monkeypatch.setattr(module.os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    return names, trouble


def start(home, *missing, points=None, **flags):
    told = []
    points = points or chosen("full", "jax-forward")[:3]
    found = run(points, "quick", InsideCrew(*missing), Unfinished(home, "quick"), told.append, **flags)
    return *found, told


def test_every_point_is_measured_told_and_kept(tmp_path, measured):
    path, failed, told = start(tmp_path)
    assert failed == {}
    assert set(read(path)["points"]) == set(measured[0])
    assert len(measured[0]) == 3
    assert told[0] == "roofs: torch.mm of 1024 x 1024 1 GFLOP/s"
    assert told[1] == "the machine is busy with other work (load 3.0); its ratios will be doubtful"
    assert told[2].startswith("[1/3, 0.0 min] jax-forward.lstm-B1-T128-I16-H32: 2.00  (1.98 to 2.02 in 9 rounds")


def test_a_missing_peer_is_skipped_by_name(tmp_path, measured):
    both = [*chosen("full", "jax-forward")[:2], *chosen("full", "keras-forward")[:2]]
    path, failed, told = start(tmp_path, "jax", points=both)
    assert "SKIPPED: jax: not installed" in told
    assert measured[0] == [point.name for point in both[2:]]
    assert read(path)["skipped"] == {"jax": "not installed"}
    assert failed == {}


def test_a_run_of_missing_peers_only_is_refused(tmp_path, measured):
    with pytest.raises(EngineError, match="none of these points can be measured: jax missing"):
        start(tmp_path, "jax")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("peer", ["ours", "torch"])
def test_without_ours_or_torch_nothing_begins(tmp_path, measured, peer):
    with pytest.raises(EngineError, match=f"nothing can be compared without {peer}: not installed"):
        start(tmp_path / "home", peer)
    assert not (tmp_path / "home").exists()


def test_ctrl_c_keeps_what_is_done_and_the_run_goes_on_from_there(tmp_path, measured):
    names, trouble = measured
    points = chosen("full", "jax-forward")[:3]
    trouble[points[1].name] = KeyboardInterrupt()
    with pytest.raises(Interrupted, match=r"1 of 3 points are kept in \S+quick\.unfinished"):
        start(tmp_path)
    with pytest.raises(OptionError, match="--resume goes on with it"):
        start(tmp_path)
    path, *_ = start(tmp_path, resume=True)
    assert names == [point.name for point in points]
    assert set(read(path)["points"]) == set(names)


def test_a_point_that_fails_is_told_and_the_others_are_measured(tmp_path, measured):
    names, trouble = measured
    points = chosen("full", "jax-forward")[:3]
    trouble[points[0].name] = EngineError("they do not agree")
    path, failed, told = start(tmp_path)
    assert failed == {points[0].name: "they do not agree"}
    assert read(path)["failed"] == failed
    assert any("FAILED: they do not agree" in words for words in told)
    assert len(names) == 2


def test_the_roof_of_the_machine_is_measured(monkeypatch):
    monkeypatch.setattr(module, "BEST_OF", 1)
    crew = InsideCrew()
    crew.muster(["ours", "torch"])
    found = roofs(crew)
    assert found["sgemm"] > 1e8
    assert set(found) == {"sgemm", "multiply_adds"}


def test_the_digest_changes_with_what_decides_the_speed(tmp_path):
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "cpu.py").write_text("a = 1")
    (tmp_path / "model.py").write_text("a = 1")
    before = sources(tmp_path)
    (tmp_path / "model.py").write_text("a = 2")
    assert sources(tmp_path) == before
    (tmp_path / "ops" / "cpu.py").write_text("a = 2")
    assert sources(tmp_path) != before


def test_memory_is_told_in_megabytes():
    assert line({"value": 0.5, "ours_bytes": 1e6, "peer_bytes": 2e6}) == "0.50  (1.0 MB against 2.0 MB)"
    assert processor()


def test_other_programs_that_were_busy_are_told_at_the_point():
    point = chosen("full", "jax-forward")[0]
    assert "other programs" not in line(record(point, 2.0, others=0.05))
    assert line(record(point, 2.0, others=0.5)).endswith("; other programs used 50 % of the machine")
