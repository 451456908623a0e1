"""Python source as trees: what the language's own parser makes of it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import Any

from ostinato.data.trees import MOST_NODES, Tree
from ostinato.errors import DataError, OptionError, nearest

CONSTANTS = ("values", "kinds", "none")
# Say whether a name is read or written, which its place says already.
_CONTEXTS = (ast.Load, ast.Store, ast.Del)


def read_python(source: str, *, name: str = "") -> ast.Module:
    """Parse Python source; what Python refuses is a :class:`~ostinato.errors.DataError` with its place.

    >>> read_python("def f(:")
    Traceback (most recent call last):
    ostinato.errors.DataError: line 1, column 7: this is not Python: invalid syntax

    Python's parser recurses, so it refuses expressions that are nested some hundreds deep; so does this.
    """
    where = f"{name}, " if name else ""
    try:
        with warnings.catch_warnings():
            # Old source has invalid escapes, which are no business of whoever reads its tree.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        place = f"line {error.lineno or 1}, column {error.offset or 1}"
        raise DataError(f"{where}{place}: this is not Python: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise DataError(f"{where.removesuffix(', ') or 'source'}: nested deeper than Python's parser reads") from None
    except ValueError as error:
        raise DataError(f"{where.removesuffix(', ') or 'source'}: this is not Python: {error}") from None


def python_tree(node: ast.AST | str, *, identifiers: bool = True, constants: str = "values") -> Tree:
    """The tree of Python source, or of a part of it that is parsed already.

    >>> from ostinato.data.expressions import write_tree
    >>> write_tree(python_tree("x = 1"))
    '(Module (Assign (Name x) (Constant 1)))'

    A node's word is the name of its type (``Assign``); ``identifiers`` are leaves below it. Constants are leaves too:
    their ``values`` as Python writes them, their ``kinds`` (``str``, ``int``) or ``none``.
    """
    if constants not in CONSTANTS:
        raise OptionError(f"constants got '{constants}'; {nearest(constants, CONSTANTS)}")
    words: list[str] = []
    parents: list[int] = []
    rest: list[tuple[Any, int]] = [(read_python(node) if isinstance(node, str) else node, -1)]
    while rest:
        part, parent = rest.pop()
        parents.append(parent)
        words.append(part if isinstance(part, str) else type(part).__name__)
        if len(words) > MOST_NODES:
            raise DataError(f"this source has a tree of more than {MOST_NODES:,} nodes")
        if isinstance(part, ast.AST):
            place = len(words) - 1
            rest += [(inner, place) for inner in reversed(list(_parts(part, identifiers, constants)))]
    return Tree(tuple(words), tuple(parents))


def _parts(node: ast.AST, identifiers: bool, constants: str) -> Iterator[ast.AST | str]:
    """What stands below a node, in the order of Python's own fields."""
    if isinstance(node, ast.Constant):
        if constants != "none":
            yield _shown(node.value) if constants == "values" else type(node.value).__name__
        return
    for _, value in ast.iter_fields(node):
        for member in value if isinstance(value, list) else (value,):
            if isinstance(member, ast.AST):
                if not isinstance(member, _CONTEXTS):
                    yield member
            elif isinstance(member, str) and identifiers:
                yield member


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:
        # Python refuses to write numbers of thousands of decimal digits.
        return hex(value)
