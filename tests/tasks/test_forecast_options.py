from __future__ import annotations

import pytest

from ostinato.errors import OptionError
from ostinato.options import describe, validate
from ostinato.tasks.forecast_options import (
    GROUPS,
    ForecasterOptions,
    calendar_words,
    check_options,
    context_of,
    lags_of,
    levels_of,
    network,
    scaling_of,
)
from ostinato.train.options import TrainOptions

TRAINING = {field.name for field in describe(TrainOptions)}
NETWORK = {
    "cell": "gru",
    "hidden": 3,
    "layers": 3,
    "residual": True,
    "norm": True,
    "skip": False,
    "embedding": 5,
    "dropout": 0.11,
    "enter_dropout": 0.12,
    "weight_drop": 0.13,
    "zoneout": 0.14,
    "head": "mixture",
    "components": 2,
    "levels": "0.2,0.8",
    "decoding": "autoregressive",
}
# These act in reading, fit and predict, where their own tests are.
ELSEWHERE = {
    *("horizon", "paths", "conformal", "context", "lags", "known_lags", "calendar", "scaling", "holdout", "stride"),
    *("short", "data_licence", "members"),
}


def test_every_option_is_known_to_these_tests():
    assert {field.name for field in describe(ForecasterOptions)} == TRAINING | {*NETWORK} | ELSEWHERE


def test_every_option_has_a_meaning_and_a_group():
    for field in describe(ForecasterOptions):
        assert field.option.help.endswith(".")
        assert field.option.group in GROUPS


def test_the_defaults_are_valid():
    options = ForecasterOptions()
    assert validate(ForecasterOptions, {}) == {f.name: getattr(options, f.name) for f in describe(ForecasterOptions)}
    check_options(options)


@pytest.mark.parametrize("name", NETWORK)
def test_every_option_of_the_network_changes_it(name):
    base = {"layers": 2} | ({"head": "mixture"} if name == "components" else {})
    plain = network(ForecasterOptions(**base), observed=1, ahead=2, categories=[4])
    changed = network(ForecasterOptions(**(base | {name: NETWORK[name]})), observed=1, ahead=2, categories=[4])
    assert changed != plain


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"truncate": 5}, "truncate does not apply"),
        ({"residual": True}, "residual acts between layers"),
        ({"norm": True}, "norm acts between layers"),
        ({"components": 2}, "components are the parts of a mixture, and head is 'quantiles'"),
        ({"paths": 5}, "paths are drawn by decoding='autoregressive'"),
        ({"head": "point"}, "a point has no quantiles of its own"),
        ({"head": "point", "decoding": "autoregressive", "conformal": True}, "a point is none"),
        ({"head": "log_normal", "scaling": "standard"}, "never negative, and scaling='standard' moves series"),
        ({"conformal": True, "holdout": 0}, "set holdout"),
        ({"levels": "0.5,0.1"}, "levels wanted rising numbers"),
        ({"levels": [0.0, 0.5]}, "levels wanted rising numbers"),
        ({"levels": ""}, "levels wanted rising numbers"),
        ({"lags": "5,x"}, "lags wanted different whole numbers"),
        ({"lags": (3, 3)}, "lags wanted different whole numbers"),
        ({"calendar": "hour,wekday"}, "did you mean 'weekday'"),
        ({"lr": -1.0}, "lr wanted a number above 0"),
    ],
)
def test_options_that_cannot_act_are_refused(options, told):
    with pytest.raises(OptionError, match=told):
        check_options(ForecasterOptions(**options))


def test_lists_may_be_words():
    assert levels_of([0.1, 0.9]) == levels_of("0.1, 0.9") == (0.1, 0.9)
    assert lags_of((7, 1)) == lags_of("1,7") == (1, 7)
    assert lags_of("auto") is None
    assert calendar_words("none") == ()
    assert calendar_words("auto") is None
    assert calendar_words("hour, weekday") == calendar_words(("hour", "weekday")) == ("hour", "weekday")
    values = validate(ForecasterOptions, {"levels": [0.1, 0.9], "lags": [7], "calendar": ["hour"]})
    assert (values["levels"], values["lags"], values["calendar"]) == ((0.1, 0.9), (7,), ("hour",))


def test_what_is_never_negative_is_scaled_by_its_mean():
    assert scaling_of(ForecasterOptions()) == "standard"
    assert scaling_of(ForecasterOptions(head="negative_binomial")) == "mean"
    assert scaling_of(ForecasterOptions(scaling="robust")) == "robust"


def test_the_context_is_twice_the_horizon_unless_told():
    assert context_of(ForecasterOptions(horizon=48)) == 96
    assert context_of(ForecasterOptions(horizon=2)) == 32
    assert context_of(ForecasterOptions(context=5)) == 5
