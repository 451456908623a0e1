"""Noise inside a step, declared with a cell as data; engines are handed the masks."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.errors import OptionError

PER = ("step", "sequence")


@dataclass(frozen=True)
class Mask:
    """A factor that is 0 with the probability ``share``: drawn anew at each step, or once for each sequence.

    >>> Mask(0.25).kept, Mask(0.25).resting
    (1.3333333333333333, 1.0)
    >>> Mask(0.25, scaled=False).kept, Mask(0.25, scaled=False).resting
    (1.0, 0.75)

    Where it is not 0 it is 1 / (1 - share) when ``scaled`` (dropout), else 1 (zoneout). ``resting`` is what stands for
    it where no noise is drawn: its mean. Raises :class:`~ostinato.errors.OptionError` for a share below 0 or from 1 on.
    """

    share: float
    per: str = "step"
    scaled: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not isinstance(self.share, int | float) or not 0.0 <= self.share < 1.0:
            raise OptionError(f"a mask's share wanted a number of at least 0 and below 1, got {self.share!r}")
        if self.per not in PER:
            raise OptionError(f"a mask is drawn per 'step' or per 'sequence', got {self.per!r}")

    @property
    def kept(self) -> float:
        """The value where it is not 0."""
        return 1.0 / (1.0 - self.share) if self.scaled else 1.0

    @property
    def resting(self) -> float:
        """The value where no noise is drawn."""
        return 1.0 if self.scaled else 1.0 - self.share
