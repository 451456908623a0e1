from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest

from ostinato.errors import OptionError
from ostinato.options import Option, describe
from ostinato.train.options import TrainOptions, check_training, recorded


def test_the_defaults_are_valid():
    assert check_training(TrainOptions()) == TrainOptions()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("epochs", 0, "epochs wanted a whole number at least 1, got 0"),
        ("batch", 0, "batch wanted a whole number at least 1, got 0"),
        ("lr", 0.0, "lr wanted a number above 0, got 0.0"),
        ("lr", float("nan"), "lr wanted a number above 0, got nan"),
        ("optimizer", "lion", "optimizer wanted one of 'adam', 'adamw', 'sgd', 'rmsprop', got 'lion'"),
        ("momentum", 1.0, "momentum wanted a number at least 0 and below 1, got 1.0"),
        ("weight_decay", -1.0, "weight_decay wanted a number at least 0, got -1.0"),
        ("schedule", "linear", "schedule wanted one of 'constant', 'cosine', 'plateau', 'slanted', got 'linear'"),
        ("warmup", -0.5, "warmup wanted a number at least 0, got -0.5"),
        ("layer_decay", 0.5, "layer_decay wanted a number at least 1, got 0.5"),
        ("unfreeze", 0.0, "unfreeze wanted a number above 0, got 0.0"),
        ("clip", -1.0, "clip wanted a number at least 0, got -1.0"),
        ("clip_value", -1.0, "clip_value wanted a number at least 0, got -1.0"),
        ("patience", -1, "patience wanted a whole number at least 0, got -1"),
        ("average", 1.0, "average wanted a number at least 0 and below 1, got 1.0"),
        ("activation_penalty", -1.0, "activation_penalty wanted a number at least 0, got -1.0"),
        ("temporal_penalty", float("nan"), "temporal_penalty wanted a number at least 0, got nan"),
        ("truncate", -1, "truncate wanted a whole number at least 0, got -1"),
        ("monitor", "f1", "monitor wanted one of 'loss', 'accuracy', got 'f1'"),
        ("seed", -1, "seed wanted a whole number at least 0 and at most 9223372036854775807, got -1"),
        ("device", "tpu", "device wanted one of 'auto', 'cpu', 'cuda', 'mps', got 'tpu'"),
        ("precision", "int8", "precision wanted one of 'float32', 'bfloat16', 'float16', got 'int8'"),
        ("checkpoint_every", -1.0, "checkpoint_every wanted a number at least 0, got -1.0"),
    ],
)
def test_a_value_out_of_range_is_refused(name, value, words):
    with pytest.raises(OptionError) as caught:
        check_training(TrainOptions(**{name: value}))
    assert str(caught.value) == words


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_momentum_is_refused_where_there_is_none(optimizer, momentum):
    with pytest.raises(OptionError, match=f"momentum does not apply to the optimizer '{optimizer}'; leave it out"):
        check_training(TrainOptions(optimizer=optimizer, momentum=momentum))


def test_a_class_with_more_options_keeps_only_these():
    @dataclass(kw_only=True)
    class Task(TrainOptions):
        hidden: Annotated[int, Option("Width.")] = 128

    assert check_training(Task(hidden=3, lr=0.1)) == TrainOptions(lr=0.1)


def test_every_option_decides_the_result_but_how_often_is_saved():
    assert set(recorded(TrainOptions())) == {field.name for field in describe(TrainOptions)} - {"checkpoint_every"}
