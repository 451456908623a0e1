"""Python functions whose names are to be guessed: trees of their code, labelled with the first word of their name.

Source of the task: Allamanis et al., 2016 (arXiv:1602.03001), who guess names of methods from their bodies.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sysconfig
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ostinato.data.python_trees import python_tree, read_python
from ostinato.data.trees import Tree
from ostinato.errors import DataError, OptionError

# Stands wherever a function, or its decorators, would say its own name.
MASK = "<name>"
# Not the library itself: its tests, what is installed beside it, generated tables, and old copies of its grammar.
_LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "pydoc_data", "__pycache__"}
# A part of a name: capitals that end before a word, a word, capitals, digits.
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?(?:(?![A-Z])[^\W\d_])+|[A-Z]+")


@dataclass(frozen=True)
class Function:
    """A function without its name: its tree, the first word of the name, and the module that has it."""

    tree: Tree
    word: str
    module: str


@dataclass(frozen=True)
class Split:
    """Functions to learn from, to choose by and to test on; no module has functions in two of them.

    ``words`` are the most frequent first words of the training functions; functions of all other words are left out,
    and ``covered`` is the share of the test functions that is kept.
    """

    train: tuple[Function, ...]
    valid: tuple[Function, ...]
    test: tuple[Function, ...]
    words: tuple[str, ...]
    covered: float


def first_word(name: str) -> str:
    """The first word of a name in snake_case or CamelCase, in small letters; empty if it has none.

    >>> [first_word(name) for name in ("read_file", "__init__", "setUp", "HTTPError", "_", "getaddrinfo")]
    ['read', 'init', 'set', 'http', '', 'getaddrinfo']
    """
    found = _WORD.search(name)
    return found[0].lower() if found else ""


def read_functions(source: str, module: str = "", *, most_nodes: int = 1_000) -> list[Function]:
    """The functions of a module, methods and inner functions too, each as a tree that does not know its name.

    >>> from ostinato.data.expressions import write_tree
    >>> [found] = read_functions("def read_all(f):\\n  'Docs.'\\n  return read_all(f)")
    >>> found.word, write_tree(found.tree)
    ('read', '(FunctionDef (arguments (arg f)) (Return (Call (Name <name>) (Name f))))')

    The name is taken out, also where the function or its decorators use it; docstrings are taken out; texts stand by
    the name of their type only, as they often say the name of the function that they are in. Functions of more than
    ``most_nodes`` nodes, and names without letters, are left out.
    """
    found = []
    rest: list[ast.AST] = [read_python(source, name=module)]
    nodes: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    while rest:
        node = rest.pop()
        rest += reversed(list(ast.iter_child_nodes(node)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes.append(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            _without_docstring(node)
    for node in nodes:
        word = first_word(node.name)
        tree = _nameless(node)
        if word and len(tree) <= most_nodes:
            found.append(Function(tree, word, module))
    return found


def library_functions(folder: str | Path | None = None, *, most_nodes: int = 1_000) -> list[Function]:
    """The functions of all modules below a folder, module by module; Python's own library unless told.

    Files that Python itself does not read are passed over: a library may hold some for its tests. A folder without a
    single function is a :class:`~ostinato.errors.DataError`.
    """
    root = Path(folder or sysconfig.get_paths()["stdlib"])
    if not root.is_dir():
        raise DataError(f"there is no folder {root}")
    found: list[Function] = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if _LEFT_OUT & {*parts}:
            continue
        try:
            with tokenize.open(path) as file:
                source = file.read()
            found += read_functions(source, ".".join(parts), most_nodes=most_nodes)
        except (DataError, SyntaxError, UnicodeDecodeError, OSError):
            continue
    if not found:
        raise DataError(f"no function was found in the Python files below {root}")
    return found


def split_functions(functions: Iterable[Function], *, words: int = 30, seed: int = 1) -> Split:
    """Split functions by their top-level modules, and keep those whose first word is one of the most frequent.

    A package is one module, whatever it holds. Four of five modules, by a hash of their names and the seed, are
    trained on, one of ten chooses, one of ten tests. Functions with equal trees and words are kept once: in the first
    part that has them.
    """
    if words < 2:
        raise OptionError(f"words wanted a whole number from 2 on, got {words}")
    parts: tuple[list[Function], ...] = ([], [], [])
    seen: set[tuple[Tree, str]] = set()
    dealt = sorted(((_part(f.module, seed), f) for f in functions), key=lambda pair: pair[0])
    for part, function in dealt:
        if (function.tree, function.word) not in seen:
            seen.add((function.tree, function.word))
            parts[part].append(function)
    counts = Counter(function.word for function in parts[0])
    known = tuple(sorted(counts, key=lambda word: (-counts[word], word))[:words])
    train, valid, test = (tuple(function for function in part if function.word in known) for part in parts)
    if not (train and valid and test):
        raise DataError(f"{len(seen):,} functions are too few to be split by module into three parts")
    return Split(train, valid, test, known, len(test) / len(parts[2]))


def flat_words(tree: Tree) -> str:
    """The words of a tree in the order of writing, with brackets around what has parts: what a flat network reads.

    >>> from ostinato.data.expressions import read_tree
    >>> flat_words(read_tree("(Return (Name x))"))
    'Return ( Name ( x ) )'
    """
    children = tree.children
    pieces: list[str] = []
    rest: list[int | None] = [tree.root]
    while rest:
        node = rest.pop()
        if node is None:
            pieces.append(")")
            continue
        pieces.append(tree.words[node])
        if children[node]:
            pieces.append("(")
            rest += [None, *reversed(children[node])]
    return " ".join(pieces)


def _part(module: str, seed: int) -> int:
    """0 to train, 1 to choose, 2 to test."""
    digest = hashlib.sha256(f"{seed}:{module.partition('.')[0]}".encode()).digest()
    return (0, 0, 0, 0, 0, 0, 0, 0, 1, 2)[digest[0] % 10]


def _without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        del node.body[0]


def _nameless(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Tree:
    """The tree of a function in which nothing says its name."""
    tree = python_tree(node, constants="kinds")
    # A function's first field is its name; all below it are leaves, as other identifiers are.
    inner = {*tree.parents}
    words = [MASK if word == node.name and place not in inner else word for place, word in enumerate(tree.words)]
    parents = [parent - (parent > 1) for parent in tree.parents]
    return Tree(tuple(words[:1] + words[2:]), tuple(parents[:1] + parents[2:]))


def modules_of(functions: Iterable[Function]) -> Iterator[str]:
    """The top-level modules that some functions come from, each once, in their order."""
    yield from dict.fromkeys(function.module.partition(".")[0] for function in functions)
