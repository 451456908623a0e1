"""Dates as people write them, in ten formats, brought into one: "the 3rd of may 1998" becomes 1998-05-03.

The dates are made by a generator, and those of the test are none of those that were learnt from. The picture dates.png
shows which characters each character of an answer looked at.
Reached: 100.0 % of 1,000 unseen dates to the letter, in a minute on one core.
Run: python examples/dates.py [dates] [epochs]
"""

from __future__ import annotations

import sys

import ostinato as ost
from ostinato.data.language.dates import make_dates
from ostinato.tasks.seq2seq_writing import Written

WRITTEN = ("the 3rd of may 1998", "12.iv.2001", "thursday, 29 february 2024")


def main(dates: int = 10_000, epochs: int = 12) -> float:
    # All dates are different, so the test asks for none of those that were learnt from.
    made = make_dates(dates + 1000)
    learn, test = made[:dates], made[dates:]
    model = ost.Seq2Seq(hidden=64, embedding=32, epochs=epochs, lr=5e-3, device="cpu")
    model.fit([date.written for date in learn], [date.iso for date in learn])
    report = model.evaluate([date.written for date in test], [date.iso for date in test])
    print(f"{100 * report.exact:.2f} % of {report.count:,} dates are right to the letter")
    for written, [answer] in zip(WRITTEN, model.answers(WRITTEN), strict=True):
        print(f"{written} -> {answer.text}, each looking most at {looked_at(answer)}")
    model.plot("dates.png", WRITTEN[0])
    model.save("dates.safetensors")
    return report.exact


def looked_at(answer: Written) -> str:
    """The character that each character of an answer looked at most."""
    assert answer.attention is not None
    return "".join(answer.read[place] for place in answer.attention.argmax(1)[: len(answer.text)])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
