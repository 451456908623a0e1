from __future__ import annotations

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest

import ostinato as ost
from ostinato.data.series import Features, read_series
from ostinato.errors import ArtifactError, DataError, OptionError, StreamError
from ostinato.plan import plan_of
from ostinato.streaming import Watch
from ostinato.streaming.known_scales import scale_of
from ostinato.streaming.watch import read_whole
from tests.streaming.watched import detector, table, without

CASES = {
    "one channel": (1, False, {}),
    "three channels": (3, False, {}),
    "irregular": (1, True, {}),
    "values missing": (1, False, {"gone": (150, 151, 152, 300)}),
}


def pushed(watch, data):
    names = [name for name in data if name != "time"]
    columns = [data[name].tolist() for name in names]
    return [
        watch.push(time, values[0] if len(values) == 1 else list(values))
        for time, *values in zip(data["time"], *columns, strict=True)
    ]


def same(seen, found):
    np.testing.assert_array_equal([one.score for one in seen], found.scores)
    np.testing.assert_array_equal([one.threshold for one in seen], found.thresholds)
    assert [step for step, one in enumerate(seen) if one.alarm] == found.alarms


@pytest.mark.parametrize("case", CASES)
def test_live_and_batch_say_the_same_to_the_last_bit(case):
    channels, irregular, options = CASES[case]
    data = table(channels=channels, **options)
    model = detector(channels, irregular)
    found = model.detect(data).alarms[0]
    same(pushed(model.stream(), data), found)
    assert found.alarms, "a bump of forty deviations is found"


def test_rows_that_were_left_out_are_run_as_missing_ones():
    gone = [150, 151, 152, 300]
    data = without(table(), gone)
    found = detector().detect(data).alarms[0]
    kept = [step for step in range(500) if step not in gone]
    seen = pushed(detector().stream(), data)
    np.testing.assert_array_equal([one.score for one in seen], found.scores[kept])
    np.testing.assert_array_equal([one.threshold for one in seen], found.thresholds[kept])


def test_the_channel_that_erred_is_named():
    found = detector(3).detect(table(channels=3))
    assert "c2" in found.ranges()["channel"]


def test_a_watch_goes_on_where_a_snapshot_was_taken():
    data = table()
    one = detector().stream()
    first = {name: column[:250] for name, column in data.items()}
    rest = {name: column[250:] for name, column in data.items()}
    pushed(one, first)
    other = detector().stream()
    other.restore(one.snapshot())
    third = one.fork()
    wanted = pushed(one, rest)
    assert repr(pushed(other, rest)) == repr(wanted)
    assert repr(pushed(third, rest)) == repr(wanted)


def test_a_reset_begins_anew():
    data = {name: column[:80] for name, column in table().items()}
    watch = detector().stream()
    first = pushed(watch, data)
    watch.reset()
    assert repr(pushed(watch, data)) == repr(first)


BAD = {
    "infinite": ("next", float("inf")),
    "a text": ("next", "warm"),
    "too many": ("next", [1.0, 2.0]),
    "an old time": (0, 1.0),
    "a time between steps": (1, 1.0),
    "no time": ("never", 1.0),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused_leaves_the_watch_as_it_was(case):
    data = table()
    watch, twin = detector().stream(), detector().stream()
    for one in (watch, twin):
        pushed(one, {name: column[:120] for name, column in data.items()})
    time, value = BAD[case]
    time = {"next": data["time"][120], 0: data["time"][5], 1: data["time"][120] + np.timedelta64(1, "s")}.get(
        time, time
    )
    before = watch.snapshot()
    with pytest.raises(StreamError, match=r"row 121"):
        watch.push(time, value)
    assert watch.snapshot() == before
    assert repr(watch.push(data["time"][120], 0.5)) == repr(twin.push(data["time"][120], 0.5))


@pytest.mark.parametrize("cut", [10, 200, -1])
def test_a_damaged_snapshot_is_refused(cut):
    watch = detector().stream()
    with pytest.raises(StreamError):
        watch.restore(watch.snapshot()[:cut])


def test_a_snapshot_of_another_model_is_refused():
    with pytest.raises(StreamError, match="belongs to the model"):
        detector().stream().restore(detector(3).stream().snapshot())


def test_a_file_is_watched_without_its_class(tmp_path):
    path = tmp_path / "detector.safetensors"
    detector().save(path)
    watch = ost.stream(path)
    assert isinstance(watch, Watch)
    data = table()
    same(pushed(watch, data), detector().detect(data).alarms[0])


def test_nothing_alarms_in_the_steps_that_are_skipped():
    data = table()
    assert detector().detect(data, unscored=450).alarms[0].alarms == []
    seen = pushed(detector().stream(unscored=450), data)
    assert not any(one.alarm for one in seen)


def test_the_expected_value_is_in_the_units_of_the_data():
    data = table()
    watch = detector().stream()
    assert math.isnan(watch.expected()[0])
    told = []
    for time, value in zip(data["time"], data["c0"].tolist(), strict=True):
        watch.push(time, value)
        told.append(watch.expected()[0])
    np.testing.assert_array_equal(told, detector().detect(data).expected[0][:, 0])


def test_a_whole_series_is_judged_from_its_beginning():
    watch = detector().stream()
    watch.push(table()["time"][0], 1.0)
    with pytest.raises(StreamError, match="reset the watch first"):
        watch.run(read_series(table(), time="time", target="c0"))


def test_a_watch_wants_a_detector():
    with pytest.raises(OptionError, match="wanted a model of the task"):
        Watch(plan_of(ost.layers.Recurrent("gru", 2, 3)))


def test_a_plan_whose_features_are_others_than_the_network_s_is_refused():
    plan = plan_of(detector())
    other = detector(3).features_.to_dict()
    object.__setattr__(plan, "series", dataclasses.replace(plan.series, features=other))
    with pytest.raises(ArtifactError, match="the network reads"):
        Watch(plan, "c0")


def test_memory_does_not_grow_with_steps():
    watch = detector().stream()
    times = (np.datetime64("2024-01-01T00:00", "ns") + np.arange(1500) * np.timedelta64(1, "h")).tolist()
    for time in times[:500]:
        watch.push(int(time), 0.5)
    tracemalloc.start()
    for time in times[500:]:
        watch.push(int(time), 0.5)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000


def test_a_whole_series_with_a_value_too_large_for_its_scale_is_refused_with_its_row():
    panel = read_series([[0.0, 1e-20, 0.0, 1e-20]])
    features = Features.fit(panel, horizon=1)
    changed = dataclasses.replace(panel, target=np.array([[0.0], [3e38], [0.0], [0.0]], np.float32))
    with pytest.raises(DataError, match="row 2"):
        read_whole(features, changed, 0, *scale_of(features, None))
