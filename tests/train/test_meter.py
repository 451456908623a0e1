from __future__ import annotations

import torch

from ostinato.train.meter import Meter, MeterPart
from ostinato.train.options import TrainOptions
from ostinato.train.placement import placed


def filled(every, losses=(0.1, 0.2, 0.3)):
    meter = Meter(every)
    for count, loss in enumerate(losses, 1):
        meter.add(torch.tensor(loss), count, {"accuracy": torch.tensor(1)})
    return meter


def test_means_are_over_examples():
    means = filled(1, (2.0, 5.0, 0.0)).means()
    assert means == {"loss": (2.0 + 10.0) / 6, "accuracy": 0.5}


def test_the_sums_are_the_same_whenever_they_are_read():
    assert filled(1).means() == filled(2).means() == filled(99).means()


def test_the_loss_is_of_what_was_read():
    assert filled(2, (1.0, 1.0, 50.0)).loss == 1.0
    assert Meter().loss != Meter().loss


def test_the_first_loss_that_is_not_finite_is_named():
    meter = filled(5, (1.0, float("inf"), float("nan")))
    assert meter.bad == 0
    meter.flush()
    assert (meter.bad, meter.bad_value) == (2, float("inf"))


def test_a_restored_meter_goes_on():
    whole = filled(1, (0.1, 0.2, 0.3))
    part, rest = filled(3, (0.1, 0.2)), Meter()
    with placed(TrainOptions(device="cpu")) as placement:
        MeterPart(rest, placement).load(*MeterPart(part, placement).save())
    rest.add(torch.tensor(0.3), 3, {"accuracy": torch.tensor(1)})
    assert list(rest.means().items()) == list(whole.means().items())


def test_clear_begins_again():
    meter = filled(7)
    meter.clear()
    assert meter.means() == {}
