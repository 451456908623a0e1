from __future__ import annotations

import pytest
import torch

from ostinato.compiling import kernels
from ostinato.tasks import TextClassifier, TreeClassifier
from tests.laws.zoo import peephole
from tests.tasks.requests import SMALL, TINY, requests, with_others
from tests.tasks.trees import TINY as TINY_TREES
from tests.tasks.trees import lists, reviews


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Networks this small gain nothing from threads, which only wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    """A model that knows three intents and what is none of them."""
    path = tmp_path_factory.mktemp("model") / "intents.safetensors"
    model = TextClassifier(**SMALL, out_of_scope="oos", holdout=0.3, data_licence="CC0-1.0")
    model.fit(*with_others(), progress=False).save(path)
    return path


@pytest.fixture(scope="session")
def own_cell_file(tmp_path_factory):
    """A model with a cell of one's own."""
    path = tmp_path_factory.mktemp("model") / "own.safetensors"
    TextClassifier(**{**TINY, "cell": peephole}).fit(*requests(), progress=False).save(path)
    return path


@pytest.fixture
def compiled(monkeypatch):
    """The names of the cells that were written for a compiler."""
    names = []
    asked = kernels.write_plugin
    monkeypatch.setattr(kernels, "write_plugin", lambda cell, *rest: names.append(cell.name) or asked(cell, *rest))
    monkeypatch.setattr(kernels, "_known", kernels._Known())
    return names


@pytest.fixture
def train_file(tmp_path):
    path = tmp_path / "train.csv"
    rows = (f"{text},{label}\n" for text, label in zip(*with_others(), strict=True))
    path.write_text("utterance,intent\n" + "".join(rows))
    return path


@pytest.fixture(scope="session")
def tree_file(tmp_path_factory):
    """A model that knows what small lists are worth."""
    path = tmp_path_factory.mktemp("model") / "trees.safetensors"
    TreeClassifier(**{**TINY_TREES, "data_licence": "CC0-1.0"}).fit(*lists(), progress=False).save(path)
    return path


@pytest.fixture
def lists_file(tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text("tree,label\n" + "".join(f"{tree},{label}\n" for tree, label in zip(*lists(), strict=True)))
    return path


@pytest.fixture
def reviews_file(tmp_path):
    path = tmp_path / "reviews.txt"
    path.write_text("\n".join(reviews()))
    return path
