from __future__ import annotations

import random

import pytest

from ostinato.data.language.bars import BarReader
from ostinato.data.language.metre import judge_bars
from ostinato.data.language.metre_constraint import MetreConstraint

CHARACTERS = [*sorted("ABCDEFGabcdefgzx|[]:(){}\"'1234567890/><^_=.,~ \n-TXMKLw!%"), None]
PIECES = [*CHARACTERS, "AB", "|A", "c2 d|", "2|", "||\n", "GAB c", "(3", "(3ABc", ":|", "A>", ">B", "\n\n", "|1 ", ""]
HEAD = "X:1\nM:3/4\nL:1/8\nK:G\n"


def allowed(text, strings=CHARACTERS):
    """The strings that may follow a text, END for its end."""
    metre = MetreConstraint()
    metre.begin(text)
    return {"END" if s is None else s for s, may in zip(strings, metre.allowed(strings).tolist(), strict=True) if may}


def test_while_a_bar_is_not_full_no_bar_line_may_come():
    may = allowed(HEAD + "A|B2 c2 ")
    assert not may & set("|:]\"'") - {'"'}
    assert {"A", "z", "^", "(", "["} <= may
    assert "END" not in may


def test_when_a_bar_is_full_a_bar_line_must_come():
    may = allowed(HEAD + "A|B2 c2 d2 ")
    assert {"|", ":", "END"} <= may
    assert not may & set("ABCDEFGabcdefgzx^_=([{/123456789><")


def test_no_note_is_longer_than_what_is_left():
    assert allowed(HEAD + "A|B2 c2 d") & set("23456789") == {"2", "3", "5", "7"}
    # Three halves fit, three do not; five quarters would fit too.
    assert allowed(HEAD + "A|B2 c2 d3") & set("/ |e") == {"/"}
    assert allowed(HEAD + "A|B2 c2 d3/") & set("2/ |e") >= {" ", "e", "2"}
    # Only half a unit is left.
    assert allowed(HEAD + "A|B2 c2 d3/ e") & {"/", "2", ">", "|", " "} == {"/"}


def test_the_first_bar_may_be_short_and_the_last_one_by_as_much():
    assert "|" in allowed(HEAD + "A")
    may = allowed(HEAD + "A|B6|c5")
    assert {"|", ":", "END"} <= may
    assert allowed(HEAD + "A|B6|c5|") == {"|", "]", ":"} | {"END"}
    assert "|" not in allowed(HEAD + "A2|B6|c5")
    assert "|" in allowed(HEAD + "A|B6|c5:|\nA2")


def test_broken_rhythm_and_tuplets_stay_inside_a_bar():
    assert ">" in allowed(HEAD + "A|B4 c")
    assert ">" not in allowed(HEAD + "A|B4 cd")
    assert not allowed(HEAD + "A|B4 c>") & set("|:2\n")
    assert not allowed(HEAD + "A|B4 (3cd") & set("|:3\n")
    assert "3" in allowed(HEAD + "A|B4 (")
    assert "3" not in allowed(HEAD + "A|B4 (3c(")


def test_a_meter_that_changes_counts_from_there():
    assert "|" not in allowed(HEAD + "A|B6|\nM:C\nB6")
    assert "|" in allowed(HEAD + "A|B6|\nM:C\nB6 B2")


def test_headers_and_tunes_without_a_meter_may_be_anything():
    everything = {s for s in CHARACTERS if s is not None}
    for text in ("", "X:1\nT:A", "X:1\nM:3/4\nK:", "X:1\nK:G\nABc|d"):
        assert everything <= allowed(text)
    assert "END" in allowed("X:1\nK:G\nABc|d")
    assert "END" not in allowed("X:1\nM:3/4\nK:")


def test_a_piece_is_allowed_if_its_characters_are():
    may = allowed(HEAD + "A|B2 c2 d", PIECES)
    assert {"2|", "|A"} & may == {"2|"}
    assert not {"A>", "c2 d|"} & may
    for text in (HEAD, HEAD + "A|", HEAD + "A|B", HEAD + "A|B2 c2 d2", "", HEAD + "A|B2 c2 d2|\n", "X:1\nM:2/4\nK:G"):
        for piece in (p for p in PIECES if p):
            each = all(piece[k] in allowed(text + piece[:k], sorted(set(piece))) for k in range(len(piece)))
            # Where a single character has no way to go on anything may come, so a dead end inside a piece is no proof.
            assert each or piece not in allowed(text, PIECES)


def test_a_header_in_the_middle_of_a_piece_is_read():
    strings = ["K:G\nA4 B4 |c|", "K:G\nA4|B6|", "K:G\nA4|B4|"]
    assert allowed("X:1\nM:3/4\nL:1/8\n", strings) == {"K:G\nA4|B6|"}


def test_a_wrong_prompt_does_not_stop_the_tune():
    assert "|" in allowed(HEAD + "A|B9 ")
    assert "|" in allowed(HEAD + "A|B2 (3cd2e3")
    assert allowed(HEAD + "A|B9 [ce")
    # A third of a unit is left, which no note takes to the full: what fits may come, then a bar line.
    assert "|" in allowed(HEAD + "A|(3:2:1B B4 c c3/4 c/4")


def test_another_one_stands_where_this_one_stands():
    metre = MetreConstraint()
    metre.begin(HEAD + "A|B2")
    twin = metre.fork()
    twin.push("c4")
    assert not metre.allowed(["|"])[0] or metre.allowed(["A"])[0]
    assert twin.allowed(["|", "A"]).tolist() == [True, False]
    assert metre.allowed(["|", "A"]).tolist() == [False, True]


@pytest.mark.parametrize("strings", [CHARACTERS, PIECES], ids=["characters", "pieces"])
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_chosen_full_bars_are_of_the_right_length(seed, strings):
    source = random.Random(seed)
    meter = source.choice(["6/8", "2/4", "C|", "9/8", "5/4", "3/8"])
    text = f"X:1\nM:{meter}\nL:{source.choice(['1/8', '1/16', '1/4'])}\nK:G\n"
    metre = MetreConstraint()
    metre.begin(text)
    # Notes and bar lines mostly, and now and then anything.
    weights = [3.0 if string and string[0] in "ABcdef2|> (3/" else 0.02 for string in strings]
    for _ in range(120):
        may = metre.allowed(strings)
        assert not may.all()
        shares = [weight * bool(right) for weight, right in zip(weights, may, strict=True)]
        # A chord symbol that is never closed would hold everything that follows.
        shares = [share * (string not in (None, '"')) for share, string in zip(shares, strings, strict=True)]
        [string] = source.choices(strings, shares)
        text += string
        metre.push(string)
        if text.endswith("\n\n"):
            break
    reader = BarReader()
    reader.read(text)
    bars = judge_bars(text)[: len(reader.closed)]
    assert bars or text.endswith("\n\n")
    assert all(bar.right for bar in bars), text
