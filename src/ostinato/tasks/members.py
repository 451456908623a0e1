"""One network or several that answer as one: fresh from a seed, or kept in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ostinato.tasks.fitted import network_of
from ostinato.tasks.text_training import seeded_network

if TYPE_CHECKING:
    from ostinato.members import Members
    from ostinato.model import Model


def fresh(architecture: dict[str, Any], count: int, seed: int, sizes: str) -> Model | Members:
    """Untrained networks whose weights follow from a seed: one, or several that answer as one."""
    from ostinato.members import Members

    if count == 1:
        return seeded_network(architecture, seed, sizes)
    # A seed of a user is small; those of members after the first stand far from any.
    return Members([seeded_network(architecture, (seed + k * 0x9E3779B97F4A7C15) % 2**63, sizes) for k in range(count)])


def kept(architecture: Any, count: int, tensors: Mapping[str, NDArray[Any]], trust_cell: bool) -> Model | Members:
    """The networks of a file, their weights in place."""
    from ostinato.members import Members

    if count == 1:
        return network_of(architecture, tensors, trust_cell)
    parts: list[dict[str, NDArray[Any]]] = [{} for _ in range(count)]
    strange = {}
    for name, array in tensors.items():
        place, _, rest = name.removeprefix("members.").partition(".")
        if name.startswith("members.") and place.isdecimal() and int(place) < count:
            parts[int(place)][rest] = array
        else:
            strange[name] = array
    # A tensor of no member makes the first one's names wrong, which is refused where they are compared.
    return Members([network_of(architecture, part | strange, trust_cell) for part in parts]).eval()
