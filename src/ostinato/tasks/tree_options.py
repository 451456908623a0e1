"""The options of a tree classifier, described once for Python, the command line and TOML files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.text_options import check_cell
from ostinato.train.options import TrainOptions, check_training

_TREES = "Reading"
_NETWORK = "Network"
_RULES = "Regularisation"
_DATA = "Labels and data"
# The order in which help and TOML files tell them; training comes last.
GROUPS = (_DATA, _NETWORK, _TREES, _RULES, "Training")


@dataclass(kw_only=True, eq=False, repr=False)
class TreeClassifierOptions(TrainOptions):
    """How a tree classifier reads, what network it is, and how that is trained.

    >>> TreeClassifierOptions(binarize="left").hidden
    128
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
    batch: Annotated[int, Option("Trees in a batch.", at_least=1, group="Training")] = 32

    cell: Annotated[
        str | Cell, Option("The recurrent cell that is folded over a tree.", words=tuple(BUILT_IN), group=_NETWORK)
    ] = "lstm"
    hidden: Annotated[int, Option("Width of the state.", at_least=1, at_most=65536, group=_NETWORK)] = 128
    arity: Annotated[
        int | None,
        Option(
            "Places of children that have weights of their own; without it children are added up, and a binarized tree "
            "has 2.",
            at_least=1,
            at_most=256,
            group=_NETWORK,
        ),
    ] = None
    embedding: Annotated[int, Option("Width of the vector of a word.", at_least=1, at_most=65536, group=_NETWORK)] = 128

    form: Annotated[
        str,
        Option(
            "How lists in brackets are read: their first word is their own, or their label, or a member.",
            words=("lisp", "labels", "leaves"),
            group=_TREES,
        ),
    ] = "lisp"
    binarize: Annotated[
        str,
        Option(
            "'left' reads a node's children one after the other, as steps of a chain of two children each.",
            words=("none", "left"),
            group=_TREES,
        ),
    ] = "none"
    lowercase: Annotated[bool, Option("Read 'Stop' as 'stop'.", group=_TREES)] = True
    min_count: Annotated[
        int, Option("Words that occur less often in training share one vector.", at_least=1, group=_TREES)
    ] = 2
    ngrams: Annotated[
        tuple[int, int], Option("Shortest and longest piece of a word that has a vector too.", group=_TREES)
    ] = (3, 5)
    buckets: Annotated[
        int,
        Option("Vectors that pieces of words share by hashing; 0 reads whole words only.", at_least=0, group=_TREES),
    ] = 0
    largest: Annotated[int, Option("Nodes that a training tree may have.", at_least=1, group=_TREES)] = 20_000

    dropout: Annotated[
        float, Option("Share of values dropped from the states that are labelled.", at_least=0, below=1, group=_RULES)
    ] = 0.2
    embedding_dropout: Annotated[
        float, Option("Share of values dropped from the vectors of words.", at_least=0, below=1, group=_RULES)
    ] = 0.2
    word_dropout: Annotated[
        float, Option("Share of words read as unknown ones.", at_least=0, below=1, group=_RULES)
    ] = 0.0
    label_smoothing: Annotated[
        float, Option("Probability spread over all labels in training.", at_least=0, below=1, group=_RULES)
    ] = 0.0

    inside: Annotated[
        float | None,
        Option(
            "What labels inside the trees weigh in training, those of the roots weigh the rest; half where there are "
            "any, and 0 leaves them out.",
            at_least=0,
            below=1,
            group=_DATA,
        ),
    ] = None
    class_weight: Annotated[
        str,
        Option("'balanced' lets rare labels count as much as frequent ones.", words=("none", "balanced"), group=_DATA),
    ] = "none"
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


def check_options(options: TreeClassifierOptions, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether data for validation are given.

    >>> check_options(TreeClassifierOptions(binarize="left", arity=3), valid=False)
    Traceback (most recent call last):
    ostinato.errors.OptionError: a binarized tree has two places of children, got arity=3; leave out one of the two
    """
    from ostinato import ops
    from ostinato.cells import find
    from ostinato.data import Vocabulary
    from ostinato.ops.tree_step import tree_step

    # How often training goes through the data is decided later, from the data.
    check_training(dataclasses.replace(options, epochs=options.epochs or 1, patience=options.patience or 0))
    Vocabulary((), options.lowercase, options.ngrams, options.buckets)
    if options.truncate:
        raise OptionError("a tree is no sequence to be cut; truncate does not apply: leave it 0")
    if options.temporal_penalty:
        raise OptionError("nodes of a tree do not follow each other; temporal_penalty does not apply: leave it 0")
    if options.binarize != "none" and options.arity not in (None, 2):
        raise OptionError(
            f"a binarized tree has two places of children, got arity={options.arity}; leave out one of the two"
        )
    check_cell(options.cell)
    # The fold itself knows which cells can be folded, and which of them tell places apart.
    tree_step(find(options.cell))
    try:
        ops.fold_shapes(options.cell, options.embedding, options.hidden, places(options))
    except OptionError as error:
        if options.arity is None and options.binarize != "none":
            raise OptionError(f"binarize='{options.binarize}' tells two places of children apart: {error}") from None
        raise
    if not options.buckets and options.ngrams != TreeClassifierOptions.ngrams:
        raise OptionError("ngrams are sizes of pieces of words, and buckets=0 reads no pieces; set buckets too")
    if valid and options.holdout not in (0, TreeClassifierOptions.holdout):
        raise OptionError("holdout does not apply where data for validation are given; leave out one of the two")


def places(options: TreeClassifierOptions) -> int | None:
    """How many places of children have weights of their own; None adds all children up.

    >>> places(TreeClassifierOptions()), places(TreeClassifierOptions(binarize="left"))
    (None, 2)
    """
    return 2 if options.arity is None and options.binarize != "none" else options.arity


def network(
    options: Any, *, words: int, pieces: int, classes: int, inside: float, class_weights: list[float] | None = None
) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> network(TreeClassifierOptions(), words=100, pieces=0, classes=3, inside=0.5)["head"]
    {'kind': 'nodes', 'classes': 3, 'share': 0.5, 'dropout': 0.2, 'smoothing': 0.0}
    """
    embed = {
        "kind": "words",
        "words": words,
        "pieces": pieces,
        "width": options.embedding,
        "word_dropout": options.word_dropout,
    }
    body = {
        "kind": "tree",
        "cell": options.cell,
        "hidden": options.hidden,
        "arity": places(options),
        "enter_dropout": options.embedding_dropout,
    }
    head: dict[str, Any] = {
        "kind": "nodes",
        "classes": classes,
        "share": inside,
        "dropout": options.dropout,
        "smoothing": options.label_smoothing,
    }
    if class_weights is not None:
        head["class_weights"] = class_weights
    return {"embed": embed, "body": body, "head": head}
