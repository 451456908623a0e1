"""One optimiser step, and one validation: everything that looks at a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ostinato.errors import DivergedError, OptionError, nearest
from ostinato.state import flatten_state, map_state, unflatten_state
from ostinato.train.average import make_average
from ostinato.train.clipping import Clip
from ostinato.train.depths import Depths
from ostinato.train.meter import Meter, MeterPart
from ostinato.train.optimizers import OptimizerPart, make_optimizer
from ostinato.train.options import TrainOptions
from ostinato.train.penalties import penalty
from ostinato.train.placement import Placement
from ostinato.train.schedules import make_schedule

# How many steps a device other than the CPU may run ahead before their losses are read.
_READ_EVERY = 25


class Batches(Protocol):
    """A source of batches; ``continuous = True`` on it lets the state run on from batch to batch."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, number: int, start: int = 0) -> Iterable[Any]:
        """The batches of an epoch from number ``start`` on, the same ones whenever it is called."""


class Learner:
    """Changes a model's weights, batch by batch."""

    def __init__(self, model: nn.Module, options: TrainOptions, placement: Placement) -> None:
        parameters = list(model.parameters())
        self.model = model
        self.options = options
        self.placement = placement
        self.depths = Depths(model, options)
        self.optimizer = make_optimizer(self.depths.groups, options)
        self.schedule = make_schedule(options)
        self.clip = Clip(parameters, norm=options.clip, value=options.clip_value)
        self.average = make_average(parameters, options)
        self.meter = Meter(every=1 if placement.device.type == "cpu" else _READ_EVERY)
        self.carried = Carried(placement.device)
        self.loss = placement.loss_of(model)

    def parts(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        parts = {
            "optimizer": OptimizerPart(self.optimizer),
            "schedule": self.schedule,
            "meter": MeterPart(self.meter, self.placement),
            "state": self.carried,
            "placement": self.placement,
        }
        return parts | ({"average": self.average} if self.average else {})

    def place(self, batch: Any) -> Any:
        """The batch on the model's device."""
        return batch if self.placement.device.type == "cpu" else batch.to(self.placement.device)

    def step(self, batch: Any, progress: float, *, carry: bool = False) -> None:
        """Learn from one batch; ``carry`` hands the detached state on."""
        rates = self.depths.rates(self.schedule.rate(progress) * getattr(batch, "pace", 1.0))
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        with self.depths.still(progress), self.placement.autocast():
            result = self.loss(batch, self.carried.state)
        # Reports tell the loss alone, so that it compares with that of validation.
        self.meter.add(result.loss, result.count, result.measures)
        if self.meter.bad:
            return
        extra = penalty(result.activity, self.options)
        self.optimizer.zero_grad(set_to_none=True)
        self.placement.backward(result.loss if extra is None else result.loss + extra)
        self.placement.unscale(self.optimizer)
        self.clip()
        self.placement.step(self.optimizer)
        if self.average:
            self.average.update()
        if carry:
            self.carried.keep(result.state)

    def means(self) -> dict[str, float]:
        """Means over the examples of the epoch so far, of all processes."""
        return self.meter.means(self.placement.sums)

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def observe(self, value: float, better: bool) -> None:
        """Tell schedule and average how good an epoch was."""
        self.schedule.observe(better)
        if self.average:
            self.average.observe(value)

    def averaged(self) -> Any:
        """The weights to validate and to keep, as a block: the average if it is on."""
        return self.average.applied() if self.average and self.average.steps else nullcontext()

    @torch.no_grad()
    def validate(self, batches: Batches, stopped: Callable[[], bool]) -> dict[str, float] | None:
        """Means over validation batches, or None if it was told to stop on the way."""
        meter = Meter(every=self.meter.every)
        carry = bool(getattr(batches, "continuous", False))
        state = None
        self.model.eval()
        try:
            for batch in batches.epoch(0):
                with self.placement.autocast():
                    result = self.model.loss(self.place(batch), state)  # type: ignore[operator]
                meter.add(result.loss, result.count, result.measures)
                state = result.state if carry else None
                if stopped():
                    return None
        finally:
            self.model.train()
        means = meter.means()
        if meter.bad:
            raise DivergedError(f"the validation loss is not a finite number; {_ADVICE}")
        return means

    def check_finite(self, epoch: int, *, weights: bool = False) -> None:
        """Raise DivergedError if a loss so far, or a weight, is not a finite number."""
        if weights:
            self.meter.flush()
        if self.meter.bad:
            raise DivergedError(
                f"the loss became {self.meter.bad_value} at step {self.meter.bad} of epoch {epoch + 1}, with the "
                f"learning rate at {self.rate:g}; {_ADVICE}"
            )
        if weights and not _finite(self.model.parameters()):
            raise DivergedError(f"weights became infinite or NaN in epoch {epoch + 1}; {_ADVICE}")

    def check_monitor(self, means: dict[str, float]) -> None:
        """Refuse to watch what the model does not measure."""
        if self.options.monitor not in means:
            raise OptionError(
                f"monitor wanted what this model measures, got '{self.options.monitor}'; "
                f"{nearest(self.options.monitor, means)}"
            )


_ADVICE = "try a lower lr, a longer warmup or a smaller clip. Checkpoints were left as they are"


def _finite(parameters: Iterable[Tensor]) -> bool:
    floating = [p.detach() for p in parameters if p.is_floating_point()]
    norms = torch._foreach_norm(floating, ord=float("inf"))
    return all(bool(torch.isfinite(norm)) for norm in norms)


class Carried:
    """The state that one window of a sequence hands to the next, cut off from its gradient."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.state: Any = None

    def keep(self, state: Any) -> None:
        """Carry a model's state on; refuse a model that has none."""
        if state is None:
            raise OptionError(
                "this training carries the state from window to window, but the model's loss returns no state; "
                "set truncate=0 and use batches that are not continuous, or return Step(..., state=...)"
            )
        self.state = map_state(torch.Tensor.detach, state)

    def clear(self) -> None:
        """Begin from the model's own initial state."""
        self.state = None

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The parts of the state under flat names."""
        return flatten_state(self.state), {}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take the state back."""
        self.state = unflatten_state({name: part.to(self.device) for name, part in tensors.items()})
