from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy
import pytest
import torch

from ostinato.data.series import Features, SeriesBatches, WholeSeries, extend, read_series
from ostinato.errors import DataError, OptionError
from tests.data.series.zoo import PANELS, rich

COUNTING = {"context": 4, "horizon": 2, "size": 3, "shuffle": False}


def counting(*lengths):
    starts = numpy.cumsum([0, *lengths])
    panel = read_series([numpy.arange(a, b, dtype=float) for a, b in pairwise(starts)])
    return panel, Features.fit(panel, scaling="none")


def rows_of(batches, epoch=0):
    """Where the windows of an epoch begin their targets."""
    return [row for batch in batches.epoch(epoch) for row in batch.part.row.tolist()]


@pytest.mark.parametrize("name", PANELS)
def test_a_window_holds_the_features_of_its_steps(name):
    panel = PANELS[name]()
    features = Features.fit(panel, horizon=3, missing="always")
    batches = SeriesBatches(panel, features, context=5, horizon=3, size=4)
    scales = features.scale(panel)
    for batch in batches.epoch(0):
        for k, row in enumerate(batch.part.row.tolist()):
            series = int(batch.part.series[k])
            assert panel.starts[series] + 5 <= row <= panel.ends[series] - 3
            numpy.testing.assert_array_equal(
                batch.inputs[k], features.inputs(panel, numpy.arange(row - 5, row), scales)
            )
            ahead = numpy.arange(row, row + 3)
            numpy.testing.assert_array_equal(batch.future[k], features.future(panel, ahead, scales))
            own = batch.target[k].numpy() * batch.part.scale[k].numpy() + batch.part.offset[k].numpy()
            seen = batch.mask[k].numpy()
            assert (seen == ~numpy.isnan(panel.target[ahead])).all()
            numpy.testing.assert_allclose(own[seen], panel.target[ahead][seen], rtol=1e-5, atol=1e-5)
        assert batch.lengths is None
        assert batch.part.static.shape[1] == len(panel.layout.static)
        assert torch.equal(batch.part.categories, torch.from_numpy(panel.categories)[batch.part.series])


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
@pytest.mark.parametrize("lengths", [(6,), (7, 6), (20, 9, 13)])
def test_windows_end_where_the_series_ends_and_lie_a_stride_apart(stride, lengths):
    panel, features = counting(*lengths)
    batches = SeriesBatches(panel, features, **COUNTING, stride=stride)
    wanted = []
    for start, end in zip(panel.starts[:-1], panel.ends, strict=True):
        wanted += sorted(range(int(end) - 2, int(start) + 3, -stride))
    assert rows_of(batches) == wanted
    assert batches.windows == len(wanted)
    assert len(batches) == len(list(batches.epoch(0)))


@pytest.mark.parametrize("per_epoch", [None, 7])
def test_an_epoch_has_each_window_once_and_an_order_of_its_own(per_epoch):
    panel, features = counting(20, 30)
    options = COUNTING | {"shuffle": True, "seed": 3, "per_epoch": per_epoch}
    batches = SeriesBatches(panel, features, **options)
    rows = rows_of(batches)
    whole = rows_of(SeriesBatches(panel, features, **COUNTING))
    assert len(rows) == len(set(rows)) == (per_epoch or len(whole))
    assert set(rows) <= set(whole)
    assert rows == rows_of(SeriesBatches(panel, features, **options))
    assert rows != rows_of(batches, 1)
    assert rows != rows_of(SeriesBatches(panel, features, **options | {"seed": 4}))
    for start in range(len(batches) + 1):
        tail = [row for batch in batches.epoch(0, start) for row in batch.part.row.tolist()]
        assert tail == rows[start * 3 :]


def test_a_split_reads_across_its_border_and_foretells_on_one_side():
    panel, features = counting(30, 20)
    cut = panel.cut(0.5)
    early = SeriesBatches(panel, features, **COUNTING, until=cut)
    late = SeriesBatches(panel, features, **COUNTING, since=cut)
    assert all(row + 2 <= cut[int(panel.series_of(numpy.array(row - 1)))] for row in rows_of(early))
    assert all(row >= cut[int(panel.series_of(numpy.array(row - 1)))] for row in rows_of(late))
    assert cut[0] in rows_of(late)
    last = SeriesBatches(panel, features, **COUNTING, since=panel.cut(steps=2))
    assert rows_of(last) == [28, 48]


def test_a_short_series_is_used_refused_or_left_out():
    panel, features = counting(10, 4)
    used = SeriesBatches(panel, features, **COUNTING)
    assert (used.short, used.left_out) == (("2",), ())
    batch = list(used.epoch(0))[-1]
    assert batch.lengths.tolist()[-1] == 2
    assert batch.inputs[-1, :, 0].tolist() == [10, 11, 0, 0]
    assert batch.target[-1, :, 0].tolist() == [12, 13]
    skipped = SeriesBatches(panel, features, **COUNTING, short="skip")
    assert (skipped.short, skipped.left_out) == ((), ("2",))
    with pytest.raises(DataError, match="series '2' has 4 rows; a window wanted 4 to read and 2 after them"):
        SeriesBatches(panel, features, **COUNTING, short="refuse")


def test_a_horizon_longer_than_the_series_is_refused():
    panel, features = counting(10, 2)
    with pytest.raises(DataError) as caught:
        SeriesBatches(panel, features, **COUNTING)
    assert str(caught.value) == (
        "series '2' has 2 rows; a window wanted 1 to read and 2 after them (context=4, horizon=2); choose a shorter "
        "one, give the series more rows, or leave it out with short='skip'"
    )
    with pytest.raises(DataError, match="there is no window at all"):
        SeriesBatches(*counting(2), **COUNTING, short="skip")


def test_a_horizon_of_none_has_targets_at_the_steps_themselves():
    panel, features = counting(5, 2)
    batches = SeriesBatches(panel, features, context=3, horizon=0, size=9, shuffle=False)
    [batch] = batches.epoch(0)
    assert batch.future is None
    assert batch.target[..., 0].tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [5, 6, 6]]
    assert batch.lengths.tolist() == [3, 3, 3, 2]
    assert batch.mask[-1, :, 0].tolist() == [True, True, False]
    assert [w.target.shape[1] for w in batch.windows(2)] == [2, 1]


def test_forecasts_begin_after_the_last_row():
    panel, features = counting(8, 3)
    longer = extend(panel, 2)
    batches = SeriesBatches(longer, features, context=4, horizon=2, size=2, origins=longer.ends, shuffle=False)
    [batch] = batches.epoch(0)
    assert batch.inputs[..., 0].tolist() == [[4, 5, 6, 7], [8, 9, 10, 0]]
    assert not batch.mask.any()
    assert batch.part.series.tolist() == [0, 1]
    with pytest.raises(
        DataError, match=r"series '1': a window with its first target in the row 8 .*extend\(panel, 2\)"
    ):
        SeriesBatches(panel, features, context=4, horizon=2, size=2, origins=panel.ends)
    for wrong in ([0], [99], [-1], [10]):
        with pytest.raises(DataError, match="a window with its first target"):
            SeriesBatches(panel, features, context=4, horizon=2, size=2, origins=wrong)


def test_a_series_that_ends_where_another_begins_is_told_apart():
    panel, features = counting(6, 6)
    [batch] = SeriesBatches(panel, features, context=4, horizon=0, size=2, origins=[6, 12], shuffle=False).epoch(0)
    assert batch.part.series.tolist() == [0, 1]
    assert batch.inputs[..., 0].tolist() == [[2, 3, 4, 5], [8, 9, 10, 11]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context": 0}, "context wanted a whole number from 1 on, got 0"),
        ({"size": 1.5}, "size wanted a whole number from 1 on, got 1.5"),
        ({"stride": 0}, "stride wanted"),
        ({"horizon": -1}, "horizon wanted a whole number from 0 on"),
        ({"seed": -1}, "seed wanted"),
        ({"per_epoch": 0}, "per_epoch wanted"),
        ({"short": "x"}, "short wanted one of use, refuse, skip"),
        ({"origins": [5], "stride": 2}, "leave since, until and stride out"),
        ({"origins": [5.5]}, "origins wanted rows of the panel"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        SeriesBatches(*counting(20), **COUNTING | options)


def test_lags_look_as_far_ahead_as_they_were_made_for():
    panel, _ = counting(20)
    with pytest.raises(OptionError, match="horizon=2 wanted features that look so far ahead; these have horizon=1"):
        SeriesBatches(panel, Features.fit(panel, horizon=1, lags=[1]), **COUNTING)


@pytest.mark.parametrize("shuffle", [False, True])
def test_whole_series_come_once_with_their_targets(shuffle):
    panel, features = counting(3, 9, 1, 5, 9)
    batches = WholeSeries(panel, features, [0, 1, 2, 3, 4], size=2, shuffle=shuffle, weight=[1, 2, 3, 4, 5])
    seen = {}
    for batch in batches.epoch(0):
        for k, series in enumerate(batch.part.series.tolist()):
            n = int(batch.lengths[k])
            seen[series] = batch.inputs[k, :n, 0].tolist()
            assert batch.inputs[k, n:].abs().sum() == 0
            assert int(batch.target[k]) == series
            assert float(batch.weight[k]) == series + 1
    assert seen == {
        k: panel.target[a:b, 0].tolist() for k, (a, b) in enumerate(zip(panel.starts, panel.ends, strict=False))
    }
    assert len(batches) == 3
    tails = [batch.part.series.tolist() for batch in batches.epoch(0, 1)]
    assert tails == [batch.part.series.tolist() for batch in batches.epoch(0)][1:]


def test_whole_series_have_the_columns_that_the_features_know():
    panel, features = counting(3, 2)
    with pytest.raises(DataError, match="these series have target y1, y2, and the features were made for y"):
        WholeSeries(PANELS["plain"](), features, size=2, scales=features.scale(panel))


def test_whole_series_may_have_numbers_as_targets():
    panel, features = counting(3, 2)
    [batch] = WholeSeries(panel, features, [[0.5, 1.0], [2.0, 3.0]], size=2, shuffle=False).epoch(0)
    assert batch.target.dtype == torch.float32
    for wrong in ([1], ["a", "b"], [1.0, float("nan")]):
        with pytest.raises(DataError, match="target wanted"):
            WholeSeries(panel, features, wrong, size=2)


def test_a_thousand_series_take_no_more_than_a_fifth_beside_themselves():
    rng = numpy.random.default_rng(0)
    panel = read_series(rng.normal(size=(1000, 1000, 1)).astype(numpy.float32))
    tracemalloc.start()
    try:
        features = Features.fit(panel, horizon=24)
        batches = SeriesBatches(panel, features, context=96, horizon=24, size=64)
        for epoch in range(2):
            for number, _ in enumerate(batches.epoch(epoch)):
                if number == 5:
                    break
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert batches.windows == 881_000
    assert peak <= 0.2 * panel.nbytes, f"{peak:,} bytes beside {panel.nbytes:,}"


def test_moving_a_batch_moves_all_of_it():
    panel = rich()
    features = Features.fit(panel, horizon=3)
    batch = next(SeriesBatches(panel, features, context=5, horizon=3, size=4).epoch(0)).to("meta")
    assert {part.device.type for part in (batch.future, batch.mask, *batch.part)} == {"meta"}
    with pytest.raises(DataError, match="steps ahead belong to the end of a window"):
        batch.windows(2)


def test_batches_that_are_not_alike_mix_lengths_and_differ_by_one_in_size():
    panel, features = counting(*range(1, 51))
    batches = WholeSeries(panel, features, size=16, alike=False)
    epochs = [[sorted(batch.lengths.tolist()) for batch in batches.epoch(number)] for number in range(2)]
    for epoch in epochs:
        assert sorted(len(part) for part in epoch) == [12, 12, 13, 13]
        assert sorted(n for part in epoch for n in part) == [*range(1, 51)]
        # Neighbours in length are no neighbours in a batch.
        assert all(part[-1] - part[0] > 25 for part in epoch)
    assert sorted(epochs[0]) != sorted(epochs[1])
    alike = [sorted(batch.lengths.tolist()) for batch in WholeSeries(panel, features, size=16).epoch(0)]
    assert all(part[-1] - part[0] < 13 for part in alike)
