"""Dependency trees in columns, one word a line: CoNLL-X and CoNLL-U."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ostinato.data.expressions import Placed
from ostinato.data.trees import MOST_NODES, Tree, find_circle
from ostinato.errors import DataError, OptionError

# A comment that gives the label of a whole sentence, which the format itself has no column for.
_LABEL = re.compile(r"#\s*label\s*=\s*(.*\S)\s*")


@dataclass(frozen=True)
class Columns:
    """In which column (counted from 1) each thing stands; ``label`` is that of a word, and 0 reads none.

    The places are those of CoNLL-X and CoNLL-U, where 4 is the part of speech and 8 the relation to the head.
    """

    number: int = 1
    word: int = 2
    head: int = 7
    label: int = 0

    def __post_init__(self) -> None:
        for name in ("number", "word", "head", "label"):
            place = getattr(self, name)
            if not isinstance(place, int) or place < (0 if name == "label" else 1):
                raise OptionError(f"the column of {name} wanted a whole number from 1 on, got {place!r}")

    @property
    def wanted(self) -> int:
        """How many columns a line has at least."""
        return max(self.number, self.word, self.head, self.label)


def read_conll(text: str, columns: Columns | None = None, *, source: str = "") -> Iterator[Placed]:
    """The sentences of a file in columns, each as a tree with one node a word, in the order of the words.

    >>> text = "1\\tIt\\t_\\t_\\t_\\t_\\t2\\n2\\tworks\\t_\\t_\\t_\\t_\\t0\\n"
    >>> next(read_conll(text)).tree
    Tree(words=('It', 'works'), parents=(1, -1), labels=())

    Tabs part the columns, or white space in lines that have no tab; empty lines part the sentences. Lines that begin
    with # are comments, of which ``# label = NAME`` gives the root its label. Words of several tokens (1-2) and empty
    nodes (1.1) are skipped, as the tree of CoNLL-U has neither. A head that is not there, two roots, none, or a circle
    is a :class:`~ostinato.errors.DataError` that names the line.
    """
    columns = columns or Columns()
    rows: list[tuple[int, list[str]]] = []
    label: str | None = None
    begin = 1
    # Only line ends of files end a line; splitlines would also cut at odd characters inside words.
    for line, written in enumerate([*re.split(r"\r\n|\n|\r", text), ""], start=1):
        if not rows and label is None:
            begin = line
        if not written.strip():
            if rows:
                yield Placed(_sentence(rows, columns, label, source), begin)
            elif label is not None:
                raise DataError(f"{_place(source, begin)}: a label without a sentence")
            rows, label = [], None
        elif written.startswith("#"):
            found = _LABEL.fullmatch(written)
            label = found[1] if found else label
        else:
            fields = _fields(written, columns, _place(source, line))
            if fields is not None:
                rows.append((line, fields))
            if len(rows) > MOST_NODES:
                raise DataError(f"{_place(source, begin)}: a sentence of more than {MOST_NODES:,} words")


def _fields(written: str, columns: Columns, place: str) -> list[str] | None:
    """The columns of a line, None for a line that is no node of the tree."""
    fields = written.split("\t") if "\t" in written else written.split()
    if len(fields) < columns.wanted:
        raise DataError(f"{place}: wanted {columns.wanted} columns or more, parted by tabs, got {len(fields)}")
    number = fields[columns.number - 1]
    if re.fullmatch(r"[0-9]+[-.][0-9]+", number, re.ASCII):
        return None
    return fields


def _sentence(rows: list[tuple[int, list[str]]], columns: Columns, label: str | None, source: str) -> Tree:
    """The tree of one sentence."""
    words, parents, labels = [], [], []
    for place, (line, fields) in enumerate(rows, start=1):
        number, head = fields[columns.number - 1], fields[columns.head - 1]
        if number != str(place):
            raise DataError(
                f"{_place(source, line)}: wanted the word number {place} of the sentence, got {number!r:.20}; words "
                "are numbered from 1 on, and an empty line ends a sentence"
            )
        if not re.fullmatch(r"[0-9]{1,9}", head, re.ASCII) or int(head) > len(rows):
            raise DataError(
                f"{_place(source, line)}: the head of {fields[columns.word - 1]!r:.30} wanted a number from 0 to "
                f"{len(rows)}, got {head!r:.20}"
            )
        words.append(fields[columns.word - 1])
        parents.append(int(head) - 1)
        labels.append(fields[columns.label - 1] if columns.label else None)
    roots = [place for place, parent in enumerate(parents) if parent == -1]
    if len(roots) != 1:
        listed = " and ".join(f"line {rows[place][0]}" for place in roots[:2])
        raise DataError(
            f"{_place(source, rows[0][0])}: a sentence wanted one root, whose head is 0, got "
            f"{f'{len(roots)}: {listed}' if roots else 'none'}"
        )
    circle = find_circle(parents)
    if circle is not None:
        raise DataError(f"{_place(source, rows[circle][0])}: {words[circle]!r:.30} is its own ancestor")
    if label is not None:
        labels[roots[0]] = label
    return Tree(tuple(words), tuple(parents), tuple(labels) if any(name is not None for name in labels) else ())


def _place(source: str, line: int) -> str:
    return (f"{source}, " if source else "") + f"line {line}"
