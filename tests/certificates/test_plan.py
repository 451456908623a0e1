from __future__ import annotations

import json

import pytest

from ostinato.cells import cell, elman, find, gru, tanh
from ostinato.certificates.learning import Settings
from ostinato.certificates.plan import Run, Shelf, definition, planned, read_result
from ostinato.certificates.tasks import SIX, TASKS
from ostinato.errors import DataError, OptionError, OutputError
from ostinato.state import State

TINY = Settings(seconds=1e-6, hidden=4)
RUN = Run(gru, TASKS["parity"], 1)


def test_every_cell_and_task_comes_once_before_the_second_seed():
    runs = list(planned([elman, gru], SIX, 2))
    names = [run.name for run in runs]
    assert len(set(names)) == len(names)
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    # One task of the six is about a long memory, and elman has no gate that keeps.
    assert len(runs) == 2 * (6 + 7)
    assert "gru-recall-chrono-2" in names
    assert "elman-recall-chrono-2" not in names


def test_a_result_tells_all_that_it_came_from():
    record = RUN.make(TINY)
    assert record["cell"] == "gru"
    assert record["task"] == "parity"
    assert record["start"] == "plain"
    assert record["settings"]["seconds"] == 1e-6
    assert {"accuracy", "engine", "made", "steps", "definition"} <= set(record)
    json.dumps(record)


def test_a_kept_result_is_found_again_and_another_setting_is_refused(tmp_path):
    shelf = Shelf(tmp_path / "new" / "folder")
    shelf.prepare()
    assert shelf.find(RUN, TINY) is None
    record = RUN.make(TINY)
    shelf.keep(RUN, record)
    assert shelf.find(RUN, TINY) == record
    with pytest.raises(
        OptionError, match=r"holds a run with hidden 4, and 8 is asked for; choose another folder \(-o\)"
    ):
        shelf.find(RUN, Settings(seconds=1e-6, hidden=8))


def test_a_cell_that_has_changed_is_another_cell(tmp_path):
    def declared(factor):
        @cell(state="h", gates="n")
        def mine(x, u, s):
            return State(h=factor * tanh(x.n + u.n))

        return mine

    assert definition(declared(0.5)) == definition(declared(0.5)) != definition(declared(0.25))
    assert definition(find("lstm")) != definition(find("gru"))
    shelf = Shelf(tmp_path)
    shelf.keep(run := Run(declared(0.5), TASKS["parity"], 1), run.make(TINY))
    with pytest.raises(OptionError, match="another definition of this cell"):
        shelf.find(Run(declared(0.25), TASKS["parity"], 1), TINY)


def test_without_a_folder_nothing_is_kept():
    shelf = Shelf(None)
    shelf.prepare()
    shelf.keep(RUN, {})
    assert shelf.find(RUN, TINY) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read as JSON"),
        (b'{"cell": "gru"', "cannot be read as JSON"),
        (b"\xff\xfe\x00", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[]", "lacks a JSON object"),
        (b'{"cell": "gru"}', "lacks 'task'"),
        (b'{"cell": 3}', "lacks 'cell'"),
    ],
)
def test_a_file_that_is_no_result_is_named(tmp_path, content, told):
    path = tmp_path / "gru-parity-1.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=told) as refusal:
        read_result(path)
    assert str(path) in str(refusal.value)
    assert "delete it" in str(refusal.value)


def test_a_folder_that_cannot_be_made_is_told_before_any_run(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        Shelf(tmp_path / "file" / "folder").prepare()
