from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import torch

import ostinato as ost
from ostinato.layers import Recurrent
from tests.cli.terminal import refused, run


@pytest.fixture(scope="module")
def layer_file(tmp_path_factory):
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("export") / "layer.safetensors"
    ost.save(Recurrent("gru", 2, 3), path)
    return path


@pytest.mark.parametrize("form", [None, "step", "sequence"])
def test_onnx_tells_what_it_wrote_and_how_far_it_was_off(layer_file, tmp_path, form):
    out = tmp_path / "gru.onnx"
    result = run("export", layer_file, "--to", "onnx", "-o", out, *(("--form", form) if form else ()))
    assert result.exit_code == 0, result.output
    assert "gru.json beside it" in result.stdout
    for word in ("size", "state", "12 bytes", "operations", "GRU", "opset", "onnxruntime"):
        assert word in result.stdout
    assert json.loads((tmp_path / "gru.json").read_text())["form"] == (form or "step")


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_c_compiles_and_passes_its_own_test(layer_file, tmp_path):
    result = run("export", layer_file, "--to", "c", "-o", tmp_path / "gru.c")
    assert result.exit_code == 0, result.output
    for word in ("bytes of weights", "12 bytes of state", "of stack", "operations", "compiled with"):
        assert word in result.stdout
    subprocess.run(["cc", "-std=c99", "gru.c", "gru_example.c", "-o", "demo"], cwd=tmp_path, check=True)
    done = subprocess.run(["./demo"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout


def test_without_a_compiler_c_says_that_nothing_was_proved(layer_file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("export", layer_file, "--to", "c", "-o", tmp_path / "gru.c")
    assert result.exit_code == 0
    assert "not proved: no C compiler" in result.stderr
    assert (tmp_path / "gru.c").exists()


def test_wrong_words_are_refused_before_anything_is_written(layer_file, tmp_path):
    assert "did you mean 'onnx'" in refused("export", layer_file, "--to", "onx", "-o", tmp_path / "a")
    assert "leave it out" in refused("export", layer_file, "--to", "c", "--form", "step", "-o", tmp_path / "a.c")
    assert "did you mean 'step'" in refused("export", layer_file, "--to", "onnx", "--form", "stp", "-o", tmp_path / "a")
    assert "try " in refused("export", layer_file, "--to", "c", "-o", tmp_path / "my-model.c")
    assert "would overwrite" in refused("export", layer_file, "--to", "onnx", "-o", layer_file)
    assert "no directory" in refused("export", layer_file, "--to", "onnx", "-o", tmp_path / "no" / "a.onnx")
    assert "no directory" in refused("export", layer_file, "--to", "c", "-o", tmp_path / "no" / "a.c")
    assert list(tmp_path.iterdir()) == []


def test_what_reads_from_the_end_is_exported_whole_only(tmp_path):
    ost.save(Recurrent("gru", 2, 3, bidirectional=True), tmp_path / "both.safetensors")
    for flags in (("--to", "c", "-o", tmp_path / "b.c"), ("--to", "onnx", "-o", tmp_path / "b.onnx")):
        assert "cannot run step by step" in refused("export", tmp_path / "both.safetensors", *flags)
    whole = ("--to", "onnx", "--form", "sequence", "-o", tmp_path / "b.onnx")
    assert run("export", tmp_path / "both.safetensors", *whole).exit_code == 0
