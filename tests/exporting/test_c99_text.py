import re

import pytest

from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_text import example_of, header_of, source_of
from ostinato.exporting.proof import trials
from ostinato.plan.program import Draft as Program
from tests.exporting.c99_machines import all_kinds

DRAFT = Draft.of(all_kinds(), "kinds")
VECTORS = [trial for trial in trials(all_kinds(), states=3, steps=1) if trial.steps == 1]


def test_the_header_says_what_goes_in_and_what_comes_out():
    text = header_of(DRAFT, ["one line"])
    assert "float h_0[3];" in text
    assert "#define KINDS_STATE_MODEL_WIDTH 17" in text
    assert "#define KINDS_WORD_IDS 9" in text
    assert "reads x[3]; dt[1]; state_model[17]; word from 0 to 8; pieces[pieces_count], each from 0 to 6" in text
    assert text.index("kinds_reset") < text.index("kinds_step") < text.index("kinds_selftest")


def test_the_source_includes_nothing_that_a_bare_device_does_not_have():
    text = source_of(DRAFT, ["one line"], VECTORS, None) + header_of(DRAFT, [])
    assert set(re.findall(r"#include (.*)", text)) == {'"kinds.h"', "<float.h>", "<stddef.h>", "<stdint.h>"}


def test_weights_come_last():
    text = source_of(DRAFT, ["one line"], VECTORS, None)
    assert text.index("int kinds_step(") < text.index("int kinds_selftest(") < text.index("/* Weights. */")
    assert text.index("/* 17 x 3 */") > text.index("/* Weights. */")


def test_the_example_is_short():
    assert len(example_of(DRAFT).splitlines()) < 40
    draft = Program()
    plain = Draft.of(draft.program({}, {"y": draft.apply("tanh", draft.number("x", 3))}), "plain")
    assert len(example_of(plain).splitlines()) < 30


@pytest.mark.parametrize("line", ["starts at -1e+30", ""])
def test_a_state_begins_with_its_own_number(line):
    assert "state->top[i] = -1e+30f;" in source_of(DRAFT, [line], VECTORS, None)
