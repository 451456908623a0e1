from __future__ import annotations

import functools
import re
import signal

import numpy as np
import pytest

import ostinato
from ostinato import artifact
from ostinato.cli.demo import SAYINGS, describe
from ostinato.data import assistant
from ostinato.tasks import intent_parser
from ostinato.train import EpochEnded, Progress
from tests.cli.terminal import refused, run
from tests.tasks.requests import TINY


@pytest.fixture
def quick(monkeypatch):
    """The demo on one sentence of each template, with a network that learns nothing."""
    monkeypatch.setattr(assistant, "read_sentences", functools.partial(assistant.read_sentences, 1))
    plain = intent_parser.IntentParser.__init__
    options = {**TINY, "batch": 64, "epochs": 2}
    monkeypatch.setattr(
        intent_parser.IntentParser, "__init__", lambda self, **given: plain(self, **{**options, **given})
    )


@pytest.mark.usefixtures("quick")
def test_the_demo_shows_the_data_the_result_and_live_answers_and_saves_them(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = run("demo", "-o", tmp_path / "a.safetensors")
    assert result.exit_code == 0
    assert re.match(
        r"home-assistant-intents: 42 intents, \d+ sentence templates by people; \d+ sentences to train, \d+ to "
        r"validate, \d+ to test, no template in two of them\n",
        result.stderr,
    )
    assert "warning" not in result.stderr.lower()
    told = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    assert re.search(r"^test  \d+ sentences of templates that it never saw, \d+ that no intent answers$", told, re.M)
    assert re.search(r"^accuracy [\d.]+ %  macro-F1 [\d.]+ %.*  slot F1 [\d.]+ %", told, re.M)
    assert told.count(" taken for ") == 5
    for text in SAYINGS:
        assert re.search(rf"^  {text} .* %", told, re.M)
    assert f"talk to it:  ostinato chat {tmp_path}/a.safetensors" in told
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    model = ostinato.load(tmp_path / "a.safetensors")
    assert model.out_of_scope == assistant.OUTSIDE
    assert model.training_["licence"] == assistant.LICENCE
    assert {"area", "name"} <= set(model.slots_)


def test_an_output_that_cannot_be_written_is_told_before_training(tmp_path):
    assert "there is no directory" in refused("demo", "-o", tmp_path / "no" / "a.safetensors")
    assert "it is a directory" in refused("demo", "-o", ".")


def test_the_model_and_its_picture_are_two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").symlink_to("a.safetensors")
    told = refused("demo", "-o", "a.safetensors")
    assert told == "its picture a.png would overwrite --output a.safetensors; name another file"


@pytest.mark.parametrize(("value", "got"), [("x", "'x'"), ("-1", "'-1'")])
def test_a_split_that_is_no_number_is_told(value, got):
    assert refused("demo", "--split", value) == f"--split wanted a whole number at least 0, got {got}"


@pytest.mark.usefixtures("quick")
def test_ctrl_c_saves_and_the_command_that_it_tells_goes_on(tmp_path, monkeypatch):
    words = ("demo", "-o", tmp_path / "a.safetensors")
    assert run("demo", "-o", tmp_path / "whole.safetensors").exit_code == 0
    with monkeypatch.context() as patch:
        interrupt_after_the_first_epoch(patch)
        stopped = run(*words)
    assert stopped.exit_code == 130
    checkpoint = tmp_path / "a.checkpoint.safetensors"
    assert f"everything up to here is saved in {checkpoint}" in stopped.stderr
    assert "checkpoint=" not in stopped.stderr
    again = re.search(r"^go on with:  .* (demo -o .*)$", stopped.stderr, re.M).group(1)
    assert again == f"demo -o {tmp_path}/a.safetensors --resume"
    told = refused(*words)
    assert told == f"{checkpoint} holds a run that was stopped; --resume goes on with it, --restart begins anew"
    assert run(*again.split()).exit_code == 0
    assert not checkpoint.exists()
    ours, theirs = (artifact.read(tmp_path / name).tensors for name in ("a.safetensors", "whole.safetensors"))
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)


@pytest.mark.usefixtures("quick")
def test_a_demo_that_was_stopped_may_begin_anew(tmp_path):
    checkpoint = tmp_path / "a.checkpoint.safetensors"
    checkpoint.write_bytes(b"work")
    assert run("demo", "-o", tmp_path / "a.safetensors", "--restart").exit_code == 0
    assert not checkpoint.exists()


def interrupt_after_the_first_epoch(patch):
    """Ctrl-C when training has told of an epoch."""
    plain = Progress.__call__

    def stop(self, report):
        plain(self, report)
        if isinstance(report, EpochEnded):
            signal.raise_signal(signal.SIGINT)

    patch.setattr(Progress, "__call__", stop)


def test_no_template_is_in_two_parts():
    parts = assistant.split_by_template(assistant.read_sentences(1))
    train, valid, test = ({record.template for record in part} for part in (parts.train, parts.valid, parts.test))
    assert not train & valid
    assert not (train | valid) & test
    assert "no template in two of them" in describe(parts)
