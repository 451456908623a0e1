"""A picture of where each word of an answer looked in the text that was read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.diagnosis.pictures import check_format
from ostinato.errors import DataError, needs
from ostinato.output import replace_file

# More places than this cannot be told apart on a page.
MOST = 120
_INK = "#222222"


def draw_attention(
    path: str | Path, attention: NDArray[np.float64], read: Sequence[str], wrote: Sequence[str], *, title: str = ""
) -> None:
    """Draw weights [T, S] of T words that were written over S places that were read: a .png, .svg or .pdf file.

    Each row sums to 1 and is one step; the darker a field, the more the step looked there. Raises
    :class:`~ostinato.errors.DataError` where a page cannot hold them.
    """
    path = Path(path)
    check_format(path)
    if attention.shape != (len(wrote), len(read)):
        raise DataError(f"weights wanted [{len(wrote)}, {len(read)}], got {list(attention.shape)}")
    if max(attention.shape, default=0) > MOST or not attention.size:
        raise DataError(
            f"a picture holds up to {MOST} tokens of each side, got {len(read)} and {len(wrote)}; draw a shorter text"
        )
    needs("matplotlib", "train")
    from matplotlib.figure import Figure

    width, height = (float(np.clip(0.3 * count + 1.8, 3.5, 16)) for count in (len(read), len(wrote)))
    figure = Figure(figsize=(width, height), layout="constrained")
    axes: Any = figure.subplots()
    axes.imshow(attention, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    size = 9.0 if max(attention.shape) <= 40 else 6.0
    axes.set_xticks(range(len(read)), [_shown(piece) for piece in read], rotation=90, fontsize=size, color=_INK)
    axes.set_yticks(range(len(wrote)), [_shown(piece) for piece in wrote], fontsize=size, color=_INK)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xlabel("read", color=_INK)
    axes.set_ylabel("written", color=_INK)
    axes.xaxis.set_label_position("top")
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title:
        # A dollar would begin a formula.
        axes.set_title(title.replace("$", r"\$")[:100], fontsize=10.5, color=_INK, loc="left")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=160, facecolor="white")
    replace_file(path, picture.getvalue())


def _shown(piece: str) -> str:
    """A token as it can be seen: a blank is a sign, and a dollar no formula.

    >>> _shown(" the")
    '\u2423the'
    """
    seen = piece.replace(" ", "\u2423").replace("\n", "\u21b5").replace("$", r"\$")
    return seen if seen.isprintable() else repr(piece)[1:-1]
