from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import torch

from ostinato import artifact
from ostinato.errors import OptionError
from ostinato.train.options import TrainOptions
from ostinato.train.placement import placed
from tests.house.tree import ROOT
from tests.train.subjects import Tiny, TinyBatches


def test_the_cpu_is_always_there():
    with placed(TrainOptions(device="cpu")) as placement:
        assert placement.device == torch.device("cpu")
        assert placement.processes == 1


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(OptionError, match=f"device wanted '{device}', which this machine does not have"):
        placed(TrainOptions(device=device)).__enter__()


def test_float16_is_refused_on_the_cpu():
    options = TrainOptions(device="cpu", precision="float16")
    with pytest.raises(OptionError, match="precision 'float16' needs a GPU; on the CPU choose 'bfloat16'"):
        placed(options).__enter__()


def test_one_process_can_train_with_several_precisions():
    product = torch.nn.Linear(4, 4)
    kinds = []
    for precision in ("float32", "bfloat16", "float32"):
        with placed(TrainOptions(device="cpu", precision=precision)) as placement, placement.autocast():
            kinds.append(product(torch.ones(1, 4)).dtype)
    assert kinds == [torch.float32, torch.bfloat16, torch.float32]


def test_a_step_is_backward_and_the_rule():
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    rule = torch.optim.SGD([weight], lr=0.5)
    with placed(TrainOptions(device="cpu")) as placement:
        placement.backward((weight * 3).sum())
        placement.unscale(rule)
        placement.step(rule)
        assert placement.save() == ({}, {"scaler": {}})
        placement.load({}, {"scaler": {}})
    assert weight.item() == 0.5


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What two processes leave that train together on the CPU."""
    folder = tmp_path_factory.mktemp("together")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    known = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.train.pair", str(folder)]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=known | {"RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in (0, 1)
    ]
    try:
        assert [process.wait(timeout=300) for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()
    return folder


@pytest.mark.parametrize("name", ["plain", "whole", "resumed"])
def test_processes_keep_equal_weights(together, name):
    first, second = (artifact.read(together / f"{name}.{rank}") for rank in (0, 1))
    assert first.tensors.keys() == second.tensors.keys()
    assert all((first.tensors[key] == second.tensors[key]).all() for key in first.tensors)


def test_processes_average_the_gradients_of_a_batch_each(together):
    model = Tiny(dropout=0.0)
    rule = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
    for epoch in range(3):
        batches = list(TinyBatches(5).epoch(epoch))
        for pair in (batches[0:2], batches[2:4]):
            rule.zero_grad()
            (sum(model.loss(batch).loss for batch in pair) / 2).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            rule.step()
    trained = artifact.read(together / "plain.0")
    assert trained.manifest["batches"] == 2
    for name, tensor in model.state_dict().items():
        # Sums in another order, through six steps.
        torch.testing.assert_close(torch.from_numpy(trained.tensors[name]), tensor, rtol=1e-5, atol=1e-6)


def test_processes_that_were_stopped_together_end_in_the_same_bits(together):
    whole, resumed = artifact.read(together / "whole.0"), artifact.read(together / "resumed.0")
    assert (whole.manifest["resumed"], resumed.manifest["resumed"]) == (False, True)
    assert all((whole.tensors[key] == resumed.tensors[key]).all() for key in whole.tensors)
    assert (together / "whole.jsonl").read_bytes() == (together / "resumed.jsonl").read_bytes()


def test_more_processes_than_batches_are_refused():
    with placed(TrainOptions(device="cpu")) as placement:
        placement.processes = 4
        with pytest.raises(OptionError, match="4 processes wanted a batch each, got 3 batches"):
            placement.steps(3)
