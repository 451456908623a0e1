"""Hashes that the network and whoever prepares its inputs must compute alike."""

from __future__ import annotations

from typing import Any


def pair_bucket(left: Any, right: Any, buckets: int) -> Any:
    """Which of ``buckets`` rows two neighbouring ids share with other pairs; numbers, arrays or tensors.

    >>> pair_bucket(3, 5, 1000)
    580
    """
    mixed = left * 0x9E3779B1 + right * 0x85EBCA77
    return (mixed ^ (mixed >> 15)) % buckets
