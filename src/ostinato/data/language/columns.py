"""Tagged words in columns, one word a line, an empty line after each sentence: the files of CoNLL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ostinato.errors import DataError, OptionError, nearest

# The columns of CoNLL-U, which its files do not name.
_CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_NAMES = re.compile(r"#\s*global\.columns\s*=\s*(.*\S)\s*")
_NO_WORD = re.compile(r"[0-9]+[-.][0-9]+", re.ASCII)
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True)
class Sentence:
    """Words with their tags, and where they stand.

    >>> Sentence(("stop", "it"), ("VERB", "PRON")).words
    ('stop', 'it')

    ``place`` is for messages. A sentence that came as a text has this ``text``, and the ``offsets`` of each word in it:
    the characters from the first up to, not including, the second.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    place: str = ""
    text: str = ""
    offsets: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.words)


def read_columns(text: str, *, word: int | str = 1, tag: int | str | None = -1, source: str = "") -> Iterator[Sentence]:
    """The sentences of a file in columns.

    >>> [s.tags for s in read_columns("# two sentences\\nStop VB O\\n\\nin IN O\\nRome NNP B-LOC\\n")]
    [('O',), ('O', 'B-LOC')]

    ``word`` and ``tag`` say which columns: by number from 1 on, from the end if negative, or by a name that a line
    ``# global.columns = ID FORM ...`` gives (None: there are no tags); lines of ten columns without one have the names
    of CoNLL-U. Tabs part the columns, or white space in a file without tabs. Lines that begin with # are comments where
    no sentence has begun, words inside of one. Words of several tokens (1-2), empty nodes (1.1) and -DOCSTART- are
    skipped. All lines have as many columns as the first; another count is a :class:`~ostinato.errors.DataError` that
    names the line.
    """
    layout = _Layout(word, tag, source, "\t" in text)
    words, tags, begin = list[str](), list[str](), 0
    # Only line ends of files end a line; splitlines would also cut at odd characters inside words.
    for line, written in enumerate([*re.split(r"\r\n|\n|\r", text), ""], start=1):
        if not written.strip():
            if words:
                yield Sentence(tuple(words), tuple(tags), layout.place(begin))
            words, tags = [], []
        elif written.startswith("#") and not words:
            layout.name(written)
        else:
            found = layout.read(written, line)
            if found:
                begin = begin if words else line
                words.append(found[0])
                tags += found[1:]


class _Layout:
    """Which columns hold what, known once the first line of words is read."""

    def __init__(self, word: int | str, tag: int | str | None, source: str, tabs: bool) -> None:
        self.wanted = [("words", word)] + ([] if tag is None else [("tags", tag)])
        for name, column in self.wanted:
            if column == 0 or isinstance(column, bool) or not isinstance(column, int | str):
                raise OptionError(f"the column of {name} wanted a number from 1 on, or a name, got {column!r}")
        self.source, self.tabs = source, tabs
        self.names: Sequence[str] = ()
        self.count, self.first = 0, 0
        self.places: list[int] = []
        self.numbered = False

    def place(self, line: int) -> str:
        return (f"{self.source}, " if self.source else "") + f"line {line}"

    def name(self, comment: str) -> None:
        found = _NAMES.fullmatch(comment)
        if found and not self.count:
            self.names = found[1].split()

    def read(self, written: str, line: int) -> list[str]:
        """The word of a line and its tag, nothing for a line that has none."""
        fields = written.split("\t") if self.tabs else written.split()
        if fields[0] == _DOCUMENT:
            return []
        if not self.count:
            self._begin(len(fields), line)
        if len(fields) != self.count:
            raise DataError(
                f"{self.place(line)}: wanted {self.count} columns as in line {self.first}, got {len(fields)}: "
                f"{written!r:.60}"
            )
        if self.numbered and _NO_WORD.fullmatch(fields[0]):
            return []
        found = [fields[at].strip() for at in self.places]
        if not found[-1]:
            raise DataError(f"{self.place(line)}: the word {found[0]!r:.40} has no tag")
        return found

    def _begin(self, count: int, line: int) -> None:
        """Find the columns in the first line of words."""
        names = self.names or (_CONLLU if count == len(_CONLLU) else ())
        self.count, self.first = count, line
        self.numbered = len(names) > 0 and names[0] == "ID"
        found = []
        for what, wanted in self.wanted:
            if isinstance(wanted, int) and not -count <= wanted <= count:
                raise DataError(f"{self.place(line)}: the {what} are in column {wanted}, and there are {count} columns")
            if isinstance(wanted, str) and wanted not in names:
                known = nearest(wanted, names) if names else "the columns have no names here; give its number"
                raise DataError(f"{self.place(line)}: there is no column '{wanted}' of {what}; {known}")
            at = names.index(wanted) if isinstance(wanted, str) else wanted - 1 if wanted > 0 else count + wanted
            found.append(at)
        self.places = found
        if len({*found}) < len(found):
            raise DataError(f"{self.place(line)}: words and tags wanted two columns, got column {found[0] + 1} twice")
