from __future__ import annotations

import subprocess
import sys

import pytest

from ostinato import artifact, tasks
from ostinato.errors import ArtifactError


def test_every_name_is_there():
    for name in tasks.__all__:
        assert getattr(tasks, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Oracle'"):
        _ = tasks.Oracle


def test_a_missing_file_names_the_nearest(tmp_path):
    artifact.write(tmp_path / "intents.safetensors", {}, {"kind": "model", "task": "x"})
    with pytest.raises(
        ArtifactError, match=r"there is no file .*intent.safetensors; did you mean 'intents.safetensors'"
    ):
        tasks.load(tmp_path / "intent.safetensors")


def test_a_model_of_an_unknown_task_is_refused(tmp_path):
    artifact.write(tmp_path / "m.safetensors", {}, {"kind": "model", "task": "os.system"})
    with pytest.raises(
        ArtifactError, match=r"a model of the task 'os.system', which is not known; .*'text-classifier'"
    ):
        tasks.load(tmp_path / "m.safetensors")


def test_a_checkpoint_is_no_model(tmp_path):
    artifact.write(tmp_path / "c.safetensors", {}, {"kind": "checkpoint"})
    with pytest.raises(ArtifactError, match="is a checkpoint, wanted a model"):
        tasks.load(tmp_path / "c.safetensors")


def test_the_options_are_read_without_torch_and_numpy():
    code = (
        "import sys, ostinato.tasks.text_options, ostinato.tasks.tree_options, ostinato.tasks.forecast_options;"
        "sys.exit([m for m in ('torch', 'numpy', 'pydantic', 'rich') if m in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
