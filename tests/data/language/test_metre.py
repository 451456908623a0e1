from __future__ import annotations

import math
from fractions import Fraction

import pytest

from ostinato.data.language.metre import count_bars, judge_bars

HEAD = "X:1\nM:6/8\nL:1/8\nK:D\n"


def kinds(body, head=HEAD):
    """The kinds of the bars of a tune by their first letters; a capital is a full bar of the wrong length."""
    return "".join(bar.kind[0] if bar.right else bar.kind[0].upper() for bar in judge_bars(head + body))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ABc def|abc fed|]", "ff"),
        ("ABc de|abc fed|abcd fed|]", "pfF"),
        ("D|ABc def|abc fe|]", "pfc"),
        ("D|ABc def|abc fe:|\nA|abc def|d6|]", "pfcpff"),
        # The pickup of the section that follows is completed too.
        ("ABc def|abc fe:|\nA|abc def|]", "fcpf"),
        # It lacks something else than the pickup.
        ("D|ABc def|abc f|]", "pfF"),
        ("D|ABc def|1 abc de:|2 abc de||", "pfcc"),
        ("D|ABc|abc def|]", "pFf"),
        # A bar in the middle is never a pickup.
        ("ABc def|ab|abc def|]", "fFf"),
        ("ABc def|[M:2/4]ABcd|\nM:none\nABcdefg|]", "fff"),
        ("", ""),
        ("|||", ""),
    ],
)
def test_bars_are_told_apart(body, expected):
    assert kinds(body) == expected


def test_the_share_is_that_of_full_bars():
    count = count_bars([HEAD + "D|ABc def|abc|abc fe|]\n\n", HEAD + "d6|d6|]"])
    assert (count.full, count.right, count.pickup, count.completing, count.free) == (4, 3, 1, 1, 0)
    assert count.share == 0.75


def test_without_a_meter_no_bar_is_wrong_and_there_is_no_share():
    count = count_bars(["X:1\nK:D\nABc|d|]"])
    assert count.free == 2
    assert math.isnan(count.share)
    assert math.isnan(count_bars([]).share)


def test_a_bar_tells_its_length_and_what_was_wanted():
    [bar] = judge_bars(HEAD + "ABc d4|")
    assert (bar.length, bar.meter, bar.right) == (Fraction(7, 8), Fraction(3, 4), False)
