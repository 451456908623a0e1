from __future__ import annotations

import pytest

from ostinato.errors import OptionError
from ostinato.heads.alarm import Alarm
from ostinato.tasks.anomaly_options import AnomalyOptions, alarm_options, check_options, network, whole_numbers


def test_the_defaults_are_accepted():
    check_options(AnomalyOptions())


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"truncate": 4}, "truncate does not apply"),
        ({"scaling": "none", "scope": "panel"}, "scales nothing"),
        ({"holdout": 0.0, "patience": 3}, "holds out none"),
        ({"spans": "a"}, "spans wanted whole numbers"),
        ({"spans": ""}, "spans wanted whole numbers"),
        ({"lags": "0"}, "lags wanted whole numbers"),
        ({"lags": (2, 2)}, "different numbers"),
    ],
)
def test_options_that_cannot_act_are_refused(options, wanted):
    with pytest.raises(OptionError, match=wanted):
        check_options(AnomalyOptions(**options))


def test_a_share_held_out_and_other_series_are_one_too_many():
    with pytest.raises(OptionError, match="leave out one of the two"):
        check_options(AnomalyOptions(holdout=0.1), valid=True)


def test_the_options_of_alarms_are_those_of_the_head():
    made = Alarm(2, **alarm_options(AnomalyOptions(budget=0.5, unscored=7, spans="3")))
    assert made.options["budget"] == 0.5
    assert made.options["warmup"] == 7
    assert made.options["spans"] == [3]


@pytest.mark.parametrize(("words", "wanted"), [("12,1", (1, 12)), ((3,), (3,)), ([5, 2], (2, 5))])
def test_whole_numbers_come_as_words_or_numbers(words, wanted):
    assert whole_numbers(words, "lags") == wanted


def test_every_option_of_the_network_changes_its_architecture():
    usual = network(AnomalyOptions(), observed=2, ahead=1, channels=1)
    for change in ({"cell": "lstm"}, {"hidden": 9}, {"layers": 2}, {"skip": False}, {"dropout": 0.3}, {"loss": "l1"}):
        assert network(AnomalyOptions(**change), observed=2, ahead=1, channels=1) != usual
