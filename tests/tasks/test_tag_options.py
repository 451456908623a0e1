import pytest

from ostinato.errors import OptionError
from ostinato.options import describe, validate
from ostinato.tasks.tag_options import GROUPS, TaggerOptions, check_options, network


def test_every_option_has_a_meaning_and_a_group_that_help_shows():
    for field in describe(TaggerOptions):
        assert field.option.help.endswith(".")
        assert field.option.group in GROUPS


@pytest.mark.parametrize(
    ("given", "valid", "words"),
    [
        ({"truncate": 5}, False, "truncate does not apply"),
        ({"norm": True}, False, "norm acts between layers"),
        ({"locked": True, "embedding_dropout": 0.0, "dropout": 0.0}, False, "locked says how"),
        ({"buckets": 0, "ngrams": (2, 4)}, False, "buckets=0 reads no pieces"),
        ({"holdout": 0.2}, True, "holdout does not apply"),
    ],
)
def test_what_cannot_act_is_refused(given, valid, words):
    with pytest.raises(OptionError, match=words):
        check_options(TaggerOptions(**given), valid=valid)


def test_locked_acts_on_what_the_head_is_handed():
    check_options(TaggerOptions(locked=True, embedding_dropout=0.0), valid=False)


def test_words_that_are_not_offered_are_refused():
    for name in ("field", "scheme", "broken", "cut"):
        with pytest.raises(OptionError, match=f"{name} wanted one of"):
            validate(TaggerOptions, {name: "other"})


def test_the_options_reach_the_architecture():
    made = network(TaggerOptions(field="softmax", hidden=9), words=5, pieces=0, tags=2, allowed=["111"] * 3)
    assert (made["body"]["hidden"], made["head"]["field"], made["head"]["allowed"]) == (9, "softmax", ["111"] * 3)
