from __future__ import annotations

import datetime
import re

import pytest

from ostinato.data.language.dates import FORMATS, make_dates
from ostinato.errors import OptionError

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
ROMAN = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]


def read(written):
    """The date that a text means, worked out here a second time: no order is assumed but the year's place."""
    year = int(re.search(r"\d{4}", written)[0])
    rest = written.replace(str(year), "", 1)
    words = [word for word in re.findall(r"[a-z]+", rest) if word[:3] in MONTHS or word in ROMAN]
    numbers = [int(number) for number in re.findall(r"\d+", rest)]
    if words:
        month = ROMAN.index(words[0]) + 1 if words[0] in ROMAN else MONTHS.index(words[0][:3]) + 1
        [day] = numbers
    else:
        assert written.startswith(str(year))
        month, day = numbers
    return datetime.date(year, month, day)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_means_its_date_and_no_other(name):
    made = [pair for pair in make_dates(60, seed=5, each=10) if pair.format == name]
    assert len(made) == 60
    assert [read(pair.written).isoformat() for pair in made] == [pair.iso for pair in made]


def test_weekdays_are_those_of_the_calendar():
    assert FORMATS["weekday, day month"](datetime.date(2026, 11, 21)) == "saturday, 21 november 2026"
    assert [
        FORMATS["month ordinal, year"](datetime.date(2000, 1, day)).split()[1] for day in (1, 2, 3, 11, 12, 22)
    ] == [
        "1st,",
        "2nd,",
        "3rd,",
        "11th,",
        "12th,",
        "22nd,",
    ]


def test_dates_are_different_and_begin_alike():
    made = make_dates(500, seed=2, each=2)
    assert len({pair.iso for pair in made}) == 500
    assert make_dates(100, seed=2, each=2) == made[:200]
    assert all(one.iso == other.iso for one, other in zip(made[::2], made[1::2], strict=True))
    assert all(one.format != other.format for one, other in zip(made[::2], made[1::2], strict=True))
    assert {pair.format for pair in made} == set(FORMATS)
    assert make_dates(3, seed=3) != make_dates(3, seed=2)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"count": 0}, "count wanted 1 to 43,830"),
        ({"count": 3, "first": "2020-01-01", "last": "2020-01-02"}, "count wanted 1 to 2"),
        ({"count": 1, "first": "2020-01-02", "last": "2020-01-01"}, "count wanted 1 to 0"),
        ({"count": 1, "each": 11}, "each wanted 1 to 10 formats"),
        ({"count": 1, "first": "tomorrow"}, "wanted dates such as 1930-01-01, got 'tomorrow'"),
    ],
)
def test_what_cannot_be_made_is_told(asked, words):
    with pytest.raises(OptionError, match=words):
        make_dates(asked.pop("count"), **asked)
