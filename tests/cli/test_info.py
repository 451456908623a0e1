from __future__ import annotations

import json
import re
import subprocess
import sys

from ostinato import TextClassifier, artifact
from tests.cli.terminal import refused, run
from tests.tasks.requests import TINY, requests


def test_a_model_tells_all_about_itself(model_file):
    told = run("info", model_file).stdout
    for words in (
        f"{model_file}  (model, ",
        f"{artifact.read(model_file).digest}  verified",
        "text-classifier",
        "4: alarm, off, on, oos",
        "out of scope          oos",
        "below a confidence of",
        "cell lstm, hidden 12",
        "mean max",
        "classes 4",
        "CC0-1.0",
        "training rows",
        "seed 1",
        "torch 2.",
    ):
        assert words in told


def test_a_cell_of_one_s_own_is_told_by_its_name(own_cell_file):
    told = run("info", own_cell_file).stdout
    assert re.search(r"cell peephole \(a graph of \d+ nodes that --trust-cell allows to compile\), hidden 4", told)
    assert "sigmoid" not in told
    assert "sigmoid" in run("info", own_cell_file, "--json").stdout


def test_a_checkpoint_tells_where_it_stands(tmp_path):
    checkpoint = tmp_path / "c.safetensors"
    TextClassifier(**{**TINY, "epochs": 2}).fit(*requests(), checkpoint=checkpoint, progress=False)
    told = run("info", checkpoint).stdout
    for words in (
        "(checkpoint, ",
        "stands at             epoch 3, batch 1 of 5",
        "optimizer",
        "epoch 2",
        "validation: ",
    ):
        assert words in told


def test_json_is_the_whole_manifest(model_file):
    written = json.loads(run("info", model_file, "--json").stdout)
    stored = artifact.read(model_file)
    assert written == {"digest": stored.digest, **stored.manifest}


def test_a_foreign_file_is_told(tmp_path):
    (tmp_path / "x.txt").write_text("hello, this is no model at all" * 10)
    assert "is not a model file that ostinato wrote" in refused("info", tmp_path / "x.txt")


def test_it_needs_no_torch(model_file):
    code = f"import sys; sys.modules['torch'] = None\nfrom ostinato.cli import app\napp(['info', {str(model_file)!r}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "text-classifier" in done.stdout


def test_a_tree_classifier_tells_what_it_is(tree_file):
    told = run("info", tree_file).stdout
    assert re.search(r"task +tree-classifier", told)
    assert re.search(
        r"body +cell lstm, hidden 4, kind tree, arity 2|body +kind tree, cell lstm, hidden 4, arity 2", told
    )
    assert "does not know" not in told
