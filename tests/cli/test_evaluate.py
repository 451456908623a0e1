from __future__ import annotations

import json

import pytest

import ostinato
from tests.cli.terminal import refused, run
from tests.tasks.trees import TINY

COLUMNS = ("--text", "utterance", "--label", "intent")


def test_the_report_is_printed(model_file, train_file):
    result = run("evaluate", model_file, train_file, *COLUMNS)
    assert result.exit_code == 0
    assert result.stdout == str(ostinato.load(model_file).evaluate(train_file, text="utterance", label="intent")) + "\n"
    assert "in-scope accuracy" in result.stdout
    assert "out of scope refused" in result.stdout


def test_the_report_is_written_as_json(model_file, train_file, tmp_path):
    run("evaluate", model_file, train_file, *COLUMNS, "--json", tmp_path / "r.json")
    report = ostinato.load(model_file).evaluate(train_file, text="utterance", label="intent")
    assert json.loads((tmp_path / "r.json").read_text()) == report.to_dict()


def test_a_cell_from_the_file_is_compiled_only_where_it_is_trusted(own_cell_file, train_file, compiled):
    flags = ("--text", "utterance", "--label", "intent")
    run("evaluate", own_cell_file, train_file, *flags)
    assert compiled == []
    run("evaluate", own_cell_file, train_file, *flags, "--trust-cell")
    assert set(compiled) == {"peephole"}


def test_json_on_the_standard_output_is_nothing_else(model_file, train_file):
    result = run("evaluate", model_file, train_file, *COLUMNS, "--json", "-")
    assert json.loads(result.stdout)["count"] == 46


def test_the_picture_is_drawn(model_file, train_file, tmp_path):
    result = run("evaluate", model_file, train_file, *COLUMNS, "--plot", tmp_path / "p.svg")
    assert result.stderr == f"drew {tmp_path}/p.svg\n"
    assert (tmp_path / "p.svg").stat().st_size > 1000


def test_every_class_is_shown_when_asked_for(model_file, tmp_path):
    # Twenty-five labels that the model never saw come on top of its own.
    rows = ["turn on the lamp,on", *(f"text {n},label{n}" for n in range(25))]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    assert "the 20 hardest of 26 classes" in run("evaluate", model_file, tmp_path / "t.csv").stdout
    assert "\n26 classes\n" in run("evaluate", model_file, tmp_path / "t.csv", "--all").stdout


def test_unseen_labels_are_named(model_file, tmp_path):
    (tmp_path / "t.csv").write_text("text,label\nturn on the lamp,on\nsing a song,sing\n")
    told = run("evaluate", model_file, tmp_path / "t.csv").stdout
    assert "labels unseen in training count as wrong: 'sing' (1)" in told


def test_data_without_a_known_label_are_told(model_file, tmp_path):
    (tmp_path / "t.csv").write_text("text,label\nsing a song,On\n")
    told = refused("evaluate", model_file, tmp_path / "t.csv")
    assert "t.csv, line 2: the label 'On' was not seen in training; did you mean 'on'?" in told


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--label", "intnet"), "there is no column 'intnet'; did you mean 'intent'?"),
        (("--plot", "p.gif"), "a picture's file ends in .png, .svg or .pdf, got 'p.gif'"),
        (("--json", "/no/r.json"), "there is no directory /no"),
    ],
)
def test_what_is_wrong_is_told(model_file, train_file, flags, words):
    assert words in refused("evaluate", model_file, train_file, *COLUMNS, *flags)


@pytest.mark.parametrize(("flag", "name"), [("--json", "MODEL"), ("--json", "DATA"), ("--plot", "DATA")])
def test_nothing_is_written_over_what_is_read(model_file, train_file, flag, name):
    path = {"MODEL": model_file, "DATA": train_file}[name]
    before = path.read_bytes()
    told = refused("evaluate", model_file, train_file, *COLUMNS, flag, path)
    assert told == f"{flag} {path} would overwrite {name} {path}; name another file"
    assert path.read_bytes() == before


def test_the_picture_is_not_written_over_the_report(model_file, train_file, tmp_path):
    told = refused("evaluate", model_file, train_file, "--json", tmp_path / "r.png", "--plot", tmp_path / "r.png")
    assert told == f"--plot {tmp_path}/r.png would overwrite --json {tmp_path}/r.png; name another file"


def test_a_column_is_not_both_text_and_label(model_file, train_file):
    told = refused("evaluate", model_file, train_file, "--text", "intent", "--label", "intent")
    assert told == "--text and --label both name the column 'intent'; texts and labels are two columns"


def test_a_tree_classifier_is_evaluated_as_a_whole_and_at_its_nodes(tree_file, lists_file, tmp_path):
    assert f"{lists_file}: 32 examples, 2 classes" in run("evaluate", tree_file, lists_file).stdout
    path = tmp_path / "labelled.txt"
    path.write_text("(1 (1 a) (5 b))\n(5 b)\n" * 2)
    model = ostinato.TreeClassifier(**{**TINY, "form": "labels"}).fit(path, progress=False)
    model.save(tmp_path / "m.safetensors")
    assert ": 8 examples, 2 classes" in run("evaluate", tmp_path / "m.safetensors", path, "--nodes").stdout
    assert ": 4 examples, 2 classes" in run("evaluate", tmp_path / "m.safetensors", path).stdout


def test_nodes_of_texts_are_refused(model_file, train_file):
    assert "--nodes compares at the nodes of trees, and" in refused("evaluate", model_file, train_file, "--nodes")


def test_columns_of_trees_are_named(tree_file, lists_file):
    assert "there is no column 'code'" in refused("evaluate", tree_file, lists_file, "--tree", "code")
    told = refused("evaluate", tree_file, lists_file, "--tree", "label")
    assert told.startswith("--tree and --label both name the column 'label'")
