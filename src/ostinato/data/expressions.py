"""Trees as they are written in brackets, and as nested lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ostinato.data.trees import FORMS, MOST_NODES, Tree
from ostinato.errors import DataError, OptionError, nearest

# A bracket, a word in quotes (perhaps never closed), or a word; white space parts them.
_PIECE = re.compile(r'[()]|"(?:[^"\\]|\\.)*"?|[^\s()]+', re.DOTALL)
_RAW_PIECE = re.compile(r"[()]|[^\s()]+")
_PLAIN = re.compile(r'[^\s()"]+')


def read_tree(text: str, form: str = "lisp", *, source: str = "", most_nodes: int = MOST_NODES) -> Tree:
    """The one tree that a text in brackets holds.

    >>> read_tree("(MAX 2 9 (MIN 4 7) 0)").words
    ('MAX', '2', '9', 'MIN', '4', '7', '0')
    >>> read_tree("(3 (2 It) (4 great))", "labels")
    Tree(words=('', 'It', 'great'), parents=(-1, 0, 0), labels=('3', '2', '4'))
    >>> read_tree("((the cat) sleeps)", "leaves").leaves
    ['the', 'cat', 'sleeps']

    ``lisp``: the first word of a list belongs to the list itself, the others are its members; a word with white space,
    brackets or quotes stands in double quotes, with a backslash before a quote. ``labels``: each list begins with its
    label, then one word or lists follow, as in the Stanford Sentiment Treebank. ``leaves``: lists have no words, their
    members do. The nodes of the tree are in the order of writing. What is not one whole tree is a
    :class:`~ostinato.errors.DataError` that names line and column; ``source`` is put before them.
    """
    read = list(read_trees(text, form, source=source, most_nodes=most_nodes))
    if len(read) != 1:
        where = f"{source}: " if source else ""
        raise DataError(f"{where}wanted one tree, got {len(read) or 'none'}; a tree is written as {_EXAMPLES[form]}")
    return read[0].tree


class Placed(NamedTuple):
    """A tree of a file, and the line on which it starts."""

    tree: Tree
    line: int


def read_trees(text: str, form: str = "lisp", *, source: str = "", most_nodes: int = MOST_NODES) -> Iterator[Placed]:
    """The trees that follow each other in a text, each on as many lines as it likes.

    >>> [tree.words for tree, _ in read_trees("(a b)\\n\\n(c\\n d)")]
    [('a', 'b'), ('c', 'd')]
    """
    if form not in FORMS:
        raise OptionError(f"form got '{form}'; {nearest(form, FORMS)}")
    building = _Building(form, most_nodes)
    line, line_start, at = 1, 0, 0
    begin = 1
    for match in (_RAW_PIECE if form == "labels" else _PIECE).finditer(text):
        piece, start = match[0], match.start()
        newlines = text.count("\n", at, start)
        if newlines:
            line, line_start = line + newlines, text.rindex("\n", at, start) + 1
        at = start
        if not building.words:
            begin = line
        try:
            if piece == "(":
                building.open((line, start - line_start + 1))
            elif piece == ")":
                building.close()
            else:
                building.add(piece if form == "labels" else _unquoted(piece))
        except ValueError as error:
            raise DataError(f"{_place(source, line, start - line_start + 1)}: {error}") from None
        if not building.stack:
            yield Placed(building.done(), begin)
            building = _Building(form, most_nodes)
    if building.stack:
        raise DataError(
            f"{_place(source, *building.stack[-1].place)}: this bracket is opened and never closed; "
            f"{len(building.stack)} are open at the end"
        )


def tree_of(nested: Any, form: str = "lisp", *, most_nodes: int = MOST_NODES) -> Tree:
    """A tree from lists in lists.

    >>> tree_of(["MAX", 2, 9, ["MIN", 4, 7], 0]) == read_tree("(MAX 2 9 (MIN 4 7) 0)")
    True

    Lists and tuples are lists; words, numbers and truth values are words. Lists may nest as deep as memory allows; one
    that holds itself is refused.
    """
    if form not in FORMS:
        raise OptionError(f"form got '{form}'; {nearest(form, FORMS)}")
    building = _Building(form, most_nodes)
    # A list that is open: an iterator over the rest of its members, and itself, so that a circle is seen.
    around: list[tuple[Iterator[Any], int]] = []
    inside: set[int] = set()
    member = nested
    try:
        while True:
            if isinstance(member, list | tuple):
                if id(member) in inside:
                    raise ValueError("a list holds itself")
                building.open((0, 0))
                inside.add(id(member))
                around.append((iter(member), id(member)))
            elif isinstance(member, str | int | float):
                building.add(str(member))
            else:
                raise ValueError(f"wanted lists and words, got {member!r:.60} of type {type(member).__name__}")
            while around and (member := next(around[-1][0], _END)) is _END:
                building.close()
                inside.discard(around.pop()[1])
            if not around:
                return building.done()
    except ValueError as error:
        raise DataError(f"nested lists, after {len(building.words)} nodes: {error}") from None


def write_tree(tree: Tree, form: str = "lisp") -> str:
    """A tree in brackets, on one line; :func:`read_tree` takes it back.

    >>> write_tree(tree_of(["print", "two words"]))
    '(print "two words")'

    A tree that the form cannot hold is a :class:`~ostinato.errors.DataError`: ``lisp`` and ``leaves`` have no labels,
    ``labels`` wants one at every node and words at leaves only, ``leaves`` too.
    """
    if form not in FORMS:
        raise OptionError(f"form got '{form}'; {nearest(form, FORMS)}")
    children = tree.children
    pieces: list[str] = []
    # A node that is still to be written, or the bracket after its members.
    rest: list[int | None] = [tree.root]
    while rest:
        node = rest.pop()
        if node is None:
            pieces[-1] += ")"
            continue
        opened, closed = _written(tree, node, bool(children[node]), form)
        pieces.append(opened)
        if not closed:
            rest += [None, *reversed(children[node])]
    # A list without a word of its own begins with its first member, with no space before it.
    spaced = ["", *(" " if before != "(" else "" for before in pieces)]
    return "".join(part for pair in zip(spaced, pieces, strict=False) for part in pair)


_END = object()
_EXAMPLES = {"lisp": "(MAX 2 (MIN 4 7))", "labels": "(3 (2 It) (4 great))", "leaves": "((the cat) sleeps)"}


class _Open:
    """A list that is being read: its node, where it was opened, and what it has so far."""

    __slots__ = ("labelled", "members", "node", "place", "worded")

    def __init__(self, node: int, place: tuple[int, int]) -> None:
        self.node, self.place = node, place
        self.members = 0
        self.labelled = self.worded = False


class _Building:
    """A tree that grows piece by piece."""

    def __init__(self, form: str, most_nodes: int) -> None:
        self.form, self.most_nodes = form, most_nodes
        self.words: list[str] = []
        self.parents: list[int] = []
        self.labels: list[str | None] = []
        self.stack: list[_Open] = []

    def open(self, place: tuple[int, int]) -> None:
        """A list begins."""
        if self.form == "labels" and self.stack:
            if not self.stack[-1].labelled:
                raise ValueError("a list begins with its label, got another list")
            if self.stack[-1].worded:
                raise ValueError(f"after a label stands one word or lists, got both; {_FORM_HINT}")
        self.stack.append(_Open(self._node(""), place))

    def add(self, word: str) -> None:
        """A word comes."""
        top = self.stack[-1] if self.stack else None
        if self.form == "labels":
            self._add_labelled(word, top)
        elif top is not None and self.form == "lisp" and not top.worded and not top.members:
            self.words[top.node], top.worded = word, True
        else:
            self._node(word)

    def _add_labelled(self, word: str, top: _Open | None) -> None:
        if top is None:
            raise ValueError(f"wanted a bracket, got the word {word!r:.40}; {_FORM_HINT}")
        if not top.labelled:
            self.labels[top.node], top.labelled = word, True
        elif top.worded or top.members:
            raise ValueError(f"after a label stands one word or lists, got more: {word!r:.40}; {_FORM_HINT}")
        else:
            self.words[top.node], top.worded = word, True

    def close(self) -> None:
        """A list ends."""
        if not self.stack:
            raise ValueError("this bracket closes nothing")
        top = self.stack.pop()
        if self.form == "labels" and not (top.labelled and (top.worded or top.members)):
            raise ValueError(f"a list wanted a label and a word or lists; {_FORM_HINT}")
        if not top.worded and not top.members:
            raise ValueError("a list is empty; wanted at least one word in it")

    def done(self) -> Tree:
        """The tree that is whole."""
        labels = tuple(self.labels) if self.form == "labels" else ()
        return Tree(tuple(self.words), tuple(self.parents), labels)

    def _node(self, word: str) -> int:
        if len(self.words) >= self.most_nodes:
            raise ValueError(f"a tree of more than {self.most_nodes:,} nodes; is a bracket never closed?")
        if self.stack:
            self.stack[-1].members += 1
        self.parents.append(self.stack[-1].node if self.stack else -1)
        self.words.append(word)
        self.labels.append(None)
        return len(self.words) - 1


_FORM_HINT = "a labelled tree is written as (3 (2 It) (4 great))"


def _written(tree: Tree, node: int, inner: bool, form: str) -> tuple[str, bool]:
    """What stands at the beginning of a node, and whether that is all of it."""
    word, label = tree.words[node], tree.labels[node] if tree.labels else None
    if form == "labels":
        if label is None or inner == bool(word):
            raise DataError(f"node {node}: this form wants a label at every node, and words at leaves only")
        for piece in (label, word):
            if (piece and not _RAW_PIECE.fullmatch(piece)) or piece in ("(", ")"):
                raise DataError(f"node {node}: {piece!r:.40} has brackets or white space, which this form cannot hold")
        return (f"({label}", False) if inner else (f"({label} {word})", True)
    if any(tree.labels):
        raise DataError(f"the form '{form}' has no labels; write the tree in the form 'labels'")
    if inner and form == "leaves" and word:
        raise DataError(f"node {node}: the form 'leaves' has words at leaves only, got {word!r:.40}")
    if inner:
        return f"({_quoted(word)}" if form == "lisp" else "(", False
    return _quoted(word), True


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(piece: str) -> str:
    if piece[0] != '"':
        return piece
    if len(piece) == 1 or piece[-1] != '"' or (len(piece) - len(piece[:-1].rstrip("\\"))) % 2 == 0:
        raise ValueError('a quote is opened and never closed; a quote inside quotes is written \\"')
    return re.sub(r"\\(.)", r"\1", piece[1:-1], flags=re.DOTALL)


def _place(source: str, line: int, column: int) -> str:
    return (f"{source}, " if source else "") + f"line {line}, column {column}"
