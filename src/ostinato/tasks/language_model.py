"""Texts to what comes next: fit, evaluate, score, generate, save."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from ostinato import artifact
from ostinato.cells import Cell
from ostinato.data.frames import as_list
from ostinato.data.language.tokens import MARK, Tokens
from ostinato.data.table import read_table
from ostinato.errors import ArtifactError, DataError, NotFittedError, OstinatoError, needs
from ostinato.options import validate
from ostinato.tasks.conventions import Estimator
from ostinato.tasks.fitted import network_of, watcher
from ostinato.tasks.language_options import LanguageModelOptions, check_options
from ostinato.tasks.language_report import LanguageReport
from ostinato.tasks.language_source import source_of
from ostinato.tasks.language_training import evaluate_corpus, log_likelihoods, train_language

TASK = "language-model"
_FIELDS = {"kind", "task", "options", "architecture", "tokens", "column", "history", "training"}


class Scored(NamedTuple):
    """How likely a text is: ``log_p`` in nats over so many ``tokens``, its end included."""

    log_p: float
    tokens: int


@dataclass(kw_only=True, eq=False, repr=False)
class LanguageModel(Estimator, LanguageModelOptions):
    """Learns from texts what comes next in a text.

    >>> model = LanguageModel(hidden=8, layers=1, embedding=4, epochs=2, batch=2, truncate=8, holdout=0, device="cpu")
    >>> model.fit(["to be or not to be", "that is the question"], progress=False).tokens_.size
    15
    >>> model.score("to be") < 0
    True

    ``recipe="adam"`` trains by Adam with a falling rate; ``recipe="awd"`` as AWD-LSTM (Merity et al., 2018,
    arXiv:1708.02182): weight-drop, the same values dropped at every step, whole tokens dropped, penalties on large and
    on changing outputs, and gradient descent whose mean is taken once validation stalls. Options given beside a recipe
    replace its own. The options are those of the command ``ostinato train language-model``.

    After fitting: ``model_`` (the network), ``tokens_`` (what it reads and writes), ``validation_`` (how well it
    foretells what was held out, None without any), ``history_`` (the log entries of training), ``training_`` (how it
    came about).
    """

    # What it reads, which is also the name of the column unless another is given.
    reads: ClassVar[str] = "language"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        text: str | None = None,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
    ) -> LanguageModel:
        """Train on a file, some paths, a list of texts, or a column ``text`` of a file of rows or a frame.

        Files are read piece by piece, whatever their size. ``valid`` is what early stopping looks at, given in the same
        ways; without it the end of the text is kept for that, a share ``holdout`` of it. ``y`` is there for
        scikit-learn and stays None. A ``checkpoint`` path makes the run safe against interruption, and ``resume=True``
        goes on from there. ``progress`` shows a live bar; a function is called with every report instead.
        """
        needs("torch", "train")
        if y is not None:
            raise DataError("a language model learns from texts alone; leave y out")
        options = LanguageModelOptions(**validate(LanguageModelOptions, self.get_params()))
        check_options(options, valid=valid is not None)
        source, held = source_of(X, text), None if valid is None else source_of(valid, _if_rows(valid, text))
        with watcher(progress) as watch:
            trained = train_language(options, source, held, checkpoint=checkpoint, resume=resume, watch=watch)
        self.model_, self.tokens_, self.column_ = trained.model, trained.tokens, text or "text"
        self.history_, self.training_, self.validation_ = trained.history, trained.summary, trained.valid
        return self

    def evaluate(self, X: Any, *, text: str | None = None, rows: int = 1) -> LanguageReport:
        """How well the model foretells texts, given as to :meth:`fit`; each document is read from its beginning.

        ``rows`` documents are read side by side, which changes nothing but the speed.
        """
        self._check_fitted()
        source = source_of(X, text or _if_rows(X, self.column_))
        return evaluate_corpus(self.model_, source.corpus(self.tokens_), rows=rows, source=source.described)

    def score(self, X: Any, y: Any = None) -> float:
        """log p of a text, or of all of some texts, in nats; the end of each is part of it."""
        del y
        texts = [X] if isinstance(X, str) else X
        return float(sum(answer.log_p for answer in self.answers(texts)))

    def answers(self, X: Any) -> list[Scored]:
        """log p of each text in nats, and over how many tokens, the end of the text among them.

        >>> LanguageModel().answers(["stop"])
        Traceback (most recent call last):
        ostinato.errors.NotFittedError: this LanguageModel is not trained yet; ...
        """
        self._check_fitted()
        texts = as_list(X, "texts")
        texts = read_table({"text": texts}).texts("text") if texts else []
        totals, counts = log_likelihoods(self.model_, self.tokens_, texts)
        return [Scored(total, count) for total, count in zip(totals.tolist(), counts.tolist(), strict=True)]

    def generate(self, prompt: str = "", length: int | None = None, **options: Any) -> Iterator[str]:
        """Go on from a prompt; gives text as it comes, ``length`` characters or up to the end of the document.

        ``options`` are those of :meth:`ostinato.streaming.writer.Writer.generate`: ``temperature``, ``top_k``,
        ``top_p``, ``repetition_penalty``, ``seed``, ``stop``, ``constraint``, ``ends`` and ``beam``.
        """
        self._check_fitted()
        from ostinato.streaming import stream

        written: Iterator[str] = stream(self).generate(prompt, length, **options)
        return written

    def save(self, path: str | Path) -> None:
        """Write one file that holds all of the model; :func:`ostinato.load` reads it, here or elsewhere."""
        manifest, tensors = self.description()
        artifact.write(path, tensors, manifest)

    def description(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The model as data for a file, a stream or an export: a manifest and the weights by name."""
        manifest = self.manifest()
        return manifest, {name: tensor.numpy() for name, tensor in self.model_.state_dict().items()}

    def manifest(self) -> dict[str, Any]:
        """What the model file says about the model."""
        self._check_fitted()
        from ostinato.model import stored

        options = self.get_params()
        if isinstance(options["cell"], Cell):
            # The architecture says what it computes.
            options["cell"] = options["cell"].name
        return {
            "kind": "model",
            "task": TASK,
            "options": options,
            "architecture": stored(self.model_.architecture),
            "tokens": self.tokens_.to_dict(),
            "column": self.column_,
            "history": list(self.history_),
            "training": self.training_,
        }

    @classmethod
    def load(cls, path: str | Path, *, trust_cell: bool = False) -> LanguageModel:
        """The model of a file; :func:`ostinato.load` does the same for models of every task."""
        stored = artifact.read(path, kind="model")
        if stored.manifest.get("task") != TASK:
            raise ArtifactError(f"{path} is a model of the task {stored.manifest.get('task')!r:.40}, wanted a {TASK}")
        return cls.from_artifact(stored, str(path), trust_cell=trust_cell)

    @classmethod
    def from_artifact(cls, stored: artifact.Artifact, source: str, *, trust_cell: bool = False) -> LanguageModel:
        """The model of a verified file; :func:`ostinato.load` calls it."""
        needs("torch", "train")
        manifest = stored.manifest
        if set(manifest) != _FIELDS:
            raise ArtifactError(f"{source}: the manifest of a language model has other fields: {sorted(manifest)}")
        try:
            options = dict(manifest["options"])
            made = isinstance(manifest["architecture"]["body"]["cell"], Mapping)
            if made:
                options["cell"] = LanguageModelOptions.cell
            model = cls(**validate(LanguageModelOptions, options))
            tokens = Tokens.from_dict(manifest["tokens"])
            tokens.special(MARK)
            architecture = manifest["architecture"]
            for part, size in (("embed", "count"), ("head", "tokens")):
                if architecture[part][size] != tokens.size:
                    raise DataError(f"the {part} has {architecture[part][size]} tokens and the file {tokens.size}")
            network = network_of(architecture, stored.tensors, trust_cell)
            if not getattr(network, "whole", False):
                raise DataError(f"a head of the kind {architecture['head']['kind']!r:.40} foretells no tokens")
            if made:
                model.cell = network.body.cell
            model.model_, model.tokens_, model.column_ = network, tokens, str(manifest["column"])
            model.history_, model.training_ = tuple(manifest["history"]), dict(manifest["training"])
            model.validation_ = None
        except (OstinatoError, TypeError, ValueError, KeyError, IndexError, RuntimeError, AttributeError) as error:
            raise ArtifactError(f"{source} cannot be used as a language model: {error}") from error
        return model

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError("this LanguageModel is not trained yet; call fit, or load a model by ostinato.load")


def _if_rows(X: Any, column: str | None) -> str | None:
    """The column, where these texts come in rows that have columns."""
    from ostinato.data.language.chunks import OF_ROWS

    first = X[0] if isinstance(X, list | tuple) and X and all(isinstance(part, Path) for part in X) else X
    if isinstance(first, str | Path):
        return column if Path(first).suffix.lower() in OF_ROWS else None
    return column if hasattr(X, "columns") else None
