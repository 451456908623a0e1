from __future__ import annotations

import json
import re
import subprocess
import sys

import onnx

import ostinato as ost
from ostinato import TextClassifier, artifact
from ostinato.layers import Recurrent
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


def network_file(tmp_path, **options):
    ost.save(Recurrent("gru", 2, 3, **options), tmp_path / "layer.safetensors")
    return tmp_path / "layer.safetensors"


def test_layers_tell_what_a_step_costs_or_why_there_is_none(tmp_path):
    told = run("info", network_file(tmp_path)).stdout
    for words in ("(network, ", "cell gru", "yes: ostinato stream", "12 bytes", "operations"):
        assert words in told
    told = run("info", network_file(tmp_path, bidirectional=True)).stdout
    assert "no: this network cannot run step by step" in told


def test_a_state_of_a_stream_tells_whose_it_is(tmp_path):
    session = ost.stream(network_file(tmp_path))
    state = tmp_path / "s.state"
    state.write_bytes(session.snapshot())
    assert session.plan.digest in run("info", state).stdout
    assert json.loads(run("info", state, "--json").stdout)["model"] == session.plan.digest
    state.write_bytes(session.snapshot()[:-1])
    assert "cut off" in refused("info", state)


def test_exports_tell_where_they_came_from(tmp_path):
    file = network_file(tmp_path)
    digest = ost.stream(file).plan.digest
    assert run("export", file, "--to", "onnx", "-o", tmp_path / "gru.onnx").exit_code == 0
    told = run("info", tmp_path / "gru.onnx").stdout
    for words in ("(ONNX, ", digest, "step", "layer0.h", "opset"):
        assert words in told
    assert json.loads(run("info", tmp_path / "gru.onnx", "--json").stdout)["outputs"][0] == "y"
    assert run("export", file, "--to", "c", "-o", tmp_path / "gru.c").exit_code == 0
    assert "12 bytes of state" in run("info", tmp_path / "gru.h").stdout
    assert json.loads(run("info", tmp_path / "gru.c", "--json").stdout)["kind"] == "c"


def test_files_of_others_are_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"no graph at all")
    (tmp_path / "a.c").write_text("int main(void) { return 0; }\n")
    assert "no ONNX file, or it is damaged" in refused("info", tmp_path / "a.onnx")
    assert "no C file that ostinato wrote" in refused("info", tmp_path / "a.c")
    for name in ("b.onnx", "b.c", "b.state"):
        assert "no" in refused("info", tmp_path / name)
    (tmp_path / "c.onnx").write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    assert "of another program" in refused("info", tmp_path / "c.onnx")
