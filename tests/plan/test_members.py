from __future__ import annotations

import numpy as np
import pytest

from ostinato.artifact import Artifact
from ostinato.errors import PlanError
from ostinato.plan import Mean, plan_of
from ostinato.plan.members import member_of
from tests.streaming.live_models import case


def test_the_answers_of_several_networks_are_averaged():
    plan = plan_of(case("classifiers that answer as one").model)
    *_, last = plan.steps
    assert isinstance(last, Mean)
    assert last.reads == tuple(f"member{k}.shares" for k in range(3))
    assert plan.outputs == {"probabilities": "together"}
    assert set(plan.program.state) >= {"member0.layer0.h", "member2.layer0.h"}


def test_the_parameters_of_forecasts_stand_in_a_row():
    plan = plan_of(case("forecasters that answer as one").model)
    assert plan.steps[-1].width == 2 * 3


@pytest.mark.parametrize(
    ("count", "names"), [(2, ["members.2.a", "b"]), (2, ["members.0.a", "a"]), (9, ["members.0.a"]), ("two", ["a"])]
)
def test_tensors_of_no_member_are_refused(count, names):
    tensors = {name: np.zeros(1, np.float32) for name in names}
    with pytest.raises(PlanError, match=r"belongs to none of 2 networks|networks cannot come from"):
        member_of(Artifact(tensors, {"options": {"members": count}}, "sha256:"))
