from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.expressions import read_tree, read_trees, tree_of, write_tree
from ostinato.data.trees import Tree
from ostinato.errors import DataError, OptionError

WORDS = ["MAX", "9", "two words", 'say "hi"', "back\\slash", "(", ")", "äöü", "", "line\nline", "a\tb", '"', "\\"]


def random_tree(seed, *, labels=False, inner_words=True):
    source = random.Random(seed)
    count = source.randint(1, 30)
    parents = (-1, *(source.randrange(node) for node in range(1, count)))
    inner = {*parents}
    words = ["" if node in inner and not inner_words else source.choice(WORDS) for node in range(count)]
    if not labels:
        return Tree(tuple(words), parents)
    words = ["" if node in inner else f"w{node}" for node in range(count)]
    return Tree(tuple(words), parents, tuple(str(source.randrange(5)) for _ in range(count)))


def same(tree, other):
    """Equal but for the order in which nodes are listed."""
    return [
        [(t.words[n], t.labels[n] if t.labels else None, len(t.children[n])) for n in t.preorder()]
        for t in (tree, other)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_reading_takes_back_what_writing_wrote(seed):
    for form, tree in (
        ("lisp", random_tree(seed)),
        ("labels", random_tree(seed, labels=True)),
    ):
        left, right = same(tree, read_tree(write_tree(tree, form), form))
        assert left == right


@pytest.mark.parametrize("text", ["((the cat) sleeps)", "x", "(a (b (c d)) e)"])
def test_leaves_alone_have_words_in_the_form_leaves(text):
    tree = read_tree(text, "leaves")
    assert write_tree(tree, "leaves") == text
    assert tree.leaves == text.replace("(", "").replace(")", "").split()


def test_white_space_and_lines_do_not_matter():
    assert read_tree("( MAX\n 2\t( MIN 4 7 )\r\n)") == read_tree("(MAX 2 (MIN 4 7))")


def test_trees_follow_each_other_and_know_their_lines():
    assert [placed.line for placed in read_trees("(a b)\n\n(c\nd)\ne (f g)")] == [1, 3, 5, 5]


def test_nested_lists_are_the_same_trees():
    assert tree_of(["MAX", 2, ("MIN", 4, 7), True]) == read_tree("(MAX 2 (MIN 4 7) True)")
    assert tree_of([["a", "b"], "c"], "leaves").leaves == ["a", "b", "c"]
    assert tree_of("x") == read_tree("x")


def test_depth_is_no_matter():
    deep = 10_000
    text = "(f " * deep + "x" + ")" * deep
    tree = read_tree(text)
    assert len(tree) == deep + 1
    assert read_tree(write_tree(tree)) == tree
    nested = "x"
    for _ in range(deep):
        nested = ["f", nested]
    assert tree_of(nested) == tree


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("", "lisp", r"wanted one tree, got none; a tree is written as \(MAX 2"),
        ("  \n ", "lisp", "wanted one tree, got none"),
        ("(a b) (c d)", "lisp", "wanted one tree, got 2"),
        ("(a (b c)", "lisp", "line 1, column 1: this bracket is opened and never closed; 1 are open at the end"),
        ("(a\n (b c", "lisp", "line 2, column 2: this bracket is opened and never closed; 2 are open"),
        ("(a b))", "lisp", "line 1, column 6: this bracket closes nothing"),
        ("(a\n())", "lisp", "line 2, column 2: a list is empty"),
        ('(a "b)', "lisp", "line 1, column 4: a quote is opened and never closed"),
        ('(a "b\\")', "lisp", "line 1, column 4: a quote is opened and never closed"),
        ("(3)", "labels", "column 3: a list wanted a label and a word or lists"),
        ("()", "labels", "a list wanted a label and a word or lists"),
        ("((2 a) (3 b))", "labels", "column 2: a list begins with its label, got another list"),
        ("(3 a b)", "labels", "after a label stands one word or lists, got more: 'b'"),
        ("(3 a (2 b))", "labels", "after a label stands one word or lists, got both"),
        ("(3 (2 b) a)", "labels", "got more: 'a'"),
        ("word", "labels", r"wanted a bracket, got the word 'word'; a labelled tree is written as \(3"),
    ],
)
def test_what_is_not_one_whole_tree_is_told_with_its_place(text, form, words):
    with pytest.raises(DataError, match=words):
        read_tree(text, form)


def test_the_source_is_named_before_the_place():
    with pytest.raises(DataError, match=r"^dev.txt, line 1, column 1: this bracket"):
        list(read_trees("(a", source="dev.txt"))


def test_a_tree_without_end_is_refused():
    with pytest.raises(DataError, match="a tree of more than 100 nodes; is a bracket never closed"):
        read_tree("(a" + " b" * 200, most_nodes=100)


@pytest.mark.parametrize("call", [read_tree, write_tree, tree_of, lambda _, form: list(read_trees("a", form))])
def test_an_unknown_form_names_the_nearest(call):
    with pytest.raises(OptionError, match="form got 'label'; did you mean 'labels'"):
        call(Tree(("a",), (-1,)), "label")


def test_lists_that_hold_themselves_or_what_is_no_word_are_refused():
    circle = ["a"]
    circle.append(circle)
    with pytest.raises(DataError, match="nested lists, after 1 nodes: a list holds itself"):
        tree_of(circle)
    with pytest.raises(DataError, match="wanted lists and words, got None of type NoneType"):
        tree_of(["a", None])
    with pytest.raises(DataError, match="a list is empty"):
        tree_of(["a", []])
    shared = ["b", "c"]
    assert len(tree_of(["a", shared, shared])) == 5


@pytest.mark.parametrize(
    ("tree", "form", "words"),
    [
        (Tree(("a",), (-1,)), "labels", "this form wants a label at every node"),
        (Tree(("a", "b"), (-1, 0), ("1", "2")), "labels", "words at leaves only"),
        (Tree(("a b",), (-1,), ("1",)), "labels", "'a b' has brackets or white space"),
        (Tree(("a",), (-1,), ("1",)), "lisp", "the form 'lisp' has no labels; write the tree in the form 'labels'"),
        (Tree(("a", "b"), (-1, 0)), "leaves", "the form 'leaves' has words at leaves only, got 'a'"),
    ],
)
def test_what_a_form_cannot_hold_is_told(tree, form, words):
    with pytest.raises(DataError, match=words):
        write_tree(tree, form)


@given(st.text(alphabet='()ab"\\ \n\t', max_size=40), st.sampled_from(["lisp", "labels", "leaves"]))
def test_any_text_is_trees_or_is_refused(text, form):
    try:
        found = [placed.tree for placed in read_trees(text, form)]
    except DataError:
        return
    for tree in found:
        left, right = same(tree, read_tree(write_tree(tree, form), form))
        assert left == right
