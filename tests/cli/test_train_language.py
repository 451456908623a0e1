from __future__ import annotations

import re

import pytest

import ostinato as ost
from ostinato.cli.train_language import paths_of
from tests.cli.terminal import refused, run
from tests.tasks.languages import TEXTS

QUICK = ("--hidden", "6", "--layers", "1", "--epochs", "1", "--batch", "3", "--truncate", "10", "--device", "cpu")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("".join(TEXTS))
    return path


def test_a_model_is_trained_from_a_file_of_text(data, tmp_path):
    out, plot = tmp_path / "m.safetensors", tmp_path / "m.png"
    result = run("train", "language-model", data, "-o", out, "--plot", plot, *QUICK)
    assert result.exit_code == 0, result.output
    assert "perplexity" in result.stderr
    assert "ostinato generate" in result.stderr
    assert ost.load(out).hidden == 6
    assert plot.exists()


def test_a_file_of_options_says_the_same(data, tmp_path):
    out = tmp_path / "m.safetensors"
    config = tmp_path / "run.toml"
    words = ("train", "language-model", data, "-o", out, "--recipe", "awd", "--lr", "1", "--tied", *QUICK)
    config.write_text(run(*words, "--print-config").stdout)
    result = run("train", "language-model", "--config", config)
    assert result.exit_code == 0, result.output
    model = ost.load(out)
    assert (model.recipe, model.lr, model.tied, model.dropout) == ("awd", 1.0, True, None)


def test_several_files_stand_with_commas_between_them(data, tmp_path):
    (tmp_path / "b.txt").write_text("or not")
    out = tmp_path / "m.safetensors"
    assert run("train", "language-model", f"{data},{tmp_path / 'b.txt'}", "-o", out, *QUICK).exit_code == 0
    assert "and 1 more" in ost.load(out).training_["data"]
    (tmp_path / "x,y.txt").write_text("z")
    assert len(paths_of(str(tmp_path / "x,y.txt"))) == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--recipe", "adm"], "--recipe wanted one of 'adam', 'awd', got 'adm'"),
        (["--tokens", "bytes", "--min-count", "2"], "bytes are always 256"),
        (["--dropout", "1"], "--dropout wanted"),
        (["--text", "line"], "these files are texts; leave it out"),
        (["--vectors", "none.vec", "--tokens", "words"], "none.vec"),
    ],
)
def test_mistakes_are_told(data, tmp_path, flags, said):
    assert said in refused("train", "language-model", data, "-o", tmp_path / "m.safetensors", *QUICK, *flags)


def test_a_missing_file_is_told(tmp_path):
    assert "b.txt" in refused("train", "language-model", tmp_path / "b.txt", "-o", tmp_path / "m.safetensors")


def test_another_task_begins_from_it_by_a_flag_and_by_a_file_of_options(data, tmp_path):
    begun, out, rows = tmp_path / "words.safetensors", tmp_path / "m.safetensors", tmp_path / "rows.csv"
    result = run("train", "language-model", data, "-o", begun, "--tokens", "words", "--embedding", "5", *QUICK)
    assert result.exit_code == 0, result.output
    rows.write_text("text,label\n" + "to be,x\nthe question,y\n" * 4)
    words = ("train", "text-classifier", rows, "--epochs", "2", "--device", "cpu")
    thawing = ("--unfreeze", "1", "--layer-decay", "2.6", "--schedule", "slanted")
    config = tmp_path / "run.toml"
    config.write_text(run(*words, "--init-from", begun, *thawing, "--print-config").stdout)
    assert f'init_from = "{begun}"' in config.read_text()
    result = run("train", "text-classifier", "--config", config, "-o", out)
    assert result.exit_code == 0, result.output
    model = ost.load(out)
    assert model.model_.architecture["body"]["hidden"] == 6
    assert re.search(r"began from +words\.safetensors, sha256:", run("info", out).stdout)
    assert "hidden=9 contradicts" in refused(*words, "--init-from", begun, "--hidden", "9", "-o", out)
    assert "would overwrite --init-from" in refused(*words, "--init-from", begun, "-o", begun)
    assert "there is no file" in refused(*words, "--init-from", tmp_path / "none.safetensors", "-o", out)
