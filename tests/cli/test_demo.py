from __future__ import annotations

import functools
import re

import pytest

import ostinato
from ostinato.cli.demo import SAYINGS, describe
from ostinato.data import assistant
from ostinato.tasks import text_classifier
from tests.cli.terminal import refused, run
from tests.tasks.requests import TINY


@pytest.fixture
def quick(monkeypatch):
    """The demo on one sentence of each template, with a network that learns nothing."""
    monkeypatch.setattr(assistant, "read_sentences", functools.partial(assistant.read_sentences, 1))
    plain = text_classifier.TextClassifier.__init__
    options = {**TINY, "batch": 64}
    monkeypatch.setattr(
        text_classifier.TextClassifier, "__init__", lambda self, **given: plain(self, **{**options, **given})
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
    assert re.search(r"^accuracy [\d.]+ %  macro-F1 [\d.]+ %", told, re.M)
    assert told.count(" taken for ") == 5
    for text in SAYINGS:
        assert re.search(rf"^  {text} .* %", told, re.M)
    assert f"talk to it:  ostinato chat {tmp_path}/a.safetensors" in told
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    model = ostinato.load(tmp_path / "a.safetensors")
    assert model.out_of_scope == assistant.OUTSIDE
    assert model.training_["licence"] == assistant.LICENCE


def test_an_output_that_cannot_be_written_is_told_before_training(tmp_path):
    assert "there is no directory" in refused("demo", "-o", tmp_path / "no" / "a.safetensors")
    assert "it is a directory" in refused("demo", "-o", ".")


def test_no_template_is_in_two_parts():
    parts = assistant.split_by_template(assistant.read_sentences(1))
    train, valid, test = ({record.template for record in part} for part in (parts.train, parts.valid, parts.test))
    assert not train & valid
    assert not (train | valid) & test
    assert "no template in two of them" in describe(parts)
