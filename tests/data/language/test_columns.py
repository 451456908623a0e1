import pytest

from ostinato.data.language.columns import read_columns
from ostinato.errors import DataError, OptionError

CONLL = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n# NN O\n\n\nGerman JJ B-MISC\n"
ROW = "{}\t{}\t_\t{}\t_\t_\t_\t_\t_\t_\n"


def test_the_first_and_the_last_column_are_read_unless_told():
    first, second = read_columns(CONLL, source="train.conll")
    assert (first.words, first.tags) == (("EU", "rejects", "#"), ("B-ORG", "O", "O"))
    assert (second.words, second.tags) == (("German",), ("B-MISC",))
    assert (first.place, second.place) == ("train.conll, line 3", "train.conll, line 8")


def test_columns_are_chosen_by_number_and_from_the_end():
    assert next(read_columns(CONLL, word=1, tag=2)).tags == ("NNP", "VBZ", "NN")
    assert next(read_columns(CONLL, word=-3, tag=-2)).words == ("EU", "rejects", "#")


def test_columns_of_conllu_have_names_and_lines_that_are_no_words_are_skipped():
    text = "# text = It's\n" + ROW.format("1-2", "It's", "_") + ROW.format(1, "It", "PRON") + ROW.format(2, "'s", "AUX")
    text += ROW.format("2.1", "_", "_")
    (found,) = read_columns(text, word="FORM", tag="UPOS")
    assert (found.words, found.tags) == (("It", "'s"), ("PRON", "AUX"))


def test_a_file_may_name_its_columns():
    text = "# global.columns = FORM SLOT\nkitchen B-area\n"
    assert next(read_columns(text, word="FORM", tag="SLOT")).tags == ("B-area",)
    with pytest.raises(DataError, match="line 2: there is no column 'slot' of tags; did you mean 'SLOT'"):
        next(read_columns(text, word="FORM", tag="slot"))
    with pytest.raises(DataError, match="have no names here; give its number"):
        next(read_columns("a b\n", word="FORM"))


def test_tabs_part_columns_that_hold_spaces():
    (found,) = read_columns("New York\tB-place\r\n#\tO\r\n")
    assert found.words == ("New York", "#")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a O\nb\n", r"f.txt, line 2: wanted 2 columns as in line 1, got 1: 'b'"),
        ("a O\n\nb x O\n", "line 3: wanted 2 columns as in line 1, got 3"),
        ("a\n", "line 1: words and tags wanted two columns, got column 1 twice"),
        ("a\tO\nb\t\n", "line 2: the word 'b' has no tag"),
    ],
)
def test_lines_that_cannot_be_read_are_named(text, told):
    with pytest.raises(DataError, match=told):
        list(read_columns(text, source="f.txt"))


def test_columns_that_are_not_there_are_refused():
    with pytest.raises(DataError, match="line 1: the tags are in column 5, and there are 3 columns"):
        list(read_columns("a b c\n", tag=5))
    for column in (0, True, 1.5):
        with pytest.raises(OptionError, match="a number from 1 on, or a name"):
            list(read_columns("a b\n", tag=column))


def test_a_file_without_words_has_no_sentences():
    assert list(read_columns("\n\n# nothing\n\n")) == []
