"""What a run has measured so far, one file for each point, and the whole of it in one file at the end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostinato.errors import DataError, OptionError
from ostinato.output import replace_file

FACTS = "run.json"
# What may differ between two sittings of one run.
VARYING = ("date", "roofs", "load")
DIGITS = 5


class Unfinished:
    """A run under way: a folder with a file for each point that is done."""

    def __init__(self, home: Path, kind: str) -> None:
        self.home, self.kind = home, kind
        self.folder = home / f"{kind}.unfinished"

    def begin(self, facts: Mapping[str, Any], *, resume: bool = False, restart: bool = False) -> None:
        """Begin a run, or go on with one; what was measured by other versions or on another machine is refused."""
        if restart and self.folder.exists():
            shutil.rmtree(self.folder)
        self.check(resume=resume, restart=restart)
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self._write(FACTS, facts)
            return
        before = self._read(self.folder / FACTS)
        changed = [name for name in facts if facts[name] != before.get(name) and name not in VARYING]
        if changed:
            name = changed[0]
            raise OptionError(
                f"{self.folder} was measured with other {name} ({before.get(name)}, now {facts[name]}); "
                "--restart begins anew"
            )

    def check(self, *, resume: bool, restart: bool) -> None:
        """Refuse to pass over a run that was stopped, and to go on with none."""
        if self.folder.exists() and not (resume or restart):
            raise OptionError(
                f"{self.folder} holds a run that was stopped; --resume goes on with it, --restart begins anew"
            )
        if resume and not self.folder.exists():
            raise OptionError(f"there is no stopped run in {self.folder}; leave out --resume")

    def points(self) -> dict[str, dict[str, Any]]:
        """The records of the points that are done."""
        paths = sorted(self.folder.glob("*.json"))
        return {path.stem: self._read(path) for path in paths if path.name != FACTS}

    def keep(self, name: str, record: Mapping[str, Any]) -> None:
        """Write the record of one point, whole or not at all."""
        self._write(f"{name}.json", record)

    def finish(self, **more: Any) -> Path:
        """Join all points into one file of this day, and remove the folder."""
        facts = {**self._read(self.folder / FACTS), **more}
        path = self.home / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{self.kind}.json"
        replace_file(path, render(facts, self.points()).encode())
        shutil.rmtree(self.folder)
        return path

    def _write(self, name: str, record: Mapping[str, Any]) -> None:
        replace_file(self.folder / name, (json.dumps(rounded(record), sort_keys=True) + "\n").encode())

    def _read(self, path: Path) -> dict[str, Any]:
        return read(path)


def read(path: Path) -> dict[str, Any]:
    """A file of results; raises :class:`~ostinato.errors.DataError` when it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} holds no results of a benchmark: {error}") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no results of a benchmark")
    return found


def newest(home: Path, kind: str) -> Path | None:
    """The last finished run of a kind."""
    return max(home.glob(f"*-{kind}.json"), default=None)


def render(facts: Mapping[str, Any], points: Mapping[str, Any]) -> str:
    """A run as JSON, each point on a line of its own.

    >>> print(render({"kind": "full"}, {"a": {"value": 1}}))
    {
    "kind": "full",
    "points": {
    "a": {"value": 1}
    }}
    <BLANKLINE>
    """
    head = [f"{json.dumps(name)}: {json.dumps(rounded(value), sort_keys=True)}," for name, value in facts.items()]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(record, sort_keys=True)}" for name, record in points.items())
    return "\n".join(["{", *head, '"points": {', lines]) + "\n}}\n"


def rounded(value: Any) -> Any:
    """A record with as many digits as a measurement has.

    >>> rounded({"ratio": 1.23456789, "spread": [0.000123456789]})
    {'ratio': 1.2346, 'spread': [0.00012346]}
    """
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {name: rounded(member) for name, member in value.items()}
    return [rounded(member) for member in value] if isinstance(value, list | tuple) else value
