"""Heartbeats sample by sample: is a beat normal, or did the ventricles fire early?

The electrocardiogram is made up: each wave of a beat is a bell of its own height, width and place, all of which vary,
and there is noise. In an early (ventricular) beat the P wave is missing, the QRS complex is wide and the T wave points
down. Nothing here says how well real hearts are read.
Reached: 99.0 % of 200 later beats, of which 67.5 % are normal, at once and sample by sample; asked after 80 % of a
beat it is right in 46.5 %: who learned from whole beats is no judge of parts of them.
Run: python examples/ecg.py
"""

from __future__ import annotations

import numpy as np

import ostinato as ost

# Height, place (share of a beat) and width of the waves P, Q, R, S, T.
NORMAL = [(0.15, 0.2, 0.03), (-0.12, 0.36, 0.012), (1.0, 0.4, 0.015), (-0.25, 0.44, 0.014), (0.3, 0.7, 0.06)]
EARLY = [(0.0, 0.2, 0.03), (-0.1, 0.3, 0.02), (0.9, 0.38, 0.05), (-0.3, 0.5, 0.04), (-0.3, 0.72, 0.07)]


def beat(waves: list[tuple[float, float, float]], rng: np.random.Generator) -> np.ndarray:
    """One beat of 60 to 90 samples, [T, 1]."""
    steps = int(rng.integers(60, 91))
    t = np.arange(steps) / steps
    y = 0.05 * rng.standard_normal(steps) + 0.1 * rng.standard_normal()
    for height, place, width in waves:
        at, size = place + 0.03 * rng.standard_normal(), width * np.exp(0.2 * rng.standard_normal())
        y += height * np.exp(0.3 * rng.standard_normal()) * np.exp(-((t - at) ** 2) / (2 * size**2))
    return y[:, None].astype(np.float32)


def beats(count: int, seed: int) -> tuple[list[np.ndarray], list[str]]:
    rng = np.random.default_rng(seed)
    names = ["early" if rng.random() < 0.3 else "normal" for _ in range(count)]
    return [beat(EARLY if name == "early" else NORMAL, rng) for name in names], names


def main(count: int = 200, picture: str = "ecg.png", **options: object) -> float:
    """Train, judge whole beats, then the same beats sample by sample; gives the accuracy."""
    series, names = beats(count, 1)
    later, truth = beats(count, 2)
    causal = {"bidirectional": False, "convolution": 0, "pooling": "last", "class_weight": "balanced"}
    model = ost.SeriesClassifier(hidden=32, **{**causal, **options}).fit(series, names)
    report = model.evaluate(later, truth)
    print(report)
    model.plot(picture, later, truth, title="Normal and early heartbeats")

    session = ost.stream(model)
    for share in (0.45, 0.6, 0.8, 1.0):
        right = 0
        for values, name in zip(later, truth, strict=True):
            session.reset()
            session.push(values[: int(share * len(values))])
            right += session.answer().label == name
        print(f"after {share:.0%} of a beat: {right / len(later):.1%} right")
    return report.accuracy


if __name__ == "__main__":
    main()
