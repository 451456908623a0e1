import itertools

import pytest

from ostinato.data.language.schemes import (
    SCHEMES,
    Span,
    check,
    convert,
    moves,
    repair,
    scheme_of,
    spans_of,
    write_tags,
)
from ostinato.errors import DataError, OptionError


def names(scheme):
    return ["O", *(f"{sign}-{name}" for sign in SCHEMES[scheme] for name in "xy")]


def every_sequence(scheme, length=3):
    return itertools.chain.from_iterable(itertools.product(names(scheme), repeat=steps) for steps in range(length + 1))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_moves_repairs_and_checks_agree_on_every_sequence(scheme):
    tags, allowed = names(scheme), moves(names(scheme), scheme)
    for sequence in every_sequence(scheme):
        places = [-1, *map(tags.index, sequence), -1] if sequence else []
        kept = all(allowed[pair] for pair in itertools.pairwise(places))
        mended, changed = repair(sequence, scheme)
        assert kept == (changed == 0)
        assert repair(mended, scheme) == (mended, 0)
        if kept:
            check(sequence, scheme)
        else:
            with pytest.raises(DataError, match=r"word [1-3]: '.*' cannot "):
                check(sequence, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("target", ["bio", "bioes"])
def test_converting_keeps_the_spans(scheme, target):
    for sequence in every_sequence(scheme):
        assert spans_of(convert(sequence, scheme, target), target) == spans_of(sequence, scheme)


@pytest.mark.parametrize("scheme", ["bio", "bioes"])
def test_spans_written_as_tags_are_read_back(scheme):
    spans = [Span(0, 1, "x"), Span(1, 3, "x"), Span(4, 7, "y"), Span(7, 8, "x")]
    assert spans_of(write_tags(spans, 8, scheme), scheme) == spans


def test_older_files_that_begin_with_inside_are_read_as_they_were_meant():
    assert repair(["I-x", "I-x", "B-x", "O", "I-y"]) == (["B-x", "I-x", "B-x", "O", "B-y"], 2)


def test_names_may_hold_dashes():
    assert spans_of(["B-a-b", "I-a-b"]) == [Span(0, 2, "a-b")]


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["O", "B-x", "I-x"], "bio"),
        (["O", "S-x"], "bioes"),
        (["I-x", "O"], "io"),
        (["O"], None),
        ([], None),
        (["NOUN", "O"], None),
        (["B-"], None),
        (["U-x", "L-x"], None),
    ],
)
def test_a_scheme_is_known_by_its_signs(tags, scheme):
    assert scheme_of(tags) == scheme


@pytest.mark.parametrize(
    ("spans", "told"),
    [
        ([Span(0, 2, "x"), Span(1, 3, "y")], "overlap"),
        ([Span(2, 2, "x")], "a start before its end"),
        ([Span(-1, 2, "x")], "a start before its end"),
        ([Span(3, 5, "x")], "a start before its end"),
    ],
)
def test_spans_that_no_tags_can_tell_are_refused(spans, told):
    with pytest.raises(DataError, match=told):
        write_tags(spans, 4)


def test_spans_of_one_name_that_touch_have_no_tags_in_io():
    with pytest.raises(DataError, match="IO cannot part"):
        write_tags([Span(0, 1, "x"), Span(1, 2, "x")], 2, "io")


def test_strange_tags_and_schemes_are_refused():
    with pytest.raises(DataError, match="a tag in BIO wanted 'O' or 'B-NAME', 'I-NAME', got 'E-x'"):
        spans_of(["E-x"])
    with pytest.raises(DataError, match="got 'I-'"):
        spans_of(["I-"])
    with pytest.raises(OptionError, match="unknown scheme 'boi'; did you mean 'bio'"):
        moves(["O"], "boi")
