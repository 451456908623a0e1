"""How LaTeX and plain text write what all formulas are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

# An expression, and how tightly it holds together: a sum, a product, one thing.
Written = tuple[str, int]
SUM, PRODUCT, ONE = 0, 1, 2
GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho"),
    *("sigma", "tau", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
)


@dataclass(frozen=True)
class Notation:
    """How one language writes what all formulas are made of.

    ``name`` writes a declared name, ``number`` a number; ``now`` and ``before`` place a symbol in time; ``tilde`` tells
    a gate from a part of the state that has its name; ``below`` puts an index; ``times`` multiplies unit by unit,
    ``beside`` by a number.
    """

    name: Callable[[str], str]
    number: Callable[[str], str]
    now: Callable[[str], str]
    before: Callable[[str], str]
    tilde: Callable[[str], str]
    below: Callable[[str, str], str]
    times: str
    beside: str
    squared: str
    functions: Mapping[str, str]
    enclosed: Callable[[str], str]
    quotient: Callable[[Written, Written], Written]
    root: Callable[[str], Written]
    magnitude: Callable[[str], Written]
    choice: Callable[[str, str, str], Written]


def _latex_name(name: str) -> str:
    plain = name.rstrip("_")
    if plain in GREEK:
        return f"\\{plain}"
    base, _, index = plain.partition("_")
    if base and index:
        return LATEX.below(_latex_name(base), _latex_name(index))
    escaped = name.replace("_", r"\_")
    return name if len(name) == 1 else f"\\mathrm{{{escaped}}}"


def _one_index(symbol: str) -> str:
    """A symbol that may get an index: one that has one already is bracketed."""
    return f"{{{symbol}}}" if "_" in symbol else symbol


def _latex_number(number: str) -> str:
    """A number with a power of ten as one is printed."""
    digits, _, power = number.partition("e")
    if not power:
        return number
    shown = f"10^{{{int(power)}}}"
    return {"1": shown, "-1": f"-{shown}"}.get(digits, rf"{digits} \cdot {shown}")


def _latex_enclosed(inner: str) -> str:
    tall = r"\frac" in inner or r"\begin" in inner
    return rf"\left({inner}\right)" if tall else f"({inner})"


LATEX = Notation(
    name=_latex_name,
    number=_latex_number,
    now=lambda symbol: f"{_one_index(symbol)}_t",
    before=lambda symbol: f"{_one_index(symbol)}_{{t-1}}",
    tilde=lambda symbol: rf"\tilde{{{symbol}}}",
    below=lambda symbol, index: f"{symbol}_{index}" if len(index) == 1 else f"{symbol}_{{{index}}}",
    times=r"{} \odot {}",
    beside=r"{} \, {}",
    squared="{}^2",
    functions={
        **{kind: rf"\{kind}" for kind in ("tanh", "exp", "log", "sin", "cos")},
        **{kind: rf"\mathrm{{{kind}}}" for kind in ("relu", "softplus")},
        **{"sigmoid": r"\sigma", "maximum": r"\max", "minimum": r"\min"},
        **{f"row_{word}": rf"\mathrm{{{word}}}_{{\mathrm{{units}}}}" for word in ("sum", "mean", "max")},
    },
    enclosed=_latex_enclosed,
    quotient=lambda a, b: (rf"\frac{{{a[0]}}}{{{b[0]}}}", PRODUCT),
    root=lambda inner: (rf"\sqrt{{{inner}}}", ONE),
    magnitude=lambda inner: (rf"\left|{inner}\right|", ONE),
    choice=lambda mask, yes, no: (
        rf"\begin{{cases}} {yes} & {mask} \\ {no} & \text{{otherwise}} \end{{cases}}",
        SUM,
    ),
)


def _text_quotient(a: Written, b: Written) -> Written:
    above = a[0] if a[1] >= PRODUCT else f"({a[0]})"
    return f"{above} / {b[0] if b[1] == ONE else f'({b[0]})'}", PRODUCT


TEXT = Notation(
    name=lambda name: name,
    number=lambda number: number,
    now=lambda symbol: symbol,
    before=lambda symbol: f"{symbol}₋₁",
    tilde=lambda symbol: f"{symbol}\u0303",
    below=lambda symbol, index: f"{symbol}_{index}",
    times="{} ⊙ {}",
    beside="{} {}",
    squared="{}²",
    functions={
        **{kind: kind for kind in ("tanh", "exp", "log", "sin", "cos", "relu", "softplus")},
        **{"sigmoid": "σ", "maximum": "max", "minimum": "min"},
        **{f"row_{word}": f"{word}_over_units" for word in ("sum", "mean", "max")},
    },
    enclosed=lambda inner: f"({inner})",
    quotient=_text_quotient,
    root=lambda inner: (f"sqrt({inner})", ONE),
    magnitude=lambda inner: (f"abs({inner})", ONE),
    choice=lambda mask, yes, no: (f"({yes} if {mask} else {no})", ONE),
)
