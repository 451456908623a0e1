"""A machine that fails: learn what is usual from its first weeks, watch it live, and say when it does something else.

The file is that of the Numenta anomaly benchmark (github.com/numenta/NAB, data/realKnownCause): the temperature inside
a large machine every 5 minutes for 11 weeks, with four labelled windows. Without it a machine is made up that warms up
for a day before it stops. Nothing is learned from labels, nor from anything after the first 15 %.
Run: python examples/failing_machine.py [machine_temperature_system_failure.csv]

Reached: all 3 labelled windows that lie behind these 15 %, by 17 alarms in 67 days; 14.5 us of one core a step.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import ostinato as ost
from ostinato.data.series import read_series

WINDOWS = [
    ("2013-12-10T06:25", "2013-12-12T05:35"),
    ("2013-12-15T17:50", "2013-12-17T17:00"),
    ("2014-01-27T14:20", "2014-01-29T13:30"),
    ("2014-02-07T14:55", "2014-02-09T14:05"),
]


def made_up(rows: int = 6000) -> tuple[dict[str, object], list[tuple[str, str]]]:
    """A machine with a daily round that warms up for a day and then stops."""
    noise = np.random.default_rng(1).standard_normal(rows)
    steps = np.arange(rows)
    values = 80 + 5 * np.sin(2 * np.pi * steps / 288) + 0.5 * noise
    values[4700:4988] += np.linspace(0, 12, 288)
    values[4988:5060] = 20 + noise[4988:5060]
    times = np.datetime64("2024-01-01T00:00") + 5 * steps
    return {"timestamp": times, "value": values}, [(str(times[4700]), str(times[5060]))]


def main(path: str | None = None, picture: str = "failing_machine.png", **options: object) -> float:
    """Train, watch step by step, compare with the whole and with the labels; gives the share of windows caught."""
    source, windows = (path, WINDOWS) if path else made_up()
    panel = read_series(source, duplicates="mean")
    detector = ost.AnomalyDetector(learn=0.15, **{"device": "cpu", **options}).fit(panel)
    learned = int(0.15 * panel.rows)

    watch = detector.stream(unscored=learned)
    steps = list(zip(panel.time.tolist(), panel.target[:, 0].tolist(), strict=True))
    began = time.process_time()
    seen = [watch.push(at, value) for at, value in steps]
    spent = (time.process_time() - began) / len(steps)
    for step in seen:
        if step.alarm:
            at = str(panel.stamps(np.array([step.time]))[0])[:16]
            print(f"alarm at {at}: surprise {step.score:.1f} in {step.channel}")

    whole = detector.detect(panel, unscored=learned)
    assert [n for n, step in enumerate(seen) if step.alarm] == whole.alarms[0].alarms
    report = detector.evaluate(panel, windows, unscored=learned)
    print(report.table())
    print(f"{1e6 * spent:.1f} microseconds a step")
    whole.plot(picture, windows=windows, title="A failing machine")
    return report.pooled.recall


if __name__ == "__main__":
    main(*sys.argv[1:2])
