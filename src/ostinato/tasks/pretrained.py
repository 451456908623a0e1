"""What a task takes over from a language model: tokens, their vectors, and the layers that read them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from ostinato.cells import Cell
from ostinato.errors import OptionError
from ostinato.options import Option

if TYPE_CHECKING:
    from ostinato.data import Vocabulary
    from ostinato.data.language.tokens import Tokens
    from ostinato.tasks.language_model import LanguageModel

Options = TypeVar("Options")

InitFrom = Annotated[
    str | None,
    Option(
        "Begin with the vectors and the layers of this language model; widths, layers, cell and kind of tokens are "
        "then its own.",
        group="Network",
    ),
]
# What a language model may be and not every task can: where a task has no such option, it can be only this.
_ONLY = {"tokens": "words", "lowercase": False, "residual": False, "norm": False, "layer_norm": "none"}


def filled(options: Options) -> Options:
    """The options with nothing left to what they usually are, which their class tells as ``usual``.

    >>> from ostinato.tasks.word_options import WordOptions
    >>> filled(WordOptions(layers=2)).layers, filled(WordOptions(layers=2)).hidden
    (2, 200)
    """
    given: Any = options
    missing = {name: value for name, value in given.usual.items() if getattr(given, name) is None}
    made: Options = dataclasses.replace(given, **missing)
    return made


def begin(options: Options) -> tuple[Options, Start]:
    """The options with the shape of the language model that ``init_from`` names, and that model to start from.

    Without one both are as usual. The file's digest takes the place of its name, so that the name decides nothing.
    Raises :class:`~ostinato.errors.ArtifactError` where the file is no language model, and
    :class:`~ostinato.errors.OptionError` where the task cannot go on from it, or an option says otherwise.
    """
    given: Any = options
    if given.init_from is None:
        return filled(options), Start()
    start = Start.read(given.init_from)
    shape = start.shape
    for name, value in shape.items():
        if name not in given.usual and name in _ONLY and value != _ONLY[name]:
            raise OptionError(_misfit(start.name, name, value))
    taken = {}
    for name in given.usual:
        taken[name], own = shape[name], getattr(given, name)
        if own is None:
            continue
        if not _alike(own, shape[name]):
            raise OptionError(
                f"{name}={_word(own)} contradicts the language model {start.name}, which has {_word(shape[name])}; "
                f"leave {name} out, or begin from another one"
            )
        # A cell of one's own may be compiled, and the same one of a file may not.
        taken[name] = own
    made: Options = dataclasses.replace(given, init_from=start.digest, **taken)
    return made, start


@dataclass(frozen=True)
class Start:
    """What a network is before its first step: fresh, or as far as it goes that of a language model.

    >>> from ostinato.data import Vocabulary
    >>> Start().told, Start().words(Vocabulary(("stop",))).words
    ({}, ('stop',))
    """

    name: str = ""
    digest: str = ""
    model: LanguageModel | None = None

    @classmethod
    def read(cls, path: str) -> Start:
        """The language model of a file; nothing that the file names is compiled or run."""
        from ostinato import artifact
        from ostinato.tasks.language_model import LanguageModel

        stored = artifact.read(path, kind="model")
        return cls(Path(path).name, stored.digest, LanguageModel.from_artifact(stored, path))

    @property
    def told(self) -> dict[str, str]:
        """Where the network comes from, for the file of what is made of it."""
        return {} if self.model is None else {"init_from": f"{self.name}, {self.digest}"}

    @property
    def shape(self) -> dict[str, Any]:
        """The options that the language model decides."""
        assert self.model is not None
        architecture, tokens = self.model.model_.architecture, self.model.tokens_
        body, head = architecture["body"], architecture["head"]
        return {
            "tokens": tokens.kind,
            "lowercase": tokens.lowercase,
            **{name: body[name] for name in ("cell", "hidden", "layers")},
            **{name: bool(body.get(name)) for name in ("residual", "norm", "bidirectional")},
            "layer_norm": body.get("layer_norm") or "none",
            "projection": body.get("projection"),
            "embedding": architecture["embed"]["width"],
            "tied": bool(head.get("tied")),
            "cutoffs": ",".join(map(str, head.get("cutoffs") or ())) or None,
        }

    def words(self, learned: Vocabulary) -> Vocabulary:
        """A vocabulary that knows the words of the language model first, and then those that were learned besides."""
        if self.model is None:
            return learned
        known = [piece for piece in self.model.tokens_.pieces if piece != "\n"]
        return dataclasses.replace(learned, words=(*known, *_besides(learned.words, known)))

    def tokens(self, options: Any, texts: Iterable[str], specials: Sequence[str]) -> Tokens:
        """The tokens that options ask for: learned from texts, after those of the language model where there is one.

        Bytes and pieces of words know every text, so those of a language model stay as they are.
        """
        from ostinato.data.language.tokens import Tokens

        size, min_count = options.vocabulary, options.min_count
        told = {"kind": options.tokens, "specials": tuple(specials), "lowercase": options.lowercase}
        if self.model is None:
            # Bytes are the same for every text, which need not even be one.
            return Tokens.learn(() if options.tokens == "bytes" else texts, size=size, min_count=min_count, **told)
        known = dataclasses.replace(self.model.tokens_, specials=tuple(specials))
        if known.unknown is None:
            for name, value in (("vocabulary", size), ("min_count", min_count)):
                if value is not None:
                    raise OptionError(f"the {known.kind} of {self.name} know every text and stay; leave {name} out")
            return known
        if size is not None and size < known.size:
            raise OptionError(f"vocabulary={size} is less than the {known.size:,} {known.kind} that {self.name} knows")
        learned = Tokens.learn(texts, min_count=min_count, **told)
        new = _besides(learned.pieces, known.pieces)[: None if size is None else size - known.size]
        return dataclasses.replace(known, pieces=(*known.pieces, *new))

    def into_words(self, network: Any, vocabulary: Vocabulary) -> None:
        """Begin a network that reads words with the vectors of the words and the layers.

        Pieces of words begin with nothing, so that each word means what it meant to the language model.
        """
        if self.model is None:
            return
        import torch

        weight = self._vectors([None, *vocabulary.words], network.embed.words.weight)
        with torch.no_grad():
            network.embed.words.weight.copy_(weight)
            if network.embed.pieces is not None:
                network.embed.pieces.weight.zero_()
        self._layers(network.body)

    def into_language(self, network: Any, tokens: Tokens) -> None:
        """Begin a language model with all of another; scores of tokens that are new are as of a mean one."""
        if self.model is None:
            return
        import torch

        strings = _strings(tokens)
        with torch.no_grad():
            network.embed.table.weight.copy_(self._vectors(strings, network.embed.table.weight))
            before, after = self.model.model_.head.state_dict(), network.head.state_dict()
            for name, old in before.items():
                after[name][: len(old)] = old
                # Rows that the language model has not belong to tokens that it does not know.
                after[name][len(old) :] = old[self.model.tokens_.first - self.model.tokens_.size :].mean(0)
        self._layers(network.body)

    def into_reader(self, network: Any, tokens: Tokens) -> None:
        """Begin an encoder with the vectors of what it reads and the layers."""
        if self.model is None:
            return
        import torch

        with torch.no_grad():
            network.reads.weight.copy_(self._vectors(_strings(tokens), network.reads.weight))
        self._layers(network.encoder)

    def _vectors(self, strings: Sequence[Any], like: Any) -> Any:
        """The vector of each token [n, width]: the language model's own, or the mean of its vectors where it has none.

        None stands for what is unknown.
        """
        import torch

        assert self.model is not None
        tokens, table = self.model.tokens_, self.model.model_.embed.table.weight.detach()
        places = {string: place for place, string in enumerate(_strings(tokens))}
        rows = torch.tensor([places.get(string, -1) for string in strings])
        vectors = table[rows.clamp(min=0)]
        vectors[rows < 0] = table[tokens.first :].mean(0)
        return vectors.to(like)

    def _layers(self, body: Any) -> None:
        """Give a stack of layers the weights of the language model's."""
        assert self.model is not None
        body.load_state_dict(self.model.model_.body.state_dict())


def _strings(tokens: Tokens) -> list[Any]:
    """What names each token, whatever its number: its text, or its place among those that only numbers tell apart."""
    unknown = [] if tokens.unknown is None else [None]
    specials = [("special", name) for name in tokens.specials]
    pieces: Sequence[Any] = tokens.pieces or [("piece", place) for place in range(tokens.size - tokens.first)]
    return [*specials, *unknown, *pieces]


def _besides(learned: Sequence[str], known: Iterable[str]) -> list[str]:
    """What was learned and is not known yet, in its order."""
    before = set(known)
    return [piece for piece in learned if piece not in before]


def _alike(own: Any, theirs: Any) -> bool:
    """Whether an option says what the language model is."""
    if isinstance(own, Cell) or isinstance(theirs, Cell):
        from ostinato.cells import find
        from ostinato.lowering.rebuild import cell_digest

        return cell_digest(find(own)) == cell_digest(find(theirs))
    if isinstance(own, str) and isinstance(theirs, str):
        return own.replace(" ", "") == theirs.replace(" ", "")
    return bool(own == theirs)


def _misfit(name: str, option: str, value: Any) -> str:
    """Why a task cannot go on from a language model."""
    if option == "tokens":
        return (
            f"init_from wanted a language model of words, since this task reads words, and {name} reads {value}; "
            "train one with tokens='words'"
        )
    return (
        f"init_from wanted a language model with {option}={_word(_ONLY[option])}, since this task has no other, and "
        f"{name} has {_word(value)}"
    )


def _word(value: Any) -> str:
    return value.name if isinstance(value, Cell) else repr(value)
