"""The options of networks that read sentences word by word, described once for all tasks that have one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ostinato.cells import BUILT_IN, Cell, Constant, find
from ostinato.errors import LoweringError, OptionError
from ostinato.options import Option
from ostinato.tasks.pretrained import InitFrom, begin, filled
from ostinato.train.options import TrainOptions, check_training

TEXT = "Reading"
NETWORK = "Network"
RULES = "Regularisation"
DATA = "Labels and data"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (DATA, NETWORK, TEXT, RULES, "Training")

# A text tells words, not when they came: cells that want more than x at every step have nothing to read.
_CELLS = tuple(name for name, member in BUILT_IN.items() if not member.inputs)

LAYER_NORMS = ("none", "gates", "memory", "gates+memory")

# What some tasks give another default.
Ngrams = Annotated[tuple[int, int], Option("Shortest and longest piece of a word that has a vector too.", group=TEXT)]
Buckets = Annotated[
    int,
    Option("Vectors that pieces of words share by hashing; 0 reads whole words only.", at_least=0, group=TEXT),
]
WordShare = Annotated[float, Option("Share of words read as unknown ones.", at_least=0, below=1, group=RULES)]
# What tasks that write have.
Timescale = Annotated[
    float | None,
    Option(
        "How many steps the gates keep the state for before training; unless given as the cell says, but 2 (half open) "
        "instead of open ones in language models and translators.",
        at_least=2,
        group=NETWORK,
    ),
]
Locked = Annotated[bool, Option("Drop the same values of a layer at every step of a text.", group=RULES)]


@dataclass(kw_only=True, eq=False, repr=False)
class WordOptions(TrainOptions):
    """How sentences are read, by what network, and how that is trained.

    >>> filled(WordOptions(hidden=64)).hidden, filled(WordOptions()).hidden
    (64, 200)

    What is None follows from ``usual``, or from the language model that is begun from.
    """

    usual: ClassVar[Mapping[str, Any]] = {
        "cell": "lstm",
        "hidden": 200,
        "layers": 1,
        "bidirectional": True,
        "embedding": 128,
        "projection": None,
        "residual": False,
        "norm": False,
        "layer_norm": "none",
        "lowercase": True,
    }

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
    init_from: InitFrom = None
    cell: Annotated[
        str | Cell | None, Option("The recurrent cell; lstm unless given.", words=_CELLS, group=NETWORK)
    ] = None
    hidden: Annotated[
        int | None,
        Option(
            "Width of the state, in each direction; 200 unless given (256 in a tagger).",
            at_least=1,
            at_most=65536,
            group=NETWORK,
        ),
    ] = None
    layers: Annotated[
        int | None,
        Option("Recurrent layers on top of each other; 1 unless given.", at_least=1, at_most=100, group=NETWORK),
    ] = None
    bidirectional: Annotated[
        bool | None,
        Option("Read each text in both directions; yes unless given, no after a language model.", group=NETWORK),
    ] = None
    embedding: Annotated[
        int | None,
        Option("Width of the vector of a word; 128 unless given.", at_least=1, at_most=65536, group=NETWORK),
    ] = None
    projection: Annotated[
        int | None, Option("Map the output of each layer to this width.", at_least=1, at_most=65536, group=NETWORK)
    ] = None
    residual: Annotated[
        bool | None,
        Option("Add the input of each layer above the first to its output; no unless given.", group=NETWORK),
    ] = None
    norm: Annotated[bool | None, Option("Normalise between layers; no unless given.", group=NETWORK)] = None
    lowercase: Annotated[
        bool | None, Option("Read 'Stop' as 'stop'; yes unless given (no in a tagger).", group=TEXT)
    ] = None
    min_count: Annotated[
        int, Option("Words that occur less often in training share one vector.", at_least=1, group=TEXT)
    ] = 2
    ngrams: Ngrams = (3, 5)
    buckets: Buckets = 10_000
    longest: Annotated[int, Option("Words that a training text may have.", at_least=1, group=TEXT)] = 5_000
    dropout: Annotated[
        float, Option("Share of values dropped from what each layer hands on.", at_least=0, below=1, group=RULES)
    ] = 0.5
    embedding_dropout: Annotated[
        float, Option("Share of values dropped from the vectors of words.", at_least=0, below=1, group=RULES)
    ] = 0.3
    word_dropout: WordShare = 0.1
    locked: Locked = False
    weight_drop: Annotated[float, Option("Share of recurrent weights dropped.", at_least=0, below=1, group=RULES)] = 0.0
    recurrent_dropout: Annotated[
        float, Option("Share of new content dropped inside the loop.", at_least=0, below=1, group=RULES)
    ] = 0.0
    state_dropout: Annotated[
        float,
        Option("Share of the state hidden from the gates, the same at every step.", at_least=0, below=1, group=RULES),
    ] = 0.0
    zoneout: Annotated[
        float, Option("Share of the state that stays as it was at a step.", at_least=0, below=1, group=RULES)
    ] = 0.0
    layer_norm: Annotated[
        str | None,
        Option("What is normalised inside the loop; nothing unless given.", words=LAYER_NORMS, group=RULES),
    ] = None
    holdout: Annotated[
        float,
        Option(
            "Share of the training rows kept for validation where no data are given for it.",
            at_least=0,
            below=1,
            group=DATA,
        ),
    ] = 0.1
    data_licence: Annotated[str | None, Option("Licence of the training data, kept in the model file.", group=DATA)] = (
        None
    )


def check_words(options: Any, *, valid: bool, last: bool = False) -> None:
    """Refuse options of reading and of the network that cannot act beside the others.

    ``last`` says whether ``locked`` acts on what the last layer hands to the head too.
    """
    # Needs numpy, without which the command line tells its options.
    from ostinato.data import Vocabulary

    options = begin(options)[0]
    # How often training goes through the data is decided later, from the data.
    check_training(dataclasses.replace(options, epochs=options.epochs or 1, patience=options.patience or 0))
    Vocabulary((), options.lowercase, options.ngrams, options.buckets)
    if options.truncate:
        raise OptionError("sentences are read whole; truncate does not apply: leave it 0")
    for name in ("residual", "norm"):
        if options.layers == 1 and getattr(options, name):
            raise OptionError(f"{name} acts between layers and there is only one; leave it out or set layers=2")
    check_cell(options.cell)
    if options.locked and not options.embedding_dropout and ((options.layers == 1 and not last) or not options.dropout):
        raise OptionError(
            "locked says how values are dropped from words and between layers, and none are; leave it out, or set "
            "embedding_dropout (with two layers or more: or dropout)"
        )
    if not options.buckets and options.ngrams != type(options).ngrams:
        raise OptionError(
            "ngrams are sizes of pieces of words, and buckets=0 reads no pieces; leave out one of the two"
        )
    if valid and options.holdout not in (0, type(options).holdout):
        raise OptionError("holdout does not apply where data for validation are given; leave out one of the two")


def check_cell(cell: str | Cell) -> None:
    """Refuse a cell that no model file could hold, before hours of training depend on it."""
    from ostinato.lowering.rebuild import stored_cell

    try:
        stored_cell(cell)
    except LoweringError as error:
        raise OptionError(f"a model file cannot hold this cell: {error}") from error


def timescale_of(given: float | None, cell: str | Cell, *, half_open: bool) -> float | None:
    """For how many steps the gates of a cell keep its state before training, None where they begin as it declares.

    Forget gates that begin open (Jozefowicz et al., 2015, proceedings.mlr.press/v37) are for long memories: the loss
    of language models and translators falls sooner from gates that begin ``half_open``.

    >>> [timescale_of(given, cell, half_open=True) for given, cell in ((None, "lstm"), (None, "gru"), (50, "gru"))]
    [2.0, None, 50]
    """
    cell = find(cell)
    if given is None:
        opens = any(cell.initial.get(f"b.{gate}") == Constant(1.0) for gate in cell.chrono)
        return 2.0 if half_open and opens else None
    if not cell.chrono:
        raise OptionError(
            f"timescale does not apply to {cell.name}: it has no gate that keeps or forgets; leave it out"
        )
    return given


def embed_of(options: Any, *, words: int, pieces: int) -> dict[str, Any]:
    """The part of an architecture that reads words."""
    options = filled(options)
    return {
        "kind": "words",
        "words": words,
        "pieces": pieces,
        "width": options.embedding,
        "word_dropout": options.word_dropout,
    }


def body_of(options: Any) -> dict[str, Any]:
    """The recurrent part of an architecture; ``dropout`` acts on what each layer hands on to the next."""
    options = filled(options)
    return {
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
