from __future__ import annotations

import itertools

from ostinato.nn.crossover import STEPS, TABLE, quicker


def test_only_single_steps_are_left_to_torch():
    assert STEPS <= 2
    for name, rows, hidden in itertools.product(("lstm", "gru", "elman"), (1, 1000), (1, 1000)):
        assert quicker(name, False, True, STEPS + 1, rows, hidden) is None


def test_each_line_of_the_table_decides_something():
    for row in TABLE:
        rows = 10**6 if row.rows > 10**6 else int(row.rows)
        call = (row.names[0], row.cell, row.gradients, row.steps, rows, row.hidden)
        others = [other for other in TABLE if other is not row]
        assert quicker(*call) is not None
        assert not any(
            row.names[0] in other.names
            and (row.cell, row.gradients) == (other.cell, other.gradients)
            and (row.steps <= other.steps and row.rows <= other.rows and row.hidden >= other.hidden)
            for other in others
        )
