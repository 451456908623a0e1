from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from ostinato.cli.forecasts import csv_lines, write_columns, write_forecasts
from ostinato.errors import OptionError

COLUMNS = {
    "id": np.array(["a, b", "c"], object),
    "time": np.array(["2024-01-01T00:00", "2024-01-01T00:30"], "datetime64[ns]"),
    "mean": np.array([1.5, 2.0]),
}


def test_words_with_commas_are_quoted():
    rows = list(csv.reader(io.StringIO("".join(csv_lines(COLUMNS)))))
    assert rows == [["id", "time", "mean"], ["a, b", "2024-01-01", "1.5"], ["c", "2024-01-01T00:30", "2.0"]]


def test_json_has_one_object_a_line(capsys):
    write_columns(COLUMNS, True)
    first, _ = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {"id": "a, b", "time": "2024-01-01", "mean": 1.5}


@pytest.mark.parametrize("files", [[], ["-"], ["a.csv", "b.csv"]])
def test_a_forecaster_wants_one_file(files):
    with pytest.raises(OptionError, match="wanted one file of series"):
        write_forecasts(None, files, None, None, None, False)
