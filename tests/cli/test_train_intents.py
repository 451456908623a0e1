import json

import pytest

from tests.cli.terminal import refused, run
from tests.tasks.tagged import texts_with_spans

QUICK = ("--hidden", "8", "--embedding", "8", "--buckets", "16", "--epochs", "60", "--batch", "8", "--device", "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    texts, spans = texts_with_spans()
    rows = ({"text": t, "intent": t.split()[1], "slots": s} for t, s in zip(texts, spans, strict=True))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_parser_is_trained_evaluated_asked_and_talked_to(data):
    model = data.with_name("i.safetensors")
    result = run("train", "intent-parser", data, *QUICK, "--lr", "0.02", "--label", "intent", "-o", model)
    assert result.exit_code == 0, result.stderr
    assert "32 examples of 2 labels and 2 kinds of slot" in result.stderr
    assert "slot F1" in result.stderr
    told = run("evaluate", model, data).stdout
    assert "whole requests" in told
    text = "turn off the radio in the attic"
    (row,) = map(json.loads, run("predict", model, text, "--json").stdout.splitlines())
    assert {"start": 13, "end": 18, "name": "name", "text": "radio"} in row["slots"]
    label, _, said, slots = run("predict", model, text).stdout.splitlines()[0].split("\t")
    assert (label, said, slots) == ("off", text, "name=radio, area=attic")
    assert "  off, name=radio, area=attic  " in run("chat", model, typed=text + "\n").stdout


def test_options_come_from_a_file_and_mistakes_are_told(data, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text("slot_weight = 0.5\n")
    assert "slot_weight = 0.5" in run("train", "intent-parser", "--config", config, "--print-config").stdout
    assert "there is no column 'label'" in refused("train", "intent-parser", data, "-o", tmp_path / "m.safetensors")
    assert "there is no column 'spans'" in refused(
        "train", "intent-parser", data, "--label", "intent", "--slot", "spans", "-o", tmp_path / "m.safetensors"
    )


def test_refusing_without_a_label_of_what_is_refused_is_told(data, tmp_path):
    flags = ("--label", "intent", "--refuse", "0.5", "-o", tmp_path / "m.safetensors")
    told = refused("train", "intent-parser", data, *flags)
    assert "refuse acts beside out_of_scope" in told


def test_data_without_slots_have_no_score_of_slots(data, tmp_path):
    (tmp_path / "a.csv").write_text("text,label\n" + "lamp on,on\nlamp off,off\n" * 9)
    flags = (*QUICK[:6], "--epochs", "1", "--device", "cpu", "-o", tmp_path / "m.safetensors")
    done = run("train", "intent-parser", tmp_path / "a.csv", *flags)
    assert "18 examples of 2 labels and 0 kinds of slot" in done.stderr
    assert "slot F1" not in done.stderr
