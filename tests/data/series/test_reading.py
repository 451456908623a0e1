from __future__ import annotations

import numpy
import pandas
import polars
import pyarrow
import pytest

from ostinato.data.series import Panel, read_series
from ostinato.errors import DataError, OptionError, OstinatoError


def long_frame(series=3, steps=5):
    stamps = pandas.date_range("2024-01-01", periods=steps, freq="D")
    rng = numpy.random.default_rng(0)
    return pandas.DataFrame(
        {
            "unique_id": numpy.repeat([f"s{k}" for k in range(series)], steps),
            "ds": numpy.tile(stamps, series),
            "y": rng.normal(size=series * steps),
            "temp": rng.normal(size=series * steps),
        }
    )


def same(one, other):
    assert one.ids == other.ids
    assert one.layout == other.layout
    for name in ("starts", "ends", "time", "target", "past", "known", "static", "categories"):
        numpy.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_every_source_gives_the_same_panel(tmp_path):
    frame = long_frame()
    wanted = read_series(frame)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    arrow = pyarrow.Table.from_pandas(frame)
    for source in (polars.from_pandas(frame), arrow, frame.to_dict("list"), tmp_path / "t.csv", tmp_path / "t.parquet"):
        same(read_series(source), wanted)
    assert read_series(wanted) is wanted


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_does_not_matter(seed):
    frame = long_frame()
    shuffled = frame.sample(frac=1, random_state=seed)
    order = shuffled["unique_id"].unique().tolist()
    wanted = read_series(frame, known="temp")
    same(read_series(shuffled, known="temp"), wanted.pick([wanted.index(name) for name in order]))


def test_a_wide_table_gives_the_same_series():
    frame = long_frame()
    wide = frame.pivot(index="ds", columns="unique_id", values="y").reset_index()
    same(read_series(wide, wide=True), read_series(frame))
    assert read_series(wide, wide=True, target=["s1"]).ids == ("s1",)


def test_the_series_of_a_wide_table_begin_at_their_first_value():
    table = {"time": [1, 2, 3], "a": [None, 2.0, None], "b": [1.0, 2.0, 3.0], "temp": [7.0, 8.0, 9.0]}
    whole = read_series(table, wide=True, known="temp", target=["a", "b"])
    assert whole.time.tolist() == [2, 3, 1, 2, 3]
    assert whole.known.ravel().tolist() == [8, 9, 7, 8, 9]
    assert whole.ends.tolist() == [1, 5]


def test_rows_after_the_last_target_are_of_the_future():
    table = {"time": [1, 2, 3, 4], "y": [1.0, None, 3.0, None], "temp": [1.0, 2.0, 3.0, 4.0]}
    assert read_series(table, known="temp").ends.tolist() == [3]
    assert read_series(table).ends.tolist() == [4]
    assert read_series(table, past="temp").ends.tolist() == [4]


def test_categories_and_statics_are_one_a_series():
    frame = long_frame().assign(shop=["x"] * 5 + ["y"] * 5 + [None] * 5, size=[1.0] * 5 + [2.0] * 5 + [3.0] * 5)
    whole = read_series(frame, categories="shop", static="size")
    assert (whole.categories.ravel().tolist(), whole.layout.words) == ([1, 2, 0], (("x", "y"),))
    assert whole.static.ravel().tolist() == [1, 2, 3]
    frame.loc[7, "shop"] = "x"
    with pytest.raises(DataError, match="row 8: series 's1' has 'x' in the static column 'shop' and 'y' before"):
        read_series(frame, categories="shop")


def test_a_new_category_is_unknown_or_refused():
    frame = long_frame().assign(shop=["x"] * 5 + ["y"] * 10)
    layout = read_series(frame, categories="shop").layout
    later = frame.assign(shop="z")
    assert read_series(later, like=layout).categories.tolist() == [[0], [0], [0]]
    with pytest.raises(DataError, match="series 's0': the category 'z' of 'shop' was not seen in training"):
        read_series(later, like=layout, unknown="refuse")


def test_a_later_table_is_read_as_the_first_one_was():
    frame = long_frame().rename(columns={"y": "sales"})
    first = read_series(frame, target="sales", known=["temp"])
    same(read_series(frame.iloc[:15], like=first.layout), first)
    # A single row says nothing about a frequency: it is that of the layout.
    assert read_series(frame.iloc[:1], like=first.layout).frequency == first.frequency


def test_arrays_of_different_lengths_are_series():
    whole = read_series(
        [numpy.ones((3, 2)), numpy.zeros((1, 2), "float16")], id=["a", "b"], categories={"c": ["u", "v"]}
    )
    assert whole.layout.target == ("y1", "y2")
    assert whole.starts.tolist() == [0, 3, 4]


BAD = [
    (
        {"id": ["a"], "time": [1], "y": [numpy.inf]},
        {},
        "row 1: series 'a': column 'y' wanted a finite number below 3e38, got inf",
    ),
    ({"id": ["a"], "time": [1], "y": [1e300]}, {}, "row 1: series 'a': column 'y' wanted a finite number below 3e38"),
    ({"id": ["a", None], "time": [1, 2], "y": [1, 2]}, {}, "row 2: column 'id' has no name of a series"),
    ({"id": ["a", "b"], "time": [1, 1], "y": [1, None]}, {}, "series 'b' has no value at all"),
    ({"time": [1], "sales": [1]}, {}, "which column is the target"),
    ({"when": [1], "y": [1]}, {}, "which column is the time"),
    ({"time": [1], "y": [1]}, {"target": "z"}, "there is no column 'z'"),
    ({"time": [1], "y": [1]}, {"id": "z"}, "there is no column 'z'"),
    ({"time": [1], "y": [1]}, {"known": "y"}, "a column has one part"),
    ({"time": [1], "y": [1]}, {"frequency": "D"}, "no time zone and no calendar"),
    ({"time": ["2024-01-01"], "y": [1]}, {"frequency": 3}, "wanted a span of time"),
    ({"time": [1], "y": [1]}, {"unknown": "skip"}, "unknown wanted 'word' or 'refuse'"),
    ({"time": [1], "y": [1]}, {"past": 3}, "past wanted the name of a column"),
    ({"time": [1], "y": [1]}, {"wide": True, "id": "y"}, "id= is for long tables"),
    ({"time": [1]}, {"wide": True}, "a column for each series"),
    ([], {}, "at least one array"),
    ([[1.0]], {"zone": "UTC"}, "zone= does not apply here"),
    ([[1.0]], {"frequency": "D"}, "frequency= does not apply here"),
    ([[1.0]], {"gaps": "keep"}, "gaps= does not apply here"),
    ([[1.0]], {"target": "y"}, "target= does not apply here"),
    (numpy.ones((3, 4)), {}, "may be 3 series or one of 4 columns"),
    (7, {}, "series wanted a data frame"),
    ("nothing.csv", {}, "there is no file"),
    ("nothing.xlsx", {}, "there is no file"),
]


@pytest.mark.parametrize(("source", "options", "message"), BAD, ids=[message for *_, message in BAD])
def test_what_cannot_be_read_is_refused(source, options, message):
    with pytest.raises(OstinatoError) as caught:
        read_series(source, **options)
    assert message in str(caught.value)


def test_options_of_tables_do_not_reach_files_that_name_everything(tmp_path):
    path = tmp_path / "x.ts"
    path.write_text("@classLabel true a\n@data\n1,2:a\n", encoding="utf-8")
    assert isinstance(read_series(path), Panel)
    with pytest.raises(OptionError, match="id= does not apply here"):
        read_series(path, id="a")
