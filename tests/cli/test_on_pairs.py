from __future__ import annotations

import json
import re

import pytest

import ostinato as ost
from tests.cli.terminal import refused, run
from tests.tasks.numbers import TINY, pairs


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "m.safetensors"
    ost.Seq2Seq(**TINY, empty="drop").fit(*pairs(), progress=False).save(path)
    return path


def test_answers_come_one_a_line_also_for_an_empty_text(model, tmp_path):
    (tmp_path / "in.txt").write_text("day 7\n\nday 8\n", encoding="utf-8")
    told = run("predict", model, "--input", tmp_path / "in.txt").stdout
    assert len(told.splitlines()) == 3
    assert told.splitlines()[1] == ""


def test_a_line_that_cannot_be_answered_is_told_by_its_place(model, tmp_path, monkeypatch):
    from ostinato.cli import predict

    monkeypatch.setattr(predict, "_TOGETHER", 2)
    path = tmp_path / "in.txt"
    path.write_text("day 7\n" * 3 + "day " * 1000 + "\n", encoding="utf-8")
    assert f"{path}, line 4: the source has 4,000 tokens" in " ".join(
        refused("predict", model, "--input", path).split()
    )
    assert "wanted a whole number from 1 on, got 0" in refused("predict", model, "day 7", "--beam", "0")
    assert "widen the beam" in refused("predict", model, "day 7", "--beam", "2", "--best", "3")


def test_an_answer_to_nothing_has_all_fields_of_another(model, tmp_path):
    (tmp_path / "in.txt").write_text("day 7\n\n", encoding="utf-8")
    asked = ("predict", model, "--input", tmp_path / "in.txt")
    one, nothing = map(json.loads, run(*asked, "--json").stdout.splitlines())
    assert set(one) == set(nothing)
    ranked = run(*asked, "--beam", "2", "--best", "2").stdout.splitlines()
    assert ranked[-1] == "1\t0.0000\t"


def test_an_empty_text_is_refused_where_that_is_asked_for(model, tmp_path):
    (tmp_path / "in.txt").write_text("day 7\n\n", encoding="utf-8")
    asked = ("predict", model, "--input", tmp_path / "in.txt", "--empty")
    assert "line 2: the text is empty" in refused(*asked, "refuse")
    assert "did you mean 'drop'" in refused(*asked, "drpo")


def test_columns_beside_parallel_files_are_refused(model, tmp_path):
    (tmp_path / "a.txt").write_text("day 7\n", encoding="utf-8")
    data = (tmp_path / "a.txt", "--parallel", tmp_path / "a.txt", "--source", "x")
    assert "parallel files have none" in refused("evaluate", model, *data)
    assert "parallel files have none" in refused("train", "seq2seq", *data, "-o", tmp_path / "n.safetensors")


def test_a_model_that_writes_chats(model):
    answered = run("chat", model, typed="day 7\nday 8\n").stdout.splitlines()
    written = run("predict", model, "day 7", "day 8").stdout.splitlines()
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in answered] == [f"  {line}" for line in written]


def test_answers_as_json_tell_score_and_end(model):
    told = [json.loads(line) for line in run("predict", model, "day 7", "--json").stdout.splitlines()]
    assert set(told[0]) == {"text", "answer", "score", "ended"}


def test_where_an_answer_looked_is_drawn(model, tmp_path):
    assert run("predict", model, "day 7", "--plot", tmp_path / "a.svg").exit_code == 0
    assert (tmp_path / "a.svg").exists()
    assert "give one" in refused("predict", model, "day 7", "day 8", "--plot", tmp_path / "a.svg")
    wrong = run("predict", model, "day 7", "--plot", tmp_path / "a.foo")
    assert (wrong.exit_code, wrong.stdout) == (2, "")


def test_flags_of_other_tasks_are_refused(model, tmp_path):
    (tmp_path / "a.txt").write_text("day 7\n", encoding="utf-8")
    assert "--horizon is for forecasts" in refused("predict", model, "day 7", "--horizon", "3")
    data = (tmp_path / "a.txt", "--parallel", tmp_path / "a.txt")
    assert "--all shows every class" in refused("evaluate", model, *data, "--all")
    assert "--nodes compares" in refused("evaluate", model, *data, "--nodes")
    assert "is drawn for one text" in refused("evaluate", model, *data, "--plot", tmp_path / "a.svg")


def test_the_report_is_shown_and_written(model, tmp_path):
    (tmp_path / "a.txt").write_text("day 7\n", encoding="utf-8")
    data = (tmp_path / "a.txt", "--parallel", tmp_path / "a.txt")
    told = run("evaluate", model, *data, "--json", tmp_path / "r.json")
    assert "1 pair, beam 1" in told.stdout
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["count"] == 1
