import json

import pytest

from ostinato.tasks import Tagger
from ostinato.tasks.tag_examples import read_tagged
from tests.cli.terminal import refused, run
from tests.tasks.tagged import SMALL, columns, texts_with_spans

TEXT = "turn off the radio in the attic"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "t.safetensors"
    Tagger(**SMALL).fit(*texts_with_spans(), progress=False).save(path)
    return path


@pytest.fixture(scope="module")
def conll(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "test.conll"
    path.write_text(columns(read_tagged(*texts_with_spans()).sentences[:3]))
    return path


def test_words_come_with_their_tags_a_word_a_line(model):
    lines = run("predict", model, TEXT, "").stdout.split("\n")
    assert [line.split("\t")[0] for line in lines[:7]] == TEXT.split()
    assert lines[3].split("\t")[1] == "B-name"
    assert lines[7:] == ["", "", ""]


def test_json_holds_spans_in_characters(model):
    (row,) = map(json.loads, run("predict", model, TEXT, "--json").stdout.splitlines())
    assert row["text"] == TEXT
    assert {"start": 13, "end": 18, "name": "name", "text": "radio"} in row["spans"]
    assert len(row["words"]) == len(row["tags"]) == len(row["confidences"])


def test_sentences_come_from_files_tables_and_pipes(model, conll, tmp_path):
    table = tmp_path / "t.jsonl"
    table.write_text(json.dumps({"text": TEXT}) + "\n")
    lines = tmp_path / "lines.txt"
    lines.write_text(TEXT + "\n")
    wanted = run("predict", model, TEXT).stdout
    assert run("predict", model, "--input", table).stdout == wanted
    assert run("predict", model, "--input", lines).stdout == wanted
    assert run("predict", model, typed=TEXT + "\n").stdout == wanted
    found = run("predict", model, "--input", conll).stdout
    assert [line.split("\t")[0] for line in found.splitlines()] == [
        line.split(" ")[0] for line in [*conll.read_text().splitlines(), ""]
    ]


def test_evaluation_tells_words_and_spans(model, conll, tmp_path):
    report = tmp_path / "r.json"
    result = run("evaluate", model, conll, "--json", report)
    assert "3 sentences" in result.stdout
    assert "span F1" in result.stdout
    assert json.loads(report.read_text())["spans"][0]["name"] == ""


def test_chat_shows_the_spans_of_a_line(model):
    assert run("chat", model, typed=TEXT + "\n").stdout == "  name=radio, area=attic\n"


def test_info_tells_the_task(model):
    assert "tagger" in run("info", model).stdout


def test_columns_of_what_has_none_are_refused(model):
    assert "--text names a column" in refused("predict", model, TEXT, "--text", "said")
    assert "--nodes compares" in refused("evaluate", model, "x.conll", "--nodes")
