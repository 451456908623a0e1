from __future__ import annotations

import numpy
import pytest

from ostinato.data.series import read_ts
from ostinato.errors import DataError

HEADER = "# a comment\n@problemName Two Steps\n@timeStamps false\n@univariate false\n@classLabel true up down\n"


def written(tmp_path, text):
    path = tmp_path / "x.ts"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ragged_series_with_labels_is_read(tmp_path):
    found = read_ts(written(tmp_path, HEADER + "@data\n1,2,?:4,5,6:up\n\n7:8:down\n"))
    assert (found.labels, found.classes, found.name) == (("up", "down"), ("up", "down"), "Two Steps")
    assert found.targets is None
    assert found.panel.starts.tolist() == [0, 3, 4]
    numpy.testing.assert_array_equal(found.panel.target, [[1, 4], [2, 5], [numpy.nan, 6], [7, 8]])


def test_a_file_with_targets_is_read(tmp_path):
    found = read_ts(written(tmp_path, "@targetlabel true\n@data\n1.5,NaN:0.25\n"))
    assert found.targets.tolist() == [0.25]
    assert found.labels is None


def test_a_file_without_either_is_read(tmp_path):
    found = read_ts(written(tmp_path, "@univariate true\n@classlabel false\n@data\n1,2\n3\n"))
    assert (found.labels, found.targets, len(found.panel)) == (None, None, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (HEADER, "has no line @data"),
        (HEADER + "@data\n", "has a header but no series"),
        ("1,2,3\n", "line 1: wanted a line of the header"),
        (HEADER + "@data\n1,2:3,4:left\n", "line 7: the label 'left' is none of those in the header: up, down"),
        (HEADER + "@data\n1,2:3:up\n", "line 7: the dimensions of a series are equally long, got [1, 2] values"),
        (HEADER + "@data\n1,2:up\n1,2:3,4:up\n", "line 8: this series has 2 dimensions and those before 1"),
        (HEADER + "@data\nup\n", "line 7: wanted values, a colon and a label"),
        (HEADER + "@data\n1,x:up\n", "line 7: wanted numbers parted by commas, got 'x'"),
        (HEADER + "@data\n:up\n", "line 7: wanted numbers parted by commas, got ''"),
        (HEADER + "@data\n1,inf:up\n", "line 7: wanted finite numbers below 3e38, got inf"),
        (HEADER + "@data\n?,?:up\n", "series '1' has no value at all"),
        ("@timestamps true\n@data\n(0,1)\n", "line 2: series with time stamps"),
        ("@univariate perhaps\n@data\n1\n", "line 1: @univariate wanted true or false"),
        ("@classLabel true\n@data\n1:a\n", "wanted the names of the classes"),
        ("@classLabel true a\n@targetlabel true\n@data\n1:a\n", "a file has one of them"),
        ("@targetlabel true\n@data\n1:nan\n", "line 3: wanted a number as target after the last colon, got 'nan'"),
        ("@univariate true\n@data\n1:2\n", "line 3: the header says @univariate true, and this line has 2 dimensions"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(DataError) as caught:
        read_ts(written(tmp_path, text))
    assert message in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_ts(tmp_path / "nothing.ts")
    (tmp_path / "x.arff").write_text("@data\n1\n")
    with pytest.raises(DataError, match=r"wanted a file that ends in \.ts"):
        read_ts(tmp_path / "x.arff")
