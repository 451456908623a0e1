from __future__ import annotations

from ostinato.certificates.task import every, last
from ostinato.certificates.tasks import TASKS


def test_the_last_steps_are_the_end_of_all_steps():
    assert last(4, 4).equal(every(4))
    assert last(0, 3).sum() == 0


def test_a_task_is_judged_first_at_the_length_of_training_and_then_at_longer_ones():
    for task in TASKS.values():
        assert task.lengths[0] == task.train
        assert list(task.lengths) == sorted(set(task.lengths))
        assert 0 < task.start <= task.train
