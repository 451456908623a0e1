from __future__ import annotations

import pytest

from ostinato.data.tree_files import BRACKETS, COLUMNS, is_tree_file, read_tree_file
from ostinato.errors import DataError


@pytest.mark.parametrize("ending", BRACKETS)
def test_files_of_trees_in_brackets(tmp_path, ending):
    path = tmp_path / f"dev{ending.upper()}"
    path.write_text("(3 (2 It) (4 great))\n(1 no)\n", encoding="utf-8-sig")
    found = read_tree_file(path)
    assert [(placed.tree.label, placed.line) for placed in found] == [("3", 1), ("1", 2)]
    assert read_tree_file(path, "lisp")[1].tree.words == ("1", "no")


@pytest.mark.parametrize("ending", COLUMNS)
def test_files_of_sentences_in_columns(tmp_path, ending):
    path = tmp_path / f"dev{ending}"
    path.write_text("# label = x\n1\tstop\t_\t_\t_\t_\t0\n")
    [placed] = read_tree_file(path)
    assert (placed.tree.words, placed.tree.label) == (("stop",), "x")


def test_what_is_no_name_of_a_tree_file():
    assert not any(map(is_tree_file, ("train.csv", "trees", 3, None, [])))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"", "a.txt is empty"),
        ("a.txt", b" \n ", "a.txt is empty"),
        ("a.conllu", b"# only a comment\n", "a.conllu holds no tree"),
        ("a.txt", b"(3 (2 It)\n", "a.txt, line 1, column 1: this bracket is opened and never closed"),
        ("a.txt", b"(3 caf\xe9)", "a.txt, line 1: byte 6"),
        ("a.txt", "(3 a)".encode("utf-16"), "a.txt is in UTF-16, wanted UTF-8"),
        ("a.txt", b"(3 a\0b)", "is NUL, which no text holds"),
        ("a.csv", b"(3 a)", "wanted a file that ends in .txt, .sexp"),
        ("a.gz", b"(3 a)", "unpack it first"),
    ],
)
def test_what_is_no_file_of_trees_is_told(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_tree_file(tmp_path / name)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "train.ptb").write_text("(1 a)")
    with pytest.raises(DataError, match=r"there is no file .*trian.ptb; did you mean 'train.ptb'"):
        read_tree_file(tmp_path / "trian.ptb")
