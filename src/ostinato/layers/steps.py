"""What every layer over time asks of a call: which steps count, which belong together, and what is carried on."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError
from ostinato.sequence import Sequences, check_lengths, check_reset, gather_steps, valid_steps
from ostinato.shapes import expect_shape, shown
from ostinato.state import State, map_state

T = TypeVar("T")


@dataclass(frozen=True)
class Steps:
    """A checked call: x [B, T, D] with zeros past each length, its lengths, and its resets within them.

    >>> steps = Steps.of("Layer", torch.ones(1, 3, 2), 2, torch.tensor([2]), torch.tensor([[False, True, True]]))
    >>> steps.x[0, :, 0].tolist(), steps.segment.tolist()
    ([1.0, 1.0, 0.0], [[0, 1, 1]])

    ``lengths`` and ``reset`` are None where the caller gave none.
    """

    x: Tensor
    lengths: Tensor | None
    reset: Tensor | None

    @classmethod
    def of(
        cls, layer: str, x: Tensor | Sequences, inputs: int | None, lengths: Tensor | None, reset: Tensor | None
    ) -> Steps:
        """Check a call of a layer built for so many features, or for any; what is wrong raises ShapeError.

        ``Sequences`` bring their own lengths and resets.
        """
        if isinstance(x, Sequences):
            if lengths is not None or reset is not None:
                raise OptionError("Sequences bring their own lengths and resets; leave out lengths= and reset=")
            lengths, reset = x.lengths, x.reset
            x = x.data
        if not isinstance(x, Tensor):
            raise ShapeError(f"{layer} wanted x as a tensor [B, T, {inputs or 'D'}], got {type(x).__name__}")
        advice = f"the layer was built for {inputs} features" if inputs else ""
        expect_shape(f"{layer}: x", x, ["B", "T", inputs or "D"], advice)
        rows, steps = x.shape[:2]
        check_lengths(lengths, rows, steps)
        check_reset(reset, rows, steps)
        if lengths is not None:
            valid = valid_steps(lengths, steps)
            x = torch.where(valid[..., None], x, 0.0)
            reset = None if reset is None else reset & valid
        return cls(x, lengths, reset)

    @property
    def call(self) -> dict[str, Any]:
        """Lengths and resets, for the layers within a layer."""
        return {"lengths": self.lengths, "reset": self.reset}

    @property
    def segment(self) -> Tensor | None:
        """How many resets there were up to each step [B, T]; what was carried in belongs to segment 0."""
        return None if self.reset is None else self.reset.long().cumsum(1)

    @property
    def valid(self) -> Tensor:
        """Which steps lie within their length: [B, T]."""
        rows, steps = self.x.shape[:2]
        if self.lengths is None:
            return torch.ones(rows, steps, dtype=torch.bool, device=self.x.device)
        return valid_steps(self.lengths, steps)

    def closed(self, y: Tensor) -> Tensor:
        """y [B, T, ...] with zeros past each length, whatever stood there."""
        return y if self.lengths is None else torch.where(self.valid[..., None], y, 0.0)

    def together(self, before: int) -> Tensor | None:
        """The segments of so many steps that were carried in, then of these: [B, before + T]."""
        segment = self.segment
        return None if segment is None else torch.cat([segment.new_zeros(len(segment), before), segment], dim=1)

    def last(self, joined: Tensor, before: int) -> Tensor:
        """The last ``before`` steps of what was carried in and these, joined [B, before + T, ...], up to each length.

        Steps from before the last reset are zero.
        """
        if self.lengths is None:
            place, kept = None, joined[:, self.x.shape[1] :]
        else:
            place = self.lengths.long()[:, None] + torch.arange(before, device=joined.device)  # [B, before]
            kept = gather_steps(joined, place)
        segments = self.together(before)
        if segments is None or before == 0:
            return kept
        # Counts never fall, and the last valid step has the highest one.
        same = segments[:, self.x.shape[1] :] if place is None else torch.gather(segments, 1, place)
        same = same == segments.amax(1, keepdim=True)
        return torch.where(same.reshape(*same.shape, *([1] * (kept.dim() - 2))), kept, torch.zeros_like(kept))


def checked_state(
    layer: str, state: Any, like: Tensor, shapes: Mapping[str, Sequence[int]], marks: Sequence[str] = ()
) -> State | None:
    """The state of a layer if it has the parts and shapes wanted; None stays None, anything else raises ShapeError.

    Parts are of the type of x, ``marks`` among them are bools.
    """
    if state is None:
        return None
    if not isinstance(state, State) or set(state) != set(shapes):
        came = f"State({', '.join(state)})" if isinstance(state, State) else type(state).__name__
        raise ShapeError(f"{layer} wanted State({', '.join(shapes)}), got {came}; pass what the layer returned")
    for name, shape in shapes.items():
        part, kind = state[name], torch.bool if name in marks else like.dtype
        if not isinstance(part, Tensor) or tuple(part.shape) != tuple(shape):
            came = shown(part.shape) if isinstance(part, Tensor) else type(part).__name__
            raise ShapeError(f"{layer}: state.{name} wanted {shown(shape)}, got {came}")
        if part.dtype != kind or part.device != like.device:
            raise ShapeError(f"{layer}: state.{name} wanted {kind} on {like.device}, got {part.dtype} on {part.device}")
    return state


def positive(what: str, number: Any) -> int:
    """A whole number of at least 1; anything else raises OptionError."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise OptionError(f"{what} wanted a whole number of at least 1, got {number!r}")
    return number


def takes(word: str, layer: nn.Module) -> bool:
    """Whether a layer may be called with such an argument."""
    return word in inspect.signature(layer.forward).parameters


def check_told(name: str, inputs: Mapping[str, Tensor] | None, members: Iterable[nn.Module]) -> None:
    """Refuse inputs besides x where no member would be given them."""
    if inputs is not None and not any(takes("inputs", member) for member in members):
        raise OptionError(
            f"{name} has no recurrence that takes inputs besides x, got {', '.join(inputs)}; leave them out"
        )


def alike(x: T, module: nn.Module) -> T:
    """x or a state in the type of a module's weights, where autocast mixes the two; recurrences want one type."""
    weight = next(module.parameters(), None)
    if weight is None:
        return x
    device = weight.device.type
    if not (torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return x
    cast: T = map_state(lambda part: part.to(weight.dtype), x)
    return cast
