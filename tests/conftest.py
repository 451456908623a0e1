"""What every test starts from: the same seeds, and no luck with memory that nobody wrote to."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile

import hypothesis
import numpy
import pytest
import torch

# With this on, torch fills what torch.empty returns with NaN: a step that reads what nobody wrote is found.
torch.use_deterministic_algorithms(True)
torch.utils.deterministic.fill_uninitialized_memory = True

# Cells of tests are compiled for the tests alone, not among what the user keeps; also by processes that tests start.
CACHE = tempfile.mkdtemp(prefix="ostinato-tests-")
os.environ["OSTINATO_CACHE"] = CACHE

# Several workers share the processors already; torch's threads would only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them are about.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Generated examples are the same in every run, and never judged by the clock.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("house")


def pytest_unconfigure():
    shutil.rmtree(CACHE, ignore_errors=True)


@pytest.fixture(autouse=True)
def same_seeds():
    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)
