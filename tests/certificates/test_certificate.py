from __future__ import annotations

import signal

import pytest

import ostinato as ost
from ostinato.certificates import certificate as module
from ostinato.certificates import certify
from ostinato.errors import Interrupted, OptionError

TINY = {"tasks": ["parity", "s3"], "seeds": 2, "seconds": 1e-6, "hidden": 4}


def test_a_certificate_has_one_result_for_each_run_and_one_verdict_for_each_task():
    certificate = certify("gru", **TINY)
    assert certificate.cell == "gru"
    assert [(r["seed"], r["task"]) for r in certificate.results] == [(1, "parity"), (1, "s3"), (2, "parity"), (2, "s3")]
    assert [(v.task, v.seeds) for v in certificate.verdicts()] == [("parity", 2), ("s3", 2)]
    assert certificate.table().splitlines()[0] == "| cell | parity | s3 |"


def test_finished_runs_are_not_made_again_unless_asked(tmp_path, monkeypatch):
    first = certify("gru", **TINY, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    with monkeypatch.context() as patch:
        patch.setattr(module.Run, "make", lambda *given: pytest.fail("made again"))
        assert certify("gru", **TINY, folder=tmp_path) == first
    made = []
    certify("gru", **TINY, folder=tmp_path, again=True, watch=lambda run, glimpse, result: made.append(glimpse))
    assert sum(glimpse is not None for glimpse in made) == 4


def test_ctrl_c_keeps_the_finished_runs_and_the_next_call_goes_on(tmp_path):
    def stop(run, glimpse, result):
        if run.task.name == "s3":
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(
        Interrupted, match=r"1 of 4 runs of gru were finished: they are kept in .*the same call goes on"
    ):
        certify("gru", **TINY, folder=tmp_path, watch=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["gru-parity-1.json"]
    assert len(certify("gru", **TINY, folder=tmp_path).results) == 4


def test_a_cell_of_one_s_own_is_certified():
    @ost.cell(state="h", gates="z n")
    def mine(x, u, s):
        z = ost.cells.sigmoid(x.z + u.z)
        return ost.State(h=(1 - z) * s.h + z * ost.cells.tanh(x.n + u.n))

    assert ost.certify(mine, **TINY).cell == "mine"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cell": "lsmt"}, "did you mean 'lstm'"),
        ({"cell": 3}, "a cell is a name or made by @cell, got int"),
        ({"seeds": 0}, "seeds wanted a whole number of at least 1, got 0"),
        ({"hidden": 2.5}, "hidden wanted a whole number"),
        ({"layers": True}, "layers wanted a whole number"),
        ({"threads": -1}, "threads wanted a whole number"),
        ({"seconds": 0.0}, "seconds wanted a number above 0"),
        ({"seconds": float("nan")}, "seconds wanted a number above 0"),
        ({"tasks": ["pariti"]}, "did you mean 'parity'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, told):
    with pytest.raises(OptionError, match=told):
        certify(**{"cell": "gru", **TINY, **options})
