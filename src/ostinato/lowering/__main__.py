"""Run by the build: ``python -m ostinato.lowering --out DIR`` writes what the C++ core includes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ostinato.lowering.cpp import cpp_cells
from ostinato.lowering.sources import source_digest
from ostinato.lowering.table import cell_table


def main(arguments: list[str] | None = None) -> int:
    """Write the generated sources into a folder, or print the digest of what they are made from."""
    parser = argparse.ArgumentParser(prog="python -m ostinato.lowering", description=main.__doc__)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--out", type=Path, metavar="DIR", help="write cells.inc and kernels.inc into this folder")
    chosen.add_argument("--digest", action="store_true", help="print the digest of cells and lowering")
    asked = parser.parse_args(arguments)
    if asked.digest:
        print(source_digest())
        return 0
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, text in (("cells.inc", cell_table()), ("kernels.inc", cpp_cells())):
        (asked.out / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
