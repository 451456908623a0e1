from __future__ import annotations

import random
from fractions import Fraction

import pytest

from ostinato.data.language.bars import BarReader

HEAD = "X:1\nM:4/4\nL:1/8\nK:G\n"
ALPHABET = "ABCDEFGabcdefgzxXyZ|[]:(){}\"'0123456789/><^_=.,~ \n\n-TKMLVw!+%&\\\r\té𝄞\0"


def lengths(body, head=HEAD):
    """The lengths of the bars of a tune in units of the header."""
    reader = BarReader()
    reader.read(head + body)
    reader.finish()
    return [bar.length * 8 for bar in reader.closed]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ABcd e4|", [8]),
        ("A B/ c3/2 d//|", [Fraction(13, 4)]),
        ("(3ABc (3A2B2c2|", [6]),
        ("(3:2:4ABcd|(5ABcde|(2AB|", [Fraction(8, 3), 2, 3]),
        ("A>B c<<d|A > B|", [4, 2]),
        ("A>{g}B {/abc}c|", [3]),
        ("[CEG]2 [C2E2]2 [ceg]/|", [Fraction(13, 2)]),
        ('"Am"A "^slow|er"B|', [2]),
        ("!trill!A +fermata+B ~c .d Te|", [5]),
        ("ABc !dBA|G|", [6, 1]),
        ("z2 x2 y Z|Z4|", [12, 8]),
        ("AB & cd ef|", [4]),
        ("A-A (AB)c|", [5]),
        ("^A2 __B =c,, d'|", [5]),
        ("AB % cd | ef\ncd|", [4]),
        ("AB\\\ncd|", [4]),
        ("ABcd|[L:1/16]ABcd|[M:3/4]A|", [4, 2, Fraction(1, 2)]),
        ("ABcd|\nL:1/4\nAB|", [4, 4]),
        ("ABcd|\nw: la la|la\nAB|", [4, 2]),
        ("E:|\nE:: A|", [1, 1, 1]),
        ("A:B", []),
        ("AB|1 cd:|2 ef|]", [2, 2, 2]),
        ("AB|[1 cd:|[2 ef||", [2, 2, 2]),
        ("| A | | B |]", [1, 1]),
        ("(1AB|(0A|", [2, 1]),
        (" 3 A", [1]),
    ],
)
def test_bars_are_as_long_as_their_notes(body, expected):
    assert lengths(body) == expected


def test_without_a_unit_the_meter_decides():
    assert lengths("ABcd|", "X:1\nM:2/4\nK:G\n") == [2]
    assert lengths("ABcd|", "X:1\nM:3/4\nK:G\n") == [4]
    assert lengths("ABcd|", "X:1\nK:G\n") == [4]


def places(body):
    """Which bars start and which end a section."""
    reader = BarReader()
    reader.read(HEAD + body)
    reader.finish()
    return "".join("f" if bar.first else "." for bar in reader.closed), "".join(
        "l" if bar.last else "." for bar in reader.closed
    )


@pytest.mark.parametrize(
    ("body", "first", "last"),
    [
        ("A|B|c", "f..", "..l"),
        ("A|B||c|d|]", "f.f.", ".l.l"),
        ("|:A|B:|\n|:c|d:|\n", "f.f.", ".l.l"),
        ("A|B::c|d|\n\n", "f.f.", ".l.l"),
        ("A|1 B:|2 c||d|", "f..f", ".lll"),
        ("A|B|\n|:c|", "f.f", ".ll"),
    ],
)
def test_sections_start_behind_double_bars_and_repeats_but_not_at_endings(body, first, last):
    assert places(body) == (first, last)


def test_a_tune_ends_with_a_blank_line_or_where_another_starts():
    reader = BarReader()
    reader.read(HEAD + "ABcd|e4\n\nwords about it, A2 B2 | c |\n" + HEAD + "A|B2\nX:2\nM:3/4\nK:D\nd4|")
    reader.finish()
    assert [bar.length * 8 for bar in reader.closed] == [4, 4, 1, 2, 4]
    assert [bar.first for bar in reader.closed] == [True, False, True, False, True]
    assert reader.closed[-1].meter == Fraction(3, 4)


def test_a_copy_goes_its_own_way():
    reader = BarReader()
    reader.read(HEAD + "AB")
    twin = reader.copy()
    twin.read("c4|d|")
    reader.read("|")
    reader.finish()
    assert [bar.length * 8 for bar in reader.closed] == [2]
    assert [bar.length * 8 for bar in twin.closed] == [6]


@pytest.mark.parametrize("seed", range(20))
def test_any_text_can_be_read_and_wherever_it_is_cut(seed):
    source = random.Random(seed)
    text = HEAD + "".join(source.choices(ALPHABET, k=400))
    whole, parts = BarReader(), BarReader()
    whole.read(text)
    cut = source.randrange(len(text))
    parts.read(text[:cut])
    rest = parts.copy()
    rest.read(text[cut:])
    whole.finish()
    rest.finish()
    lengths = [bar.length for bar in parts.closed + rest.closed]
    assert lengths == [bar.length for bar in whole.closed]


@pytest.mark.parametrize("symbol", ["A", "9", "/", ">", "|", "(", "[", "!", ":", '"', "A/7", "(9A", "\\", "&"])
def test_a_hostile_run_is_read_in_a_moment(symbol):
    reader = BarReader()
    reader.read(HEAD + "A" + symbol * 3000 + "\n" + "A" + symbol * 100)
    reader.finish()
    assert len(reader.held) <= 200
