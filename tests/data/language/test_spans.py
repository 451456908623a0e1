import pytest

from ostinato.data.language.columns import Sentence
from ostinato.data.language.spans import find_spans, read_spans, split_words, tag_text
from ostinato.errors import DataError, OptionError

TEXT = "Turn off the lamp’s light in the  living room."


def test_spans_of_characters_become_tags_and_come_back():
    spans = [(13, 25, "name"), (34, 45, "area")]
    for scheme in ("bio", "bioes"):
        found = tag_text(TEXT, spans, scheme=scheme)
        assert [TEXT[start:end] for start, end in found.offsets] == list(found.words)
        assert [tuple(span)[:3] for span in find_spans(found, found.tags, scheme)] == spans
    assert find_spans(found, found.tags, "bioes")[0].text == "lamp’s light"


def test_words_are_where_they_stand_in_the_text_as_it_is():
    odd = "e\u0301te\u0301 \ud800x 北京 😀!"
    assert [odd[start:end] for start, end in split_words(odd)] == [
        "e\u0301te\u0301",
        "\ud800",
        "x",
        "北",
        "京",
        "😀",
        "!",
    ]
    assert split_words("") == split_words("  \n") == []


def test_a_span_that_cuts_a_word_is_refused_or_snapped():
    with pytest.raises(DataError, match=r"row 3: the span 13 to 15 \('la'\) cuts a word of 'lamp’s'"):
        tag_text(TEXT, [(13, 15, "name")], place="row 3")
    assert tag_text(TEXT, [(14, 21, "name")], cut="snap").tags[3:5] == ("B-name", "I-name")
    with pytest.raises(OptionError, match="cut wanted 'refuse' or 'snap'"):
        tag_text(TEXT, [], cut="drop")


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ((8, 8, "x"), "does not lie in a text of 46 characters"),
        ((-1, 4, "x"), "does not lie"),
        ((40, 47, "x"), "does not lie"),
        ((32, 34, "x"), "covers no word"),
        ((0, 4, " "), "has no name"),
        ((0, 4), "wanted a start, an end and a name"),
        ((0.0, 4, "x"), "wanted a start, an end and a name"),
        ((True, 4, "x"), "wanted a start, an end and a name"),
        ("0-4", "wanted a start, an end and a name"),
        ((None, None, None), "wanted a start, an end and a name"),
    ],
)
def test_spans_that_cannot_be_are_refused(span, told):
    with pytest.raises(DataError, match=told):
        tag_text(TEXT, [span])


def test_spans_that_overlap_are_refused_with_their_place():
    with pytest.raises(DataError, match=r"row 1: the spans \d+ to \d+ \('.*', .*\) and .* overlap"):
        tag_text(TEXT, [(0, 8, "x"), (5, 12, "y")], place="row 1")


def test_spans_come_as_lists_objects_or_json():
    wanted = [(0, 4, "x")]
    for value in (
        [[0, 4, "x"]],
        '[[0, 4, "x"]]',
        [{"start": 0, "end": 4, "slot": "x"}],
        '[{"start":0,"end":4,"name":"x"}]',
    ):
        assert [tuple(span) for span in read_spans(value)] == wanted
    assert read_spans(None) == read_spans("") == read_spans([]) == []
    for value in ("0-4", "[" * 9_000, 7, {"start": 0}):
        with pytest.raises(DataError, match="spans wanted a list such as"):
            read_spans(value)


def test_words_without_a_text_stand_with_spaces_between_them():
    found = find_spans(Sentence(("New", "York"), ()), ["B-x", "I-x"])
    assert [tuple(span) for span in found] == [(0, 8, "x", "New York")]
    assert find_spans(Sentence((), ()), []) == []
