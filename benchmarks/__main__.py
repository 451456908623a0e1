"""``python -m benchmarks``: list, run and sum up what is measured."""

from __future__ import annotations

import argparse
import json

from benchmarks import registry


def main() -> None:
    """List the benchmarks, or run some of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; none: list them")
    parser.add_argument("--all", action="store_true", help="run all of them")
    parser.add_argument("--only", action="append", default=[], metavar="RUN", help="only this run of the benchmark")
    parser.add_argument("--again", action="store_true", help="measure anew what has a result already")
    parser.add_argument("--summary", action="store_true", help="sum up what is kept, run nothing")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in registry.NAMES]
    if unknown:
        parser.error(f"unknown benchmark '{unknown[0]}'; known: {', '.join(registry.NAMES)}")
    names = registry.NAMES if asked.all or (asked.summary and not asked.names) else asked.names
    if not names:
        for name in registry.NAMES:
            benchmark = registry.find(name)
            print(f"{name:<10} {benchmark.sentence} ({len(benchmark.results())} results kept)")
        return
    for name in names:
        benchmark = registry.find(name)
        if asked.summary:
            summary = benchmark.summary(benchmark.results()) if benchmark.results() else {}
        else:
            summary = registry.run(benchmark, again=asked.again, only=asked.only)
        print(json.dumps({name: summary}, indent=1))


if __name__ == "__main__":
    main()
