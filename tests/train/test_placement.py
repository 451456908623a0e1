from __future__ import annotations

import pytest
import torch

from ostinato.errors import OptionError
from ostinato.train.options import TrainOptions
from ostinato.train.placement import placed


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
