"""Laws of forecast heads, fed by the one list of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ostinato.errors import OptionError
from ostinato.heads import forecast_numbers
from ostinato.heads.forecast import FORECASTS, Forecast, Point, Quantiles, make_forecast
from ostinato.heads.forecast_numbers import KINDS, UNMOVED
from ostinato.heads.scores import pinball

D, K = 4, 3
EVERY = list(FORECASTS)
SPREAD = [kind for kind in EVERY if kind != "point"]
MOVED = [kind for kind in EVERY if kind not in UNMOVED]
LEVELS = [0.01, 0.05, 0.1, 0.3, 0.5, 0.6, 0.9, 0.99]


def head(kind: str, **options: Any) -> Forecast:
    torch.manual_seed(0)
    return make_forecast(kind, D, K, **options).double()


def features(rows: int, seed: int = 1) -> Tensor:
    return torch.randn(rows, D, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def target(kind: str, rows: int, seed: int = 2) -> Tensor:
    draws = torch.randn(rows, K, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    if kind == "negative_binomial":
        return (3 * draws.abs()).floor()
    return draws.exp() if kind == "log_normal" else draws


def test_both_halves_know_the_same_kinds() -> None:
    assert set(EVERY) == set(KINDS)


@pytest.mark.parametrize("kind", EVERY)
def test_the_gradient_of_the_loss_is_right(kind: str) -> None:
    made, wanted = head(kind), target(kind, 5)
    raw = (2 * torch.randn(5, K, made.width, dtype=torch.float64)).requires_grad_()
    mask = torch.rand(5, K) > 0.3
    assert torch.autograd.gradcheck(lambda r: made.loss(r, wanted, mask, scale=1.5), raw)


@pytest.mark.parametrize("kind", EVERY)
def test_a_missing_target_counts_in_nothing(kind: str) -> None:
    made, wanted = head(kind), target(kind, 6)
    mask = torch.ones(6, K, dtype=torch.bool)
    mask[1, 0] = mask[4, 2] = False
    holed = wanted.clone()
    holed[2, 1] = torch.nan
    raw = made(features(6)).detach()
    poisoned, poison = raw.clone(), holed.clone()
    poison[1, 0], poison[4, 2] = torch.nan, torch.inf
    poisoned[2, 1] = poisoned[1, 0] = torch.nan
    found = []
    for parameters, truth in ((raw, holed), (poisoned, poison)):
        leaf = parameters.clone().requires_grad_()
        loss = made.loss(leaf, truth, mask)
        (gradient,) = torch.autograd.grad(loss, leaf)
        found.append((loss, gradient))
        assert torch.isfinite(gradient).all()
        assert not gradient[2, 1].any()
        assert not gradient[1, 0].any()
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    known = mask & ~torch.isnan(holed)
    one_by_one = [made.loss(raw[i, j][None, None], wanted[i, j][None, None]) for i, j in known.nonzero().tolist()]
    torch.testing.assert_close(found[0][0], torch.stack(one_by_one).mean(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", EVERY)
def test_a_batch_without_known_targets_has_no_loss_and_no_gradient(kind: str) -> None:
    made = head(kind)
    loss = made.loss(made(features(2)), torch.full((2, K), torch.nan, dtype=torch.float64))
    assert loss.item() == 0
    loss.backward()
    assert not any(p.grad is not None and p.grad.abs().sum() for p in made.parameters())


@pytest.mark.parametrize("kind", EVERY)
def test_extreme_parameters_give_finite_losses_gradients_and_answers(kind: str) -> None:
    made = make_forecast(kind, D, K)
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor([1e-6, 1.0, 1e2, 1e4, 1e6]).repeat_interleave(20)[:, None, None]
    raw = (size * torch.randn(100, K, made.width, generator=generator)).requires_grad_()
    wanted = target(kind, 100).float()
    (gradient,) = torch.autograd.grad(made.loss(raw, wanted), raw)
    assert torch.isfinite(made.loss(raw, wanted))
    assert torch.isfinite(gradient).all()
    # Counts are looked for one by one, and an enormous number of them is not what this is about.
    shown = raw.clamp(-1e6, 1e3 if kind == "negative_binomial" else 1e6)
    answer = made.read(shown, LEVELS if kind in SPREAD else ())
    assert torch.isfinite(answer.mean).all()
    assert torch.isfinite(answer.quantiles).all()


@pytest.mark.parametrize("levels", [[0.5], [0.1, 0.9], LEVELS, [0.001, 0.5, 0.50001, 0.999]])
@pytest.mark.parametrize("kind", SPREAD)
def test_quantiles_never_cross(kind: str, levels: list[float]) -> None:
    made = head(kind)
    for size in (0.1, 1.0, 20.0):
        found = made.decode(size * features(50), levels).quantiles
        assert found.shape == (50, K, len(levels))
        assert (found.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("kind", SPREAD)
def test_draws_have_the_quantiles_that_are_answered(kind: str) -> None:
    made, x = head(kind), features(2)
    units: dict[str, Any] = {"scale": torch.tensor([[2.0], [5.0]])}
    if kind in MOVED:
        units["shift"] = torch.tensor([[10.0, -10.0, 0.0]])
    n = 20_000
    draws = made.sample(x, n, torch.Generator().manual_seed(3), **units)
    assert draws.shape == (n, 2, K)
    levels = [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98]
    answer = made.decode(x, levels, **units)
    for place, level in enumerate(levels):
        # Of counts several levels share a quantile: at most the level lies below it, at least the level up to it.
        error = 4.5 * (level * (1 - level) / n) ** 0.5
        assert ((draws < answer.quantiles[..., place]).double().mean(0) <= level + error).all()
        assert ((draws <= answer.quantiles[..., place] + 1e-9).double().mean(0) >= level - error).all()


@pytest.mark.parametrize("kind", [kind for kind in SPREAD if kind != "student"])
def test_the_mean_is_the_mean_of_draws(kind: str) -> None:
    made, x, n = head(kind), features(3), 40_000
    draws, mean = made.sample(x, n, torch.Generator().manual_seed(4)), made.decode(x).mean
    assert ((draws.mean(0) - mean).abs() <= 5 * draws.std(0) / n**0.5).all()


@pytest.mark.parametrize("kind", SPREAD)
def test_the_same_seed_draws_the_same(kind: str) -> None:
    made, x = head(kind), features(2)
    first, again, other = (made.sample(x, 5, torch.Generator().manual_seed(seed)) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != "negative_binomial"])
def test_a_series_in_other_units_learns_the_same_and_is_answered_in_them(kind: str) -> None:
    made, x, wanted = head(kind), features(5), target(kind, 5)
    raw, scale = made(x), torch.rand(5, 1, dtype=torch.float64) + 0.5
    move: dict[str, Any] = {"shift": torch.randn(5, 1, dtype=torch.float64)} if kind in MOVED else {}
    moved: dict[str, Any] = {"shift": 1000 * move["shift"] + 7} if kind in MOVED else {}
    plain = made.loss(raw, wanted, scale=scale, **move)
    other = 1000 * wanted + (7 if kind in MOVED else 0)
    torch.testing.assert_close(made.loss(raw, other, scale=1000 * scale, **moved), plain, rtol=1e-9, atol=1e-9)
    levels = LEVELS if kind in SPREAD else []
    for one, far in zip(
        made.read(raw, levels, scale=scale, **move),
        made.read(raw, levels, scale=1000 * scale, **moved),
        strict=True,
    ):
        torch.testing.assert_close(far, 1000 * one + (7 if kind in MOVED else 0), rtol=1e-9, atol=1e-9)


def test_counts_are_in_their_own_units_and_only_their_mean_scales() -> None:
    made, raw = head("negative_binomial"), head("negative_binomial")(features(5))
    torch.testing.assert_close(made.read(raw, scale=40.0).mean, 40 * made.read(raw).mean)
    found = made.read(raw, LEVELS, scale=40.0).quantiles
    assert torch.equal(found, found.round())
    draws = made.sample(features(5), 50, scale=40.0)
    torch.testing.assert_close(draws, draws.round(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", EVERY)
def test_a_stream_without_torch_answers_the_same(kind: str) -> None:
    made, raw = head(kind), head(kind)(features(4)).detach()
    levels = LEVELS if kind in SPREAD else []
    ours = forecast_numbers.decode(made.to_dict(), raw.numpy(), levels, scale=3.0)
    mean, quantiles = made.read(raw, levels, scale=3.0)
    assert np.array_equal(mean.numpy(), ours.mean)
    assert np.array_equal(quantiles.numpy(), ours.quantiles)


@pytest.mark.parametrize("kind", EVERY)
def test_a_head_is_made_again_from_its_description(kind: str) -> None:
    made = make_forecast(kind, D, K, dropout=0.25)
    again = make_forecast(inputs=D, **made.to_dict())
    assert again.to_dict() == made.to_dict()
    again.load_state_dict(made.state_dict())
    x = features(3).float()
    assert torch.equal(again.eval()(x), made.eval()(x))
    assert not torch.equal(made.train()(x), made.eval()(x))


@pytest.mark.parametrize("kind", EVERY)
def test_training_finds_the_distribution_of_its_data(kind: str) -> None:
    made = make_forecast(kind, 1, 1).double()
    wanted = target(kind, 2000)[:, :1]
    x = torch.zeros(len(wanted), 1, dtype=torch.float64)
    descent = torch.optim.LBFGS(made.parameters(), max_iter=40, line_search_fn="strong_wolfe")

    def closure() -> Any:
        descent.zero_grad()
        loss = made.loss(made(x), wanted)
        loss.backward()
        return loss.item()

    before = made.loss(made(x), wanted).item()
    descent.step(closure)
    assert made.loss(made(x), wanted).item() <= before
    if kind == "point":
        assert made.decode(x[:1]).mean.item() == pytest.approx(wanted.median().item(), abs=0.05)
        return
    levels = [0.1, 0.5, 0.9]
    found = made.decode(x[:1], levels).quantiles[0, 0]
    seen = torch.quantile(wanted, torch.tensor(levels, dtype=torch.float64))
    assert found.tolist() == pytest.approx(seen.tolist(), abs=1.0 if kind == "negative_binomial" else 0.12)


@pytest.mark.parametrize(("error", "wanted"), [("l1", 3.0), ("l2", 9.0), ("huber", 2.5)])
def test_a_point_has_the_error_that_was_asked_for(error: str, wanted: float) -> None:
    made = Point(D, 1, error=error)
    assert made.loss(torch.zeros(1, 1, 1), torch.tensor([[6.0]]), scale=2.0).item() == wanted
    assert make_forecast("point", D, 1, error=error).to_dict()["error"] == error


def test_the_loss_of_quantiles_is_the_pinball_loss() -> None:
    made, raw, wanted = head("quantiles"), head("quantiles")(features(6)).detach(), target("quantiles", 6)
    wanted[0, 1] = torch.nan
    levels = made.to_dict()["levels"]
    judged = pinball(wanted.numpy(), made.read(raw, levels).quantiles.numpy(), levels)
    assert made.loss(raw, wanted).item() == pytest.approx(judged, rel=1e-12)


@pytest.mark.parametrize("levels", [[0.5], [0.1, 0.9], [0.2, 0.3], [0.7, 0.8, 0.95], LEVELS])
def test_any_levels_can_be_learned_and_each_is_answered_by_its_own_number(levels: list[float]) -> None:
    made = head("quantiles", levels=levels)
    assert isinstance(made, Quantiles)
    raw = made(features(6)).detach()
    assert torch.equal(made.read(raw, levels).quantiles, torch.from_numpy(forecast_numbers.knots(raw.numpy(), levels)))
    torch.testing.assert_close(made._knots(raw), made.read(raw, levels).quantiles, rtol=1e-13, atol=1e-13)
    assert (made.read(raw, [0.001, 0.4, 0.5, 0.6, 0.999]).quantiles.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("studnt", {}, "did you mean 'student'"),
        ("gaussian", {"levels": [0.5]}, "gaussian forecast has no option 'levels'"),
        ("quantiles", {"levels": [0.9, 0.1]}, "levels wanted"),
        ("quantiles", {"levels": []}, "levels wanted"),
        ("mixture", {"components": 0}, "components wanted"),
        ("point", {"error": "l3"}, "unknown error 'l3'"),
        ("point", {"dropout": 1.5}, "dropout"),
    ],
)
def test_options_that_are_none_are_refused(kind: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        make_forecast(kind, D, K, **options)


def test_a_point_has_neither_quantiles_nor_draws() -> None:
    made = head("point")
    assert made.decode(features(2)).quantiles.shape == (2, K, 0)
    with pytest.raises(OptionError, match="no quantiles"):
        made.decode(features(2), [0.5])
    with pytest.raises(OptionError, match="no distribution to draw from"):
        made.sample(features(2), 3)
