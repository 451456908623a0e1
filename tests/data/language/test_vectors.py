from __future__ import annotations

import tracemalloc

import numpy
import pytest

from ostinato.data.language.vectors import read_vectors
from ostinato.errors import DataError


@pytest.fixture
def written(tmp_path):
    def write(data):
        path = tmp_path / "a.vec"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


@pytest.mark.parametrize("header", ["", "3 2\n", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"])
def test_the_vectors_of_a_vocabulary_are_found_with_a_header_or_without(written, header, end):
    path = written(header + end.join(["the 1 2", "lamp 3 -4e-1", "naïve .5 6", ""]))
    vectors = read_vectors(path, ["lamp", "cow", "naïve"])
    numpy.testing.assert_array_equal(vectors.matrix, numpy.array([[3, -0.4], [0, 0], [0.5, 6]], numpy.float32))
    assert vectors.found.tolist() == [True, False, True]
    assert vectors.matrix.dtype == numpy.float32


def test_of_two_lines_of_a_word_the_first_counts(written):
    assert read_vectors(written("a 1\na 2\n"), ["a"]).matrix.tolist() == [[1]]


def test_a_word_that_is_not_there_takes_the_vector_of_its_small_letters(written):
    path = written("the 1\nThe 2\nlamp 3\n")
    vectors = read_vectors(path, ["The", "THE", "Lamp", "Cow"])
    assert vectors.matrix.tolist() == [[2], [1], [3], [0]]
    assert vectors.found.tolist() == [True, True, True, False]
    assert read_vectors(path, ["The", "Lamp"], fold=False).found.tolist() == [True, False]


def test_words_with_blanks_are_read(written):
    assert read_vectors(written("x 1 2\n. . . 3 4\n"), [". . ."]).matrix.tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "is empty; wanted a word and its numbers"),
        ("3 2\n", "is empty"),
        ("a 1 2\nb 1\n", "line 2: wanted a word and 2 numbers, as before, got 1$"),
        ("a 1 2\nb 1", "line 2: .*; is the file cut off"),
        ("2 3\na 1 2\n", "line 2: wanted a word and 3 numbers, as before, got 2"),
        ("a\nb\n", "line 1: wanted a word and from 1 to .* numbers, .* got 0"),
        ("a 1 2\nb 1 x\n", "line 2: wanted a word and 2 finite numbers, got 'b 1 x'"),
        ("a 1 2\nb 1 nan\n", "line 2: wanted a word and 2 finite numbers"),
        ("a 1 2\nb 1 1e99\n", "line 2: wanted a word and 2 finite numbers"),
        (b"a 1 2\n\xe9 1 2\n", r"line 2: byte 6 \(counted from 0\), 0xE9, is not UTF-8"),
    ],
)
def test_a_line_that_is_none_is_told_with_its_number(written, data, message):
    with pytest.raises(DataError, match=message):
        read_vectors(written(data), ["a", "b"])


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_vectors(tmp_path / "a.vec", ["a"])


def test_what_is_not_asked_for_takes_no_memory(written):
    path = written("".join(f"w{k} {'0.125 ' * 50}\n" for k in range(3000)))
    tracemalloc.start()
    try:
        assert read_vectors(path, ["w7"]).found.all()
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


def test_fewer_words_than_the_first_line_announces_are_refused(written):
    assert read_vectors(written("1 2\nthe 1 2\nlamp 3 4\n"), ["the"]).found.all()
    with pytest.raises(DataError, match=r"announces 1,000 words in its first line and has 1; is it cut off"):
        read_vectors(written("1000 2\nthe 1 2\n"), ["the"])
