from __future__ import annotations

from fractions import Fraction

import pytest

from ostinato.data.language.lengths import OpenBar, longer, note_length, read_meter


@pytest.mark.parametrize(
    ("written", "length"),
    [("", 1), ("2", 2), ("/", "1/2"), ("//", "1/4"), ("3/2", "3/2"), ("/4", "1/4"), ("3//", "3/4"), ("2/0", 2)],
)
def test_a_note_is_as_long_as_is_written_behind_it(written, length):
    assert note_length(written) == Fraction(length)


def test_long_runs_of_digits_and_slashes_are_cut():
    written = ""
    for symbol in "1" * 50 + "/" * 50 + "7" * 50:
        written = longer(written, symbol)
    assert written == "111" + "/" * 9 + "777"
    assert note_length(written) == Fraction(111, 777)


@pytest.mark.parametrize(
    ("text", "meter", "compound"),
    [
        ("C", 1, False),
        ("C|", 1, False),
        (" 6/8 ", "3/4", True),
        ("3/8", "3/8", False),
        ("(2+3)/8", "5/8", False),
        ("none", None, False),
        ("0/4", None, False),
        ("4/0", None, False),
        ("9" * 1000 + "/8", None, False),
    ],
)
def test_meters_are_read_or_free(text, meter, compound):
    assert read_meter(text) == (None if meter is None else Fraction(meter), compound)


def spent(*notes, unit="1/8"):
    """The length of notes; a tuplet's spec and signs of broken rhythm stand between them."""
    bar = OpenBar(Fraction(unit))
    for note in notes:
        if note.startswith("("):
            bar.start_tuplet(note[1:], compound=False)
        elif note[0] in "><":
            for sign in note:
                bar.break_rhythm(sign)
        else:
            bar.start_note()
            for symbol in note[1:]:
                bar.written = longer(bar.written, symbol)
    return bar.spent


@pytest.mark.parametrize(
    ("notes", "length"),
    [
        (["A", "B2"], "3/8"),
        (["A", ">"], "3/16"),
        (["A", ">", "B"], "2/8"),
        (["A2", "<<", "B2"], "4/8"),
        (["A", ">", "B", ">", "c"], "3/8"),
        (["(3", "A", "B", "c", "d"], "3/8"),
        (["(3", "A/", "B/", "c/"], "1/8"),
        (["(3:2:2", "A", "B", "c"], "7/24"),
        (["(5", "A", "B", "c", "d", "e"], "2/8"),
        (["(3", "A", ">", "B", "c"], "2/8"),
        ([">", "A"], "1/8"),
    ],
)
def test_broken_rhythm_and_tuplets_share_time_out(notes, length):
    assert spent(*notes) == Fraction(length)


def test_shares_too_fine_for_any_score_are_rounded():
    bar = OpenBar(Fraction(1, 997))
    for below in range(3, 400):
        bar.start_note()
        bar.written = f"/{below}"
    bar.settle()
    assert bar.settled.denominator <= 10**9
