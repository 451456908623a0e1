"""A convolution over time: what the last few steps look like together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import OptionError
from ostinato.layers.steps import Steps, checked_state, positive
from ostinato.sequence import Sequences
from ostinato.state import State


class Convolution(nn.Module):
    """A weighted sum of neighbouring steps, the same at every step; made to stand before a recurrence.

    y_t = b + sum over k from 0 to width - 1 of V_k x_(t - k dilation)

    >>> layer = Convolution(3, 8, 4)
    >>> y, state = layer(torch.zeros(2, 7, 3))
    >>> y.shape, state.past.shape
    (torch.Size([2, 7, 8]), torch.Size([2, 3, 3]))

    x is [B, T, D], y [B, T, channels]; ``groups`` parts the features, ``groups=inputs`` is a depthwise convolution. The
    causal form sees the past only, keeps its last inputs as the state ``past`` [B, (width - 1) dilation, D], and may be
    cut anywhere. With ``causal=False`` a step sees as far ahead as back, the width must be odd, and there is no state:
    None is returned, and a state that is given raises :class:`~ostinato.errors.OptionError`. Before the first step,
    past each length, and on the other side of a reset there are zeros.
    """

    def __init__(
        self, inputs: int, channels: int, width: int, *, causal: bool = True, groups: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.inputs, self.channels = positive("inputs", inputs), positive("channels", channels)
        positive("width", width)
        positive("groups", groups)
        if inputs % groups or channels % groups:
            raise OptionError(f"groups wanted a divisor of inputs {inputs} and of channels {channels}, got {groups}")
        if positive("dilation", dilation) > 1 and width == 1:
            raise OptionError("dilation parts the steps that are summed, and width=1 sums one; leave it out")
        if not isinstance(causal, bool):
            raise OptionError(f"causal wanted True or False, got {causal!r}")
        if not causal and width % 2 == 0:
            raise OptionError(f"a centred convolution wanted an odd width, got {width}")
        self.causal = causal
        self.reach = (width - 1) * dilation
        self.kernel = nn.Conv1d(inputs, channels, width, dilation=dilation, groups=groups)

    def forward(
        self,
        x: Tensor | Sequences,
        state: State | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Tensor, State | None]:
        """x [B, T, D] to y [B, T, channels] and the last inputs."""
        steps = Steps.of("Convolution", x, self.inputs, lengths, reset)
        if not self.causal:
            if state is not None:
                raise OptionError("a centred convolution sees what comes and has no state to go on from; pass None")
            edge = self.reach // 2
            joined = functional.pad(steps.x, (0, 0, edge, edge))
            segment = None if steps.segment is None else functional.pad(steps.segment, (edge, edge), value=-1)
            return steps.closed(self._summed(joined, segment, edge)), None
        shape = (len(steps.x), self.reach, self.inputs)
        given = checked_state("Convolution", state, steps.x, {"past": shape})
        past = steps.x.new_zeros(shape) if given is None else given.past
        joined = torch.cat([past, steps.x], dim=1)  # [B, reach + T, D]
        y = self._summed(joined, steps.together(self.reach), self.reach)
        return steps.closed(y), State(past=steps.last(joined, self.reach))

    def _summed(self, joined: Tensor, segment: Tensor | None, centre: int) -> Tensor:
        """The sums over joined [B, reach + T, D]; each step sees those of the segment of the step at ``centre``."""
        rows, steps = joined.shape[0], joined.shape[1] - self.reach
        if steps == 0:
            return joined.new_zeros(rows, 0, self.channels)
        if segment is None:
            y: Tensor = self.kernel(joined.transpose(1, 2)).transpose(1, 2)
            return y
        spacing = self.kernel.dilation[0]
        windows = joined.unfold(1, self.reach + 1, 1)[..., ::spacing]  # [B, T, D, width]
        same = segment.unfold(1, self.reach + 1, 1)[..., ::spacing] == segment[:, centre : centre + steps, None]
        windows = torch.where(same[:, :, None], windows, 0.0).flatten(0, 1)
        sums = functional.conv1d(windows, self.kernel.weight, self.kernel.bias, groups=self.kernel.groups)
        return sums.reshape(rows, steps, self.channels)

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return f"causal={self.causal}"
