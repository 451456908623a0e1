from __future__ import annotations

import math

import pytest

from ostinato.train.options import TrainOptions
from ostinato.train.schedules import Constant, Cosine, Plateau, Slanted, make_schedule

PROGRESS = [0.0, 0.1, 0.75, 1.5, 1.9999, 2.0, 3.3, 7.0, 9.99, 10.0]


@pytest.mark.parametrize("progress", PROGRESS)
def test_warm_up_rises_in_a_straight_line(progress):
    rise = min(1.0, progress / 2.0)
    assert Constant(lr=0.3, warmup=2.0).rate(progress) == pytest.approx(0.3 * rise, rel=1e-14)
    assert Constant(lr=0.3).rate(progress) == 0.3


@pytest.mark.parametrize("progress", PROGRESS)
def test_cosine_falls_along_half_a_cosine(progress):
    fall = progress / 2.0 if progress < 2.0 else math.cos(math.pi / 2 * (progress - 2.0) / 8.0) ** 2
    schedule = Cosine(lr=0.3, warmup=2.0, epochs=10)
    # cos(x)^2 = (1 + cos 2x) / 2; near its end the difference of nearly equal numbers leaves an error of 1e-16.
    assert schedule.rate(progress) == pytest.approx(0.3 * fall, rel=1e-12, abs=1e-16)


def test_a_warm_up_longer_than_the_training_only_rises():
    schedule = Cosine(lr=0.3, warmup=5.0, epochs=2)
    assert [schedule.rate(p) for p in (0.5, 1.0, 1.5)] == pytest.approx([0.03, 0.06, 0.09])


@pytest.mark.parametrize("progress", PROGRESS)
def test_a_slanted_triangle_is_that_of_its_source(progress):
    # As Howard & Ruder write it, with T = 10 and cut_frac = 0.2.
    cut, ratio = 2.0, 32
    p = progress / cut if progress < cut else 1 - (progress - cut) / (cut * (1 / 0.2 - 1))
    wanted = 0.3 * (1 + p * (ratio - 1)) / ratio
    assert Slanted(lr=0.3, warmup=2.0, epochs=10).rate(progress) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("warmup", [2.0, 5.0])
def test_a_slanted_triangle_whose_warm_up_takes_all_the_training_only_rises(warmup):
    schedule = Slanted(lr=0.3, warmup=warmup, epochs=2)
    assert schedule.rate(0.5) < schedule.rate(1.0) < schedule.rate(1.9) < 0.3


def test_a_plateau_halves_the_rate_after_two_epochs_without_progress():
    schedule = Plateau(lr=0.8, warmup=1.0)
    rates = []
    for better in (True, False, True, False, False, False, False, True, False):
        schedule.observe(better)
        rates.append(schedule.rate(5.0))
    assert rates == [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2]
    assert schedule.rate(0.5) == 0.1


def test_a_restored_plateau_remembers():
    first, second = Plateau(lr=0.8), Plateau(lr=0.8)
    for _ in range(3):
        first.observe(False)
    second.load(*first.save())
    for schedule in (first, second):
        schedule.observe(False)
    assert second.rate(1.0) == first.rate(1.0) == 0.2


@pytest.mark.parametrize(("name", "kind"), [("constant", Constant), ("cosine", Cosine), ("plateau", Plateau)])
def test_the_option_names_the_schedule(name, kind):
    schedule = make_schedule(TrainOptions(schedule=name, lr=0.5, warmup=2.0, epochs=4))
    assert type(schedule) is kind
    assert schedule.rate(1.0) == 0.25


def test_the_slanted_schedule_has_its_name_too():
    schedule = make_schedule(TrainOptions(schedule="slanted", lr=0.5, warmup=2.0, epochs=4))
    assert type(schedule) is Slanted
    assert schedule.rate(2.0) == 0.5
