"""What every forecast head does: parameters from features, a loss that leaves out what is missing, answers, draws."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.heads import forecast_numbers
from ostinato.layers import Dropout

Units = Tensor | float | None


class Forecasted(NamedTuple):
    """The mean [..., K] and quantiles [..., K, L], in the units of the data."""

    mean: Tensor
    quantiles: Tensor


class Forecast(nn.Module, abc.ABC):
    """Predicts K numbers, each as a distribution of one kind, by one linear map.

    loss = mean over known targets y of - log p(z),  z = (y - shift) / scale

    The map gives P raw parameters for each target; what they mean is told in :mod:`~ostinato.heads.forecast_numbers`.
    Targets, means, quantiles and draws are in the units of the data, parameters in the units of ``scale``: with the
    size of each series as ``scale``, one head serves series of any size, and each weighs the same in the loss. An
    untrained head starts near a standard distribution, so data of about that size learn fastest.
    """

    kind: ClassVar[str]
    width: int

    def __init__(self, inputs: int, outputs: int, start: Sequence[float], *, dropout: float = 0.0) -> None:
        """``start`` are the P parameters of an untrained head at features of zero."""
        super().__init__()
        for name, number in (("inputs", inputs), ("outputs", outputs)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise OptionError(f"{name} wanted a whole number of at least 1, got {number!r}")
        self.inputs, self.outputs, self.width = inputs, outputs, len(start)
        self.dropout_share = float(dropout)
        self.dropout = Dropout(dropout)
        self.numbers = nn.Linear(inputs, outputs * self.width)
        with torch.no_grad():
            self.numbers.bias.copy_(torch.tensor(list(start)).repeat(outputs))

    def to_dict(self) -> dict[str, Any]:
        """The head as plain data: its kind and every argument but ``inputs``."""
        return {"kind": self.kind, "outputs": self.outputs, "dropout": self.dropout_share}

    def forward(self, features: Tensor) -> Tensor:
        """features [..., D] to raw parameters [..., K, P]."""
        if features.shape[-1] != self.inputs:
            raise ShapeError(f"{self.kind} wanted features [..., {self.inputs}], got {list(features.shape)}")
        raw: Tensor = self.numbers(self.dropout(features))
        return raw.reshape(*raw.shape[:-1], self.outputs, self.width)

    @abc.abstractmethod
    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        """The loss [n] of parameters [n, P] at targets [n], in units of the scale; ``scale`` is for counts alone."""

    @abc.abstractmethod
    def _centre(self, parameters: Tensor) -> Tensor:
        """A middle [...] of the distributions of parameters [..., P], in units of the scale."""

    @abc.abstractmethod
    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        """One draw for each of the parameters [..., P], in units of the scale, which counts alone need."""

    def _refused(self, target: Tensor) -> tuple[Tensor, str] | None:
        """Which targets this kind cannot have, and what it wanted instead."""
        return None

    def loss(
        self,
        parameters: Tensor,
        target: Tensor,
        mask: Tensor | None = None,
        *,
        scale: Units = None,
        shift: Units = None,
        weight: Tensor | None = None,
    ) -> Tensor:
        """The mean loss of parameters [..., K, P] at targets [..., K], over those that are known.

        A target of NaN is missing, and so is one where ``mask`` is False; neither it nor the parameters there reach the
        loss or a gradient. With no known target at all the loss is 0. ``scale`` and ``shift`` broadcast to the targets;
        ``weight`` [B] says how much each row counts beside the others.
        """
        known = self._known(parameters, target, mask)
        size, move = self._units(parameters, target, scale, shift)
        # Chosen, not multiplied by zero: 0 times NaN is NaN.
        picked, wanted = parameters[known], target[known]
        self._check(wanted)
        if parameters.dtype in (torch.float16, torch.bfloat16):
            picked = picked.float()
        z = wanted if self.kind == "negative_binomial" else (wanted - move[known]) / size[known]
        each = self._misses(picked, z.to(picked.dtype), size[known])
        if weight is None:
            return each.sum() / max(each.numel(), 1)
        if weight.shape != target.shape[:1]:
            raise ShapeError(f"weight wanted {list(target.shape[:1])}, got {list(weight.shape)}")
        share = weight.reshape(-1, *[1] * (target.dim() - 1)).expand(target.shape)[known].to(each.dtype)
        total = share.sum()
        return (share * each).sum() / torch.where(total > 0, total, torch.ones_like(total))

    def measure(
        self,
        parameters: Tensor,
        target: Tensor,
        mask: Tensor | None = None,
        *,
        scale: Units = None,
        shift: Units = None,
    ) -> dict[str, Tensor]:
        """What a report shows: the mean absolute error of the middle, times the number of targets."""
        with torch.no_grad():
            known = self._known(parameters, target, mask)
            size, move = self._units(parameters, target, scale, shift)
            gap = (move + size * self._centre(parameters) - target)[known].abs()
        # Reports divide by the number of targets of a batch, known or not.
        return {"absolute error": gap.sum() / max(gap.numel(), 1) * target.numel()}

    def decode(
        self, features: Tensor, levels: Sequence[float] = (), *, scale: Units = None, shift: Units = None
    ) -> Forecasted:
        """features [..., D] to the mean [..., K] and the quantiles [..., K, L] at rising levels; no gradient."""
        return self.read(self(features), levels, scale=scale, shift=shift)

    def read(
        self, parameters: Tensor, levels: Sequence[float] = (), *, scale: Units = None, shift: Units = None
    ) -> Forecasted:
        """What parameters [..., K, P] mean, by the same numbers as without torch."""
        raw = parameters.detach().to("cpu", torch.float64).numpy()
        units = [u.detach().to("cpu", torch.float64).numpy() if isinstance(u, Tensor) else u for u in (scale, shift)]
        found = forecast_numbers.decode(self.to_dict(), raw, levels, scale=units[0], shift=units[1])
        mean, quantiles = (torch.from_numpy(part).to(parameters.device, parameters.dtype) for part in found)
        return Forecasted(mean, quantiles)

    @torch.no_grad()
    def sample(
        self,
        features: Tensor,
        n: int,
        generator: torch.Generator | None = None,
        *,
        scale: Units = None,
        shift: Units = None,
    ) -> Tensor:
        """n draws [n, ..., K] for features [..., D], in the units of the data, each target by itself."""
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise OptionError(f"n wanted a whole number of draws of at least 1, got {n!r}")
        parameters: Tensor = self(features)
        size, move = self._units(parameters, parameters[..., 0], scale, shift)
        many = parameters.expand(n, *parameters.shape)
        return move + size * self._draw(many, size, generator)

    def _known(self, parameters: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        if parameters.shape[:-1] != target.shape or parameters.shape[-1] != self.width:
            raise ShapeError(
                f"{self.kind} wanted parameters {[*target.shape, self.width]} for targets {list(target.shape)}, "
                f"got {list(parameters.shape)}"
            )
        known = ~torch.isnan(target) if target.is_floating_point() else torch.ones_like(target, dtype=torch.bool)
        if mask is None:
            return known
        if mask.shape != target.shape or mask.dtype != torch.bool:
            raise ShapeError(f"mask wanted booleans {list(target.shape)}, got {mask.dtype} {list(mask.shape)}")
        return known & mask

    def _units(self, parameters: Tensor, target: Tensor, scale: Units, shift: Units) -> tuple[Tensor, Tensor]:
        if shift is not None and self.kind in forecast_numbers.UNMOVED:
            raise OptionError(
                f"{self.kind} is never negative and cannot be shifted; scale the data without moving them"
            )
        found = []
        for name, units, default in (("scale", scale, 1.0), ("shift", shift, 0.0)):
            tensor = torch.as_tensor(default if units is None else units, device=parameters.device)
            try:
                found.append(tensor.to(torch.promote_types(tensor.dtype, torch.float32)).expand(target.shape))
            except RuntimeError:
                raise ShapeError(f"{name} wanted {list(target.shape)} or less, got {list(tensor.shape)}") from None
        if scale is not None and not bool((found[0] > 0).all()):
            raise DataError("scale wanted numbers above 0; a constant series has none, give it 1")
        return found[0], found[1]

    def _check(self, wanted: Tensor) -> None:
        if bool(torch.isinf(wanted).any()):
            raise DataError("targets wanted finite numbers, or NaN where they are missing; got an infinite one")
        found = self._refused(wanted)
        if found is not None and bool(found[0].any()):
            raise DataError(f"{self.kind} wanted targets that are {found[1]}, got {wanted[found[0]][0].item():g}")
