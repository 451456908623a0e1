"""What the columns of a panel are called, and what its clock counts: the part of a panel that a model keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.data.series.frequency import Frequency
from ostinato.data.series.zones import Zone, is_known
from ostinato.errors import ArtifactError, OptionError

_NAMED = ("target", "past", "known", "static", "categories")
_FIELDS = {"target", "past", "known", "static", "categories", "words", "clock", "zone", "frequency"}


@dataclass(frozen=True)
class Layout:
    """Names of columns, words of categories, clock, zone and frequency.

    >>> layout = Layout(target=("sales",), categories=("shop",), words=(("north", "south"),), frequency="D")
    >>> layout.word(0, 2), layout.word(0, 0)
    ('south', None)

    ``words[c]`` are the words of the category c in order; the word k has the number k + 1, and 0 stands for a word that
    is unknown. ``clock`` is "time" (nanoseconds since 1970) or "number" (whole numbers of the data's own).
    ``frequency`` is None where series are irregular.
    """

    target: tuple[str, ...] = ("y",)
    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    clock: str = "time"
    zone: str | None = None
    frequency: Any = None

    def __post_init__(self) -> None:
        if self.frequency is not None:
            object.__setattr__(self, "frequency", Frequency.of(self.frequency))
        names = [name for kind in _NAMED for name in getattr(self, kind)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise OptionError(f"a column has one part in a panel; '{twice[0]}' was given two")
        if self.clock not in ("time", "number"):
            raise OptionError(f"clock wanted 'time' or 'number', got {self.clock!r:.40}")
        if self.clock == "number" and (self.zone is not None or getattr(self.frequency, "kind", "step") != "step"):
            raise OptionError("steps that are whole numbers have no time zone and no calendar; leave zone= out")
        if self.clock == "time" and getattr(self.frequency, "kind", "") == "step":
            raise OptionError(
                f"frequency wanted a span of time such as '1h' for steps that are times, got {self.frequency.count}"
            )
        Zone(self.zone)
        if len(self.words) != len(self.categories):
            raise OptionError(f"{len(self.categories)} categories wanted as many lists of words, got {len(self.words)}")

    def word(self, column: int, number: int) -> str | None:
        """The word of a category by its number; None for the number 0."""
        return self.words[column][number - 1] if number else None

    def to_dict(self) -> dict[str, Any]:
        """The layout as plain data for the manifest of a model file."""
        plain: dict[str, Any] = {kind: list(getattr(self, kind)) for kind in _NAMED}
        return plain | {
            "words": [list(words) for words in self.words],
            "clock": self.clock,
            "zone": self.zone,
            "frequency": None if self.frequency is None else self.frequency.code,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Layout:
        """The inverse of :meth:`to_dict`; anything else is an :class:`~ostinato.errors.ArtifactError`."""
        if not isinstance(data, Mapping) or set(data) != _FIELDS:
            raise ArtifactError(f"the layout of a panel wanted the fields {', '.join(sorted(_FIELDS))}")
        for kind in _NAMED:
            _check_words(data[kind], kind)
        if not isinstance(data["words"], list):
            raise ArtifactError("the words of categories are lists of words")
        for words in data["words"]:
            _check_words(words, "words")
        zone, frequency = data["zone"], data["frequency"]
        if not (zone is None or (isinstance(zone, str) and is_known(zone))):
            raise ArtifactError(f"the zone of a panel is a time zone or none, got {zone!r:.40}")
        if not (frequency is None or isinstance(frequency, str)) or not isinstance(data["clock"], str):
            raise ArtifactError("the clock and the frequency of a panel are words")
        named = {kind: tuple(data[kind]) for kind in _NAMED}
        words = tuple(map(tuple, data["words"]))
        try:
            return cls(**named, words=words, clock=data["clock"], zone=zone, frequency=frequency)
        except OptionError as error:
            raise ArtifactError(f"the layout of a panel: {error}") from None


def _check_words(words: Any, name: str) -> None:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words) or len(set(words)) < len(words):
        raise ArtifactError(f"the field '{name}' of a panel's layout wanted a list of different words")
