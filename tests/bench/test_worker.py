from __future__ import annotations

import io
import json
import sys

import pytest

from ostinato.bench.inputs import draw, read_arrays, write_arrays
from ostinato.bench.worker import Desk, resident, serve
from tests.bench.inside import small


def answers(*requests):
    lines, written = [json.dumps(request) + "\n" for request in requests], io.StringIO()
    serve(Desk("torch"), lines, written)
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_job_is_prepared_checked_timed_and_dropped(tmp_path):
    job = small("lstm")
    write_arrays(tmp_path / "in", draw(job))
    about, _, _, timed, _ = answers(
        {"do": "about"},
        {"do": "prepare", "slot": "a", "job": job.data(), "folder": str(tmp_path / "in")},
        {"do": "results", "slot": "a", "folder": str(tmp_path / "out")},
        {"do": "call", "slot": "a", "warm": True},
        {"do": "drop"},
    )
    assert about["torch"].startswith("2.")
    assert timed["seconds"] > 0
    assert {"y", "h", "c", "grad.x", "grad.weight.R", "grad.state.c"} <= set(read_arrays(tmp_path / "out"))


def test_what_goes_wrong_is_an_answer_and_the_next_request_is_served():
    wrong, right = answers({"do": "call", "slot": "none"}, {"do": "about"})
    assert wrong == {"error": "KeyError: 'none'"}
    assert "torch" in right


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the high-water mark of memory and resets it")
def test_the_memory_of_a_call_is_what_it_adds(tmp_path):
    first, job = small("lstm"), small("lstm", rows=64, steps=200, hidden=64)
    write_arrays(tmp_path / "first", draw(first))
    write_arrays(tmp_path / "job", draw(job))
    desk = Desk("torch")
    found = desk.memory(job.data(), str(tmp_path / "job"), first.data(), str(tmp_path / "first"))
    # At the least, outputs and the gradient of the input.
    assert found["bytes"] > 4 * 64 * 200 * 64
    assert resident("VmHWM") >= resident("VmRSS") > 0
