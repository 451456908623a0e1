from __future__ import annotations

import statistics

import pytest

from ostinato.data import read_table
from ostinato.data.expressions import read_tree
from ostinato.data.listops import make_listops, write_listops
from ostinato.errors import OptionError


def value_of(tree, node):
    """The value of a node, computed here a second time."""
    members = tree.children[node]
    if not members:
        return int(tree.words[node])
    digits = [value_of(tree, member) for member in members]
    word = tree.words[node]
    if word == "MED":
        # The lower of the two in the middle and the upper one, halved and rounded down.
        return (statistics.median_low(digits) + statistics.median_high(digits)) // 2
    return {"MAX": max, "MIN": min, "SM": lambda found: sum(found) % 10}[word](digits)


def test_every_list_has_the_value_that_its_operations_give():
    for made in make_listops(200, seed=3):
        tree = read_tree(made.text)
        assert [value_of(tree, node) for node in range(len(tree))] == list(made.values)
        assert made.value == made.values[0]


def test_lists_are_different_and_as_long_as_asked_for():
    made = make_listops(500, shortest=10, longest=20)
    assert len({example.text for example in made}) == 500
    assert {len(example.flat.split()) for example in made} <= {*range(10, 21)}
    assert all(example.length == len(example.flat.split()) for example in made)


def test_equal_seeds_make_equal_lists_and_more_of_them_begin_alike():
    few, many = make_listops(5, seed=7), make_listops(9, seed=7)
    assert many[:5] == few
    assert make_listops(5, seed=8) != few
    assert few[0].text == (
        "(MIN 4 9 3 (MAX (MED 4 7 (MED 7 1 3 9 4) 7 (MAX 8 (SM 3 1 (SM 9 8 2 2) (MED 1 3 5) 4))) 5))"
    )


def test_members_are_two_to_five():
    for made in make_listops(200):
        assert {len(members) for members in read_tree(made.text).children} <= {0, 2, 3, 4, 5}


def test_files_hold_trees_flat_words_and_labels(tmp_path):
    train, test = write_listops(tmp_path, train=20, test=5)
    made = make_listops(25)
    for path, part in ((train, made[:20]), (test, made[20:])):
        table = read_table(path)
        assert table.texts("tree") == [example.text for example in part]
        assert table.texts("flat") == [example.flat for example in part]
        assert table.labels("label") == [str(example.value) for example in part]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"count": 0}, "count wanted a whole number from 1 on, got 0"),
        ({"count": 1, "shortest": 3}, "wanted 4 <= shortest <= longest, got 3 and 100"),
        ({"count": 1, "shortest": 20, "longest": 10}, "got 20 and 10"),
        ({"count": 1_000, "shortest": 4, "longest": 4}, "too few lists of 4 to 4 tokens to find 1,000 different ones"),
    ],
)
def test_what_cannot_be_made_is_told(asked, words):
    with pytest.raises(OptionError, match=words):
        make_listops(asked.pop("count"), **asked)
