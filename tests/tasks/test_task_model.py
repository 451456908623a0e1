from __future__ import annotations

import importlib
import json

import pytest

import ostinato
from ostinato import artifact
from ostinato.errors import ArtifactError, NotFittedError
from ostinato.tasks import TASKS, TextClassifier

CLASSES = {task: getattr(importlib.import_module(module), name) for task, (module, name) in TASKS.items()}
COMMON = {"kind": "model", "options": {}, "architecture": {}, "history": [], "training": {}}

every_task = pytest.mark.parametrize("task", CLASSES)


@every_task
def test_a_class_says_the_name_that_its_files_are_found_by(task):
    assert CLASSES[task].task == task


@every_task
def test_what_is_not_trained_is_not_saved(task, tmp_path):
    model = CLASSES[task]()
    with pytest.raises(NotFittedError, match=f"this {CLASSES[task].__name__} is not trained yet; call fit, or load"):
        model.save(tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


@every_task
def test_a_file_of_another_task_is_told(task, tmp_path):
    artifact.write(tmp_path / "m.safetensors", {}, {**COMMON, "task": "cooking"})
    with pytest.raises(ArtifactError, match=f"is a model of the task 'cooking', wanted a {task}"):
        CLASSES[task].load(tmp_path / "m.safetensors")


@every_task
def test_a_manifest_with_too_little_or_too_much_is_told(task, tmp_path):
    own = dict.fromkeys(CLASSES[task].also)
    for fields in ({}, {**own, "surprise": 1}):
        artifact.write(tmp_path / "m.safetensors", {}, {**COMMON, "task": task, **fields})
        with pytest.raises(ArtifactError, match=r"the manifest of an? .* has other fields"):
            ostinato.load(tmp_path / "m.safetensors")


@every_task
@pytest.mark.parametrize("nonsense", [None, 7, "x", [[]], {"body": 1, "encoder": {"cell": {}}}])
def test_a_manifest_of_nonsense_is_told(task, nonsense, tmp_path):
    own = dict.fromkeys(CLASSES[task].also, nonsense)
    artifact.write(tmp_path / "m.safetensors", {}, {**COMMON, "task": task, "architecture": nonsense, **own})
    with pytest.raises(ArtifactError, match=r"cannot be used as an? "):
        ostinato.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("history", [None, {}, ["epoch"], "x"])
def test_a_history_of_something_else_is_told(trained, history, tmp_path):
    manifest, tensors = trained.description()
    artifact.write(tmp_path / "m.safetensors", tensors, {**manifest, "history": history})
    with pytest.raises(ArtifactError, match="the history of training is a list of entries"):
        TextClassifier.load(tmp_path / "m.safetensors")


def test_a_file_says_all_of_the_model(trained, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    again = TextClassifier.load(tmp_path / "m.safetensors")
    assert again.get_params() == trained.get_params()
    assert json.loads(json.dumps(again.manifest())) == json.loads(json.dumps(trained.manifest()))
    assert (again.history_, again.validation_) == (trained.history_, None)
