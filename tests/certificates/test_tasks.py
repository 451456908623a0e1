from __future__ import annotations

import pytest
import torch

from ostinato.certificates.tasks import LONG, SIX, TASKS, chosen
from ostinato.errors import OptionError


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_batch_is_the_same_for_the_same_seed_and_as_the_task_says(task):
    batch, again, other = (task.draw(torch.Generator().manual_seed(seed), 5, task.start) for seed in (3, 3, 4))
    assert batch.inputs.equal(again.inputs)
    assert batch.target.equal(again.target)
    assert not batch.inputs.equal(other.inputs)
    rows, steps = batch.inputs.shape[:2]
    assert rows == 5
    assert batch.target.shape == (rows, steps)
    assert batch.labelled.shape == batch.judged.shape == (steps,)
    assert batch.judged.any()
    assert not (batch.judged & ~batch.labelled).any()
    if task.classes:
        assert batch.inputs.min() >= 0
        assert batch.inputs.max() < task.inputs
        assert batch.target.min() >= 0
        assert batch.target.max() < task.classes
    else:
        assert batch.inputs.shape[2] == task.inputs


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_whoever_ignores_the_inputs_is_right_by_chance(task):
    batch = task.draw(torch.Generator().manual_seed(0), 4000, task.train)
    target = batch.target[:, batch.judged]
    share = (
        (target == target.flatten().mode().values).float().mean()
        if task.classes
        else ((target - 1).abs() < 0.1).float().mean()
    )
    assert abs(share.item() - task.chance) < 0.02


def test_the_usual_tasks_are_six_and_the_long_ones_are_added():
    assert len(SIX) == 6
    assert chosen() == SIX
    assert chosen(long=True) == (*SIX, *LONG)
    assert [task.name for task in chosen(["a5", "parity", "a5"])] == ["a5", "parity"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["paritty"], "did you mean 'parity'"),
        ([], "wanted a list"),
        ("parity", "wanted a list"),
        ([""], "unknown task"),
    ],
)
def test_tasks_that_are_not_there_are_refused(names, told):
    with pytest.raises(OptionError, match=told):
        chosen(names)


def test_long_and_named_tasks_exclude_each_other():
    with pytest.raises(OptionError, match="one of the two"):
        chosen(["parity"], long=True)
