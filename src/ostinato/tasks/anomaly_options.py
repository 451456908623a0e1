"""The options of a detector of anomalies, described once for Python, the command line and TOML files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.text_options import check_cell
from ostinato.train.options import TrainOptions, check_training

_ALARM = "Alarms"
_SERIES = "Series"
_NETWORK = "Network"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (_ALARM, _SERIES, _NETWORK, "Training")

# Steps are read by what stands in them: cells that want more than x at every step have nothing to read.
_CELLS = tuple(name for name, member in BUILT_IN.items() if not member.inputs)


@dataclass(kw_only=True, eq=False, repr=False)
class AnomalyOptions(TrainOptions):
    """How a detector reads series, what network foretells them, how that is trained, and when it alarms.

    >>> AnomalyOptions(budget=0.5).budget
    0.5
    """

    epochs: Annotated[
        int | None,
        Option(
            "How often training goes through the windows, at most; unless given, so often that it takes 1,000 batches.",
            at_least=1,
            group="Training",
        ),
    ] = None  # type: ignore[assignment]
    patience: Annotated[
        int | None,
        Option(
            "Epochs without a better result before training stops, 0 never stops; two of five epochs unless given.",
            at_least=0,
            group="Training",
        ),
    ] = None  # type: ignore[assignment]
    batch: Annotated[int, Option("Windows in a batch.", at_least=1, group="Training")] = 16
    average: Annotated[
        float,
        Option("Decay of the average of weights over steps, as 0.99; 0 is off.", at_least=0, below=1, group="Training"),
    ] = 0.99
    monitor: Annotated[
        str, Option("What 'better' means for patience and the best weights.", words=("loss",), group="Training")
    ] = "loss"
    loss: Annotated[
        str,
        Option(
            "What is made small: absolute errors, squared ones, or squared where small.",
            words=("l1", "l2", "huber"),
            group="Training",
        ),
    ] = "huber"

    budget: Annotated[
        float, Option("Alarms wanted in 1,000 steps, in the long run.", above=0, at_most=1000, group=_ALARM)
    ] = 1.0
    cooldown: Annotated[
        int,
        Option("Steps below the threshold that end a range; there is one alarm a range.", at_least=0, group=_ALARM),
    ] = 48
    unscored: Annotated[
        int, Option("Steps at the beginning of every series in which nothing alarms.", at_least=0, group=_ALARM)
    ] = 200
    memory: Annotated[
        int, Option("Steps over which the middle and the scale of errors follow.", at_least=2, group=_ALARM)
    ] = 200
    reach: Annotated[int, Option("Steps over which the tail of errors is learned.", at_least=50, group=_ALARM)] = 2000
    spans: Annotated[
        str | tuple[int, ...],
        Option("Steps over whose mean error is judged, such as 1,12; 1 is each error by itself.", group=_ALARM),
    ] = "1,12"

    learn: Annotated[
        float,
        Option("Share of every series, from its beginning, that is learned from.", above=0, at_most=1, group=_SERIES),
    ] = 1.0
    context: Annotated[int, Option("Steps of a training window.", at_least=2, at_most=1_000_000, group=_SERIES)] = 96
    holdout: Annotated[
        float | None,
        Option(
            "Share of what is learned from, at its end, kept for early stopping; 0.15 unless given, none where "
            "other series are given for that.",
            at_least=0,
            below=1,
            group=_SERIES,
        ),
    ] = None
    lags: Annotated[
        str | tuple[int, ...],
        Option(
            "Values so many steps ago that are read at every step, such as 48,336; 'auto' takes the seasons that suit "
            "the frequency and are learned from twice, 'none' none.",
            group=_SERIES,
        ),
    ] = "auto"
    calendar: Annotated[
        str | tuple[str, ...],
        Option(
            "Columns of the calendar: hour, weekday, monthday, month, yearday, hours, weekdays, months, weekend, "
            "month_start, month_end; 'auto' takes those whose round is learned from twice, 'none' none.",
            group=_SERIES,
        ),
    ] = "auto"
    scaling: Annotated[
        str,
        Option(
            "How channels are brought to a size near 1.", words=("none", "mean", "standard", "robust"), group=_SERIES
        ),
    ] = "standard"
    scope: Annotated[
        str,
        Option(
            "Scale each series by itself, or all alike: then series that were not learned from can be watched too.",
            words=("series", "panel"),
            group=_SERIES,
        ),
    ] = "series"
    gaps: Annotated[
        float,
        Option(
            "Share of the values read that are hidden in training, so that missing ones do no harm later.",
            at_least=0,
            below=1,
            group=_SERIES,
        ),
    ] = 0.05
    data_licence: Annotated[
        str | None, Option("Licence of the training data, kept in the model file.", group=_SERIES)
    ] = None

    cell: Annotated[str | Cell, Option("The recurrent cell.", words=_CELLS, group=_NETWORK)] = "gru"
    hidden: Annotated[int, Option("Width of the state.", at_least=1, at_most=65536, group=_NETWORK)] = 64
    layers: Annotated[
        int, Option("Recurrent layers on top of each other.", at_least=1, at_most=100, group=_NETWORK)
    ] = 1
    skip: Annotated[bool, Option("Let the forecast see what is read at its step beside the state.", group=_NETWORK)] = (
        True
    )
    dropout: Annotated[
        float, Option("Share of values dropped from what each layer hands on.", at_least=0, below=1, group=_NETWORK)
    ] = 0.1


def check_options(options: AnomalyOptions, *, valid: bool = False) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether series for validation are given.

    >>> check_options(AnomalyOptions(scaling="none", scope="panel"))
    Traceback (most recent call last):
    ostinato.errors.OptionError: scope says what is scaled alike, and scaling='none' scales nothing; leave out one ...
    """
    check_training(dataclasses.replace(options, epochs=options.epochs or 1, patience=options.patience or 0))
    check_cell(options.cell)
    whole_numbers(options.spans, "spans")
    if options.lags not in ("auto", "none"):
        whole_numbers(options.lags, "lags")
    if options.truncate:
        raise OptionError("a detector is trained on windows; truncate does not apply: choose a shorter context")
    if options.scaling == "none" and options.scope != "series":
        raise OptionError(
            "scope says what is scaled alike, and scaling='none' scales nothing; leave out one of the two"
        )
    if valid and options.holdout:
        raise OptionError("holdout does not apply where series for validation are given; leave out one of the two")
    if options.holdout == 0 and not valid and options.patience:
        raise OptionError("patience looks at steps held out, and holdout=0 holds out none; leave out one of the two")


def whole_numbers(words: str | Sequence[int], name: str) -> tuple[int, ...]:
    """Whole numbers from 1 on that an option says, in rising order.

    >>> whole_numbers("12, 1", "spans")
    (1, 12)
    """
    parts = words.split(",") if isinstance(words, str) else [str(word) for word in words]
    if not parts or not all(word.strip().isdecimal() and int(word) > 0 for word in parts):
        raise OptionError(f"{name} wanted whole numbers from 1 on, such as 1,12; got {words!r:.60}")
    found = tuple(sorted({int(word) for word in parts}))
    if len(found) < len(parts):
        raise OptionError(f"{name} wanted different numbers, got {words!r:.60}")
    return found


def alarm_options(options: AnomalyOptions) -> dict[str, Any]:
    """What :class:`~ostinato.heads.alarm.Alarm` takes."""
    words = ("budget", "cooldown", "memory", "reach")
    own = {"warmup": options.unscored, "spans": list(whole_numbers(options.spans, "spans"))}
    return own | {name: getattr(options, name) for name in words}


def network(options: AnomalyOptions, *, observed: int, ahead: int, channels: int) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> network(AnomalyOptions(), observed=2, ahead=4, channels=1)["head"]
    {'kind': 'point', 'outputs': 1, 'error': 'huber', 'dropout': 0.1, 'skip': True}
    """
    return {
        "embed": {"kind": "series", "observed": observed, "ahead": ahead, "flagged": False},
        "body": {
            "cell": options.cell,
            "hidden": options.hidden,
            "layers": options.layers,
            "dropout": options.dropout if options.layers > 1 else 0.0,
        },
        "head": {
            "kind": "point",
            "outputs": channels,
            "error": options.loss,
            "dropout": options.dropout,
            "skip": options.skip,
        },
    }
