"""How weights start, declared with a cell as data; layers apply it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Initial:
    """A rule that fills a weight before training."""


@dataclass(frozen=True)
class Constant(Initial):
    """Every entry is the same number."""

    value: float = 0.0


@dataclass(frozen=True)
class Uniform(Initial):
    """Every entry is drawn between two numbers."""

    low: float = -0.1
    high: float = 0.1


@dataclass(frozen=True)
class Spaced(Initial):
    """Entries evenly spaced from one number to another, so that each unit starts elsewhere."""

    low: float = 3.0
    high: float = 6.0


@dataclass(frozen=True)
class Xavier(Initial):
    """Uniform within sqrt(6 / (rows + columns)), gate by gate.

    Glorot & Bengio, 2010 (proceedings.mlr.press/v9/glorot10a).
    """


@dataclass(frozen=True)
class Lecun(Initial):
    """Normal with the standard deviation gain / sqrt(columns), gate by gate.

    LeCun, Bottou, Orr & Mueller, 1998 (doi:10.1007/3-540-49430-8_2).
    """

    gain: float = 1.0


@dataclass(frozen=True)
class Orthogonal(Initial):
    """A random orthogonal matrix times a gain, gate by gate: it neither shrinks nor stretches a state.

    Saxe et al., 2014 (arXiv:1312.6120).
    """

    gain: float = 1.0


@dataclass(frozen=True)
class Identity(Initial):
    """The identity matrix times a scale, gate by gate.

    Le et al., 2015 (arXiv:1504.00941).
    """

    scale: float = 1.0


@dataclass(frozen=True)
class Spectral(Initial):
    """A sparse random matrix whose largest eigenvalue has this size, gate by gate: the recurrence of an echo state.

    Entries are drawn between -1 and 1, a share ``density`` of them is kept, and the matrix is scaled. A ``radius``
    below 1 lets an echo fade in most networks, one near 1 gives a long memory.

    Jaeger, 2001 (The "echo state" approach, GMD Report 148).
    """

    radius: float = 0.9
    density: float = 1.0


@dataclass(frozen=True)
class Decay(Initial):
    """So that exp(-power softplus(v)), a share that is kept at each step, is uniform between two numbers.

    De et al., 2024 (arXiv:2402.19427).
    """

    low: float = 0.9
    high: float = 0.999
    power: float = 8.0


@dataclass(frozen=True)
class Ring(Initial):
    """So that exp(-exp(v)) is the size of a complex number drawn evenly from the ring between two radii.

    Orvieto et al., 2023 (arXiv:2303.06349).
    """

    low: float = 0.9
    high: float = 0.999


@dataclass(frozen=True)
class Phase(Initial):
    """The logarithm of an angle drawn evenly between two angles in radians.

    Orvieto et al., 2023 (arXiv:2303.06349).
    """

    low: float = 0.0
    high: float = 6.283185307179586


@dataclass(frozen=True)
class RingGain(Initial):
    """The logarithm of sqrt(1 - size^2), for the sizes that the cell's :class:`Ring` drew.

    A state that is scaled by it has the variance of its input. Orvieto et al., 2023 (arXiv:2303.06349).
    """


# Every rule by its name: what a file may ask for.
RULES: dict[str, type[Initial]] = {
    rule.__name__: rule
    for rule in (
        *(Constant, Uniform, Spaced, Xavier, Lecun, Orthogonal, Identity, Spectral),
        *(Decay, Ring, Phase, RingGain),
    )
}
