"""The options of a language model, described once for Python, the command line and TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.language_recipes import RECIPES, by_recipe, resolved
from ostinato.tasks.pretrained import InitFrom, begin
from ostinato.tasks.text_options import LAYER_NORMS, check_cell
from ostinato.tasks.word_options import Timescale
from ostinato.train.options import SCHEDULES, TrainOptions, check_training

_TEXT = "Reading"
_NETWORK = "Network"
_RULES = "Regularisation"
_DATA = "Answers and data"
_TRAINING = "Training"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (_DATA, _TEXT, _NETWORK, _RULES, _TRAINING)

# What byte pairs begin with: all bytes, and the end of a document.
_LEAST = 257

# A text tells tokens, not when they came: cells that want more than x at every step have nothing to read.
_CELLS = tuple(name for name, member in BUILT_IN.items() if not member.inputs)


@dataclass(kw_only=True, eq=False, repr=False)
class LanguageModelOptions(TrainOptions):
    """How a language model reads, what network it is, and how that is trained.

    >>> LanguageModelOptions(recipe="awd").recipe, resolved(LanguageModelOptions(recipe="awd")).lr
    ('awd', 30.0)

    What is None follows from the language model that is begun from, from ``usual``, from the ``recipe``, or from
    ``tokens``: see :func:`resolved`.
    """

    usual: ClassVar[Mapping[str, Any]] = {
        "tokens": "characters",
        "lowercase": False,
        "cell": "lstm",
        "hidden": 512,
        "layers": 2,
        "embedding": None,
        "tied": None,
        "cutoffs": None,
        "residual": False,
        "norm": False,
        "layer_norm": "none",
    }

    recipe: Annotated[
        str,
        Option(
            "How it is trained where other options say nothing: by Adam with a falling rate, or as AWD-LSTM, slowly "
            "and with much noise.",
            words=tuple(RECIPES),
            group=_TRAINING,
        ),
    ] = "adam"
    epochs: Annotated[
        int | None, by_recipe("epochs", "How often training goes through the text, at most", _TRAINING, at_least=1)
    ] = None  # type: ignore[assignment]
    batch: Annotated[
        int | None, by_recipe("batch", "Places of the text that are read side by side", _TRAINING, at_least=1)
    ] = None  # type: ignore[assignment]
    truncate: Annotated[
        int | None, by_recipe("truncate", "Steps that gradients go back in time", _TRAINING, at_least=1)
    ] = None  # type: ignore[assignment]
    vary: Annotated[bool | None, by_recipe("vary", "Let that number of steps vary", _TRAINING)] = None
    lr: Annotated[float | None, by_recipe("lr", "Learning rate at its highest", _TRAINING, above=0)] = None  # type: ignore[assignment]
    optimizer: Annotated[
        str | None,
        by_recipe("optimizer", "The rule that changes weights", _TRAINING, words=("adam", "adamw", "sgd", "rmsprop")),
    ] = None  # type: ignore[assignment]
    momentum: Annotated[
        float | None, Option("Momentum of sgd and rmsprop; 0 unless given.", at_least=0, below=1, group=_TRAINING)
    ] = None
    weight_decay: Annotated[
        float | None, by_recipe("weight_decay", "Pull of the weights towards zero", _TRAINING, at_least=0)
    ] = None  # type: ignore[assignment]
    schedule: Annotated[
        str | None,
        by_recipe("schedule", "How the learning rate falls after warm-up", _TRAINING, words=SCHEDULES),
    ] = None  # type: ignore[assignment]
    warmup: Annotated[
        float | None, by_recipe("warmup", "Epochs over which the learning rate rises", _TRAINING, at_least=0)
    ] = None  # type: ignore[assignment]
    clip: Annotated[
        float | None, by_recipe("clip", "Largest norm of the gradient, 0 turns it off", _TRAINING, at_least=0)
    ] = None  # type: ignore[assignment]
    patience: Annotated[
        int | None,
        by_recipe(
            "patience",
            "Epochs without a better result before training stops, 0 never stops",
            _TRAINING,
            at_least=0,
        ),
    ] = None  # type: ignore[assignment]
    average: Annotated[
        float | None,
        by_recipe("average", "Decay of the average of weights over steps, 0 is off", _TRAINING, at_least=0, below=1),
    ] = None  # type: ignore[assignment]
    average_trigger: Annotated[
        int | None,
        by_recipe(
            "average_trigger",
            "Keep the plain mean of weights from when the result is worse than the best of those so many epochs "
            "before, 0 never does",
            _TRAINING,
            at_least=0,
        ),
    ] = None  # type: ignore[assignment]
    monitor: Annotated[
        str, Option("What 'better' means for patience and the best weights.", words=("loss",), group=_TRAINING)
    ] = "loss"

    init_from: InitFrom = None
    tokens: Annotated[
        str | None,
        Option(
            "What is read and foretold; characters unless given.",
            words=("characters", "bytes", "words", "bpe"),
            group=_TEXT,
        ),
    ] = None
    vocabulary: Annotated[
        int | None,
        Option(
            "Different tokens at most: 8000 for bpe unless given, as many as there are otherwise.",
            at_least=3,
            at_most=1 << 24,
            group=_TEXT,
        ),
    ] = None
    min_count: Annotated[
        int | None,
        Option(
            "How often a character or word occurs to be known (1 unless given), or a pair of pieces of bpe (2).",
            at_least=1,
            group=_TEXT,
        ),
    ] = None
    lowercase: Annotated[bool | None, Option("Read words in small letters; no unless given.", group=_TEXT)] = None

    cell: Annotated[
        str | Cell | None, Option("The recurrent cell; lstm unless given.", words=_CELLS, group=_NETWORK)
    ] = None
    hidden: Annotated[
        int | None, Option("Width of the state; 512 unless given.", at_least=1, at_most=65536, group=_NETWORK)
    ] = None
    layers: Annotated[
        int | None,
        Option("Recurrent layers on top of each other; 2 unless given.", at_least=1, at_most=100, group=_NETWORK),
    ] = None
    timescale: Timescale = None
    embedding: Annotated[
        int | None,
        Option(
            "Width of the vector of a token; unless given 128 for characters and bytes, 400 for words and bpe, and "
            "that of the vectors that are given.",
            at_least=1,
            at_most=65536,
            group=_NETWORK,
        ),
    ] = None
    tied: Annotated[
        bool | None,
        Option(
            "Foretell by the vectors that are read; unless given with words and bpe without cutoffs.", group=_NETWORK
        ),
    ] = None
    cutoffs: Annotated[
        str | None,
        Option(
            "Part the tokens by how rare they are, such as 2000,10000, and foretell rare ones by narrower maps: faster "
            "where there are many.",
            group=_NETWORK,
        ),
    ] = None
    vectors: Annotated[
        str | None, Option("Begin with the vectors of words in this file: .vec, or GloVe's .txt.", group=_NETWORK)
    ] = None
    residual: Annotated[
        bool | None,
        Option("Add the input of each layer above the first to its output; no unless given.", group=_NETWORK),
    ] = None
    norm: Annotated[bool | None, Option("Normalise between layers; no unless given.", group=_NETWORK)] = None

    dropout: Annotated[
        float | None,
        by_recipe("dropout", "Share of values dropped from what each layer hands on", _RULES, at_least=0, below=1),
    ] = None
    locked: Annotated[bool | None, by_recipe("locked", "Drop the same values at every step of a window", _RULES)] = None
    input_dropout: Annotated[
        float | None,
        by_recipe("input_dropout", "Share of values dropped from the vectors of tokens", _RULES, at_least=0, below=1),
    ] = None
    word_dropout: Annotated[
        float | None,
        by_recipe(
            "word_dropout",
            "Share of tokens that have no vector during a batch, wherever they occur",
            _RULES,
            at_least=0,
            below=1,
        ),
    ] = None
    weight_drop: Annotated[
        float | None, by_recipe("weight_drop", "Share of recurrent weights dropped", _RULES, at_least=0, below=1)
    ] = None
    activation_penalty: Annotated[
        float | None,
        by_recipe(
            "activation_penalty", "Weight of the mean square of the recurrent outputs in the loss", _RULES, at_least=0
        ),
    ] = None  # type: ignore[assignment]
    temporal_penalty: Annotated[
        float | None,
        by_recipe(
            "temporal_penalty", "Weight of the mean square of their changes from step to step", _RULES, at_least=0
        ),
    ] = None  # type: ignore[assignment]
    zoneout: Annotated[
        float, Option("Share of the state that stays as it was at a step.", at_least=0, below=1, group=_RULES)
    ] = 0.0
    layer_norm: Annotated[
        str | None,
        Option("What is normalised inside the loop; nothing unless given.", words=LAYER_NORMS, group=_RULES),
    ] = None

    holdout: Annotated[
        float,
        Option(
            "Share of the text, its end, kept for validation where no text is given for it.",
            at_least=0,
            below=1,
            group=_DATA,
        ),
    ] = 0.05
    data_licence: Annotated[
        str | None, Option("Licence of the training data, kept in the model file.", group=_DATA)
    ] = None


def check_options(options: Any, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether a text for validation is given.

    >>> check_options(LanguageModelOptions(tokens="bytes", min_count=2), valid=False)
    Traceback (most recent call last):
    ostinato.errors.OptionError: bytes are always 256; leave min_count out
    """
    if options.init_from is not None and options.vectors is not None:
        raise OptionError("vectors and init_from both say what words begin with; leave out one of the two")
    if options.init_from is not None and options.timescale is not None:
        raise OptionError("timescale says how gates begin, and init_from begins with those of a model; leave out one")
    options = begin(options)[0]
    chosen = resolved(options)
    check_training(chosen)
    check_cell(options.cell)
    for name in ("vocabulary", "min_count"):
        if options.tokens == "bytes" and getattr(options, name) is not None:
            raise OptionError(f"bytes are always 256; leave {name} out")
    if options.lowercase and options.tokens != "words":
        raise OptionError(f"lowercase is for words, and the tokens are {options.tokens}; leave it out")
    if options.vectors is not None and options.tokens != "words":
        raise OptionError(f"vectors belong to words, and the tokens are {options.tokens}; leave them out")
    if options.tokens == "bpe" and options.vocabulary is not None and options.vocabulary < _LEAST:
        raise OptionError(
            f"vocabulary counts the 256 bytes and the end of a document beside the pieces of bpe: wanted at least "
            f"{_LEAST}, got {options.vocabulary}"
        )
    for name in ("residual", "norm"):
        if options.layers == 1 and getattr(options, name):
            raise OptionError(f"{name} acts between layers and there is only one; leave it out or set layers=2")
    if options.locked and not (chosen.dropout or chosen.input_dropout):
        raise OptionError("locked says how values are dropped, and none are; leave it out, or set dropout")
    if options.cutoffs is not None:
        cutoffs_of(options)
        if options.tied:
            raise OptionError("cutoffs foretell rare tokens by narrower maps than tied has; leave out one of the two")
    if valid and options.holdout not in (0, LanguageModelOptions.holdout):
        raise OptionError("holdout does not apply where a text for validation is given; leave out one of the two")


def cutoffs_of(options: Any) -> tuple[int, ...]:
    """The borders of frequency as numbers.

    >>> cutoffs_of(LanguageModelOptions(cutoffs="2000, 10000"))
    (2000, 10000)
    """
    if options.cutoffs is None:
        return ()
    try:
        borders = tuple(int(word) for word in options.cutoffs.split(","))
    except ValueError:
        borders = ()
    if not borders or any(border < 1 for border in borders) or list(borders) != sorted({*borders}):
        raise OptionError(f"cutoffs wanted whole numbers that grow, such as 2000,10000, got {options.cutoffs!r:.60}")
    return borders


def network(options: Any, *, tokens: int, embedding: int) -> dict[str, Any]:
    """The architecture that resolved options mean, as :func:`ostinato.model.build` takes it.

    >>> network(resolved(LanguageModelOptions()), tokens=65, embedding=128)["head"]
    {'kind': 'language', 'tokens': 65, 'tied': False, 'cutoffs': [], 'dropout': 0.4, 'locked': False}
    """
    body = {
        "cell": options.cell,
        "hidden": options.hidden,
        "layers": options.layers,
        "dropout": options.dropout if options.layers > 1 else 0.0,
        "enter_dropout": options.input_dropout,
        "locked": options.locked,
        "weight_drop": options.weight_drop,
        "timescale": options.timescale,
        "zoneout": options.zoneout,
        "layer_norm": None if options.layer_norm == "none" else options.layer_norm,
        "residual": options.residual,
        "norm": options.norm,
    }
    head = {
        "kind": "language",
        "tokens": tokens,
        "tied": options.tied,
        "cutoffs": list(cutoffs_of(options)),
        "dropout": options.dropout,
        "locked": options.locked,
    }
    return {
        "embed": {"kind": "ids", "count": tokens, "width": embedding, "dropout": options.word_dropout},
        "body": body,
        "head": head,
    }
