"""Where the texts of a language model come from: files of any size, texts at hand, a column of a table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.data.frames import as_list
from ostinato.data.language.chunks import read_texts
from ostinato.data.language.cutting import Units
from ostinato.data.language.tokens import MARK
from ostinato.data.table import Table, read_table
from ostinato.errors import DataError, OptionError
from ostinato.tasks.pretrained import Start, filled

if TYPE_CHECKING:
    from ostinato.data.language.corpus import Corpus
    from ostinato.data.language.tokens import Tokens


@dataclass(frozen=True)
class Source:
    """Some documents: those of ``files``, or ``texts`` at hand.

    >>> source_of(["to be", "or not"]).described
    '2 texts'
    """

    files: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    column: str | None = None

    def parts(self) -> Iterator[str]:
        """The texts cut into parts that fit into memory, such that encoding them one by one changes nothing."""
        if not self.files:
            yield from self.texts
            return
        for name in self.files:
            for document in read_texts(name, self.column):
                cutter = Units()
                for chunk in document:
                    yield from cutter.push(chunk)
                yield from cutter.end()

    def tokens(self, options: Any, start: Start | None = None) -> Tokens:
        """The tokens that options ask for, learned from these texts; those of a language model come first."""
        return (start or Start()).tokens(filled(options), self.parts(), (MARK,))

    def corpus(self, tokens: Tokens) -> Corpus:
        """The ids of these texts, in a file that goes with them."""
        from ostinato.data.language.corpus import Corpus

        if self.files:
            return Corpus.of_files(list(self.files), tokens, column=self.column, mark=MARK)
        return Corpus.of_texts(self.texts, tokens, mark=MARK)

    @property
    def described(self) -> str:
        """What these are, for a report."""
        if not self.files:
            return f"{len(self.texts):,} texts" if len(self.texts) != 1 else "a text"
        return self.files[0] if len(self.files) == 1 else f"{self.files[0]} and {len(self.files) - 1} more"


def source_of(X: Any, text: str | None = None) -> Source:
    """The documents of what a task is given: a file's name, a list of paths or of texts, a data frame or a table.

    >>> source_of("novel.txt").files
    ('novel.txt',)

    ``text`` is the column of a file of rows (.jsonl, .parquet, .csv, .tsv) or of a frame; "text" unless given. A list
    of str holds texts, one of :class:`pathlib.Path` files.
    """
    if isinstance(X, Source):
        return X
    if isinstance(X, str | os.PathLike):
        return Source(files=_filled((X,)), column=_column((X,), text))
    if isinstance(X, list | tuple) and X and all(isinstance(part, Path) for part in X):
        return Source(files=_filled(X), column=_column(X, text))
    if isinstance(X, Table) or hasattr(X, "columns"):
        return Source(texts=tuple(read_table(X).texts(text or "text")))
    if text is not None:
        raise OptionError("text names a column of a file of rows or of a frame, and these are texts; leave it out")
    texts = as_list(X, "texts")
    if not texts:
        raise DataError("a language model wanted at least one text, got none")
    return Source(texts=tuple(read_table({"text": texts}).texts("text")))


def _filled(paths: Iterable[Any]) -> tuple[str, ...]:
    """The names of files, none of which is empty."""
    names = tuple(map(os.fsdecode, paths))
    for name in names:
        # Who reads a file that is not there says so.
        if Path(name).is_file() and not Path(name).stat().st_size:
            raise DataError(f"{name} is empty; a language model wanted text in it")
    return names


def _column(paths: Iterable[Any], text: str | None) -> str | None:
    """The column to read; files of one text have none."""
    from ostinato.data.language.chunks import OF_ROWS

    rows = [Path(path).suffix.lower() in OF_ROWS for path in paths]
    if any(rows) and not all(rows):
        raise OptionError("some of these files have a text in each row and others are texts; give one kind at a time")
    if not any(rows):
        if text is not None:
            raise OptionError(f"text names a column of {', '.join(OF_ROWS)}, and these files are texts; leave it out")
        return None
    return text or "text"
