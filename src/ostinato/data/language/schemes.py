"""Signs before the names of spans: BIO, BIOES and IO; reading, writing, converting, checking and repairing them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ostinato.errors import DataError, OptionError, nearest

OUTSIDE = "O"
# The signs of each scheme: begin, inside, end, single.
SCHEMES = {"bio": "BI", "bioes": "BIES", "io": "I"}


class Span(NamedTuple):
    """The steps from ``start`` up to, not including, ``end``, and what they are called.

    >>> Span(1, 3, "area").end
    3
    """

    start: int
    end: int
    name: str


def spans_of(tags: Sequence[str], scheme: str = "bio") -> list[Span]:
    """The spans that tags mean; tags that break their scheme are read as in :func:`repair`.

    >>> spans_of(["B-area", "I-area", "O", "B-name", "B-name"])
    [Span(start=0, end=2, name='area'), Span(start=3, end=4, name='name'), Span(start=4, end=5, name='name')]

    A span begins with a begin or a single, and with any sign that nothing of its name stands open before; it ends with
    an end or a single, and before all that does not go on with it.
    """
    spans: list[Span] = []
    start, name = 0, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        sign, called = _parts(tag, scheme)
        if name and (called != name or sign in "BS"):
            spans.append(Span(start, place, name))
            name = ""
        if called and not name:
            start, name = place, called
        if name and sign in "ES":
            spans.append(Span(start, place + 1, name))
            name = ""
    return spans


def write_tags(spans: Iterable[Span], length: int, scheme: str = "bio") -> list[str]:
    """The tags of some spans in a sequence of ``length`` steps.

    >>> write_tags([Span(0, 2, "area"), Span(3, 4, "name")], 4, "bioes")
    ['B-area', 'E-area', 'O', 'S-name']

    Spans that overlap have no tags, nor have, in IO, two of one name that touch: each is a
    :class:`~ostinato.errors.DataError`.
    """
    _check_scheme(scheme)
    tags = [OUTSIDE] * length
    before: Span | None = None
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= length:
            raise DataError(f"a span of {length} steps wanted a start before its end, got {tuple(span)}")
        if before is not None and before.end > span.start:
            raise DataError(f"the spans {tuple(before)} and {tuple(span)} overlap, and a step has one tag; keep one")
        if scheme == "io" and before is not None and before.end == span.start and before.name == span.name:
            raise DataError(f"IO cannot part the spans {tuple(before)} and {tuple(span)}; use bio or bioes")
        tags[span.start : span.end] = [f"{sign}-{span.name}" for sign in _signs(span.end - span.start, scheme)]
        before = span
    return tags


def convert(tags: Sequence[str], source: str, target: str) -> list[str]:
    """The same spans in another scheme.

    >>> convert(["B-area", "I-area", "O"], "bio", "bioes")
    ['B-area', 'E-area', 'O']
    """
    return write_tags(spans_of(tags, source), len(tags), target)


def repair(tags: Sequence[str], scheme: str = "bio") -> tuple[list[str], int]:
    """Tags that keep to their scheme, and how many had to be changed; tags that do are left as they are.

    >>> repair(["O", "I-area", "I-area", "I-name"])
    (['O', 'B-area', 'I-area', 'B-name'], 2)
    """
    if scheme == "io":
        for tag in tags:
            _parts(tag, scheme)
        return list(tags), 0
    kept = write_tags(spans_of(tags, scheme), len(tags), scheme)
    return kept, sum(old != new for old, new in zip(tags, kept, strict=True))


def check(tags: Sequence[str], scheme: str = "bio", place: str = "") -> None:
    """Refuse tags that break their scheme.

    >>> check(["O", "I-area"], place="line 7")
    Traceback (most recent call last):
    ostinato.errors.DataError: line 7: word 2: 'I-area' cannot follow 'O' in BIO; mend it (or broken='repair')
    """
    kept, faults = repair(tags, scheme)
    if not faults:
        return
    at = next(at for at, (old, new) in enumerate(zip(tags, kept, strict=True)) if old != new)
    allowed = moves([OUTSIDE, *dict.fromkeys(tag for tag in tags if tag != OUTSIDE)], scheme)
    names = [OUTSIDE, *dict.fromkeys(tag for tag in tags if tag != OUTSIDE)]
    before = -1 if at == 0 else names.index(tags[at - 1])
    if not allowed[before, names.index(tags[at])]:
        told = f"cannot follow '{tags[at - 1]}'" if at else "cannot begin a sentence"
    else:
        told = f"cannot stand before '{tags[at + 1]}'" if at + 1 < len(tags) else "cannot end a sentence"
    raise DataError(
        f"{place + ': ' if place else ''}word {at + 1}: '{tags[at]}' {told} in {scheme.upper()}; mend it "
        "(or broken='repair')"
    )


def scheme_of(names: Iterable[str]) -> str | None:
    """The scheme that the names of tags belong to; None for tags that are no spans, as parts of speech.

    >>> scheme_of(["O", "B-area", "I-area"]), scheme_of(["O", "S-area"]), scheme_of(["NOUN", "VERB"])
    ('bio', 'bioes', None)
    """
    signs = set[str]()
    for name in names:
        sign, dash, called = name.partition("-")
        if name == OUTSIDE:
            continue
        if not dash or not called or sign not in tuple("BIES"):
            return None
        signs.add(sign)
    if not signs:
        return None
    return next(scheme for scheme in ("io", "bio", "bioes") if signs <= set(SCHEMES[scheme]))


def moves(names: Sequence[str], scheme: str) -> NDArray[numpy.bool_]:
    """Which tag may follow which: bool [N + 1, N + 1], the last row for the beginning and the last column for the end.

    >>> moves(["B-area", "I-area", "O"], "bio")[:, 1]
    array([ True,  True, False, False])
    """
    parts = [_parts(name, scheme) for name in [*names, OUTSIDE]]
    return numpy.array([[_follows(before, after, scheme) for after in parts] for before in parts])


def _follows(before: tuple[str, str], after: tuple[str, str], scheme: str) -> bool:
    if scheme == "io":
        return True
    (sign, name), (then, called) = before, after
    goes_on = then in ("I", "E")
    if scheme == "bio":
        return not goes_on or name == called
    stands_open = sign in ("B", "I")
    return goes_on == stands_open and (not goes_on or name == called)


def _signs(length: int, scheme: str) -> str:
    if scheme == "io":
        return "I" * length
    if scheme == "bio":
        return "B" + "I" * (length - 1)
    return "S" if length == 1 else "B" + "I" * (length - 2) + "E"


def _parts(tag: str, scheme: str) -> tuple[str, str]:
    """The sign and the name of a tag, ("O", "") outside of all spans."""
    _check_scheme(scheme)
    if tag == OUTSIDE:
        return OUTSIDE, ""
    sign, _, name = tag.partition("-")
    if sign not in tuple(SCHEMES[scheme]) or not name:
        signs = ", ".join(f"'{sign}-NAME'" for sign in SCHEMES[scheme])
        raise DataError(f"a tag in {scheme.upper()} wanted '{OUTSIDE}' or {signs}, got {tag!r:.40}")
    return sign, name


def _check_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise OptionError(f"unknown scheme '{scheme}'; {nearest(scheme, SCHEMES)}")
