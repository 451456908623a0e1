"""The options of tasks that read one text and write another, described once for Python, command line and TOML."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.pretrained import InitFrom, begin, filled
from ostinato.tasks.word_options import Timescale, check_cell, timescale_of
from ostinato.train.options import TrainOptions, check_training

_TEXT = "Reading"
_NETWORK = "Network"
_RULES = "Regularisation"
_DATA = "Answers and data"
_TRAINING = "Training"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (_DATA, _TEXT, _NETWORK, _RULES, _TRAINING)

# A text tells tokens, not when they came: cells that want more than x at every step have nothing to read.
_CELLS = tuple(name for name, member in BUILT_IN.items() if not member.inputs)
KINDS = ("characters", "bytes", "words", "bpe")
SPECIALS = ("<pad>", "<start>", "<end>")

_Epochs = Annotated[
    int | None,
    Option(
        "How often training goes through the pairs, at most; 10 unless given, few pairs more often.",
        at_least=1,
        group=_TRAINING,
    ),
]
_Patience = Annotated[
    int | None,
    Option(
        "Epochs without a better result before training stops, 0 never stops; two of five epochs unless given.",
        at_least=0,
        group=_TRAINING,
    ),
]
_Monitor = Annotated[
    str,
    Option("What 'better' means for patience and the best weights.", words=("loss", "accuracy"), group=_TRAINING),
]
_Average = Annotated[
    float,
    Option("Decay of the average of weights over steps, as 0.99; 0 is off.", at_least=0, below=1, group=_TRAINING),
]
_Shared = Annotated[bool, Option("Read and write the same tokens, with one table of vectors.", group=_TEXT)]
_Vocabulary = Annotated[
    int | None,
    Option(
        "Different tokens of a side at most: 8000 for bpe unless given, as many as there are otherwise.",
        at_least=5,
        at_most=1 << 24,
        group=_TEXT,
    ),
]
_MinCount = Annotated[
    int | None,
    Option(
        "How often a character or word occurs to be known (1 unless given), or a pair of pieces of bpe (2).",
        at_least=1,
        group=_TEXT,
    ),
]
_Share = Annotated[
    float, Option("Share of values dropped from what layers hand on.", at_least=0, below=1, group=_RULES)
]
_Smoothing = Annotated[
    float, Option("Probability spread over all tokens in training.", at_least=0, below=1, group=_RULES)
]
_Beam = Annotated[
    int, Option("Answers that are followed side by side; 1 takes the likeliest token.", at_least=1, group=_DATA)
]
_LengthPenalty = Annotated[
    float, Option("How much longer answers are favoured among those found.", at_least=0, at_most=10, group=_DATA)
]


@dataclass(kw_only=True, eq=False, repr=False)
class Seq2SeqOptions(TrainOptions):
    """How pairs of texts are read, what network it is, how it is trained, and how it answers.

    >>> Seq2SeqOptions(tokens="bpe").attention
    'additive'

    What is None follows from ``usual``, or from the language model that is begun from.
    """

    usual: ClassVar[Mapping[str, Any]] = {
        "tokens": "characters",
        "lowercase": False,
        "cell": "lstm",
        "hidden": 128,
        "layers": 1,
        "bidirectional": True,
        "embedding": 128,
    }

    # Whether gates that keep the state begin half open: what is to be copied letter by letter is kept long.
    half_open: ClassVar[bool] = False

    epochs: _Epochs = None  # type: ignore[assignment]
    patience: _Patience = None  # type: ignore[assignment]
    monitor: _Monitor = "loss"
    # Runs of a thousand steps are usual; a longer memory would hold on to weights that had learnt little.
    average: _Average = 0.99

    init_from: InitFrom = None
    tokens: Annotated[
        str | None,
        Option(
            "What is read and written at a step; characters unless given (bpe in a translator).",
            words=KINDS,
            group=_TEXT,
        ),
    ] = None
    shared: _Shared = False
    vocabulary: _Vocabulary = None
    min_count: _MinCount = None
    lowercase: Annotated[bool | None, Option("Read words in small letters; no unless given.", group=_TEXT)] = None
    longest: Annotated[int, Option("Tokens that a text may have.", at_least=1, group=_TEXT)] = 2_000

    cell: Annotated[
        str | Cell | None, Option("The recurrent cell; lstm unless given.", words=_CELLS, group=_NETWORK)
    ] = None
    decoder: Annotated[
        str | None, Option("The cell that writes; the one that reads unless given.", words=_CELLS, group=_NETWORK)
    ] = None
    hidden: Annotated[
        int | None,
        Option(
            "Width of the state, in each direction; 128 unless given (256 in a translator).",
            at_least=1,
            at_most=65536,
            group=_NETWORK,
        ),
    ] = None
    layers: Annotated[
        int | None,
        Option("Recurrent layers on top of each other; 1 unless given.", at_least=1, at_most=100, group=_NETWORK),
    ] = None
    bidirectional: Annotated[
        bool | None,
        Option("Read each text in both directions; yes unless given, no after a language model.", group=_NETWORK),
    ] = None
    timescale: Timescale = None
    embedding: Annotated[
        int | None,
        Option(
            "Width of the vector of a token; 128 unless given (256 in a translator).",
            at_least=1,
            at_most=65536,
            group=_NETWORK,
        ),
    ] = None
    attention: Annotated[
        str,
        Option("How places of the text are looked at.", words=("additive", "dot", "none"), group=_NETWORK),
    ] = "additive"
    feeding: Annotated[
        bool, Option("Let each step read what the step before it looked at and meant: slower.", group=_NETWORK)
    ] = False
    copying: Annotated[bool, Option("Let tokens of the text be copied into the answer.", group=_NETWORK)] = False
    tied: Annotated[bool, Option("Write by the vectors of tokens that are read.", group=_NETWORK)] = True

    dropout: _Share = 0.1
    embedding_dropout: Annotated[
        float, Option("Share of values dropped from the vectors of tokens.", at_least=0, below=1, group=_RULES)
    ] = 0.1
    label_smoothing: _Smoothing = 0.0

    beam: _Beam = 1
    length_penalty: _LengthPenalty = 0.0
    coverage_penalty: Annotated[
        float,
        Option("How much answers are favoured that look at all of the text.", at_least=0, at_most=10, group=_DATA),
    ] = 0.0
    empty: Annotated[
        str,
        Option(
            "What happens to a pair with an empty side, and to an empty text.", words=("refuse", "drop"), group=_DATA
        ),
    ] = "refuse"
    holdout: Annotated[
        float,
        Option(
            "Share of the pairs kept for validation where no data are given for it.", at_least=0, below=1, group=_DATA
        ),
    ] = 0.05
    data_licence: Annotated[
        str | None, Option("Licence of the training data, kept in the model file.", group=_DATA)
    ] = None


@dataclass(kw_only=True, eq=False, repr=False)
class TranslatorOptions(Seq2SeqOptions):
    """The same options with what suits translations: shared pieces of words, dot attention, a beam.

    >>> filled(TranslatorOptions()).tokens, TranslatorOptions().beam
    ('bpe', 5)
    """

    usual: ClassVar[Mapping[str, Any]] = {**Seq2SeqOptions.usual, "tokens": "bpe", "hidden": 256, "embedding": 256}

    half_open: ClassVar[bool] = True

    average: _Average = 0.998
    shared: _Shared = True
    attention: Annotated[
        str,
        Option("How places of the text are looked at.", words=("additive", "dot", "none"), group=_NETWORK),
    ] = "dot"
    dropout: _Share = 0.3
    embedding_dropout: Annotated[
        float, Option("Share of values dropped from the vectors of tokens.", at_least=0, below=1, group=_RULES)
    ] = 0.3
    label_smoothing: _Smoothing = 0.1
    beam: _Beam = 5
    length_penalty: _LengthPenalty = 1.0


def check_options(options: Any, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether data for validation are given.

    >>> check_options(Seq2SeqOptions(copying=True), valid=False)
    Traceback (most recent call last):
    ostinato.errors.OptionError: copying takes characters as they are, so both sides need the same ones; set shared=True
    """
    options = begin(options)[0]
    check_training(dataclasses.replace(options, epochs=options.epochs or 1, patience=options.patience or 0))
    if options.truncate:
        raise OptionError("an answer follows from the whole text; truncate does not apply: leave it 0")
    if options.precision != "float32":
        raise OptionError(f"the products of this network are of float32, not {options.precision}; leave out precision")
    check_cell(options.cell)
    _halves(options)
    if options.tokens == "bytes" and (options.vocabulary is not None or options.min_count is not None):
        raise OptionError("bytes are always 256; leave out vocabulary and min_count")
    least = 256 + len(SPECIALS)
    if options.tokens == "bpe" and options.vocabulary is not None and options.vocabulary < least:
        raise OptionError(
            f"vocabulary counts the 256 bytes and {len(SPECIALS)} marks beside the pieces of bpe: wanted at least "
            f"{least}, got {options.vocabulary}"
        )
    if options.lowercase and options.tokens != "words":
        raise OptionError(f"lowercase is for words, and tokens are {options.tokens}; leave it out")
    if options.copying and options.attention == "none":
        raise OptionError("copying takes tokens that are looked at, and attention='none' looks at nothing; choose one")
    if options.copying and not options.shared and options.tokens != "words":
        raise OptionError(
            f"copying takes {options.tokens} as they are, so both sides need the same ones; set shared=True"
        )
    if options.coverage_penalty and options.attention == "none":
        raise OptionError("coverage_penalty counts what is looked at, and attention='none' looks at nothing")
    usual = type(options)
    for name in ("length_penalty", "coverage_penalty"):
        if options.beam == 1 and getattr(options, name) not in (0, getattr(usual, name, 0)):
            raise OptionError(f"{name} compares answers, and beam=1 finds only one; leave it out, or widen the beam")
    if valid and options.holdout not in (0, usual.holdout):
        raise OptionError("holdout does not apply where data for validation are given; leave out one of the two")


def network(options: Any, *, source: int, target: int, unknown: int | None) -> dict[str, Any]:
    """The architecture that the options mean for so many tokens of each side.

    >>> network(Seq2SeqOptions(hidden=8), source=9, target=7, unknown=3)["decoder"]
    {'cell': 'lstm', 'timescale': None, 'hidden': 8, 'layers': 1}
    """
    options = filled(options)
    encoder, decoder = _halves(options)
    return {
        "kind": "encoder-decoder",
        "source": source,
        "target": target,
        "embedding": options.embedding,
        "encoder": {**encoder, "bidirectional": options.bidirectional},
        "decoder": decoder,
        "attention": options.attention,
        "feeding": options.feeding,
        "copy": options.copying,
        "shared": options.shared,
        "tied": options.tied,
        "dropout": options.dropout,
        "embedding_dropout": options.embedding_dropout,
        "smoothing": options.label_smoothing,
        "start": SPECIALS.index("<start>"),
        "end": SPECIALS.index("<end>"),
        "unknown": unknown,
    }


def _halves(options: Any) -> list[dict[str, Any]]:
    """What reads and what writes."""
    cells = options.cell, options.cell if options.decoder is None else options.decoder
    shape = {"hidden": options.hidden, "layers": options.layers}
    scales = (timescale_of(options.timescale, cell, half_open=options.half_open) for cell in cells)
    return [{"cell": cell, "timescale": scale, **shape} for cell, scale in zip(cells, scales, strict=True)]
