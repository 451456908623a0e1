"""Where things are in a checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "ostinato"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def own_files() -> list[Path]:
    """The files that belong to the project: what git tracks, or would if asked; all of a copy without git."""
    if not (ROOT / ".git").exists():
        found = (path for path in ROOT.rglob("*") if path.is_file())
        return [p for p in found if not any(part.startswith((".venv", "__py")) for part in p.relative_to(ROOT).parts)]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def pyproject() -> dict[str, Any]:
    """The settings of the project."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def contract(name: str) -> dict[str, Any]:
    """A contract of import-linter by its id."""
    return next(c for c in pyproject()["tool"]["importlinter"]["contracts"] if c["id"] == name)


def run_python(script: str, *flags: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a script in a new interpreter and return what it printed; fail with what it complained about."""
    done = subprocess.run([sys.executable, *flags, "-c", script], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
