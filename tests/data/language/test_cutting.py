from __future__ import annotations

import numpy
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.language.cutting import Units, units
from ostinato.data.language.tokens import Tokens

FEW = st.text("ab. \n", max_size=60)


@given(FEW, st.integers(1, 12), st.lists(st.integers(0, 60), max_size=5))
def test_units_are_the_same_wherever_a_text_was_cut_before(text, longest, cuts):
    whole = list(units(text, longest))
    assert "".join(whole) == text
    assert all(0 < len(unit) <= longest for unit in whole)
    cutter, found, begin = Units(longest), [], 0
    for cut in [*sorted(cuts), len(text)]:
        found += cutter.push(text[begin:cut])
        begin = max(begin, cut)
    assert [*found, *cutter.end()] == whole
    assert list(cutter.end()) == []


@given(FEW)
def test_a_cut_at_a_lines_end_or_before_a_blank_changes_no_piece(text):
    learned = ["ab ab. aab  ab\n\n ba\n" * 4]
    for kind, size in (("bpe", 280), ("words", None)):
        tokens = Tokens.learn(learned, kind=kind, size=size)
        parts = [tokens.encode(unit) for unit in units(text, 10) if len(unit) <= 10]
        if all(len(unit) < 10 for unit in units(text, 10)):
            assert numpy.concatenate([*parts, tokens.encode("")]).tolist() == tokens.encode(text).tolist()


def test_a_line_without_a_blank_is_cut_where_it_grows_too_long():
    assert [len(unit) for unit in units("x" * 25, 10)] == [10, 10, 5]
    assert list(units("", 10)) == []
