import itertools

import numpy as np
import pytest

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.best_path import FORBIDDEN, best_paths, read_moves, write_moves


def drawn(batch=5, steps=6, tags=3, seed=0):
    chance = np.random.default_rng(seed)
    emissions = chance.normal(size=(batch, steps, tags))
    return emissions, chance.normal(size=tags), chance.normal(size=tags), chance.normal(size=(tags, tags))


def score(path, emissions, start, end, moves):
    steps = sum(emissions[t, tag] for t, tag in enumerate(path))
    return start[path[0]] + steps + sum(moves[i, j] for i, j in itertools.pairwise(path)) + end[path[-1]]


def test_the_best_path_is_the_best_of_all_paths():
    emissions, *chain = drawn()
    lengths = np.array([6, 1, 3, 0, 5])
    found = best_paths(emissions, lengths, *chain)
    for row, length in enumerate(lengths):
        assert (found[row, length:] == -1).all()
        if length:
            paths = itertools.product(range(3), repeat=int(length))
            best = max(paths, key=lambda path, row=row: score(path, emissions[row], *chain))
            assert tuple(found[row, :length]) == best


def test_a_forbidden_move_is_never_taken_where_another_path_exists():
    emissions, start, end, moves = drawn(batch=40)
    start[1] = moves[0, 1] = moves[2, 0] = FORBIDDEN
    found = best_paths(10 * emissions, None, start, end, moves)
    assert not (found[:, 0] == 1).any()
    for row in found.tolist():
        assert not {(0, 1), (2, 0)} & set(itertools.pairwise(row))


@pytest.mark.parametrize("padding", [np.nan, np.inf, -np.inf, 1e30])
def test_padding_never_matters(padding):
    emissions, *chain = drawn()
    lengths = np.array([2, 6, 0, 4, 1])
    padded = emissions.copy()
    padded[np.arange(6) >= lengths[:, None]] = padding
    assert (best_paths(padded, lengths, *chain) == best_paths(emissions, lengths, *chain)).all()


def test_no_rows_and_no_steps_have_no_paths():
    _, *chain = drawn()
    assert best_paths(np.zeros((0, 4, 3)), None, *chain).shape == (0, 4)
    assert best_paths(np.zeros((2, 0, 3)), None, *chain).shape == (2, 0)


def test_of_equal_paths_the_lowest_numbers_win():
    assert best_paths(np.zeros((1, 3, 4)), None, np.zeros(4), np.zeros(4), np.zeros((4, 4))).tolist() == [[0, 0, 0]]


def test_tables_of_other_sizes_and_impossible_lengths_are_refused():
    emissions, start, end, moves = drawn()
    with pytest.raises(ShapeError, match=r"moves wanted \[3, 3\], got \[2, 2\]"):
        best_paths(emissions, None, start, end, moves[:2, :2])
    for lengths in ([7, 1, 1, 1, 1], [-1, 1, 1, 1, 1], [1]):
        with pytest.raises(ShapeError, match="lengths wanted 5 whole numbers from 0 to 6"):
            best_paths(emissions, np.array(lengths), start, end, moves)


def test_moves_written_are_read_back():
    moves = np.array([[True, False, True], [False, True, True], [True, True, True]])
    assert (read_moves(write_moves(moves), 2) == moves).all()


@pytest.mark.parametrize("rows", [[], ["111"] * 2, ["11"] * 3, ["112"] * 3, [111, 111, 111], ["1 1"] * 3])
def test_rows_that_are_no_moves_are_refused(rows):
    with pytest.raises(OptionError, match="wanted 3 rows of 3 signs"):
        read_moves(rows, 2)
