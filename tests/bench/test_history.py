from __future__ import annotations

import json

import pytest

from ostinato.bench.history import Unfinished, newest, read
from ostinato.errors import DataError, OptionError

FACTS = {"kind": "quick", "versions": {"torch": "2"}, "date": "today", "load": 0.1}


def begun(home, **flags):
    kept = Unfinished(home, "quick")
    kept.begin({**FACTS, **flags.pop("facts", {})}, **flags)
    return kept


def test_points_are_kept_one_by_one_and_joined_at_the_end(tmp_path):
    kept = begun(tmp_path / "deep")
    kept.keep("a", {"value": 1.234567})
    kept.keep("b", {"value": 2})
    path = kept.finish(failed={})
    assert not kept.folder.exists()
    results = read(path)
    assert results["points"] == {"a": {"value": 1.2346}, "b": {"value": 2}}
    assert results["versions"] == {"torch": "2"}
    assert path.name.endswith("-quick.json")
    assert newest(tmp_path / "deep", "quick") == path
    assert newest(tmp_path / "deep", "full") is None


def test_a_stopped_run_is_not_passed_over(tmp_path):
    begun(tmp_path).keep("a", {})
    with pytest.raises(OptionError, match=r"holds a run that was stopped; --resume goes on with it, --restart begins"):
        begun(tmp_path)
    assert set(begun(tmp_path, resume=True, facts={"date": "tomorrow", "load": 3.0}).points()) == {"a"}
    assert begun(tmp_path, restart=True).points() == {}


def test_resuming_nothing_is_an_error(tmp_path):
    with pytest.raises(OptionError, match="there is no stopped run in"):
        begun(tmp_path, resume=True)


def test_other_versions_do_not_join_a_run(tmp_path):
    begun(tmp_path)
    with pytest.raises(
        OptionError, match=r"was measured with other versions \(.*'2'.*, now .*'3'.*--restart begins anew"
    ):
        begun(tmp_path, resume=True, facts={"versions": {"torch": "3"}})


@pytest.mark.parametrize("text", [None, "no json", "[]", "\xff"])
def test_a_file_without_results_is_told(tmp_path, text):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="there is no file" if text is None else "holds no results of a benchmark"):
        read(path)


def test_each_point_has_a_line_of_its_own(tmp_path):
    kept = begun(tmp_path)
    kept.keep("a", {"spread": [1.0, 2.0]})
    text = kept.finish().read_text()
    assert '\n"a": {"spread": [1.0, 2.0]}\n' in text
    assert json.loads(text)["kind"] == "quick"
