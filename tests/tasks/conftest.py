from __future__ import annotations

import pytest
import torch

from ostinato.tasks import TextClassifier
from tests.tasks.requests import SMALL, requests, with_others


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Networks this small gain nothing from threads, which only wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def trained():
    return TextClassifier(**SMALL).fit(*requests(), progress=False)


@pytest.fixture(scope="session")
def careful():
    """Knows what is out of scope."""
    return TextClassifier(**SMALL, out_of_scope="oos", holdout=0.3, refuse=0.1).fit(*with_others(), progress=False)
