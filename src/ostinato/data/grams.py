"""Character n-grams of words, hashed into buckets: what unknown words share with known ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

# A longer word (a line without spaces, say) has the n-grams of its first characters only.
LONGEST_WORD = 100

# FNV-1a, 32 bit: Fowler, Noll & Vo, 1991; draft-eastlake-fnv.
_OFFSET = 0x811C9DC5
_PRIME = 0x01000193
# Words are hashed in blocks of about this many characters, which bounds the working memory.
_BLOCK = 2**18


def fnv1a(data: bytes) -> int:
    """The FNV-1a hash of some bytes, 32 bit: the plain definition.

    >>> hex(fnv1a(b"foobar"))
    '0xbf9cf968'
    """
    value = _OFFSET
    for byte in data:
        value = (value ^ byte) * _PRIME & 0xFFFFFFFF
    return value


def hash_grams(
    words: Sequence[str], sizes: tuple[int, int], buckets: int
) -> tuple[NDArray[numpy.int64], NDArray[numpy.int64]]:
    """The buckets of all n-grams of "<word>", word after word: int64 [M], and where each word's begin: int64 [U+1].

    >>> grams, starts = hash_grams(["a", "to"], (3, 5), 1000)
    >>> starts
    array([0, 1, 4])
    >>> int(grams[0]) == fnv1a(b"<a>") % 1000
    True

    The n-grams of a word come in the order of their first characters, shorter ones first. They have ``sizes[0]`` to
    ``sizes[1]`` characters; a word's angle brackets count. From Bojanowski et al., 2017 (doi:10.1162/tacl_a_00051).
    """
    grams: list[NDArray[numpy.int64]] = [numpy.zeros(0, numpy.int64)]
    counts: list[NDArray[numpy.int64]] = [numpy.zeros(1, numpy.int64)]
    block: list[str] = []
    size = 0
    for word in words:
        block.append(f"<{word[:LONGEST_WORD]}>")
        size += len(block[-1])
        if size >= _BLOCK:
            _hash_block(block, sizes, buckets, grams, counts)
            block, size = [], 0
    if block:
        _hash_block(block, sizes, buckets, grams, counts)
    return numpy.concatenate(grams), numpy.cumsum(numpy.concatenate(counts))


def _hash_block(
    words: list[str],
    sizes: tuple[int, int],
    buckets: int,
    grams: list[NDArray[numpy.int64]],
    counts: list[NDArray[numpy.int64]],
) -> None:
    """Hash the n-grams of some words at once: every character starts a hash, and all grow by one character a round."""
    low, high = sizes
    data = numpy.frombuffer("".join(words).encode(), numpy.uint8)
    # In UTF-8 the bytes 10xxxxxx go on with a character, and all others begin one.
    begins = numpy.flatnonzero((data & 0xC0) != 0x80)
    characters = begins.size
    width = numpy.diff(begins, append=data.size)
    lengths = numpy.array([len(word) for word in words], dtype=numpy.int64)
    # How many characters of its word are left from each character on.
    left = numpy.repeat(numpy.cumsum(lengths), lengths) - numpy.arange(characters)
    value = numpy.full(characters, _OFFSET, numpy.uint32)
    found = numpy.zeros((characters, high - low + 1), numpy.int64)
    for n in range(1, high + 1):
        # The n-th character of the gram that starts at each character; past the end it does not matter which.
        at = numpy.minimum(numpy.arange(n - 1, characters + n - 1), characters - 1)
        for k in range(4):
            more = width[at] > k
            if not more.any():
                break
            byte = data[numpy.minimum(begins[at] + k, data.size - 1)]
            value = numpy.where(more, (value ^ byte) * numpy.uint32(_PRIME), value)
        if n >= low:
            found[:, n - low] = value % numpy.uint32(buckets)
    whole = left[:, None] >= numpy.arange(low, high + 1)
    grams.append(found[whole])
    ends = numpy.cumsum(lengths)
    counts.append(numpy.add.reduceat(whole.sum(axis=1), ends - lengths))
