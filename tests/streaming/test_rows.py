from __future__ import annotations

import numpy as np
import pytest

from ostinato.streaming.rows import Rows


@pytest.mark.parametrize("count", [1, 3, 50, 1000])
def test_the_last_rows_are_kept_in_their_order(count):
    rows = Rows(count, 2)
    given = np.arange(600, dtype=np.float32).reshape(300, 2)
    for number, row in enumerate(given, start=1):
        rows.add(row)
        np.testing.assert_array_equal(rows.last(), given[max(0, number - count) : number])


def test_rows_come_back_from_plain_numbers():
    assert Rows.of([[1.0], [2.0]], 3, 1).last().tolist() == [[1.0], [2.0]]
    assert Rows.of([], 3, 2).last().shape == (0, 2)
    for wrong in ([[1.0]] * 4, [[float("nan")]], ["a"], [[1.0, 2.0], [3.0]], None):
        with pytest.raises((ValueError, TypeError)):
            Rows.of(wrong, 3, 1)
