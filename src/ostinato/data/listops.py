"""ListOps: nested lists of small operations whose value is a digit, made from a seed.

>>> made = make_listops(1, seed=2, longest=12)[0]
>>> made.text, made.value, made.length
('(MIN 5 2 (MIN 9 1))', 1, 8)

Source: Nangia & Bowman, 2018 (arXiv:1804.06028).
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ostinato.errors import OptionError
from ostinato.output import replace_file

# What each operation makes of its digits; the median of an even number of them is rounded down.
OPERATIONS: dict[str, Callable[[list[int]], int]] = {
    "MAX": max,
    "MIN": min,
    "MED": lambda digits: int(statistics.median(digits)),
    "SM": lambda digits: sum(digits) % 10,
}
# As in the paper: a place holds a list with this probability, a list has two to five members, and lists nest so deep.
_LIST_SHARE, _MOST_MEMBERS, _DEEPEST = 0.25, 5, 20
# So many lists in a row may be unfit or known already before the search is given up.
_IN_VAIN = 100_000


@dataclass(frozen=True)
class ListOps:
    """One list: how it is written, the value of each of its lists and digits in the order of writing, its length.

    ``length`` counts tokens as the paper does: operations, digits, and the end of each list.
    """

    text: str
    values: tuple[int, ...]
    length: int

    @property
    def flat(self) -> str:
        """The tokens of the list, an operation opening it and a bracket ending it, parted by spaces."""
        return self.text.replace("(", "").replace(")", " )")

    @property
    def value(self) -> int:
        """The value of the whole."""
        return self.values[0]


def make_listops(count: int, *, seed: int = 1, shortest: int = 8, longest: int = 100) -> list[ListOps]:
    """So many different lists of ``shortest`` to ``longest`` tokens; equal arguments give equal lists everywhere."""
    if count < 1:
        raise OptionError(f"count wanted a whole number from 1 on, got {count}")
    if not 4 <= shortest <= longest:
        raise OptionError(f"lengths wanted 4 <= shortest <= longest, got {shortest} and {longest}")
    source = random.Random(seed)
    found: dict[str, ListOps] = {}
    in_vain = 0
    while len(found) < count:
        made = _list(source, longest)
        if made is None or made.length < shortest or made.text in found:
            in_vain += 1
            if in_vain > _IN_VAIN:
                raise OptionError(
                    f"there are too few lists of {shortest} to {longest} tokens to find {count:,} different ones"
                )
            continue
        in_vain = 0
        found[made.text] = made
    return list(found.values())


def write_listops(folder: str | Path, *, train: int = 20_000, test: int = 2_000, seed: int = 1) -> tuple[Path, Path]:
    """Write train.csv and test.csv into a folder, with the columns tree, flat and label; returns their paths.

    ``tree`` is read by :func:`~ostinato.data.expressions.read_tree`, ``flat`` is the same list as the words of a text.
    No list is in both files.
    """
    made = make_listops(train + test, seed=seed)
    paths = Path(folder) / "train.csv", Path(folder) / "test.csv"
    for path, part in zip(paths, (made[:train], made[train:]), strict=True):
        lines = [f"{example.text},{example.flat},{example.value}\n" for example in part]
        replace_file(path, "".join(["tree,flat,label\n", *lines]).encode())
    return paths


def _list(source: random.Random, longest: int) -> ListOps | None:
    """One list at random, or None if it became too long."""
    pieces: list[str] = []
    values: list[int] = []
    # Lists that are open: the operation, the digits so far, members still to come, the place among the values.
    open_lists: list[tuple[str, list[int], list[int], int]] = []
    length = 0
    while True:
        deep = len(open_lists)
        if deep == 0 or (deep < _DEEPEST and source.random() < _LIST_SHARE):
            operation = list(OPERATIONS)[int(source.random() * len(OPERATIONS))]
            members = 2 + int(source.random() * (_MOST_MEMBERS - 1))
            open_lists.append((operation, [], [members], len(values)))
            values.append(-1)
            pieces.append(f"({operation}")
            length += 2
        else:
            digit = int(source.random() * 10)
            values.append(digit)
            pieces.append(str(digit))
            length += 1
            open_lists[-1][1].append(digit)
        if length > longest:
            return None
        while open_lists and len(open_lists[-1][1]) == open_lists[-1][2][0]:
            operation, digits, _, place = open_lists.pop()
            value = OPERATIONS[operation](digits)
            values[place] = value
            pieces[-1] += ")"
            if not open_lists:
                return ListOps(" ".join(pieces), tuple(values), length)
            open_lists[-1][1].append(value)
