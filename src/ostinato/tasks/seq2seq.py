"""One text to another: fit, predict, evaluate, save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.artifact import Artifact
from ostinato.data.language.pairs import EMPTY, Pairs, Sources, read_pairs, read_sources
from ostinato.errors import DataError, OptionError, nearest, needs
from ostinato.tasks.fitted import watcher
from ostinato.tasks.seq2seq_options import Seq2SeqOptions, check_options
from ostinato.tasks.seq2seq_report import Seq2SeqReport
from ostinato.tasks.seq2seq_sides import Sides
from ostinato.tasks.seq2seq_training import check_lengths, fingerprint, kept_network, parted, train_seq2seq
from ostinato.tasks.seq2seq_writing import Written, write
from ostinato.tasks.task_model import TaskModel

if TYPE_CHECKING:
    from ostinato.encoder_decoder import EncoderDecoder

# Validation writes the answers to so many pairs at most.
_MOST_HELD = 1000


@dataclass(kw_only=True, eq=False, repr=False)
class Seq2Seq(TaskModel, Seq2SeqOptions):
    """Learns from pairs of texts to write the second of them from the first.

    >>> model = Seq2Seq(hidden=8, embedding=8, epochs=2, holdout=0, device="cpu")
    >>> model = model.fit(["eins", "zwei"], ["1", "2"], progress=False)
    >>> len(model.predict(["eins", "zwei", "eins"]))
    3

    ``fit`` takes what :func:`~ostinato.data.language.pairs.read_pairs` reads: a table and the names of its columns, two
    lists, or two parallel files as ``source=`` and ``target=``. The options are those of the command ``ostinato train
    seq2seq``.

    After fitting: ``model_`` (the network), ``sides_`` (the tokens that are read and written), ``reach_`` (the most
    tokens of a text and of an answer in training), ``validation_`` (the report on the validation pairs, None without
    any), ``history_`` (the log entries of training), ``training_`` (how it came about).
    """

    # What it reads, for verbs that serve models of all tasks.
    reads: ClassVar[str] = "source"
    task: ClassVar[str] = "seq2seq"
    # What BLEU says belongs to translations.
    translates: ClassVar[bool] = False
    options: ClassVar[type] = Seq2SeqOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"tokens", "reach", "columns"})
    recurs: ClassVar[str] = "encoder"
    # scikit-learn knows no model that writes.
    _estimator_type = "seq2seq"

    def fit(
        self,
        X: Any = None,
        y: Any = None,
        *,
        source: Any = None,
        target: Any = None,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
    ) -> Any:
        """Train on pairs of texts.

        ``valid`` is what early stopping looks at: a table with the same columns, or a pair of lists or of files;
        without it a share ``holdout`` of the pairs is kept for that. A ``checkpoint`` path makes the run safe against
        interruption, and ``resume=True`` goes on from there. ``progress`` shows a live bar; a function is called with
        every report instead.
        """
        needs("torch", "train")
        options = self._checked(valid=valid is not None)
        pairs = X if isinstance(X, Pairs) else read_pairs(X, y, source=source, target=target, empty=options.empty)
        columns = (source, target) if X is not None and y is None else (None, None)
        if valid is None:
            marked = fingerprint(pairs, None)
            pairs, held = parted(pairs, options.holdout, options.seed)
        else:
            held = self._pairs(valid, columns)
            marked = fingerprint(pairs, held)
        with watcher(progress) as watch:
            trained = train_seq2seq(
                options, pairs, held, fingerprint=marked, checkpoint=checkpoint, resume=resume, watch=watch
            )
        self._adopt(trained.model, trained.sides, trained.reach)
        self.columns_ = tuple(
            name if isinstance(name, str) else usual for name, usual in zip(columns, _USUAL, strict=True)
        )
        self.history_, self.training_ = trained.history, trained.summary
        self.validation_ = (
            self._report(held.pick(range(min(len(held), _MOST_HELD))), "validation") if len(held) else None
        )
        return self

    def predict(self, X: Any, *, beam: int | None = None, source: str | None = None, empty: str | None = None) -> Any:
        """The answer to every text, a list of texts; X is a list, a table, or a file with a text on each line.

        An empty text is refused with its place, or gets an empty answer by ``empty="drop"``.
        """
        return [best[0].text if best else "" for best in self.answers(X, beam=beam, source=source, empty=empty)]

    def answers(
        self,
        X: Any,
        *,
        beam: int | None = None,
        best: int = 1,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
        source: str | None = None,
        empty: str | None = None,
    ) -> list[list[Written]]:
        """For every text its ``best`` answers in falling order, each with its score and where it looked.

        What is not given is as in the options. An empty text has no answers where ``empty`` is "drop".
        """
        from ostinato.heads.beam import Ranking

        self._check_fitted()
        sources = read_sources(X, source or self.columns_[0])
        width = self.beam if beam is None else beam
        ranking = Ranking(
            self.length_penalty if length_penalty is None else length_penalty,
            self.coverage_penalty if coverage_penalty is None else coverage_penalty,
        )
        if coverage_penalty and self.attention == "none":
            raise OptionError("coverage_penalty counts what is looked at, and this model looks at nothing")
        rows = self._said(sources, self.empty if empty is None else empty)
        told = write(
            self.model_,
            self.sides_,
            [sources.texts[row] for row in rows],
            beam=width,
            best=best,
            ranking=ranking,
            reach=self.reach_,
        )
        out: list[list[Written]] = [[] for _ in sources.texts]
        for row, each in zip(rows, told, strict=True):
            out[row] = each
        return out

    def evaluate(
        self, X: Any = None, y: Any = None, *, source: Any = None, target: Any = None, beam: int | None = None
    ) -> Seq2SeqReport:
        """Compare the model's answers with the texts that were wanted; columns are called as in training."""
        self._check_fitted()
        if isinstance(X, Pairs):
            pairs = X
        else:
            if X is not None and y is None:
                source, target = source or self.columns_[0], target or self.columns_[1]
            pairs = read_pairs(X, y, source=source, target=target, empty=self.empty)
        return self._report(pairs, pairs.name, beam)

    def score(self, X: Any, y: Any = None) -> float:
        """The share of answers that are right to the letter."""
        return self.evaluate(X, y).exact

    def plot(self, path: str | Path, text: str, *, beam: int | None = None) -> None:
        """Draw where the answer to a text looked: a .png, .svg or .pdf file."""
        from ostinato.diagnosis.attention import draw_attention

        if self.attention == "none":
            raise OptionError("this model looks at nothing, so there is nothing to draw; train with attention='dot'")
        [[answer]] = self.answers([text], beam=beam, empty="refuse")
        assert answer.attention is not None
        draw_attention(path, answer.attention, answer.read, answer.wrote, title=answer.text)

    def __sklearn_tags__(self) -> Any:
        """scikit-learn has no word for what writes, and nothing to clone or check it by."""
        raise AttributeError(f"a {type(self).__name__} is no estimator of scikit-learn")

    def _network(self) -> tuple[dict[str, Any], dict[str, Any]]:
        manifest, tensors = self.model_.description()
        return manifest["architecture"], tensors

    def _restored(self, stored: Artifact, trust_cell: bool) -> EncoderDecoder:
        return kept_network(stored.manifest["architecture"], stored.tensors, trust_cell)

    def _own(self) -> dict[str, Any]:
        return {"tokens": self.sides_.to_dict(), "reach": list(self.reach_), "columns": list(self.columns_)}

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        manifest = stored.manifest
        sides = Sides.from_dict(manifest["tokens"])
        _check_parts(manifest["architecture"], sides)
        read, written = (int(number) for number in manifest["reach"])
        self._adopt(network(), sides, (read, written))
        self.columns_ = (str(manifest["columns"][0]), str(manifest["columns"][1]))

    def _adopt(self, model: EncoderDecoder, sides: Sides, reach: tuple[int, int]) -> None:
        """Take over what training or a file gave."""
        self.model_, self.sides_, self.reach_ = model, sides, reach

    def _pairs(self, valid: Any, columns: tuple[Any, Any]) -> Pairs:
        if isinstance(valid, Pairs):
            return valid
        if isinstance(valid, tuple):
            left, right = valid
            return read_pairs(source=left, target=right, empty=self.empty)
        return read_pairs(valid, source=columns[0], target=columns[1], empty=self.empty)

    def _said(self, sources: Sources, empty: str) -> list[int]:
        """The rows of texts that say something and are not too long."""
        if empty not in EMPTY:
            raise OptionError(f"empty wanted one of 'refuse', 'drop', got {empty!r}; {nearest(str(empty), EMPTY)}")
        texts, place = sources.texts, sources.place
        rows = [row for row, text in enumerate(texts) if text.strip()]
        if len(rows) < len(texts) and empty == "refuse":
            row = next(row for row, text in enumerate(texts) if not text.strip())
            raise DataError(f"{place(row)}: the text is empty; fill it in, or answer it by nothing (empty='drop')")
        check_lengths(self.sides_.encoded([texts[row] for row in rows]), self.longest, lambda k: place(rows[k]))
        # A text of nothing that the tokens know, such as one of blanks between words, has no ids to be read.
        return rows

    def _report(self, pairs: Pairs, name: str, beam: int | None = None) -> Seq2SeqReport:
        told = self.answers(pairs.source, beam=beam)
        return Seq2SeqReport(
            tuple(pairs.source),
            tuple(pairs.target),
            tuple(best[0].text for best in told),
            answers_cut=sum(not best[0].ended for best in told),
            dropped=len(pairs.dropped),
            translation=self.translates,
            beam=self.beam if beam is None else beam,
            source=name,
        )


_USUAL = ("source", "target")


def _check_parts(architecture: Any, sides: Sides) -> None:
    """Refuse parts of a file that do not belong together."""
    for name, tokens in (("source", sides.source), ("target", sides.target)):
        if architecture[name] != tokens.size:
            raise DataError(f"the network has {architecture[name]} tokens of its {name} and the file {tokens.size}")
    if architecture["shared"] != (sides.source is sides.target) or architecture["copy"] != sides.copy:
        raise DataError("the network and the tokens of the file do not belong together")
