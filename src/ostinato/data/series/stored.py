"""Features as they stand in a model file: each field is looked at before it is believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ostinato.data.series.calendar import WORDS
from ostinato.data.series.layout import Layout
from ostinato.data.series.scaling import KINDS, SCOPES
from ostinato.errors import ArtifactError

_FIELDS = {
    *("layout", "horizon", "calendar", "lags", "masked", "target_input", "known_lags"),
    *("scaling", "scope", "past", "known", "static", "gap", "scales"),
}
# Longer ones than anybody asks for, so that a file cannot ask for more memory than there is.
_LONGEST = 10**7


def checked_fields(data: Any) -> dict[str, Any]:
    """The fields of features from plain data; an :class:`~ostinato.errors.ArtifactError` says which is damaged."""
    if not isinstance(data, Mapping) or set(data) != _FIELDS:
        raise ArtifactError(f"features wanted the fields {', '.join(sorted(_FIELDS))}")
    layout = Layout.from_dict(data["layout"])
    _check(_whole(data["horizon"], 0), "horizon")
    _check(type(data["target_input"]) is bool, "target_input")
    _check(type(data["known_lags"]) is bool, "known_lags")
    _check(not data["known_lags"] or bool(data["lags"] and layout.known), "known_lags")
    _check(data["scaling"] in KINDS, "scaling")
    _check(data["scope"] in SCOPES, "scope")
    _check(_words(data["calendar"], WORDS) and not (data["calendar"] and layout.clock == "number"), "calendar")
    lags = data["lags"]
    _check(isinstance(lags, list) and all(_whole(lag, 1) for lag in lags) and lags == sorted(set(lags)), "lags")
    lagged = [f"{name}[-{lag}]" for lag in lags for name in (*layout.target, *layout.known)]
    _check(_words(data["masked"], (*layout.target, *layout.past, *layout.known, *lagged)), "masked")
    gap = data["gap"]
    _check((gap is None) == (layout.frequency is not None), "gap")
    _check(gap is None or (_number(gap) and gap > 0), "gap")
    _check(bool(data["target_input"] or layout.past or layout.known or lags or data["calendar"]), "target_input")
    pairs = {name: _pairs(data[name], len(getattr(layout, name)), name) for name in ("past", "known", "static")}
    _check(isinstance(data["scales"], Mapping), "scales")
    scales = {}
    for name, parts in data["scales"].items():
        _check(isinstance(name, str) and isinstance(parts, list) and len(parts) == 2, "scales")
        _check(all(isinstance(part, list) for part in parts) and len(parts[0]) == len(parts[1]), "scales")
        pair = _pairs([list(part) for part in zip(*parts, strict=False)], len(layout.target), "scales")
        scales[name] = (tuple(part[0] for part in pair), tuple(part[1] for part in pair))
    plain = {name: data[name] for name in ("horizon", "target_input", "known_lags", "scaling", "scope")}
    words = {name: tuple(data[name]) for name in ("calendar", "lags", "masked")}
    return plain | words | pairs | {"layout": layout, "gap": None if gap is None else float(gap), "scales": scales}


def plain_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`checked_fields`: fields of features as plain data."""
    plain = {name: fields[name] for name in ("horizon", "target_input", "known_lags", "scaling", "scope", "gap")}
    words = {name: list(fields[name]) for name in ("calendar", "lags", "masked")}
    pairs = {name: [list(pair) for pair in fields[name]] for name in ("past", "known", "static")}
    scales = {name: [list(offset), list(scale)] for name, (offset, scale) in fields["scales"].items()}
    return plain | words | pairs | {"layout": fields["layout"].to_dict(), "scales": scales}


def _check(right: bool, name: str) -> None:
    if not right:
        raise ArtifactError(f"the field '{name}' of features is not what features are made of; is the file damaged?")


def _whole(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= _LONGEST


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) < 1e300


def _words(words: Any, known: tuple[str, ...]) -> bool:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return False
    return set(words) <= set(known) and len(set(words)) == len(words)


def _pairs(pairs: Any, count: int, name: str) -> tuple[tuple[float, float], ...]:
    _check(isinstance(pairs, list) and len(pairs) == count, name)
    for pair in pairs:
        _check(isinstance(pair, list) and len(pair) == 2 and all(map(_number, pair)) and pair[1] > 0, name)
    return tuple((float(offset), float(scale)) for offset, scale in pairs)
