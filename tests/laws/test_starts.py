"""What holds for every task that begins from a language model."""

from __future__ import annotations

import json
from functools import cache

import pytest
import torch

import ostinato as ost
from ostinato import artifact
from ostinato.errors import ArtifactError, OptionError
from tests.laws.starters import LEARNING, STANDING, STARTERS, general

WAYS = {
    "standing": STANDING,
    "frozen": {**LEARNING, "unfreeze": 1000.0},
    # Options that say the same as the language model are taken.
    "learning": {**LEARNING, "layer_decay": 2.6, "hidden": 6, "layers": 2, "cell": "lstm", "embedding": 5},
}


@pytest.fixture(params=STARTERS)
def starter(request):
    return STARTERS[request.param]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Where the language model of each kind lies."""
    folder = tmp_path_factory.mktemp("secret place")

    @cache
    def place(kind):
        general(kind).save(folder / f"{kind}.safetensors")
        return folder / f"{kind}.safetensors"

    return place


@pytest.fixture
def path(starter, saved):
    return saved(starter.kind)


@pytest.fixture(scope="module")
def begun(saved):
    """What became of each task in each way; nobody may change it."""

    @cache
    def model(name, way):
        return STARTERS[name].begun(saved(STARTERS[name].kind), **WAYS[way])

    return lambda starter, way: model(next(name for name, one in STARTERS.items() if one is starter), way)


def language(starter):
    """The vectors and the layers of the language model."""
    other = STARTERS["language model of bytes"]
    model = general(starter.kind)
    return other.strings(model), other.layers(model)


def test_before_the_first_step_vectors_and_layers_are_those_of_the_language_model(starter, begun):
    model = begun(starter, "standing")
    ours, layers = starter.strings(model), starter.layers(model)
    vectors, theirs = language(starter)
    known = [name for name in ours if name in vectors]
    assert len(known) >= len(vectors) - 2
    assert all(torch.equal(ours[name], vectors[name]) for name in known)
    assert layers.keys() == theirs.keys()
    assert all(torch.equal(layers[name], theirs[name]) for name in theirs)
    pieces = [name for name in vectors if name is not None and "special" not in str(name)]
    mean = torch.stack([vectors[name] for name in pieces]).mean(0)
    for name in ours.keys() - vectors.keys():
        torch.testing.assert_close(ours[name], mean)


def test_a_language_model_goes_on_where_it_was(starter, begun):
    if starter.make is not ost.LanguageModel:
        return
    model, before = begun(starter, "standing"), general(starter.kind)
    for text in ("turn on the lamp", "stop the heater"):
        if model.tokens_.size == before.tokens_.size:
            assert model.score(text) == pytest.approx(before.score(text), abs=1e-4)
        else:
            # Tokens that are new take their share.
            assert model.score(text) < before.score(text)


def test_layers_that_stand_still_do_not_move(starter, begun):
    vectors, theirs = language(starter)
    model = begun(starter, "frozen")
    ours, layers = starter.strings(model), starter.layers(model)
    assert all(torch.equal(ours[name], vectors[name]) for name in ours if name in vectors)
    assert all(torch.equal(layers[name], theirs[name]) for name in theirs)
    moving = starter.layers(begun(starter, "learning"))
    assert not any(torch.equal(moving[name], theirs[name]) for name in theirs)


def test_a_model_needs_the_language_model_no_more_and_says_where_it_comes_from(starter, begun, path, tmp_path):
    model = begun(starter, "learning")
    model.save(tmp_path / "model.safetensors")
    manifest = artifact.read(tmp_path / "model.safetensors").manifest
    assert manifest["training"]["init_from"] == f"{path.name}, {artifact.read(path).digest}"
    assert path.parent.name not in json.dumps(manifest)
    path.rename(path.with_suffix(".away"))
    try:
        again = ost.load(tmp_path / "model.safetensors")
        assert starter.ask(again) == starter.ask(model)
    finally:
        path.with_suffix(".away").rename(path)
    assert again.init_from is None


# What a language model of two layers of 6 over vectors of 5 contradicts.
OTHERWISE = {"hidden": 7, "layers": 1, "cell": "gru", "embedding": 128}


@pytest.mark.parametrize("name", OTHERWISE)
def test_options_that_say_otherwise_are_refused(starter, path, name):
    with pytest.raises(
        OptionError, match=rf"{name}=.* contradicts the language model {starter.kind}\.safetensors, which has"
    ):
        starter.begun(path, **{name: OTHERWISE[name]})


def test_both_directions_are_refused(starter, path):
    if "bidirectional" not in starter.make.usual:
        return
    with pytest.raises(OptionError, match="bidirectional=True contradicts the language model"):
        starter.begun(path, bidirectional=True)


def test_a_file_of_something_else_is_refused(starter, path, tmp_path):
    for content in (b"", b"PK\x03\x04", path.read_bytes()[:-3]):
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(ArtifactError, match=r"bad\.safetensors"):
            starter.begun(tmp_path / "bad.safetensors")
    with pytest.raises(ArtifactError, match="there is no file"):
        starter.begun(tmp_path / "nowhere.safetensors")
    other = ost.TextClassifier(hidden=2, embedding=2, epochs=1, buckets=4, holdout=0, device="cpu")
    other.fit(["a b", "b c"] * 2, ["x", "y"] * 2, progress=False).save(tmp_path / "other.safetensors")
    with pytest.raises(ArtifactError, match="model of the task 'text-classifier', wanted a language-model"):
        starter.begun(tmp_path / "other.safetensors")
