from __future__ import annotations

import ast
import copy
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from ostinato.data.series import Features, stored
from ostinato.data.series.stored import checked_fields
from ostinato.errors import ArtifactError
from tests.data.series.zoo import irregular, rich

GOOD = Features.fit(rich(holes=True), horizon=3, lags=[1, 4], known_lags=True).to_dict()


def test_whole_fields_pass():
    assert Features(**checked_fields(GOOD)).to_dict() == GOOD
    loose = Features.fit(irregular()).to_dict()
    assert Features(**checked_fields(loose)).to_dict() == loose


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            ("horizon", -1),
            ("horizon", 1.0),
            ("horizon", 10**12),
            ("target_input", 1),
            ("known_lags", 1),
            ("scaling", "x"),
            ("scope", []),
        ],
        *[
            ("calendar", ["huor"]),
            ("calendar", "hour"),
            ("lags", [0]),
            ("lags", [2, 1]),
            ("lags", [10**12]),
            ("lags", 1),
        ],
        *[
            ("masked", ["z"]),
            ("masked", ["y", "y"]),
            ("past", []),
            ("past", [[0]]),
            ("past", [[0, 0]]),
            ("past", [[0, -1]]),
        ],
        *[("known", [[float("nan"), 1]]), ("known", [["0", 1]]), ("static", [[0, float("inf")]]), ("gap", 1.0)],
        *[("scales", []), ("scales", {"a": [[0]]}), ("scales", {"a": [[0], [0]]}), ("scales", {"a": [[], []]})],
        *[("scales", {"a": [1, 2]}), ("layout", {}), ("layout", None)],
    ],
    ids=str,
)
def test_a_damaged_field_is_refused(name, value):
    with pytest.raises(ArtifactError):
        checked_fields(copy.deepcopy(GOOD) | {name: value})


@pytest.mark.parametrize("data", [None, [], {}, {"layout": {}}])
def test_what_has_other_fields_is_refused(data):
    with pytest.raises(ArtifactError, match="features wanted the fields calendar"):
        checked_fields(data)


def test_the_modules_of_series_import_each_other_in_one_direction():
    folder = Path(stored.__file__).parent
    below = {}
    for path in folder.glob("*.py"):
        # Imports for types alone count too: what can only be understood together is one thing.
        names = [
            node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
        ]
        if path.stem != "__init__":
            below[path.stem] = {name.rpartition(".")[2] for name in names if name.startswith("ostinato.data.series.")}
    assert list(TopologicalSorter(below).static_order())
