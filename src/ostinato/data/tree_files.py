"""Files of trees: in brackets, one tree after another, or in columns."""

from __future__ import annotations

import os
from pathlib import Path

from ostinato.data.conll import Columns, read_conll
from ostinato.data.expressions import Placed, read_trees
from ostinato.data.files import read_text
from ostinato.errors import DataError

BRACKETS = (".txt", ".sexp", ".ptb", ".mrg")
COLUMNS = (".conll", ".conllx", ".conllu")


def is_tree_file(source: object) -> bool:
    """Whether a source is the name of a file that holds trees and nothing else.

    >>> is_tree_file("dev.conllu"), is_tree_file("dev.csv")
    (True, False)
    """
    return isinstance(source, str | os.PathLike) and _ending(source) in BRACKETS + COLUMNS


def read_tree_file(
    path: str | os.PathLike[str], form: str = "labels", *, columns: Columns | None = None
) -> list[Placed]:
    """All trees of a file, each with the line on which it starts.

    .txt, .sexp, .ptb and .mrg hold trees in brackets, of the ``form`` that :func:`~ostinato.data.expressions.read_tree`
    describes; .conll, .conllx and .conllu sentences in ``columns``. They are in UTF-8. A file without a tree is a
    :class:`~ostinato.errors.DataError`, as is everything that cannot be read without guessing.
    """
    source = os.fsdecode(path)
    text = read_text(path, BRACKETS + COLUMNS)
    if _ending(path) in COLUMNS:
        found = list(read_conll(text, columns, source=source))
    else:
        found = list(read_trees(text, form, source=source))
    if not found:
        raise DataError(f"{source} holds no tree")
    return found


def _ending(path: str | os.PathLike[str]) -> str:
    return Path(os.fsdecode(path)).suffix.lower()
