"""What verbs do with a forecaster: read the files they are given, write forecasts as tables."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ostinato.errors import OptionError


def write_forecasts(
    network: Any,
    files: Sequence[str],
    horizon: int | None,
    levels: str | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Write what comes after the series of a file, as CSV or as JSON, one row a line."""
    from ostinato.cli.files import keep_apart
    from ostinato.diagnosis.pictures import check_format
    from ostinato.tasks.forecast_options import levels_of

    if len(files) != 1 or files[0] == "-":
        raise OptionError(
            "a forecaster wanted one file of series: a .csv, .tsv, .jsonl, .parquet or .ts file, such as "
            "ostinato predict MODEL history.csv"
        )
    keep_apart({"the series": files[0]}, {"--plot": plot})
    if plot is not None:
        check_format(plot)
    told = network.foretell(files[0], horizon, None if levels is None else levels_of(levels))
    write_columns(told.columns(), as_json)
    if plot is not None:
        from ostinato.cli.program import note

        network.plot(files[0], plot)
        note(f"drew {plot}")


def write_columns(columns: Mapping[str, Any], as_json: bool) -> None:
    """Columns as lines on the standard output."""
    rows = zip(*columns.values(), strict=True)
    if as_json:
        for row in rows:
            fields = dict(zip(columns, map(_plain, row), strict=True))
            sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
        return
    sys.stdout.writelines(csv_lines(columns))


def csv_lines(columns: Mapping[str, Any]) -> list[str]:
    """Columns as the lines of a CSV file.

    >>> csv_lines({"id": ["a"], "mean": [0.5]})
    ['id,mean\\n', 'a,0.5\\n']
    """
    lines: list[str] = []
    writer = csv.writer(_Lines(lines), lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(value) for value in row] for row in zip(*columns.values(), strict=True))
    return lines


class _Lines:
    """A file that is a list."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _plain(value: Any) -> Any:
    """A value as text or a number; times without what is zero at their end."""
    import numpy as np

    if isinstance(value, np.datetime64):
        return np.datetime_as_string(value, unit="auto")
    if isinstance(value, np.floating | float):
        return float(f"{value:.7g}")
    return value.item() if isinstance(value, np.generic) else value
