#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables and pictures of docs/performance.md from the raw measurements: plots.py [--tables | --check]

Tables stand between the page's markers; pictures are docs/performance/*.svg and need matplotlib (Debian and Ubuntu:
python3-matplotlib). One version of it writes the same bytes each time; those in the repository are of 3.6.3.
--tables writes the tables alone. --check writes nothing and fails where a table, or the data that a picture was drawn
from, is not what bench/results says. Neither needs matplotlib.
"""
import argparse
import pathlib
import sys

BENCH = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(BENCH), str(BENCH / "performance")]
import raw  # noqa: E402  the paths above are needed first
import drawings  # noqa: E402
import tables  # noqa: E402
from page import Fault, update  # noqa: E402

PAGE = BENCH.parent / "docs" / "performance.md"


def stale(results, folder):
    """Pictures that were not drawn from these measurements, or that nobody draws."""
    for name in drawings.SERIES:
        path = folder / f"{name}.svg"
        if not path.is_file() or f"data {drawings.digest(name, results)}" not in path.read_text(encoding="utf-8"):
            yield path
    yield from (path for path in sorted(folder.glob("*.svg")) if path.stem not in drawings.SERIES)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=raw.RESULTS)
    parser.add_argument("--page", type=pathlib.Path, default=PAGE, help="pictures go into the folder of its name")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    results, folder = raw.Results(options.results), options.page.with_suffix("")
    status = update("plots.py", options.page, lambda page: tables.with_tables(page, results), options.check)
    if status == 2 or options.tables:
        return status
    try:
        if not options.check:
            drawings.draw(results, folder)
        old = list(stale(results, folder))
    except ImportError as error:
        print(f"plots.py: the tables are written; pictures need matplotlib (python3-matplotlib), got: {error}",
              file=sys.stderr)
        return 2
    except (Fault, OSError) as error:
        print(f"plots.py: {error}", file=sys.stderr)
        return 2
    for path in old:
        print(f"plots.py: {path} is not drawn from these measurements; run plots.py without --check", file=sys.stderr)
    return 1 if old else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
