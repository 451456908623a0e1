"""Ridge regression as a head: equal to the textbook, one batch at a time."""

from __future__ import annotations

import copy
import gc
import inspect
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor

from ostinato.errors import DataError, NotFittedError, OptionError, ShapeError
from ostinato.heads.ridge import Ridge

LENGTHS = torch.tensor([7, 0, 3, 1])


def data(rows: int = 4, steps: int = 7, *, outputs: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features with an offset, and targets that nearly follow from them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, steps, 5, generator=generator, dtype=torch.float64) + 3
    V = torch.randn(5, outputs, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    return x, x @ V + 7 + 0.1 * torch.randn(rows, steps, outputs, generator=generator, dtype=torch.float64)


def textbook(x: Tensor, y: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """V and a from the whole matrix at once."""
    cx, cy = x - x.mean(0), y - y.mean(0)
    V = torch.linalg.solve(cx.T @ cx + penalty * torch.eye(x.shape[1], dtype=x.dtype), cx.T @ cy)
    return V.T, y.mean(0) - x.mean(0) @ V


@pytest.mark.parametrize("penalty", [0.0, 1e-3, 10.0])
@pytest.mark.parametrize("pieces", [1, 3])
def test_batches_give_what_the_whole_gives(penalty: float, pieces: int) -> None:
    x, y = data(9)
    head = Ridge(5, 2, penalty=penalty).fit(zip(x.chunk(pieces), y.chunk(pieces), strict=True))
    V, a = textbook(x.flatten(0, 1), y.flatten(0, 1), penalty)
    torch.testing.assert_close(head.weight, V, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(head.bias, a, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(head(x), x @ V.T + a, rtol=1e-9, atol=1e-9)
    assert head.chosen == penalty


@pytest.mark.parametrize("washout", [0, 2])
@pytest.mark.parametrize("junk", [0.0, float("nan"), float("inf")])
def test_padding_and_washout_never_count_whatever_they_hold(washout: int, junk: float) -> None:
    x, y = data()
    step = torch.arange(7)
    counted = (step < LENGTHS[:, None]) & (step >= washout)
    soiled = [torch.where(counted[..., None], part, junk) for part in (x, y)]
    head = Ridge(5, 2, penalty=0.1, washout=washout).fit([(*soiled, LENGTHS)])
    V, a = textbook(x[counted], y[counted], 0.1)
    torch.testing.assert_close(head.weight, V, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(head.bias, a, rtol=1e-9, atol=1e-9)


def test_the_best_penalty_is_the_one_that_validates_best() -> None:
    (x, y), (vx, vy) = data(2, 4), data(3, seed=1)
    penalties = [1e-6, 1e-2, 1.0, 100.0]
    head = Ridge(5, 2, penalty=penalties).fit(iter([(x, y)]), valid=iter([(vx[:1], vy[:1]), (vx[1:], vy[1:])]))
    for penalty in penalties:
        V, a = textbook(x.flatten(0, 1), y.flatten(0, 1), penalty)
        assert head.errors[penalty] == pytest.approx((vx @ V.T + a - vy).square().mean().item(), rel=1e-8)
    assert head.chosen == min(head.errors, key=head.errors.__getitem__)


def test_leaving_one_out_in_closed_form_is_leaving_each_out() -> None:
    x, y = data(2, 4)
    penalties = [1e-3, 0.5, 50.0]
    head = Ridge(5, 2, penalty=penalties).fit([(x[:1], y[:1]), (x[1:], y[1:])])
    fx, fy = x.flatten(0, 1), y.flatten(0, 1)
    for penalty in penalties:
        squares = []
        for i in range(8):
            rest = torch.arange(8) != i
            # The mean that is taken off is that of all but one too.
            V, a = textbook(fx[rest], fy[rest], penalty)
            squares.append((V @ fx[i] + a - fy[i]).square())
        assert head.errors[penalty] == pytest.approx(torch.stack(squares).mean().item(), rel=1e-8)


def test_directions_without_data_get_no_weight() -> None:
    x, y = data(1)
    x[..., 3] = 2.0
    x[..., 4] = 2 * x[..., 0]
    head = Ridge(5, 2, penalty=0.0).fit([(x, y)])
    assert torch.isfinite(head.weight).all()
    assert head.weight.abs().max() < 100
    assert head.weight[:, 3].abs().max() < 1e-9


def test_far_from_zero_the_sums_keep_their_digits() -> None:
    x, y = data(9)
    near = Ridge(5, 2).fit(zip(x.chunk(3), y.chunk(3), strict=True))
    far = Ridge(5, 2).fit(zip((x + 1e5).chunk(3), y.chunk(3), strict=True))
    torch.testing.assert_close(far.weight, near.weight, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sequences", [True, False])
def test_classes_are_learned_as_one_hot_vectors(sequences: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 3, (6, 8), generator=generator)
    x = torch.nn.functional.one_hot(target, 3) + 0.2 * torch.randn(6, 8, 3, generator=generator)
    if not sequences:
        x, target = x.flatten(0, 1), target.flatten()
    head = Ridge(3, 3, classify=True).fit([(x, target)])
    assert torch.equal(head.decode(x), target)
    scores = head(x)
    assert head.measure(scores, target)["accuracy"].item() == 48
    assert 0 < head.loss(scores, target).item() < 0.05


def test_a_class_in_the_padding_may_be_anything() -> None:
    x, target = torch.randn(2, 4, 5), torch.tensor([[0, 1, 2, -100], [2, 1, 0, 99]])
    Ridge(5, 3, classify=True).fit([(x, target, torch.tensor([3, 3]))])
    with pytest.raises(DataError, match="batch 1: targets wanted class numbers from 0 to 2, and at least one is none"):
        Ridge(5, 3, classify=True).fit([(x, target)])


def test_numbers_are_measured() -> None:
    x, y = data()
    head = Ridge(5, 2).fit([(x, y)])
    scores = head(x)
    assert head.measure(scores, y)["squared error"].item() == pytest.approx(head.loss(scores, y).item() * y.numel())
    with pytest.raises(ShapeError, match=r"target wanted \[4, 7, 2\], got \[4, 7, 1\]"):
        head.loss(scores, y[..., :1])


def test_answers_have_the_type_of_the_features_and_survive_a_file() -> None:
    x, y = data()
    head, fresh = Ridge(5, 2).fit([(x, y)]), Ridge(5, 2)
    fresh.load_state_dict(head.state_dict())
    assert torch.equal(fresh(x), head(x))
    assert torch.equal(copy.deepcopy(head)(x), head(x))
    assert head.decode(x.float()).dtype == torch.float32
    with pytest.raises(ShapeError, match=r"Ridge wanted features \[..., 5\], got \[4, 7, 2\]"):
        head(y)


def test_what_is_not_fitted_has_no_answer() -> None:
    with pytest.raises(NotFittedError, match="call fit with batches of features and targets"):
        Ridge(5, 2)(torch.zeros(1, 5))


def test_a_failed_fit_leaves_the_last_one_as_it_is() -> None:
    x, y = data()
    head = Ridge(5, 2).fit([(x, y)])
    before = head(x)
    with pytest.raises(DataError):
        head.fit([(x, y), (x * torch.nan, y)])
    assert torch.equal(head(x), before)


CHANGES: dict[str, Any] = {"inputs": 4, "outputs": 1, "penalty": 9.0, "washout": 2, "classify": True}


def test_every_constructor_argument_changes_something() -> None:
    assert set(CHANGES) == set(inspect.signature(Ridge).parameters)

    def outcome(**changed: Any) -> Any:
        given = {"inputs": 5, "outputs": 2} | changed
        x, y = data()
        y = (y[..., 0] > y[..., 0].mean()).long() if given.get("classify") else y[..., : given["outputs"]]
        head = Ridge(**given).fit([(x[..., : given["inputs"]], y)])
        return head.weight.shape, head.weight.sum().item()

    assert all(outcome(**{name: value}) != outcome() for name, value in CHANGES.items())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"inputs": 0}, "inputs wanted a whole number of at least 1, got 0"),
        ({"outputs": 0}, "outputs wanted a whole number of at least 1, got 0"),
        ({"outputs": 1, "classify": True}, "outputs wanted a whole number of at least 2, got 1"),
        ({"classify": "yes"}, "classify wanted True or False, got 'yes'"),
        ({"washout": -1}, "washout wanted a whole number of at least 0, got -1"),
        ({"penalty": -1.0}, "penalty wanted numbers of at least 0, got -1.0"),
        ({"penalty": [1.0, float("nan")]}, "penalty wanted numbers of at least 0, got nan"),
        ({"penalty": []}, r"penalty wanted different numbers, got \[\]"),
        ({"penalty": [1, 1.0]}, "penalty wanted different numbers"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Ridge(**{"inputs": 5, "outputs": 2} | given)


X, Y = data()


@pytest.mark.parametrize(
    ("options", "batches", "valid", "error", "words"),
    [
        ({}, [], None, DataError, "at least one step after a washout of 0, got none"),
        ({"washout": 7}, [(X, Y)], None, DataError, "at least one step after a washout of 7, got none"),
        ({}, [(X,)], None, DataError, r"batch 1: wanted \(features, target\)"),
        ({}, [X], None, DataError, r"batch 1: wanted \(features, target\)"),
        ({}, [(X, Y), (X[..., :4], Y)], None, ShapeError, r"batch 2: features wanted \[B, T, 5\] or \[n, 5\]"),
        ({}, [(X, Y[..., :1])], None, ShapeError, r"batch 1: target wanted \[4, 7, 2\], got \[4, 7, 1\]"),
        ({}, [(X[0], Y[0], LENGTHS)], None, ShapeError, "lengths and washout belong to sequences"),
        ({"washout": 1}, [(X[0], Y[0])], None, ShapeError, "lengths and washout belong to sequences"),
        ({}, [(X, Y * torch.inf)], None, DataError, "batch 1: targets wanted finite numbers, and at least one is none"),
        ({"classify": True}, [(X, Y[..., 0])], None, DataError, "classes wanted whole numbers, got torch.float64"),
        ({}, [(X, Y)], [(X, Y)], OptionError, "valid chooses between penalties, and there is one"),
        ({"penalty": [1.0, 2.0]}, iter([(X, Y)]), None, OptionError, "reads the batches twice, and these can be read"),
        ({"penalty": [1.0, 2.0]}, [(X, Y)], [], DataError, "wanted validation steps, got none"),
        ({"penalty": [1.0, 2.0]}, [(X[0, :1], Y[0, :1])], None, DataError, "at least two steps, got one"),
    ],
)
def test_what_cannot_be_fitted_is_named(options: Any, batches: Any, valid: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        Ridge(5, 2, **options).fit(batches, valid)


def test_no_more_than_two_batches_are_held_at_a_time() -> None:
    held: list[weakref.ref[Tensor]] = []

    def made() -> Any:
        for number in range(5):
            batch = data(seed=number)
            held.append(weakref.ref(batch[0]))
            yield batch
            del batch
            gc.collect()
            assert sum(reference() is not None for reference in held) <= 1

    Ridge(5, 2).fit(made())
    assert len(held) == 5
