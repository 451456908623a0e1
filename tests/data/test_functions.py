from __future__ import annotations

import pytest

from ostinato.data.expressions import write_tree
from ostinato.data.functions import (
    MASK,
    Function,
    first_word,
    flat_words,
    library_functions,
    modules_of,
    read_functions,
    split_functions,
)
from ostinato.data.trees import Tree
from ostinato.errors import DataError, OptionError

SOURCE = '''
class Tree:
    """Docs that say get_size."""

    @get_size.setter
    @property
    def get_size(self):
        """Says get_size."""
        def walk(node):
            return walk(node.left) + self.get_size
        return get_size(walk(self), "get_size", get_size=1)

    async def _(self): pass

def Pass(): pass
'''


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("read_file", "read"),
        ("readFile", "read"),
        ("ReadFile", "read"),
        ("__init__", "init"),
        ("HTTPServer", "http"),
        ("get2", "get"),
        ("_2", ""),
        ("___", ""),
        ("été", "été"),
        ("X", "x"),
    ],
)
def test_the_first_word_of_a_name(name, word):
    assert first_word(name) == word


def test_nothing_in_a_function_says_its_name():
    whole, inner, odd = sorted(read_functions(SOURCE, "mod"), key=lambda f: ["get", "walk", "pass"].index(f.word))
    assert (whole.word, whole.module) == ("get", "mod")
    assert "get_size" not in whole.tree.words
    # The decorator, two calls' names, a keyword, and an attribute; the function inside keeps its own name.
    assert whole.tree.words.count(MASK) == 4
    assert "walk" in whole.tree.words
    assert "walk" not in inner.tree.words
    assert inner.tree.words.count(MASK) == 1
    # A type of node may be called like a function; only leaves are identifiers.
    assert odd.tree.words[0] == "FunctionDef"


def test_docstrings_are_taken_out_and_texts_stand_by_their_kind():
    [found] = read_functions('def f():\n    "Docs."\n    return "f", 1')
    assert write_tree(found.tree) == "(FunctionDef arguments (Return (Tuple (Constant str) (Constant int))))"
    [bare] = read_functions('def f():\n    "Docs."')
    assert write_tree(bare.tree) == "(FunctionDef arguments)"


def test_functions_that_are_too_large_are_left_out():
    source = "def small(): pass\ndef large():\n" + " x = 1\n" * 50
    assert [found.word for found in read_functions(source, most_nodes=20)] == ["small"]


def library(tmp_path, modules=40):
    for number in range(modules):
        rare = "rare" + chr(97 + number // 26) + chr(97 + number % 26)
        (tmp_path / f"m{number}.py").write_text(
            f"def get_it(x): return x + a{number}\ndef set_it(x, y): x.y = b{number}\ndef {rare}(): return c{number}\n"
        )
    return tmp_path


def test_a_folder_is_read_in_the_order_of_its_modules_and_tests_are_left_out(tmp_path):
    library(tmp_path, 3)
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "a.py").write_text("def get_a(): pass")
    (tmp_path / "broken.py").write_text("def f(:")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'")
    found = library_functions(tmp_path)
    assert list(modules_of(found)) == ["m0", "m1", "m2"]
    assert [f.word for f in found[:3]] == ["get", "set", "rareaa"]


def test_a_folder_without_functions_is_told(tmp_path):
    with pytest.raises(DataError, match="no function was found in the Python files below"):
        library_functions(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        library_functions(tmp_path / "nowhere")


def test_no_module_is_in_two_parts_and_rare_words_are_left_out(tmp_path):
    split = split_functions(library_functions(library(tmp_path)), words=2)
    parts = [set(modules_of(part)) for part in (split.train, split.valid, split.test)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 40
    assert split.words == ("get", "set")
    assert {f.word for part in (split.train, split.valid, split.test) for f in part} == {"get", "set"}
    assert split.covered == pytest.approx(2 / 3)
    assert len(split.train) > 2 * (len(split.valid) + len(split.test)) > 0


def test_equal_functions_are_kept_once():
    twice = [Function(Tree((f"x{n % 60}",), (-1,)), f"w{n % 2}", f"m{n % 60}") for n in range(120)]
    split = split_functions(twice, words=2)
    assert len(split.train) + len(split.valid) + len(split.test) == 60


def test_too_few_functions_and_too_few_words_are_told():
    with pytest.raises(DataError, match="1 functions are too few to be split by module"):
        split_functions([Function(Tree(("x",), (-1,)), "get", "m")])
    with pytest.raises(OptionError, match="words wanted a whole number from 2 on, got 1"):
        split_functions([], words=1)


def test_flat_words_keep_every_word_and_the_brackets():
    [found] = read_functions("def f(x): return x")
    assert flat_words(found.tree) == "FunctionDef ( arguments ( arg ( x ) ) Return ( Name ( x ) ) )"
