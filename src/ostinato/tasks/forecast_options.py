"""The options of a forecaster, described once for Python, the command line and TOML files."""

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

_SERIES = "Series"
_NETWORK = "Network"
_ANSWER = "Forecast"
_RULES = "Regularisation"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (_ANSWER, _SERIES, _NETWORK, _RULES, "Training")

# Steps are read by what stands in them: cells that want more than x at every step have nothing to read.
_CELLS = tuple(name for name, member in BUILT_IN.items() if not member.inputs)
HEADS = ("quantiles", "gaussian", "student", "log_normal", "negative_binomial", "mixture", "point")
# Distributions of what is never negative, which may be scaled and not shifted.
UNMOVED = ("log_normal", "negative_binomial")
SCALINGS = ("auto", "none", "mean", "standard", "robust")


@dataclass(kw_only=True, eq=False, repr=False)
class ForecasterOptions(TrainOptions):
    """How a forecaster reads series, what network it is, how it is trained, and how it answers.

    >>> ForecasterOptions(horizon=48).horizon
    48
    """

    epochs: Annotated[
        int | None,
        Option(
            "How often training goes through the windows, at most; 10 unless given, few windows more often.",
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
    monitor: Annotated[
        str, Option("What 'better' means for patience and the best weights.", words=("loss",), group="Training")
    ] = "loss"

    horizon: Annotated[int, Option("Steps to forecast.", at_least=1, at_most=100_000, group=_ANSWER)] = 24
    decoding: Annotated[
        str,
        Option(
            "'direct' answers all steps of the horizon at once; 'autoregressive' draws sample paths step by step, as "
            "far as one likes.",
            words=("direct", "autoregressive"),
            group=_ANSWER,
        ),
    ] = "direct"
    head: Annotated[str, Option("The kind of forecast at each step.", words=HEADS, group=_ANSWER)] = "quantiles"
    levels: Annotated[
        str | tuple[float, ...],
        Option("Levels of the quantiles that are told, such as 0.1,0.5,0.9.", group=_ANSWER),
    ] = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"
    components: Annotated[
        int | None, Option("Parts of a mixture; 3 unless given.", at_least=1, at_most=1000, group=_ANSWER)
    ] = None
    paths: Annotated[
        int, Option("Sample paths from which autoregressive quantiles are taken.", at_least=1, group=_ANSWER)
    ] = 200
    conformal: Annotated[
        bool,
        Option("Widen or narrow intervals by how well earlier ones held, as far as that is known.", group=_ANSWER),
    ] = False

    context: Annotated[
        int | None,
        Option(
            "Steps that are read before each forecast; twice the horizon unless given, at least 32.",
            at_least=1,
            at_most=1_000_000,
            group=_SERIES,
        ),
    ] = None
    lags: Annotated[
        str | tuple[int, ...],
        Option(
            "Values so many steps ago that are read at every step, such as 48,336; 'auto' takes the seasons that suit "
            "the frequency, 'none' none.",
            group=_SERIES,
        ),
    ] = "auto"
    known_lags: Annotated[
        bool, Option("Let each lag also bring the covariates known ahead, as they were at its step.", group=_SERIES)
    ] = True
    calendar: Annotated[
        str | tuple[str, ...],
        Option(
            "Columns of the calendar: hour, weekday, monthday, month, yearday, hours, weekdays, months, weekend, "
            "month_start, month_end; 'auto' takes those that suit the frequency, 'none' none.",
            group=_SERIES,
        ),
    ] = "auto"
    scaling: Annotated[
        str,
        Option(
            "How each series is brought to a size near 1; 'auto' divides by the mean for kinds of forecast that are "
            "never negative, and takes mean and deviation for the others.",
            words=SCALINGS,
            group=_SERIES,
        ),
    ] = "auto"
    holdout: Annotated[
        int | None,
        Option(
            "Steps at the end of every series kept for validation; a tenth, at least a horizon, unless given; 0 none.",
            at_least=0,
            group=_SERIES,
        ),
    ] = None
    stride: Annotated[
        int | None,
        Option(
            "Steps from one training window to the next; unless given, 1, or so many that an epoch has at most 10,000 "
            "windows.",
            at_least=1,
            group=_SERIES,
        ),
    ] = None

    cell: Annotated[str | Cell, Option("The recurrent cell.", words=_CELLS, group=_NETWORK)] = "lstm"
    hidden: Annotated[int, Option("Width of the state.", at_least=1, at_most=65536, group=_NETWORK)] = 64
    layers: Annotated[
        int, Option("Recurrent layers on top of each other.", at_least=1, at_most=100, group=_NETWORK)
    ] = 1
    residual: Annotated[bool, Option("Add the input of each layer above the first to its output.", group=_NETWORK)] = (
        False
    )
    norm: Annotated[bool, Option("Normalise between layers.", group=_NETWORK)] = False
    skip: Annotated[bool, Option("Let the forecast see what is read at its step beside the state.", group=_NETWORK)] = (
        True
    )
    embedding: Annotated[
        int, Option("Width of the vector of a category.", at_least=1, at_most=65536, group=_NETWORK)
    ] = 8
    members: Annotated[
        int,
        Option(
            "Networks that learn side by side, each from weights of its own, and answer by the mean of their quantiles "
            "(of draws each gives its share).",
            at_least=1,
            at_most=100,
            group=_NETWORK,
        ),
    ] = 1

    dropout: Annotated[
        float, Option("Share of values dropped from what each layer hands on.", at_least=0, below=1, group=_RULES)
    ] = 0.1
    enter_dropout: Annotated[
        float, Option("Share of values dropped from what is read.", at_least=0, below=1, group=_RULES)
    ] = 0.0
    weight_drop: Annotated[float, Option("Share of recurrent weights dropped.", at_least=0, below=1, group=_RULES)] = (
        0.0
    )
    zoneout: Annotated[
        float, Option("Share of the state that stays as it was at a step.", at_least=0, below=1, group=_RULES)
    ] = 0.0
    data_licence: Annotated[
        str | None, Option("Licence of the training data, kept in the model file.", group=_SERIES)
    ] = None
    short: Annotated[
        str,
        Option(
            "What is done with a series shorter than one window: read with what it has, left out, or refused.",
            words=("use", "skip", "refuse"),
            group=_SERIES,
        ),
    ] = "use"


def check_options(options: ForecasterOptions, *, valid: bool = False) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether series for validation are given.

    >>> check_options(ForecasterOptions(head="point", conformal=False))
    Traceback (most recent call last):
    ostinato.errors.OptionError: a point has no quantiles of its own; set conformal=True, or choose another head
    """
    check_training(dataclasses.replace(options, epochs=options.epochs or 1, patience=options.patience or 0))
    levels_of(options.levels)
    lags_of(options.lags)
    calendar_words(options.calendar)
    if options.truncate:
        raise OptionError("a forecast is trained on windows; truncate does not apply: choose a shorter context")
    for name in ("residual", "norm"):
        if options.layers == 1 and getattr(options, name):
            raise OptionError(f"{name} acts between layers and there is only one; leave it out or set layers=2")
    if options.components is not None and options.head != "mixture":
        raise OptionError(f"components are the parts of a mixture, and head is '{options.head}'; leave one of them out")
    if options.paths != ForecasterOptions.paths and options.decoding == "direct":
        raise OptionError("paths are drawn by decoding='autoregressive'; leave paths out, or choose that")
    if options.head == "point":
        if options.decoding == "autoregressive":
            raise OptionError(
                "autoregressive decoding draws from a distribution, and a point is none; choose another head"
            )
        if not options.conformal:
            raise OptionError("a point has no quantiles of its own; set conformal=True, or choose another head")
    if options.head in UNMOVED and options.scaling in ("standard", "robust"):
        raise OptionError(
            f"a {options.head} forecast is never negative, and scaling='{options.scaling}' moves series; choose 'mean' "
            "or 'none'"
        )
    if options.conformal and options.holdout == 0:
        raise OptionError("conformal intervals learn from steps that were kept for validation; set holdout")
    check_cell(options.cell)
    if valid and options.holdout:
        raise OptionError("holdout does not apply where series for validation are given; leave out one of the two")


def levels_of(levels: str | Sequence[float]) -> tuple[float, ...]:
    """The levels of quantiles that an option says.

    >>> levels_of("0.1, 0.5,0.9")
    (0.1, 0.5, 0.9)
    """
    try:
        found = tuple(float(word) for word in (levels.split(",") if isinstance(levels, str) else levels))
    except (TypeError, ValueError):
        found = ()
    if not found or not all(0 < level < 1 for level in found) or list(found) != sorted(set(found)):
        raise OptionError(f"levels wanted rising numbers between 0 and 1, such as 0.1,0.5,0.9; got {levels!r:.60}")
    return found


def lags_of(lags: str | Sequence[int]) -> tuple[int, ...] | None:
    """The lags that an option says; None for those that suit the series.

    >>> lags_of("48,336"), lags_of("none"), lags_of("auto")
    ((48, 336), (), None)
    """
    if isinstance(lags, str):
        if lags in ("auto", "none"):
            return None if lags == "auto" else ()
        words = lags.split(",")
    else:
        words = [str(lag) for lag in lags]
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words) or len(set(words)) < len(words):
        raise OptionError(
            f"lags wanted different whole numbers from 1 on, such as 24,168, 'auto' or 'none'; got {lags!r:.60}"
        )
    return tuple(sorted(int(word) for word in words))


def calendar_words(calendar: str | Sequence[str]) -> tuple[str, ...] | None:
    """The words of the calendar that an option says; None for those that suit the series."""
    if isinstance(calendar, str):
        if calendar in ("auto", "none"):
            return None if calendar == "auto" else ()
        calendar = [word.strip() for word in calendar.split(",")]
    # Needs numpy, without which the command line tells its options.
    from ostinato.data.series.calendar import Calendar

    return Calendar(tuple(calendar)).words


def scaling_of(options: ForecasterOptions) -> str:
    """The scaling that an option says, or the one that suits the kind of forecast."""
    if options.scaling != "auto":
        return options.scaling
    return "mean" if options.head in UNMOVED else "standard"


def context_of(options: ForecasterOptions) -> int:
    """How many steps are read before a forecast."""
    return options.context or max(32, 2 * options.horizon)


def network(
    options: ForecasterOptions,
    *,
    observed: int,
    ahead: int,
    targets: int = 1,
    static: int = 0,
    categories: Sequence[int] = (),
) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> network(ForecasterOptions(head="student"), observed=1, ahead=2)["head"]
    {'kind': 'student', 'outputs': 1, 'dropout': 0.1, 'skip': True}
    """
    embed = {
        "kind": "series",
        "observed": observed,
        "ahead": ahead,
        "static": static,
        "categories": list(categories),
        "vector": options.embedding,
        "flagged": options.decoding == "direct",
    }
    body = {
        "cell": options.cell,
        "hidden": options.hidden,
        "layers": options.layers,
        "dropout": options.dropout if options.layers > 1 else 0.0,
        "enter_dropout": options.enter_dropout,
        "weight_drop": options.weight_drop,
        "zoneout": options.zoneout,
        "residual": options.residual,
        "norm": options.norm,
    }
    head: dict[str, Any] = {"kind": options.head, "outputs": targets, "dropout": options.dropout, "skip": options.skip}
    if options.head == "quantiles":
        head["levels"] = list(levels_of(options.levels))
    if options.head == "mixture":
        head["components"] = options.components or 3
    return {"embed": embed, "body": body, "head": head}
