from __future__ import annotations

import sys

import pytest

from ostinato.bench import crew
from ostinato.bench.crew import Crew, Worker, how_to_install, interpreters, own_processors, surroundings
from ostinato.errors import EngineError, OptionError


def test_a_worker_answers_is_sent_what_is_wrong_and_ends():
    worker = Worker("torch", sys.executable, 1)
    try:
        assert worker.ask("about")["torch"].startswith("2.")
        with pytest.raises(EngineError, match="the worker of torch refused 'call': KeyError: 'none'"):
            worker.ask("call", slot="none")
    finally:
        worker.stop()
    assert worker.process.poll() is not None


def test_a_peer_that_is_missing_is_told_by_name_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(crew, "START", "import sys\nfrom no_such_package import x")
    with Crew({}) as found:
        found.muster(["jax"])
        assert found.workers == {}
        why = found.missing["jax"]
    assert "the worker of jax ended: ModuleNotFoundError: No module named 'no_such_package'" in why
    assert why.endswith(f"{sys.executable} -m pip install jax, or name another interpreter: --peer-python jax=PYTHON")


def test_ours_comes_with_an_extra_of_its_own():
    assert how_to_install("ours", "python") == "install it with: pip install 'ostinato[train]'"


def test_a_worker_that_died_is_started_again():
    with Crew({}, threads=1) as found:
        found.muster(["torch"])
        first = found["torch"]
        first.process.kill()
        first.process.wait()
        with pytest.raises(EngineError, match="the worker of torch ended"):
            first.ask("about")
        found.muster(["torch"])
        assert found["torch"] is not first
        assert found["torch"].ask("drop") == {}


def test_an_interpreter_is_named_for_a_peer(tmp_path):
    assert interpreters([f"jax={sys.executable}"]) == {"jax": sys.executable}
    with pytest.raises(OptionError, match=r"--peer-python jax=\S+: wanted the path of a Python"):
        interpreters([f"jax={tmp_path}"])


def test_what_changes_how_a_library_waits_is_taken_away():
    given = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "KMP_BLOCKTIME": "0",
        "OSTINATO_ENGINE": "reference",
        "PYTHONPATH": "p",
        "A": "b",
    }
    own, other = (surroundings(given, 3, own=own) for own in (True, False))
    assert own["A"] == "b"
    assert own["OMP_NUM_THREADS"] == own["MKL_NUM_THREADS"] == "3"
    assert not {"OMP_WAIT_POLICY", "KMP_BLOCKTIME", "OSTINATO_ENGINE"} & set(own)
    assert "PYTHONPATH" in own
    assert "PYTHONPATH" not in other


def test_no_two_processors_of_one_core_are_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr("os.sched_setaffinity", lambda *_: None, raising=False)
    for number, siblings in enumerate(["0-1", "0-1", "2-3", "2-3"]):
        folder = tmp_path / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings)
    assert own_processors(2, tmp_path) == [0, 2]
    assert own_processors(3, tmp_path) == []
