"""``python -m ostinato`` is the command ``ostinato``."""

from __future__ import annotations

import sys

from ostinato.cli import main

if __name__ == "__main__":
    sys.exit(main())
