from __future__ import annotations

import json

import pytest

from ostinato.tasks import LanguageModel
from tests.cli.terminal import refused, run
from tests.tasks.languages import QUICK, TEXTS


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("language") / "m.safetensors"
    LanguageModel(**QUICK).fit(TEXTS, progress=False).save(path)
    return path


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(TEXTS[0])
    return path


def test_evaluation_tells_perplexity_and_bits(model, data, tmp_path):
    result = run("evaluate", model, data, "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.output
    assert "bits per character" in result.stdout
    told = json.loads((tmp_path / "r.json").read_text())
    assert told == json.loads(run("evaluate", model, data, "--json", "-").stdout)
    assert told["characters"] == len(TEXTS[0])


def test_nobody_chats_with_what_goes_on_with_texts(model):
    assert f"try: ostinato generate {model} PROMPT" in refused("chat", model)


def test_classes_of_a_model_without_any_are_refused(model, data):
    assert "--all shows every class" in refused("evaluate", model, data, "--all")


def test_a_byte_order_mark_is_no_part_of_a_text(model, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfto be\nto be\n")
    first, second = run("predict", model, "--input", tmp_path / "a.txt").stdout.splitlines()
    assert first == second


@pytest.mark.parametrize("flags", [("--label", "x"), ("--nodes",), ("--plot", "x.png")])
def test_what_is_for_labels_is_refused(model, data, flags):
    assert "is a language model; leave it out" in refused("evaluate", model, data, *flags)


def test_prediction_tells_how_likely_each_text_is(model):
    result = run("predict", model, "to be", "or\tnot")
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(line[1], line[2]) for line in lines] == [("6", "to be"), ("7", "or\\tnot")]
    assert all(float(line[0]) < 0 for line in lines)
    told = json.loads(run("predict", model, "to be", "--json").stdout)
    assert told["tokens"] == 6
    assert f"{told['log_p']:.4f}" == lines[0][0]


def test_prediction_reads_columns_and_lines(model, data, tmp_path):
    assert run("predict", model, "--input", data).stdout.count("\n") == 1
    rows = tmp_path / "rows.csv"
    rows.write_text("line\nto be\n")
    assert run("predict", model, "--input", rows, "--text", "line").stdout.endswith("\tto be\n")


def test_prediction_reads_the_parquet_files_that_training_reads(model, tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install pyarrow")
    parquet.write_table(arrow.table({"line": ["to be", "or not"]}), tmp_path / "a.parquet")
    told = run("predict", model, "--input", tmp_path / "a.parquet", "--text", "line").stdout.splitlines()
    assert [line.rpartition("\t")[2] for line in told] == ["to be", "or not"]
