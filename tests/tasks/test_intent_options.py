import pytest

from ostinato.errors import OptionError
from ostinato.options import describe
from ostinato.tasks.intent_options import GROUPS, IntentParserOptions, check_options, network


def test_every_option_has_a_meaning_and_a_group_that_help_shows():
    for field in describe(IntentParserOptions):
        assert field.option.help.endswith(".")
        assert field.option.group in GROUPS


def test_the_options_reach_the_architecture():
    options = IntentParserOptions(slot_weight=0.5, pooling="last", bag=0.0)
    made = network(options, words=5, pieces=0, classes=3, tags=2, allowed=["111"] * 3)
    assert (made["head"]["weight"], made["head"]["pool"]) == (0.5, ["last"])
    assert "pool" not in made
    assert "beside" not in made


def test_what_cannot_act_is_refused():
    with pytest.raises(OptionError, match="norm acts between layers"):
        check_options(IntentParserOptions(norm=True), valid=False)
