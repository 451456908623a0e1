from __future__ import annotations

import numpy
import pandas
import pytest

from ostinato.data.series import Calendar, Frequency
from ostinato.data.series.calendar import FLAGS, PAIRS, WORDS, calendar_of, usual_words
from ostinato.data.series.zones import Zone
from ostinato.errors import OptionError

STAMPS = pandas.date_range("2019-12-25", "2021-01-05", freq="97min", tz="Europe/Berlin")
TIMES = STAMPS.as_unit("ns").astype("int64").to_numpy()
# Python counts weekdays from Monday.
WEEKDAY = numpy.array([stamp.weekday() for stamp in STAMPS])
PHASES = {
    "hour": (STAMPS.hour * 60 + STAMPS.minute) / 1440,
    "weekday": WEEKDAY / 7,
    "monthday": (STAMPS.day - 1) / 31,
    "month": (STAMPS.month - 1) / 12,
    "yearday": (STAMPS.day_of_year - 1) / 366,
}
TRUTH = {
    "hours": STAMPS.hour.to_numpy()[:, None] == numpy.arange(24),
    "weekdays": WEEKDAY[:, None] == numpy.arange(7),
    "months": STAMPS.month.to_numpy()[:, None] == numpy.arange(1, 13),
    "weekend": WEEKDAY[:, None] >= 5,
    "month_start": STAMPS.is_month_start[:, None],
    "month_end": STAMPS.is_month_end[:, None],
}


@pytest.mark.parametrize("word", PAIRS)
def test_a_pair_is_the_sine_and_cosine_of_the_local_phase(word):
    found = Calendar((word,), Zone("Europe/Berlin")).features(TIMES)
    angle = 2 * numpy.pi * numpy.asarray(PHASES[word], float)
    numpy.testing.assert_allclose(found, numpy.stack([numpy.sin(angle), numpy.cos(angle)], 1), atol=1e-6)


@pytest.mark.parametrize("word", FLAGS)
def test_a_flag_is_what_the_local_calendar_says(word):
    calendar = Calendar((word,), Zone("Europe/Berlin"))
    found = calendar.features(TIMES)
    assert found.shape[1] == len(calendar.columns) == FLAGS[word]
    numpy.testing.assert_array_equal(found, TRUTH[word])


def test_words_stand_side_by_side_in_any_shape():
    calendar = Calendar(tuple(WORDS), Zone("Europe/Berlin"))
    whole = calendar.features(TIMES)
    at = 0
    by_minute = [word for word in WORDS if word in ("hour", "hours")]
    for word in [w for w in WORDS if w in by_minute] + [w for w in WORDS if w not in by_minute]:
        alone = Calendar((word,), Zone("Europe/Berlin"))
        where = [calendar.columns.index(name) for name in alone.columns]
        numpy.testing.assert_array_equal(whole[:, where], alone.features(TIMES))
        at += len(where)
    assert at == whole.shape[1]
    square = TIMES[:100].reshape(10, 10)
    numpy.testing.assert_array_equal(calendar.features(square).reshape(100, -1), whole[:100])


def test_one_time_gives_the_same_bits_wherever_it_is_asked_for():
    calendar = Calendar(("hour", "yearday"), Zone("Europe/Berlin"))
    whole = calendar.features(TIMES)
    for k in (0, 7, len(TIMES) - 1):
        assert (Calendar(calendar.words, calendar.zone).features(TIMES[k : k + 1])[0] == whole[k]).all()


def test_far_apart_times_need_no_table():
    times = numpy.array([-8 * 10**18, 0, 8 * 10**18])
    found = Calendar(("weekdays",)).features(times)
    assert found.argmax(1).tolist() == [stamp.weekday() for stamp in pandas.to_datetime(times)]


def test_no_words_are_no_columns():
    assert Calendar(()).features(TIMES[:3]).shape == (3, 0)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        *[("s", ("hour", "weekday", "yearday")), ("24h", ("weekday", "yearday")), ("D", ("weekday", "yearday"))],
        *[("W", ("yearday",)), ("B", ("weekday", "yearday")), ("Q", ("month",)), ("Y", ())],
    ],
)
def test_a_frequency_has_its_usual_words(code, words):
    assert usual_words(Frequency.of(code), "time") == words


def test_irregular_series_have_the_words_of_their_usual_step():
    assert usual_words(None, "time", 3600 * 10**9) == ("hour", "weekday", "yearday")
    assert usual_words(None, "time", 86400 * 10**9) == ("weekday", "yearday")
    assert usual_words(None, "number", 1) == ()


def test_words_are_checked():
    with pytest.raises(OptionError, match="no column of a calendar called 'huor'; did you mean 'hour'"):
        Calendar(("huor",))
    with pytest.raises(OptionError, match="stands there twice"):
        Calendar(("hour", "hour"))
    with pytest.raises(OptionError, match="these series count by whole numbers"):
        calendar_of("hour", (), "number", Zone())
    assert calendar_of("auto", ("hour",), "time", Zone()).words == ("hour",)
