"""A corpus: a text of any size as one long array of ids on disk, read where it is needed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy
from numpy.typing import NDArray

from ostinato.data.language.chunks import OF_ROWS, read_bytes, read_texts
from ostinato.data.language.cutting import Units
from ostinato.data.language.tokens import Tokens
from ostinato.errors import DataError, OptionError, OutputError
from ostinato.output import new_file

_MAGIC = "ostinato corpus 1\n"
_HEADER = 4096
_TYPES = ("uint8", "uint16", "uint32")
# So many ids are looked at in one go.
_STRETCH = 1 << 20
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class Corpus:
    """The ids of one or many documents, one after another, mapped from a file and never whole in memory.

    >>> tokens = Tokens.learn(["to be or not"], kind="characters", specials=("<end>",))
    >>> corpus = Corpus.of_texts(["to", "be", "or"], tokens, mark="<end>")
    >>> corpus.ids.tolist(), corpus.starts.tolist()
    ([0, 4, 3, 0, 5, 6, 0, 3, 8, 0], [0, 3, 6])
    >>> len(corpus), len(corpus[3:]), corpus[3:].starts.tolist()
    (10, 7, [0, 3])

    ``mark`` names a special token that stands before each document and after the last one: a model reads it to begin a
    document and writes it to end one. ``ids`` are uint8, uint16 or uint32 [N], ``starts`` int64 says where documents
    begin. A slice shares the ids. Documents without any token are left out.
    """

    def __init__(
        self, ids: NDArray[Any], starts: NDArray[Any], tokens: Tokens, *, counted: tuple[int, int] | None = None
    ) -> None:
        self.ids, self.starts, self.tokens, self._counted = ids, starts, tokens, counted

    @classmethod
    def of_files(
        cls,
        paths: Paths,
        tokens: Tokens,
        *,
        column: str | None = None,
        mark: str | None = None,
        cache: str | os.PathLike[str] | None = None,
    ) -> Corpus:
        """The corpus of one file or several: each is a document, or has one in each row.

        Files are read as :func:`~ostinato.data.language.chunks.read_texts` does; for tokens of bytes, plain files may
        hold any bytes. ``cache`` is a file that keeps the ids: one that was made of the same files and tokens is used,
        another is made anew. Without it they lie in a temporary file that goes with the corpus.
        """
        listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        if not listed:
            raise DataError("a corpus wanted at least one file, got none")
        names = [os.fsdecode(path) for path in listed]
        what = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        documents = (document for name in names for document in _documents(name, tokens, column))
        if cache is None:
            return cls._temporary(documents, tokens, mark, what)
        facts = {"source": _fingerprint(names, column), "tokens": tokens.digest, "mark": mark}
        found = _cached(Path(cache), facts)
        if found is None:
            with new_file(cache) as file:
                _write(file, documents, tokens, mark, what, facts)
            found = _cached(Path(cache), facts)
            if found is None:
                raise DataError(f"{os.fspath(cache)} was changed while it was made; try again")
        return cls._mapped(*found, tokens)

    @classmethod
    def of_texts(cls, texts: Iterable[str], tokens: Tokens, *, mark: str | None = None) -> Corpus:
        """The corpus of some texts, each a document; an iterator is read once, text by text."""
        if isinstance(texts, str):
            raise DataError(f"texts wanted a list of texts, got one str; write [{texts[:30]!r}], or use of_files")
        return cls._temporary((iter((text,)) for text in texts), tokens, mark, "the corpus")

    @classmethod
    def _temporary(cls, documents: Iterable[Iterable[Any]], tokens: Tokens, mark: str | None, what: str) -> Corpus:
        try:
            # It has no name from its first moment on, and goes when nothing maps it any more.
            with tempfile.TemporaryFile(prefix="ostinato-corpus-") as file:
                header = _write(file, documents, tokens, mark, what, {})
                file.flush()
                return cls._mapped(file, header, tokens)
        except OSError as error:
            raise OutputError(
                f"the ids of {what} do not fit into {tempfile.gettempdir()}: {error.strerror}; set TMPDIR to a folder "
                "with more room"
            ) from None

    @classmethod
    def _mapped(cls, file: Any, header: dict[str, Any], tokens: Tokens) -> Corpus:
        kind, count = numpy.dtype(header["type"]), header["ids"]
        ids = numpy.memmap(file, kind, "r", _HEADER, (count,))
        starts = numpy.memmap(file, numpy.int64, "r", _starts_at(count, kind), (header["documents"],))
        return cls(ids, starts, tokens, counted=(header["characters"], header["bytes"]))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, part: slice) -> Corpus:
        """A part of the corpus, from one id to another; it begins a document of its own."""
        begin, end, step = part.indices(len(self))
        if step != 1 or end <= begin:
            raise OptionError(f"a part of a corpus wanted some neighbouring ids, got [{part.start}:{part.stop}:{step}]")
        if (begin, end) == (0, len(self)):
            return self
        first, last = numpy.searchsorted(self.starts, [begin + 1, end]).tolist()
        starts = numpy.concatenate([[0], numpy.asarray(self.starts[first:last]) - begin]).astype(numpy.int64)
        return Corpus(self.ids[begin:end], starts, self.tokens)

    def split(self, share: float) -> tuple[Corpus, Corpus]:
        """The corpus without its end, and the end that holds this share of the ids; to learn from, and to test on.

        Of several documents, the cut falls on the nearest beginning of one that leaves both parts something.
        """
        if not 0 < share < 1:
            raise OptionError(f"share wanted a number between 0 and 1, got {share}")
        if len(self) < 4:
            raise DataError(f"a corpus of {len(self)} ids cannot be cut into two that each have two")
        cut = min(max(2, len(self) - round(share * len(self))), len(self) - 2)
        if len(self.starts) > 1:
            place = int(numpy.searchsorted(self.starts, cut))
            near = [int(self.starts[k]) for k in (place - 1, place) if 0 < k < len(self.starts)]
            cut = min(near, key=lambda start: abs(start - cut))
        return self[:cut], self[cut:]

    @functools.cached_property
    def lengths(self) -> tuple[int, int]:
        """How many characters and bytes of text the ids stand for (see :attr:`Tokens.lengths` for a part of words)."""
        if self._counted is not None:
            return self._counted
        counts = numpy.zeros(self.tokens.size, numpy.int64)
        for stretch in self._stretches():
            counts += numpy.bincount(stretch, minlength=len(counts))
        characters, raw = (counts @ self.tokens.lengths).tolist()
        return characters, raw

    @functools.cached_property
    def digest(self) -> str:
        """Names what the corpus holds, for checkpoints."""
        hashed = hashlib.sha256(self.tokens.digest.encode())
        for stretch in self._stretches():
            hashed.update(stretch.astype("<u4").tobytes())
        for begin in range(0, len(self.starts), _STRETCH):
            hashed.update(self.starts[begin : begin + _STRETCH].astype("<i8").tobytes())
        return hashed.hexdigest()

    def read(self, begin: int, end: int, rows: int = 1, apart: int = 0) -> NDArray[numpy.int64]:
        """The ids of some places, in rows that begin ``apart`` from each other: int64 [rows, end - begin]."""
        last = (rows - 1) * apart + end
        if not 0 <= begin <= end or last > len(self):
            raise OptionError(f"ids wanted places from 0 to {len(self)}, got {begin} to {last}")
        rowed = numpy.lib.stride_tricks.as_strided(
            self.ids[begin:], (rows, end - begin), (apart * self.ids.itemsize, self.ids.itemsize), writeable=False
        )
        made = rowed.astype(numpy.int64)
        if made.size and made.max() >= self.tokens.size:
            raise DataError(f"the corpus holds the id {made.max()}, and there are {self.tokens.size}; make it anew")
        return made

    def _stretches(self) -> Iterator[NDArray[numpy.int64]]:
        for begin in range(0, len(self), _STRETCH):
            yield self.read(begin, min(begin + _STRETCH, len(self)))[0]


def _documents(name: str, tokens: Tokens, column: str | None) -> Iterator[Iterable[Any]]:
    if tokens.kind == "bytes" and column is None and Path(name).suffix.lower() not in OF_ROWS:
        return iter((read_bytes(name),))
    return read_texts(name, column)


def _write(
    file: BinaryIO,
    documents: Iterable[Iterable[Any]],
    tokens: Tokens,
    mark: str | None,
    what: str,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Write ids, starts and the header; each chunk is encoded and forgotten."""
    kind = numpy.dtype(next(name for name in _TYPES if tokens.size <= 1 << numpy.dtype(name).itemsize * 8))
    sign = b"" if mark is None else numpy.array([tokens.special(mark)], kind).tobytes()
    count = characters = raw = found = 0
    file.write(b" " * _HEADER)
    with contextlib.closing(tempfile.TemporaryFile(prefix="ostinato-starts-")) as starts:
        for document in documents:
            begun = False
            for ids, letters, size in _encoded(document, tokens):
                characters, raw = characters + letters, raw + size
                if not len(ids):
                    continue
                if not begun:
                    starts.write(count.to_bytes(8, "little"))
                    file.write(sign)
                    count, found, begun = count + bool(sign), found + 1, True
                file.write(ids.astype(kind).tobytes())
                count += len(ids)
        if not found:
            raise DataError(f"{what} is empty: there is no text to learn from or to score")
        file.write(sign)
        count += bool(sign)
        file.write(b"\0" * (_starts_at(count, kind) - file.tell()))
        starts.seek(0)
        while block := starts.read(_STRETCH):
            file.write(block)
    header = {"type": kind.name, "ids": count, "documents": found, "characters": characters, "bytes": raw, **facts}
    file.seek(0)
    file.write((_MAGIC + json.dumps(header)).encode())
    return header


def _encoded(document: Iterable[Any], tokens: Tokens) -> Iterator[tuple[NDArray[Any], int, int]]:
    """The ids of a document part by part, with the characters and bytes of each."""
    cutter = Units()
    for chunk in document:
        if isinstance(chunk, bytes):
            ids = numpy.frombuffer(chunk, numpy.uint8).astype(numpy.int32) + tokens.first
            yield ids, len(chunk) - int(((ids - tokens.first) & 0xC0 == 0x80).sum()), len(chunk)
            continue
        if not isinstance(chunk, str):
            raise DataError(f"a corpus wanted texts, got {chunk!r:.60} of type {type(chunk).__name__}")
        yield from (_counted(unit, tokens) for unit in cutter.push(chunk))
    yield from (_counted(unit, tokens) for unit in cutter.end())


def _counted(unit: str, tokens: Tokens) -> tuple[NDArray[Any], int, int]:
    return tokens.encode(unit), len(unit), len(unit.encode("utf-8", "replace"))


def _starts_at(count: int, kind: numpy.dtype[Any]) -> int:
    """Where the starts of documents lie in the file: after the ids, at a multiple of eight."""
    return _HEADER + -(-count * kind.itemsize // 8) * 8


def _fingerprint(names: list[str], column: str | None) -> str:
    """Names the files by their sizes and times."""
    try:
        stats = [os.stat(os.path.expanduser(name)) for name in names]
    except OSError:
        # Whoever reads it says better what is wrong.
        return ""
    seen = [[stat.st_size, stat.st_mtime_ns] for stat in stats]
    return hashlib.sha256(json.dumps([seen, column]).encode()).hexdigest()


def _cached(path: Path, facts: dict[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """The header of a file of ids, or None where there is none or it was made of something else."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if not start.startswith(_MAGIC.encode()):
        raise DataError(f"{path} is not a file of ids that ostinato wrote; name another one as cache, or remove it")
    try:
        header = json.loads(start[len(_MAGIC) :])
        kind = numpy.dtype(_TYPES[_TYPES.index(header["type"])])
        numbers = [header[name] for name in ("ids", "documents", "characters", "bytes")]
        wanted = _starts_at(header["ids"], kind) + 8 * header["documents"]
        sound = all(type(n) is int and n >= 0 for n in numbers) and 0 < header["documents"] <= header["ids"]
    except (ValueError, KeyError, TypeError):
        sound, wanted = False, math.nan
    if not sound or size > wanted:
        raise DataError(f"{path} is damaged: its header does not fit its content; remove it, and it is made anew")
    if size < wanted:
        raise DataError(f"{path} is cut off: it has {size:,} of {wanted:,} bytes; remove it, and it is made anew")
    return (path, header) if all(header.get(name) == value for name, value in facts.items()) else None
