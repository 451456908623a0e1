from __future__ import annotations

import json
import re

import pytest

from ostinato.bench import run as running
from ostinato.bench.history import read
from ostinato.bench.registry import chosen
from ostinato.bench.turns import Pace
from tests.bench.results import of_row, results
from tests.cli.terminal import refused, run

POINT = "elman-forward.elman-B1-T128-I16-H32"


@pytest.fixture
def hasty(monkeypatch):
    """Real workers, and hardly any rounds."""
    monkeypatch.setattr(running, "PACES", dict.fromkeys(("quick", "full"), Pace(0.0, rest=0.0)))
    monkeypatch.setattr(running, "BEST_OF", 1)


@pytest.mark.usefixtures("hasty")
def test_a_point_is_measured_by_workers_of_its_own_shown_kept_and_drawn(tmp_path):
    words = ("--only", POINT, "--threads", "1", "-o", tmp_path / "home", "--chart", tmp_path / "s.png")
    result = run("bench", *words)
    assert result.exit_code == 0, result.output
    assert re.search(rf"^\[1/1, 0\.\d min\] {re.escape(POINT)}: [\d.]+  \(.* rounds", result.stderr, re.M)
    assert "| tanh RNN forward only" in result.stdout
    (kept,) = (tmp_path / "home").iterdir()
    assert kept.name.endswith("-part.json")
    assert set(read(kept)["points"]) == {POINT}
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("hasty")
def test_ctrl_c_keeps_the_finished_points_and_the_command_that_it_tells_goes_on(tmp_path, monkeypatch):
    def stop(*given):
        raise KeyboardInterrupt

    words = ("--only", POINT, "--threads", "1", "-o", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(running, "measure", stop)
        stopped = run("bench", *words)
    assert stopped.exit_code == 130
    assert f"0 of 1 points are kept in {tmp_path}/part.unfinished" in stopped.stderr
    assert re.search(r"^go on with:  .* bench --only \S+ .*--resume$", stopped.stderr, re.M)
    assert refused("bench", *words).endswith("--resume goes on with it, --restart begins anew")
    assert run("bench", *words, "--resume").exit_code == 0


def test_the_list_measures_nothing():
    assert run("bench", "--list").stdout.split() == [point.name for point in chosen("quick")]
    assert run("bench", "--list", "--only", "memory").stdout.split() == [p.name for p in chosen("full", "memory")]
    assert run("bench", "--list", "--quick", "--only", "memory").stdout.count("\n") == 2


def test_earlier_results_are_shown(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(results(of_row("elman-forward", 0.9))))
    shown = run("bench", "--show", path).stdout
    assert "**0.90x**" in shown
    assert "slower: elman-forward.elman-B1-T128-I16-H32 0.900x (0.891 to 0.909)" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--quick", "--full"), "--quick measures a part and --full everything; give one of them"),
        (("--resume", "--restart"), "--resume goes on and --restart begins anew; give one of them"),
        (("--show", "r.json", "--full"), "--show shows what was measured before; leave out --full"),
        (("--threads", "no"), "--threads wanted a whole number at least 1, got 'no'"),
        (("--only", "nothing"), "no point of the full run matches 'nothing'; rows: did you mean "),
        (("--show", "nowhere.json"), "there is no file nowhere.json"),
        (
            ("--peer-python", "jx=python"),
            "--peer-python jx=python: unknown peer 'jx'; did you mean 'jax'? known: 'torch'",
        ),
        (("--chart", "/no/such/place/s.png"), "cannot write /no/such/place/s.png: there is no directory"),
        (("--resume", "-o", "nowhere"), "there is no stopped run in nowhere/quick.unfinished; leave out --resume"),
    ],
)
def test_what_cannot_be_done_is_told(words, told):
    assert refused("bench", *words).startswith(told)


def test_no_peer_and_no_torch_are_needed_for_help():
    assert "--peer-python PEER=PYTHON" in run("bench", "--help").stdout
