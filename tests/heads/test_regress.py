from __future__ import annotations

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.regress import LOSSES, Regress

TARGET = torch.tensor([[100.0], [140.0], [60.0]])


def test_numbers_come_in_their_own_unit():
    torch.manual_seed(0)
    head, features = Regress(4, shift=[100.0], scale=[20.0]), torch.randn(3, 4)
    torch.testing.assert_close(head.decode(features), 100.0 + 20.0 * head(features))


@pytest.mark.parametrize(("kind", "wanted"), [("squared", (0 + 4 + 4) / 3), ("absolute", 4 / 3), ("huber", 3 / 3)])
def test_the_loss_is_in_units_of_the_scale(kind, wanted):
    head = Regress(4, shift=[100.0], scale=[20.0], loss=kind)
    assert head.loss(torch.zeros(3, 1), TARGET).item() == pytest.approx(wanted)
    measured = head.measure(torch.zeros(3, 1), TARGET)
    assert measured["error"].item() == pytest.approx(80.0)


def test_rows_are_weighed():
    head = Regress(4, shift=[100.0], scale=[20.0])
    assert head.loss(torch.zeros(3, 1), TARGET, torch.tensor([1.0, 1.0, 0.0])).item() == pytest.approx(2.0)


@pytest.mark.parametrize("kind", LOSSES)
def test_several_numbers_learn_together(kind):
    head = Regress(4, shift=[0.0, 1.0], scale=[1.0, 2.0], loss=kind)
    head.loss(head(torch.randn(5, 4)), torch.randn(5, 2)).backward()
    assert head.values.weight.grad.shape == (2, 4)


def test_what_the_architecture_says_is_no_weight():
    assert set(Regress(4, shift=[3.0], scale=[2.0]).state_dict()) == {"values.weight", "values.bias"}
    with torch.device("meta"):
        assert Regress(4, shift=[3.0], scale=[2.0]).shift.tolist() == [3.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shift": [1.0, 2.0]}, "as many numbers as there are targets"),
        ({"shift": [], "scale": []}, "as many numbers as there are targets"),
        ({"scale": [0.0]}, "scale wanted numbers above 0"),
        ({"loss": "sqared"}, "unknown loss 'sqared'; did you mean 'squared'"),
    ],
)
def test_what_cannot_be_is_refused(options, words):
    with pytest.raises(OptionError, match=words):
        Regress(4, **options)


def test_a_target_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"target wanted \[3, 1\], got \[3\]"):
        Regress(4).loss(torch.zeros(3, 1), torch.zeros(3))
