from __future__ import annotations

import csv
import sys

import pytest

from tests.cli.terminal import refused, run
from tests.tasks.numbers import pairs

QUICK = ("--hidden", "8", "--embedding", "8", "--epochs", "1", "--device", "cpu")


def parallel(folder, name="train"):
    for ending, lines in zip((".de", ".en"), pairs(), strict=True):
        (folder / (name + ending)).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / f"{name}.de", "--parallel", folder / f"{name}.en"


def table(folder):
    with (folder / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("de", "en"))
        writer.writerows(zip(*pairs(), strict=True))
    return folder / "train.csv", "--source", "de", "--target", "en"


def test_what_bleu_needs_is_missed_before_training(tmp_path, monkeypatch):
    for name in [*filter(lambda name: name.split(".")[0] == "sacrebleu", sys.modules), "sacrebleu"]:
        monkeypatch.setitem(sys.modules, name, None)
    said = refused("train", "translator", *parallel(tmp_path), *QUICK, "-o", tmp_path / "m.safetensors")
    assert "ostinato[translate]" in said
    assert not list(tmp_path.glob("m.*"))


@pytest.mark.parametrize("form", [parallel, table])
@pytest.mark.parametrize("task", [("seq2seq",), ("translator", "--vocabulary", "280")])
def test_a_model_is_trained_asked_and_judged(tmp_path, form, task):
    model, words = tmp_path / "m.safetensors", form(tmp_path)
    done = run("train", *task, *words, *QUICK, "-o", model, "--plot", tmp_path / "p.svg")
    assert done.exit_code == 0, done.output
    assert "40 examples in" in done.stderr
    told = run("predict", model, "day 7", "--beam", "2", "--best", "2")
    assert told.exit_code == 0, told.output
    assert [line.split("\t")[0] for line in told.stdout.splitlines()] == ["1", "2"]
    assert len(run("predict", model, "--input", words[0], *words[1:3] * (form is table)).stdout.splitlines()) == 40
    judged = run("evaluate", model, *words, "--beam", "1", "--json", "-")
    assert judged.exit_code == 0, judged.output
    assert '"exact"' in judged.stdout
    assert "epochs" in run("info", model).stdout


def test_a_config_holds_every_option(tmp_path):
    words = ("train", "translator", *parallel(tmp_path), *QUICK)
    printed = run(*words, "--print-config").stdout
    assert "feeding = false" in printed
    (tmp_path / "run.toml").write_text(printed, encoding="utf-8")
    assert run("train", "translator", "--config", tmp_path / "run.toml", "--print-config").stdout == printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--source", "de", "--target", "de"), "both name the column 'de'"),
        (("--valid-parallel", "x.en"), "stands beside --valid"),
        (("--copying", "--attention", "none"), "looks at nothing"),
        ((), "name the file of the others by --parallel"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, words, message):
    data = parallel(tmp_path)[0]
    told = refused("train", "seq2seq", data, *QUICK, *words, "-o", tmp_path / "m.safetensors")
    assert message in " ".join(told.split())
