"""The options of tasks on whole series, described once for Python, the command line and TOML files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.text_options import LAYER_NORMS, POOLINGS, check_cell
from ostinato.train.options import TrainOptions, check_training

_SERIES = "Reading"
_NETWORK = "Network"
_RULES = "Regularisation"
_DATA = "Answers and data"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (_DATA, _NETWORK, _SERIES, _RULES, "Training")

# A series tells values, and gaps stand among them: cells that want more than x at every step have nothing to read.
_CELLS = tuple(name for name, member in BUILT_IN.items() if not member.inputs)
_LOSS = Option("What 'better' means for patience and the best weights.", words=("loss",), group="Training")
# Steps that a recurrence beside convolutions reads at most, unless told.
_STEPS = 128
# The width of a recurrence unless told: beside convolutions a wide one learns small data by heart.
_BESIDE, _ALONE = 8, 64


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesOptions(TrainOptions):
    """How whole series are read, what network reads them, and how that is trained.

    >>> SeriesOptions(hidden=32).hidden
    32
    """

    epochs: Annotated[
        int | None,
        Option(
            "How often training goes through the data, at most; 20 unless given, small data up to 500 times.",
            at_least=1,
            group="Training",
        ),
    ] = None  # type: ignore[assignment]
    patience: Annotated[
        int | None,
        Option(
            "Epochs without a better result before training stops, 0 never stops; unless given two of five epochs, and "
            "0 without data for validation.",
            at_least=0,
            group="Training",
        ),
    ] = None  # type: ignore[assignment]
    batch: Annotated[int, Option("Examples in a batch.", at_least=1, group="Training")] = 16
    average: Annotated[
        float,
        Option(
            "Decay of the average of weights over steps, as 0.998; 0 is off.", at_least=0, below=1, group="Training"
        ),
    ] = 0.0

    cell: Annotated[str | Cell, Option("The recurrent cell.", words=_CELLS, group=_NETWORK)] = "gru"
    hidden: Annotated[
        int | None,
        Option(
            f"Width of the state, in each direction; {_BESIDE} beside convolutions and {_ALONE} without unless given.",
            at_least=1,
            at_most=65536,
            group=_NETWORK,
        ),
    ] = None
    layers: Annotated[
        int, Option("Recurrent layers on top of each other.", at_least=1, at_most=100, group=_NETWORK)
    ] = 1
    bidirectional: Annotated[bool, Option("Read each series in both directions.", group=_NETWORK)] = True
    pooling: Annotated[str, Option("How the steps of a series become one vector.", words=POOLINGS, group=_NETWORK)] = (
        "mean"
    )
    convolution: Annotated[
        int,
        Option(
            "Filters of the convolutions beside the recurrence; 0 leaves them out.",
            at_least=0,
            at_most=4096,
            group=_NETWORK,
        ),
    ] = 64
    every: Annotated[
        int | None,
        Option(
            "Steps that a recurrence beside convolutions reads as one, their mean; so many that it reads at most "
            f"{_STEPS} steps of the longest series unless given.",
            at_least=1,
            at_most=1_000_000,
            group=_NETWORK,
        ),
    ] = None

    members: Annotated[
        int,
        Option(
            "Networks that learn side by side, each from weights of its own, and answer by their mean.",
            at_least=1,
            at_most=100,
            group=_NETWORK,
        ),
    ] = 1

    scaling: Annotated[
        str,
        Option(
            "What the channels are divided by: a mean size, a standard deviation, or quartiles.",
            words=("none", "mean", "standard", "robust"),
            group=_SERIES,
        ),
    ] = "standard"
    scope: Annotated[
        str,
        Option("Scale all series alike, or each series by itself.", words=("panel", "series"), group=_SERIES),
    ] = "panel"
    missing: Annotated[
        str,
        Option(
            "Channels that may lack values: those that do in training, all, or none. Each has a second one that says "
            "where.",
            words=("auto", "always", "never"),
            group=_SERIES,
        ),
    ] = "auto"

    dropout: Annotated[
        float, Option("Share of values dropped from what each layer hands on.", at_least=0, below=1, group=_RULES)
    ] = 0.3
    weight_drop: Annotated[float, Option("Share of recurrent weights dropped.", at_least=0, below=1, group=_RULES)] = (
        0.0
    )
    zoneout: Annotated[
        float, Option("Share of the state that stays as it was at a step.", at_least=0, below=1, group=_RULES)
    ] = 0.0
    layer_norm: Annotated[str, Option("What is normalised inside the loop.", words=LAYER_NORMS, group=_RULES)] = "none"
    jitter: Annotated[
        float, Option("Deviation of the noise added to scaled values in training.", at_least=0, group=_RULES)
    ] = 0.0
    stretch: Annotated[
        float,
        Option("Deviation of the factor by which each channel of a training series grows.", at_least=0, group=_RULES),
    ] = 0.0
    warp: Annotated[
        float,
        Option(
            "How far training series are bent in time, as a share of their length.", at_least=0, below=1, group=_RULES
        ),
    ] = 0.0

    holdout: Annotated[
        float | None,
        Option(
            "Share of the training series kept for validation where no data are given for it; unless given a tenth of "
            "1,000 series or more, and none of fewer.",
            at_least=0,
            below=1,
            group=_DATA,
        ),
    ] = None
    data_licence: Annotated[
        str | None, Option("Licence of the training data, kept in the model file.", group=_DATA)
    ] = None


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesClassifierOptions(SeriesOptions):
    """The options of a classifier of series.

    >>> SeriesClassifierOptions().label_smoothing
    0.1
    """

    monitor: Annotated[
        str,
        Option("What 'better' means for patience and the best weights.", words=("loss", "accuracy"), group="Training"),
    ] = "loss"
    label_smoothing: Annotated[
        float, Option("Probability spread over all labels in training.", at_least=0, below=1, group=_RULES)
    ] = 0.1
    class_weight: Annotated[
        str,
        Option("'balanced' lets rare labels count as much as frequent ones.", words=("none", "balanced"), group=_DATA),
    ] = "none"


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesRegressorOptions(SeriesOptions):
    """The options of a regressor of series.

    >>> SeriesRegressorOptions().loss
    'squared'
    """

    monitor: Annotated[str, _LOSS] = "loss"
    loss: Annotated[
        str,
        Option(
            "What is made small: squared misses, absolute ones, or squared where small.",
            words=("squared", "absolute", "huber"),
            group=_DATA,
        ),
    ] = "squared"
    target_scaling: Annotated[
        str,
        Option(
            "Learn the numbers in units of their own spread, or as they are.", words=("standard", "none"), group=_DATA
        ),
    ] = "standard"


@dataclass(kw_only=True, eq=False, repr=False)
class RemainingLifeOptions(SeriesRegressorOptions):
    """The options of a predictor of remaining life.

    >>> RemainingLifeOptions().cap
    125
    """

    batch: Annotated[int, Option("Windows in a batch.", at_least=1, group="Training")] = 64
    lr: Annotated[float, Option("Learning rate at its highest.", above=0, group="Training")] = 4e-3
    hidden: Annotated[
        int, Option("Width of the state, in each direction.", at_least=1, at_most=65536, group=_NETWORK)
    ] = 64
    cell: Annotated[str | Cell, Option("The recurrent cell.", words=_CELLS, group=_NETWORK)] = "gru"
    bidirectional: Annotated[bool, Option("Read each window in both directions.", group=_NETWORK)] = False
    pooling: Annotated[str, Option("How the steps of a window become one vector.", words=POOLINGS, group=_NETWORK)] = (
        "last"
    )
    convolution: Annotated[
        int,
        Option(
            "Filters of the convolutions beside the recurrence; 0 leaves them out.",
            at_least=0,
            at_most=4096,
            group=_NETWORK,
        ),
    ] = 0
    members: Annotated[
        int,
        Option(
            "Networks that learn side by side, each from weights of its own, and answer by their mean.",
            at_least=1,
            at_most=100,
            group=_NETWORK,
        ),
    ] = 4
    dropout: Annotated[
        float, Option("Share of values dropped from what each layer hands on.", at_least=0, below=1, group=_RULES)
    ] = 0.2
    jitter: Annotated[
        float, Option("Deviation of the noise added to scaled values in training.", at_least=0, group=_RULES)
    ] = 0.3
    average: Annotated[
        float,
        Option(
            "Decay of the average of weights over steps, as 0.998; 0 is off.", at_least=0, below=1, group="Training"
        ),
    ] = 0.99
    epochs: Annotated[
        int, Option("How often training goes through the windows, at most.", at_least=1, group="Training")
    ] = 12
    patience: Annotated[
        int,
        Option("Epochs without a better result before training stops; 0 never stops.", at_least=0, group="Training"),
    ] = 3
    cap: Annotated[
        int | None,
        Option(
            "The most remaining life that is told apart: nobody sees earlier that a unit ages.", at_least=1, group=_DATA
        ),
    ] = 125
    window: Annotated[
        int, Option("Steps before a moment that the network reads.", at_least=1, at_most=1_000_000, group=_SERIES)
    ] = 100
    age: Annotated[
        bool, Option("Read beside the channels how many steps a unit has run since its first one.", group=_SERIES)
    ] = True
    baseline: Annotated[
        int,
        Option(
            "Read beside the channels how far each is from the mean of the unit's first so many steps; 0 does not.",
            at_least=0,
            at_most=1_000_000,
            group=_SERIES,
        ),
    ] = 15
    stride: Annotated[
        int,
        Option(
            "Of so many moments one is learned from in an epoch, drawn anew each time: neighbours are alike.",
            at_least=1,
            group=_SERIES,
        ),
    ] = 4
    first: Annotated[
        int,
        Option("Steps of a unit before the first moment that is learned from.", at_least=1, group=_SERIES),
    ] = 20
    holdout: Annotated[
        float | None,
        Option(
            "Share of the training units kept for validation where no data are given for it; 0.15 of 10 units or more "
            "unless given.",
            at_least=0,
            below=1,
            group=_DATA,
        ),
    ] = None


def check_options(options: SeriesOptions, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether data for validation are given.

    >>> check_options(SeriesOptions(convolution=0, every=4), valid=False)
    Traceback (most recent call last):
    ostinato.errors.OptionError: every slows a recurrence that has convolutions beside it, and convolution=0 leaves ...
    """
    # How often training goes through the data is decided later, from the data.
    check_training(dataclasses.replace(options, epochs=options.epochs or 1, patience=options.patience or 0))
    check_cell(options.cell)
    if options.truncate:
        raise OptionError("a series has one answer; truncate does not apply: leave it 0")
    if not options.convolution and options.every is not None:
        raise OptionError(
            "every slows a recurrence that has convolutions beside it, and convolution=0 leaves them out; leave out "
            "one of the two"
        )
    if options.scaling == "none" and options.scope != "panel":
        raise OptionError(
            "scope says what is scaled alike, and scaling='none' scales nothing; leave out one of the two"
        )
    if valid and options.holdout:
        raise OptionError("holdout does not apply where data for validation are given; leave out one of the two")
    if isinstance(options, RemainingLifeOptions):
        if options.warp:
            raise OptionError("warp bends time, which remaining life counts; leave it 0")
        if options.scope != "panel":
            raise OptionError(
                "scope='series' scales a unit by its whole life, which no moment of it knows; leave it out"
            )


def network(options: Any, head: dict[str, Any], *, columns: int, longest: int) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> parts = network(SeriesOptions(), {"kind": "classify", "classes": 3}, columns=6, longest=1000)
    >>> parts["body"]["kind"], parts["body"]["every"], parts["pool"]
    ('hybrid', 8, ['mean'])

    ``columns`` are the features of a step, ``longest`` the steps of the longest series.
    """
    hidden = (_BESIDE if options.convolution else _ALONE) if options.hidden is None else options.hidden
    body = {
        "cell": options.cell,
        "hidden": hidden,
        "layers": options.layers,
        "bidirectional": options.bidirectional,
        "dropout": options.dropout if options.layers > 1 else 0.0,
        "weight_drop": options.weight_drop,
        "zoneout": options.zoneout,
        "layer_norm": None if options.layer_norm == "none" else options.layer_norm,
    }
    if options.convolution:
        every = -(-longest // _STEPS) if options.every is None else options.every
        body |= {"kind": "hybrid", "filters": options.convolution, "every": every}
    return {
        "embed": {"kind": "numbers", "width": columns},
        "body": body,
        "pool": options.pooling.split("+"),
        "head": {**head, "dropout": options.dropout},
    }
