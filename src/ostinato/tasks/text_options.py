"""The options of a text classifier, described once for Python, the command line and TOML files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import LoweringError, OptionError
from ostinato.options import Option
from ostinato.train.options import TrainOptions, check_training

_TEXT = "Reading"
_NETWORK = "Network"
_RULES = "Regularisation"
_DATA = "Labels and data"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (_DATA, _NETWORK, _TEXT, _RULES, "Training")

# A text tells words, not when they came: cells that want more than x at every step have nothing to read.
_CELLS = tuple(name for name, member in BUILT_IN.items() if not member.inputs)
# Buckets that pairs of neighbouring words share in the bag, and the share of its features hidden in training.
_PAIRS, _BAG_DROPOUT = 1 << 14, 0.5

LAYER_NORMS = ("none", "gates", "memory", "gates+memory")
POOLINGS = ("last", "mean", "max", "attention", "mean+max", "last+mean+max", "attention+max", "attention+mean+max")


@dataclass(kw_only=True, eq=False, repr=False)
class TextClassifierOptions(TrainOptions):
    """How a text classifier reads, what network it is, and how that is trained.

    >>> TextClassifierOptions(hidden=64).hidden
    64
    """

    epochs: Annotated[
        int | None,
        Option(
            "How often training goes through the data, at most; 10 unless given, small data more often.",
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

    cell: Annotated[str | Cell, Option("The recurrent cell.", words=_CELLS, group=_NETWORK)] = "lstm"
    hidden: Annotated[
        int, Option("Width of the state, in each direction.", at_least=1, at_most=65536, group=_NETWORK)
    ] = 200
    layers: Annotated[
        int, Option("Recurrent layers on top of each other.", at_least=1, at_most=100, group=_NETWORK)
    ] = 1
    bidirectional: Annotated[bool, Option("Read each text in both directions.", group=_NETWORK)] = True
    embedding: Annotated[int, Option("Width of the vector of a word.", at_least=1, at_most=65536, group=_NETWORK)] = 128
    pooling: Annotated[str, Option("How the steps of a text become one vector.", words=POOLINGS, group=_NETWORK)] = (
        "mean+max"
    )
    projection: Annotated[
        int | None, Option("Map the output of each layer to this width.", at_least=1, at_most=65536, group=_NETWORK)
    ] = None
    residual: Annotated[bool, Option("Add the input of each layer above the first to its output.", group=_NETWORK)] = (
        False
    )
    norm: Annotated[bool, Option("Normalise between layers.", group=_NETWORK)] = False
    bag: Annotated[
        float,
        Option(
            "Share of the answer that a linear model of words, neighbours and pieces has beside the network; 0 leaves "
            "it out.",
            at_least=0,
            below=1,
            group=_NETWORK,
        ),
    ] = 0.5

    lowercase: Annotated[bool, Option("Read 'Stop' as 'stop'.", group=_TEXT)] = True
    min_count: Annotated[
        int, Option("Words that occur less often in training share one vector.", at_least=1, group=_TEXT)
    ] = 2
    ngrams: Annotated[
        tuple[int, int], Option("Shortest and longest piece of a word that has a vector too.", group=_TEXT)
    ] = (3, 5)
    buckets: Annotated[
        int,
        Option("Vectors that pieces of words share by hashing; 0 reads whole words only.", at_least=0, group=_TEXT),
    ] = 10_000
    longest: Annotated[int, Option("Words that a training text may have.", at_least=1, group=_TEXT)] = 5_000

    dropout: Annotated[
        float, Option("Share of values dropped from what each layer hands on.", at_least=0, below=1, group=_RULES)
    ] = 0.5
    embedding_dropout: Annotated[
        float, Option("Share of values dropped from the vectors of words.", at_least=0, below=1, group=_RULES)
    ] = 0.3
    word_dropout: Annotated[
        float, Option("Share of words read as unknown ones.", at_least=0, below=1, group=_RULES)
    ] = 0.1
    locked: Annotated[bool, Option("Drop the same values of a layer at every step of a text.", group=_RULES)] = False
    weight_drop: Annotated[float, Option("Share of recurrent weights dropped.", at_least=0, below=1, group=_RULES)] = (
        0.0
    )
    recurrent_dropout: Annotated[
        float, Option("Share of new content dropped inside the loop.", at_least=0, below=1, group=_RULES)
    ] = 0.0
    state_dropout: Annotated[
        float,
        Option("Share of the state hidden from the gates, the same at every step.", at_least=0, below=1, group=_RULES),
    ] = 0.0
    zoneout: Annotated[
        float, Option("Share of the state that stays as it was at a step.", at_least=0, below=1, group=_RULES)
    ] = 0.0
    layer_norm: Annotated[str, Option("What is normalised inside the loop.", words=LAYER_NORMS, group=_RULES)] = "none"
    label_smoothing: Annotated[
        float, Option("Probability spread over all labels in training.", at_least=0, below=1, group=_RULES)
    ] = 0.1

    class_weight: Annotated[
        str,
        Option("'balanced' lets rare labels count as much as frequent ones.", words=("none", "balanced"), group=_DATA),
    ] = "none"
    out_of_scope: Annotated[
        str | None, Option("The label of examples that belong to no other, such as 'oos'.", group=_DATA)
    ] = None
    refuse: Annotated[
        float,
        Option(
            "Share of the validation rows whose right answer may be refused so that what is out of scope is too.",
            at_least=0,
            below=1,
            group=_DATA,
        ),
    ] = 0.0075
    holdout: Annotated[
        float,
        Option(
            "Share of the training rows kept for validation where no data are given for it.",
            at_least=0,
            below=1,
            group=_DATA,
        ),
    ] = 0.1
    data_licence: Annotated[
        str | None, Option("Licence of the training data, kept in the model file.", group=_DATA)
    ] = None


def check_options(options: TextClassifierOptions, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether data for validation are given.

    >>> check_options(TextClassifierOptions(norm=True), valid=False)
    Traceback (most recent call last):
    ostinato.errors.OptionError: norm acts between layers and there is only one; leave it out or set layers=2
    """
    # Needs numpy, without which the command line tells its options.
    from ostinato.data import Vocabulary

    # How often training goes through the data is decided later, from the data.
    check_training(dataclasses.replace(options, epochs=options.epochs or 1, patience=options.patience or 0))
    Vocabulary((), options.lowercase, options.ngrams, options.buckets)
    if options.truncate:
        raise OptionError("a text has one label; truncate does not apply: leave it 0")
    for name in ("residual", "norm"):
        if options.layers == 1 and getattr(options, name):
            raise OptionError(f"{name} acts between layers and there is only one; leave it out or set layers=2")
    check_cell(options.cell)
    if options.locked and not options.embedding_dropout and (options.layers == 1 or not options.dropout):
        raise OptionError(
            "locked says how values are dropped from words and between layers, and none are; leave it out, or set "
            "embedding_dropout (with two layers or more: or dropout)"
        )
    if not options.buckets and options.ngrams != TextClassifierOptions.ngrams:
        raise OptionError(
            "ngrams are sizes of pieces of words, and buckets=0 reads no pieces; leave out one of the two"
        )
    if valid and options.holdout not in (0, TextClassifierOptions.holdout):
        raise OptionError("holdout does not apply where data for validation are given; leave out one of the two")
    if options.out_of_scope is not None and not valid and not options.holdout:
        raise OptionError(
            "out_of_scope needs validation rows, on which the threshold is chosen; set holdout, or give data for "
            "validation"
        )


def check_cell(cell: str | Cell) -> None:
    """Refuse a cell that no model file could hold, before hours of training depend on it."""
    from ostinato.lowering.rebuild import stored_cell

    try:
        stored_cell(cell)
    except LoweringError as error:
        raise OptionError(f"a model file cannot hold this cell: {error}") from error


def network(
    options: Any, *, words: int, pieces: int, classes: int, class_weights: list[float] | None = None
) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> network(TextClassifierOptions(layers=2), words=100, pieces=50, classes=3)["head"]
    {'kind': 'classify', 'classes': 3, 'dropout': 0.5, 'smoothing': 0.1}

    ``dropout`` acts on what each layer hands on: to the next layer, and from the last one to the head.
    """
    body = {
        "cell": options.cell,
        "hidden": options.hidden,
        "layers": options.layers,
        "bidirectional": options.bidirectional,
        "dropout": options.dropout if options.layers > 1 else 0.0,
        "enter_dropout": options.embedding_dropout,
        "locked": options.locked,
        "weight_drop": options.weight_drop,
        "recurrent_dropout": options.recurrent_dropout,
        "state_dropout": options.state_dropout,
        "zoneout": options.zoneout,
        "layer_norm": None if options.layer_norm == "none" else options.layer_norm,
        "projection": options.projection,
        "residual": options.residual,
        "norm": options.norm,
    }
    head: dict[str, Any] = {
        "kind": "classify",
        "classes": classes,
        "dropout": options.dropout,
        "smoothing": options.label_smoothing,
    }
    if class_weights is not None:
        head["class_weights"] = class_weights
    embed = {
        "kind": "words",
        "words": words,
        "pieces": pieces,
        "width": options.embedding,
        "word_dropout": options.word_dropout,
    }
    parts = {"embed": embed, "body": body, "pool": options.pooling.split("+"), "head": head}
    if options.bag:
        sizes = {"words": words, "pieces": pieces, "pairs": _PAIRS}
        parts["beside"] = {**sizes, "dropout": _BAG_DROPOUT, "share": float(options.bag)}
    return parts
