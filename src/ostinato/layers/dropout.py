"""Noise that keeps a network from learning its training data by heart."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import OptionError

# What 16 bits tell apart.
_SIDES = 1 << 16


def checked_share(share: float, what: str = "dropout") -> float:
    """A share from 0 up to, not including, 1; anything else raises."""
    if not 0.0 <= share < 1.0:
        raise OptionError(f"{what} wanted a share of at least 0 and below 1, got {share}")
    return float(share)


class Dropout(nn.Module):
    """Zeroes single numbers in training and scales the rest by 1 / (1 - share).

    Srivastava et al., 2014 (jmlr.org/papers/v15/srivastava14a).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = checked_share(share)

    def forward(self, x: Tensor) -> Tensor:
        """x [...] with some numbers zeroed; x itself in evaluation."""
        return dropped(x, self.share) if self.share and self.training else x

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return f"{self.share:g}"


class LockedDropout(Dropout):
    """Zeroes the same features at every time step of a sequence: variational dropout.

    Gal & Ghahramani, 2016 (arXiv:1512.05287).
    """

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, D] with some features of each row zeroed over all of T."""
        if not self.training or not self.share:
            return x
        mask = functional.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), self.share)
        return x * mask


class WordDropout(Dropout):
    """Hides whole words in training, so that no single word decides.

    >>> hide = WordDropout(0.5).eval()
    >>> hide(torch.tensor([[3, 4]]), unknown=0).tolist()
    [[3, 4]]

    Iyyer et al., 2015 (doi:10.3115/v1/P15-1162).
    """

    def forward(self, ids: Tensor, unknown: int = 0) -> Tensor:
        """ids [B, T] with some replaced by the id ``unknown``."""
        if not self.training or not self.share:
            return ids
        hidden = torch.rand(ids.shape, device=ids.device) < self.share
        return torch.where(hidden, unknown, ids)


def drop_weights(weight: Tensor, share: float, training: bool) -> Tensor:
    """A recurrent matrix with single connections cut for one whole sequence: weight-drop.

    Merity et al., 2018 (arXiv:1708.02182).
    """
    return dropped(weight, share) if share and training else weight


def dropped(x: Tensor, share: float) -> Tensor:
    """x [...] with each number zeroed with the probability ``share``, and the others divided by 1 - share.

    >>> dropped(torch.ones(1000), 0.5).unique().tolist()
    [0.0, 2.0]

    On the CPU a number is decided by 16 random bits, a quarter of what one draw gives, so that the share is met to
    1 / 131072, and the others are divided by what is truly kept: torch draws numbers of 53 bits, one after another, and
    takes four times as long.
    """
    if x.device.type != "cpu" or torch.compiler.is_compiling() or not 0 < round(share * _SIDES) < _SIDES:
        return functional.dropout(x, share, True)
    zeroed = round(share * _SIDES)
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(1 << 63), None).view(torch.int16)
    kept = (bits[: x.numel()] >= zeroed - _SIDES // 2).view(x.shape)
    return x * kept.to(x.dtype).mul_(_SIDES / (_SIDES - zeroed))
