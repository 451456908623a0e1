"""The six modules held to PyTorch's own generators of inputs and of errors."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn as theirs
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

from ostinato import nn as ours
from tests.nn.twins import CELLS, LAYERS, answers, assert_same_answers, assert_same_kind

INFOS = [info for info in module_db if info.name in {f"nn.{name}" for name in (*LAYERS, *CELLS)}]
every_module = pytest.mark.parametrize("info", INFOS, ids=lambda info: info.name)
# proj_size is left to torch's own code, which then says this.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def options_of(info):
    """What the generators are asked with; packed sequences join where the generator knows them."""
    return {"with_packed_sequence": True} if info.name in ("nn.RNN", "nn.GRU") else {}


def test_the_generators_know_all_six():
    assert len(INFOS) == 6


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@every_module
def test_torch_s_own_inputs_are_answered_as_by_torch(info, dtype, training):
    options = {"device": "cpu", "dtype": dtype, "requires_grad": True, "training": training, **options_of(info)}
    samples = list(info.module_inputs_func(info, **options))
    assert len(samples) >= 2
    for sample in samples:
        made = []
        for place in (theirs, ours):
            torch.manual_seed(0)
            module = getattr(place, info.name.removeprefix("nn."))(
                *sample.constructor_input.args, **sample.constructor_input.kwargs, dtype=dtype
            )
            made.append(module.train(training))
        call = sample.forward_input.args
        assert not sample.forward_input.kwargs
        if sample.constructor_input.kwargs.get("proj_size"):
            assert "proj_size is left to torch" in str(made[1].engine(*call))
            wanted, came = (answers(module, *call) for module in made)
            assert_same_kind(came[0], wanted[0])
            for pair in zip(came[1] + came[2], wanted[1] + wanted[2], strict=True):
                torch.testing.assert_close(*pair)
        else:
            assert_same_answers(*made, *call)


@every_module
def test_torch_s_own_reference_functions_agree(info):
    options = {"device": "cpu", "dtype": torch.float64, "requires_grad": False, "training": False}
    for sample in info.module_inputs_func(info, **options):
        given = sample.constructor_input
        module = getattr(ours, info.name.removeprefix("nn."))(*given.args, **given.kwargs, dtype=torch.float64)
        wanted = sample.reference_fn(module, *sample.forward_input.args)
        came = module(*sample.forward_input.args)
        torch.testing.assert_close(came, wanted)


@every_module
def test_torch_s_own_errors_are_raised(info):
    options = {"device": "cpu", "dtype": torch.float32, "requires_grad": False, "training": False}
    samples = list(info.module_error_inputs_func(info, **options))
    assert samples
    for sample in samples:
        given, call = sample.module_error_input.constructor_input, sample.module_error_input.forward_input
        kind = getattr(ours, info.name.removeprefix("nn."))
        if sample.error_on is ModuleErrorEnum.CONSTRUCTION_ERROR:
            with pytest.raises(sample.error_type, match=sample.error_regex):
                kind(*given.args, **given.kwargs)
        else:
            module = kind(*given.args, **given.kwargs)
            with pytest.raises(sample.error_type) as came:
                module(*call.args, **call.kwargs)
            assert re.search(sample.error_regex, str(came.value))
