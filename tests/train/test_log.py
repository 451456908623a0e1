from __future__ import annotations

import json

import pytest

from ostinato.errors import OutputError
from ostinato.train.log import JsonLog
from ostinato.train.reports import EpochEnded, Finished, Started, Stepped

START = {
    "epochs": 2,
    "batches": 3,
    "parameters": 4,
    "options": {"lr": 0.1, "average": 0.5},
    "device": "cpu",
    "threads": 1,
}


def epoch(number):
    measures = {"loss": 0.5, "accuracy": 0.25}
    return EpochEnded(number, measures, measures, 0.5, True, 0.1, seconds=3.0)


def test_a_run_is_lines_of_json_without_steps(tmp_path):
    with JsonLog(tmp_path / "log") as log:
        for report in (Started(**START), Stepped(0, 0, 4, 0.5), epoch(0), Finished(1, 0, "loss", 0.5)):
            log(report)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["started", "epoch", "finished"]
    assert lines[1].startswith('{"event": "epoch", "better": true, "epoch": 0, ')


def test_a_line_is_in_the_file_at_once(tmp_path):
    with JsonLog(tmp_path / "log") as log:
        log(Started(**START))
        assert (tmp_path / "log").read_text().endswith("}\n")


def test_a_new_run_empties_the_log(tmp_path):
    for _ in range(2):
        with JsonLog(tmp_path / "log") as log:
            log(Started(**START))
    assert len((tmp_path / "log").read_text().splitlines()) == 1


@pytest.mark.parametrize("damage", ["", "half a li", None])
def test_a_resumed_run_restores_the_log_of_its_checkpoint(tmp_path, damage):
    path = tmp_path / "log"
    with JsonLog(path) as log:
        for report in (Started(**START), epoch(0)):
            log(report)
        wanted = path.read_bytes()
        # What came after the checkpoint will come again.
        log(epoch(1))
    if damage is None:
        path.unlink()
    else:
        path.write_text(path.read_text() + damage)
    history = tuple(json.loads(line) for line in wanted.decode().splitlines())
    with JsonLog(path) as log:
        log(Started(**START, resumed=True, history=history))
    assert path.read_bytes() == wanted


def test_the_order_of_keys_does_not_matter(tmp_path):
    for name, measures in (("a", {"loss": 1.0, "accuracy": 0.5}), ("b", {"accuracy": 0.5, "loss": 1.0})):
        with JsonLog(tmp_path / name) as log:
            log(EpochEnded(0, measures, {}, 0.5, True, 0.1))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_log_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"the log .* cannot be written: Is a directory"), JsonLog(tmp_path) as log:
        log(Started(**START))
