"""The options of training, described once for Python, the command line and TOML files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ostinato.errors import OptionError
from ostinato.options import Option, describe, validate

_GROUP = "Training"
SCHEDULES = ("constant", "cosine", "plateau", "slanted")


@dataclass(kw_only=True)
class TrainOptions:
    """How a model is trained: how long, how fast, on what, and when to stop.

    >>> check_training(TrainOptions(optimizer="sgd", momentum=0.8)).momentum
    0.8
    >>> check_training(TrainOptions(optimizer="adam", momentum=0.8))
    Traceback (most recent call last):
    ostinato.errors.OptionError: momentum does not apply to the optimizer 'adam'; leave it out, or choose sgd or rmsprop

    An option either changes the computation or is refused by :func:`check_training`.
    """

    epochs: Annotated[int, Option("How often training goes through the data, at most.", at_least=1, group=_GROUP)] = 30
    batch: Annotated[int, Option("Examples in a batch.", at_least=1, group=_GROUP)] = 64
    lr: Annotated[float, Option("Learning rate at its highest.", above=0, group=_GROUP)] = 2e-3
    optimizer: Annotated[
        str, Option("The rule that changes weights.", words=("adam", "adamw", "sgd", "rmsprop"), group=_GROUP)
    ] = "adamw"
    momentum: Annotated[
        float | None,
        Option("Momentum of sgd (0.9 unless given) and rmsprop (0 unless given).", at_least=0, below=1, group=_GROUP),
    ] = None
    weight_decay: Annotated[
        float, Option("Pull of the weights towards zero; decoupled with adamw.", at_least=0, group=_GROUP)
    ] = 0.01
    schedule: Annotated[
        str,
        Option("How the learning rate falls after warm-up.", words=SCHEDULES, group=_GROUP),
    ] = "cosine"
    warmup: Annotated[
        float, Option("Epochs over which the learning rate rises, such as 0.5.", at_least=0, group=_GROUP)
    ] = 1.0
    layer_decay: Annotated[
        float,
        Option("Each layer's learning rate is that of the layer above it divided by this.", at_least=1, group=_GROUP),
    ] = 1.0
    unfreeze: Annotated[
        float | None,
        Option(
            "Epochs from one layer's first step to that of the layer below it, the top first; all begin at once unless "
            "given.",
            above=0,
            group=_GROUP,
        ),
    ] = None
    clip: Annotated[float, Option("Largest norm of the gradient; 0 turns it off.", at_least=0, group=_GROUP)] = 1.0
    clip_value: Annotated[
        float, Option("Largest size of each entry of the gradient; 0 turns it off.", at_least=0, group=_GROUP)
    ] = 0.0
    patience: Annotated[
        int, Option("Epochs without a better result before training stops; 0 never stops.", at_least=0, group=_GROUP)
    ] = 4
    average: Annotated[
        float,
        Option("Decay of the average of weights over steps, as 0.998; 0 is off.", at_least=0, below=1, group=_GROUP),
    ] = 0.998
    average_trigger: Annotated[
        int,
        Option(
            "Keep the plain mean of weights from when the result is worse than the best of those so many epochs "
            "before; 0 never does.",
            at_least=0,
            group=_GROUP,
        ),
    ] = 0
    activation_penalty: Annotated[
        float, Option("Weight of the mean square of the recurrent outputs in the loss.", at_least=0, group=_GROUP)
    ] = 0.0
    temporal_penalty: Annotated[
        float,
        Option("Weight of the mean square of their changes from step to step in the loss.", at_least=0, group=_GROUP),
    ] = 0.0
    truncate: Annotated[
        int,
        Option("Steps that gradients go back in time; 0 is the whole sequence.", at_least=0, group=_GROUP),
    ] = 0
    monitor: Annotated[
        str, Option("What 'better' means for patience and the best weights.", words=("loss", "accuracy"), group=_GROUP)
    ] = "accuracy"
    seed: Annotated[int, Option("Seed of everything random.", at_least=0, at_most=2**63 - 1, group=_GROUP)] = 1
    device: Annotated[str, Option("Where to train.", words=("auto", "cpu", "cuda", "mps"), group=_GROUP)] = "auto"
    precision: Annotated[
        str,
        Option("Numbers of products; weights are float32.", words=("float32", "bfloat16", "float16"), group=_GROUP),
    ] = "float32"
    checkpoint_every: Annotated[float, Option("Seconds between checkpoints.", at_least=0, group=_GROUP)] = 30.0


def check_training(options: TrainOptions) -> TrainOptions:
    """Check the training options of any class of options that has them, and return just these.

    >>> check_training(TrainOptions(lr=-1))
    Traceback (most recent call last):
    ostinato.errors.OptionError: lr wanted a number above 0, got -1
    """
    given = {field.name: getattr(options, field.name) for field in describe(TrainOptions)}
    checked = TrainOptions(**validate(TrainOptions, given))
    if checked.momentum is not None and checked.optimizer not in ("sgd", "rmsprop"):
        raise OptionError(
            f"momentum does not apply to the optimizer '{checked.optimizer}'; leave it out, or choose sgd or rmsprop"
        )
    if checked.average and checked.average_trigger:
        raise OptionError(
            "average and average_trigger are two ways to average weights; leave out average_trigger, or set average=0"
        )
    return checked


def recorded(options: TrainOptions) -> dict[str, Any]:
    """The options that decide a run's result, for checkpoints and logs: all but the time between checkpoints."""
    skipped = {"checkpoint_every"}
    return {f.name: getattr(options, f.name) for f in describe(TrainOptions) if f.name not in skipped}
