"""Where training runs and with which numbers: accelerate's part, and its only one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, needs
from ostinato.train.options import TrainOptions

_PRECISION = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


class Placement:
    """A device, a precision and the processes that train together, opened by :func:`placed`.

    Processes are started by ``accelerate launch`` or ``torchrun``. Each step takes one batch for each of them, and
    gradients are averaged, so that the weights stay equal everywhere.
    """

    def __init__(self, accelerator: Any) -> None:
        self.accelerator = accelerator
        self.device: torch.device = accelerator.device
        self.processes: int = accelerator.num_processes
        self.process: int = accelerator.process_index
        self.scaler: Any = accelerator.scaler
        self._mixed = accelerator.native_amp

    def loss_of(self, model: nn.Module) -> Callable[[Any, Any], Any]:
        """The model's loss, whose gradients are averaged over the processes."""
        if self.processes == 1:
            return model.loss  # type: ignore[return-value]
        shared: Callable[[Any, Any], Any] = self.accelerator.prepare_model(_Loss(model), device_placement=False)
        return shared

    def steps(self, batches: int) -> int:
        """Steps in an epoch of so many batches; batches that do not go round are left out."""
        if batches < self.processes:
            raise OptionError(
                f"{self.processes} processes wanted a batch each, got {batches} batches; make them smaller (batch=)"
            )
        return batches // self.processes

    def share(self, source: Iterable[Any], steps: int) -> Iterator[Any]:
        """This process's batches of a source: one of each round."""
        return islice(source, self.process, steps * self.processes, self.processes)

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Each flag raised if any process raises it."""
        if self.processes == 1:
            return flags
        return tuple(total > 0 for total in self.sums([float(flag) for flag in flags]))

    def sums(self, numbers: list[float]) -> list[float]:
        """Each number summed over the processes."""
        if self.processes == 1 or not numbers:
            return numbers
        # MPS has no double precision, and no processes either.
        whole: list[float] = self.accelerator.reduce(
            torch.tensor(numbers, dtype=torch.float64, device=self.device), reduction="sum"
        ).tolist()
        return whole

    def all_of(self, tensor: Tensor) -> Tensor:
        """A tensor of each process, stacked [P, ...]."""
        if self.processes == 1:
            return tensor[None]
        gathered: Tensor = self.accelerator.gather(tensor[None].to(self.device))
        return gathered.cpu()

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision of the products, as a block."""
        return self.accelerator.autocast() if self._mixed else nullcontext()

    def backward(self, loss: Tensor) -> None:
        """Gradients of the loss, scaled up in float16 so that small ones do not vanish."""
        if self.scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self.scaler.scale(loss).backward()

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Bring scaled gradients back to their size, before they are clipped."""
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Change the weights; in float16 a step whose gradients overflowed is left out."""
        if self.scaler is None:
            optimizer.step()
        else:
            self.scaler.step(optimizer)
            self.scaler.update()

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The loss scale of float16."""
        return {}, {"scaler": self.scaler.state_dict() if self.scaler is not None else {}}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take it back."""
        if self.scaler is not None and facts["scaler"]:
            self.scaler.load_state_dict(facts["scaler"])


class _Loss(nn.Module):
    """A model called by its loss: gradients are shared by what wraps a module's forward."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Any, state: Any) -> Any:
        return self.model.loss(batch, state)  # type: ignore[operator]


@contextmanager
def placed(options: TrainOptions) -> Iterator[Placement]:
    """Open the device and the precision that the options ask for.

    Raises OptionError if this machine does not have them.
    """
    check_device(options)
    accelerate = needs("accelerate", "train")
    state = needs("accelerate.state", "train")
    # accelerate keeps one setting per process; what was not there before us is removed after us, so that
    # one process can train on several devices, one after the other.
    fresh = not state.PartialState._shared_state
    try:
        cpu = options.device == "cpu" or (options.device == "auto" and not torch.accelerator.is_available())
        accelerator = accelerate.Accelerator(cpu=cpu, mixed_precision=_PRECISION[options.precision])
    except ValueError as error:
        raise OptionError(
            f"accelerate refused device '{options.device}' with precision '{options.precision}': {error}"
        ) from error
    try:
        _check_granted(options, accelerator.device)
        yield Placement(accelerator)
    finally:
        if fresh:
            state.AcceleratorState._reset_state(reset_partial_state=True)


def check_device(options: TrainOptions) -> None:
    """Refuse a device that this machine lacks, before anything is set up."""
    there: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if options.device in there and not there[options.device]():
        raise OptionError(f"device wanted '{options.device}', which this machine does not have; choose 'cpu' or 'auto'")


def _check_granted(options: TrainOptions, device: torch.device) -> None:
    if options.device != "auto" and device.type != options.device:
        raise OptionError(
            f"device wanted '{options.device}', but accelerate was already set up for '{device.type}' in this process; "
            f"choose '{device.type}' or 'auto', or start a new process"
        )
    if options.precision == "float16" and device.type == "cpu":
        raise OptionError("precision 'float16' needs a GPU; on the CPU choose 'bfloat16' or 'float32'")
