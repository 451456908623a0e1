import json
import re

import pytest

import ostinato
from ostinato.tasks.tag_examples import read_tagged
from tests.cli.terminal import refused, run
from tests.tasks.tagged import columns, texts_with_spans

QUICK = ("--hidden", "6", "--embedding", "6", "--buckets", "16", "--epochs", "2", "--batch", "8", "--device", "cpu")


@pytest.fixture(scope="module")
def conll(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "train.conll"
    path.write_text(columns(read_tagged(*texts_with_spans()).sentences))
    return path


@pytest.fixture(scope="module")
def tagger_file(conll):
    model = conll.with_name("t.safetensors")
    result = run("train", "tagger", conll, *QUICK, "-o", model)
    assert result.exit_code == 0, result.stderr
    return model


def test_a_tagger_is_trained_from_columns(conll, tagger_file, tmp_path):
    model = tmp_path / "t.safetensors"
    result = run("train", "tagger", conll, *QUICK, "--valid", conll, "-o", model, "--plot", tmp_path / "p.png")
    assert result.exit_code == 0, result.stderr
    assert f"32 examples of 248 words with 5 tags in {conll}, 32 examples in {conll} for validation" in result.stderr
    assert re.search(r"^validation  accuracy .*span F1", result.stderr, re.MULTILINE)
    assert f"try    ostinato chat {model}" in result.stderr
    assert ostinato.load(model).scheme_ == "bio"
    assert (tmp_path / "p.png").is_file()


def test_spans_of_texts_train_the_same_tags(tmp_path):
    texts, spans = texts_with_spans()
    data = tmp_path / "train.jsonl"
    rows = zip(texts, spans, strict=True)
    data.write_text("".join(json.dumps({"said": text, "slots": found}) + "\n" for text, found in rows))
    model = tmp_path / "t.safetensors"
    words = ("--word", "said", "--tag", "slots", "--scheme", "bioes", "--field", "softmax")
    result = run("train", "tagger", data, *QUICK, *words, "-o", model)
    assert result.exit_code == 0, result.stderr
    assert ostinato.load(model).scheme_ == "bioes"
    assert run("evaluate", model, data).exit_code == 0


def test_options_come_from_a_file_too(conll, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('field = "softmax"\nword = "1"\nhidden = 5\n')
    shown = run("train", "tagger", "--config", config, "--print-config").stdout
    assert 'field = "softmax"' in shown
    assert 'word = "1"' in shown
    again = tmp_path / "again.toml"
    again.write_text(shown)
    assert run("train", "tagger", "--config", again, "--print-config").stdout == shown


def test_mistakes_are_told_in_one_line(conll, tmp_path):
    assert "which examples?" in refused("train", "tagger")
    assert "the tags are in column 7" in refused("train", "tagger", conll, "--tag", "7")
    assert "field wanted one of" in refused("train", "tagger", conll, "--field", "hmm")
    broken = tmp_path / "b.conll"
    broken.write_text("a O\nb I-x\nc B-x\n")
    told = refused("train", "tagger", broken, "-o", tmp_path / "t.safetensors")
    assert "line 1: word 2: 'I-x' cannot follow 'O' in BIO" in told
    mended = run(
        "train", "tagger", broken, *QUICK, "--broken", "repair", "--holdout", "0", "-o", tmp_path / "t.safetensors"
    )
    assert mended.exit_code == 0, mended.stderr
    assert "warning: " in mended.stderr
    assert mended.stderr.count("1 tags broke BIO and were repaired") == 1
    asked = run("evaluate", tmp_path / "t.safetensors", broken)
    assert re.search(r"^warning: .*1 tags broke BIO and were repaired$", asked.stderr, re.MULTILINE)
