"""Laws of the functions from cell to cell, over all cells that they apply to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ostinato import ops
from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import OptionError
from ostinato.lowering.variants import clip, layer_norm, recurrent_dropout, resting, state_dropout, zoneout
from ostinato.ops import Noise
from ostinato.state import State
from tests.laws.zoo import given_of, hidden_of, name_of, random_input, weights_of

ROWS, STEPS = 3, 5
VARIANTS: dict[str, Callable[[Cell], Cell]] = {
    "normed": layer_norm,
    "zoneout": lambda member: zoneout(member, 0.3),
    "clipped": lambda member: clip(member, 0.4),
    "dropout": lambda member: recurrent_dropout(member, 0.3),
    "hidden": lambda member: state_dropout(member, 0.3),
}


def applied(kind: str) -> list[Cell]:
    """What a function makes of each cell that it takes."""
    made = []
    for member in BUILT_IN.values():
        try:
            made.append(VARIANTS[kind](member))
        except OptionError:
            continue
    return made


NOISY = [member for kind in ("zoneout", "dropout", "hidden") for member in applied(kind)]


def start_of(member: Cell) -> State:
    """A state that any cell can have: nothing in it is negative."""
    generator = torch.Generator().manual_seed(1)
    widths = member.widths(hidden_of(member))
    return State(**{p: torch.rand(ROWS, n, generator=generator, dtype=torch.float64) for p, n in widths.items()})


def run(
    member: Cell, noise: Noise | None = None, weights: dict[str, Tensor] | None = None, **call: object
) -> list[Tensor]:
    """y and each part of the last state, by the loop."""
    x, w = random_input(ROWS, STEPS), weights or weights_of(member)
    told = {"engine": "reference", "noise": noise, "inputs": given_of(member, x), **call}
    with torch.no_grad():
        y, end = ops.recur(member, x, w, start_of(member), **told)  # type: ignore[arg-type]
    return [y, *(part for _, part in end.items())]


def record(member: Cell, value: float | None = None) -> Noise:
    """Masks that are drawn, or that are one number everywhere."""
    drawn = Noise.draw(member, random_input(ROWS, STEPS), hidden_of(member), generator=torch.Generator().manual_seed(3))
    if value is None:
        return drawn
    return Noise({name: torch.full_like(mask, value) for name, mask in drawn.masks.items()})


def assert_same(got: list[Tensor], wanted: list[Tensor]) -> None:
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("member", NOISY, ids=name_of)
def test_without_a_record_the_means_stand(member: Cell) -> None:
    weights = weights_of(member)
    assert_same(run(resting(member), weights=weights), run(member, weights=weights))


@pytest.mark.parametrize("kind", ["zoneout", "dropout", "hidden"])
def test_where_everything_is_kept_it_is_the_plain_cell(kind: str) -> None:
    for member in applied(kind):
        plain = next(c for name, c in BUILT_IN.items() if member.name.rpartition("_")[0] == name)
        weights = weights_of(plain)
        assert_same(run(member, record(member, 1.0), weights), run(plain, weights=weights))


def test_a_share_of_nothing_changes_nothing() -> None:
    for plain in BUILT_IN.values():
        member = zoneout(plain, 0.0)
        weights = weights_of(plain)
        assert_same(run(member, record(member), weights), run(plain, weights=weights))


@pytest.mark.parametrize("member", applied("zoneout"), ids=name_of)
def test_where_nothing_is_kept_the_state_stays(member: Cell) -> None:
    parts = [part for part in member.state if f"zone_{part}" in member.noise]
    start, found = (
        start_of(member),
        dict(zip(("y", *member.state), run(member, record(member, 0.0)), strict=True)),
    )
    for part in parts:
        torch.testing.assert_close(found[part], start[part])


@pytest.mark.parametrize("member", applied("clipped"), ids=name_of)
def test_a_clipped_state_stays_within_its_bounds(member: Cell) -> None:
    assert all(float(part.abs().max()) <= 0.4 for part in run(member))


def test_a_bound_that_is_never_met_changes_nothing() -> None:
    for name in ("elman", "lstm", "gru"):
        weights = weights_of(BUILT_IN[name])
        assert_same(run(clip(name, 1e9), weights=weights), run(BUILT_IN[name], weights=weights))


def test_where_all_of_the_candidate_is_dropped_the_memory_only_fades() -> None:
    member = recurrent_dropout("lstm", 0.5)
    weights = weights_of(member)
    with torch.no_grad():
        # A forget gate that stands wide open.
        weights["b"][hidden_of(member) : 2 * hidden_of(member)] = 1e3
    _, _, c = run(member, record(member, 0.0), weights)
    torch.testing.assert_close(c, start_of(member).c)


@pytest.mark.parametrize("member", applied("hidden"), ids=name_of)
def test_state_dropout_hides_units_from_r_and_from_nothing_else(member: Cell) -> None:
    plain = BUILT_IN[member.name.removesuffix("_hidden")]
    weights, hidden = weights_of(plain), hidden_of(plain)
    if plain.projected is not None or plain.heads > 1:
        pytest.skip("the columns of this R are those of another width")
    mask = (torch.arange(hidden) % 2).double()
    noise = Noise({str(member.seen_through): mask.expand(ROWS, 1, hidden)})
    # To hide a unit is to take its column out of R; a diagonal has one number for each gate and unit.
    R = weights["R"] * (mask.repeat(len(plain.sees)) if plain.recurrent == "diagonal" else mask)
    assert_same(run(member, noise, weights), run(plain, weights={**weights, "R": R}))


@pytest.mark.parametrize("member", NOISY, ids=name_of)
def test_masks_belong_to_places_in_time_whatever_ends_or_begins_anew(member: Cell) -> None:
    noise, lengths = record(member), torch.tensor([STEPS, 2, 3])
    whole, cut = run(member, noise), run(member, noise, lengths=lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(cut[0][row, :length], whole[0][row, :length])
    reset = torch.zeros(ROWS, STEPS, dtype=torch.bool)
    reset[:, 0] = True
    zero = State(**{name: torch.zeros_like(part) for name, part in start_of(member).items()})
    x, weights = random_input(ROWS, STEPS), weights_of(member)
    told = {"noise": noise, "engine": "reference", "inputs": given_of(member, x)}
    with torch.no_grad():
        fresh = ops.recur(member, x, weights, zero, **told)[0]  # type: ignore[arg-type]
    torch.testing.assert_close(run(member, noise, reset=reset)[0], fresh)


def test_what_a_normed_gate_sees_has_mean_zero_and_variance_one() -> None:
    member = layer_norm("elman_relu")
    weights = weights_of(member, hidden=16)
    with torch.no_grad():
        (gain,), (shift,) = ([w for n, w in weights.items() if n.startswith(k)] for k in ("gain", "shift"))
        gain.fill_(1.0)
        # So far above zero that relu is nothing but the sum itself.
        shift.fill_(100.0)
        y, _ = ops.recur(member, 10 * random_input(ROWS, STEPS), weights, engine="reference")
    torch.testing.assert_close(y.mean(-1), torch.full((ROWS, STEPS), 100.0, dtype=y.dtype))
    torch.testing.assert_close(y.var(-1, unbiased=False), torch.ones(ROWS, STEPS, dtype=y.dtype), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_one_record_gives_one_result_in_every_engine(name: str) -> None:
    member = zoneout(recurrent_dropout(state_dropout(layer_norm(name), 0.3), 0.3), 0.3)
    noise, weights = record(member), weights_of(member)
    # Where there is no compiler the loop runs twice.
    assert_same(run(member, noise, weights, engine=None), run(member, noise, weights))
