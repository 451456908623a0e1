"""Which of ten gestures a hand made with a Wiimote, from its acceleration: series of different lengths.

The set PickupGestureWiimoteZ comes with the package aeon as .ts files; there are five examples of each gesture to learn
from. The picture gesture.png shows how it learned, and which gestures are taken for which.
Reached: 76.0 % of the test series got their own gesture (seed 1, one core, two minutes).
Run: pip install aeon, then python examples/gesture.py [FOLDER], with the folder of the two .ts files
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import ostinato as ost

NAME = "PickupGestureWiimoteZ"


def folder_of_aeon() -> Path:
    found = importlib.util.find_spec("aeon")
    if found is None or found.origin is None:
        sys.exit(f"no aeon here: pip install aeon, or name the folder that holds {NAME}_TRAIN.ts")
    return Path(found.origin).parent / "datasets" / "data" / NAME


def main(folder: Path, epochs: int | None = None) -> float:
    model = ost.SeriesClassifier(epochs=epochs)
    model.fit(folder / f"{NAME}_TRAIN.ts")
    report = model.evaluate(folder / f"{NAME}_TEST.ts")
    print(report)
    model.plot("gesture.png", folder / f"{NAME}_TEST.ts", title="Ten gestures")
    for answer in model.answers(folder / f"{NAME}_TEST.ts")[:3]:
        print(f"series {answer['id']}: gesture {answer['label']}  {answer['confidence']:.0%}")
    model.save("gesture.safetensors")
    return report.accuracy


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else folder_of_aeon())
