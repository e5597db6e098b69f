#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the ladder table of docs/convolution.md from raw measurements: ladder.py RAW.json... [--page FILE] [--check]

Each RAW.json is what `fovea bench conv --json` (or --out) left. The text between the markers of the page is replaced by
tables: a row for each shape and direction, a column for each rung and the library, and the geometric means. --check
compares instead of writing and fails where the page is not up to date.
"""
import argparse
import json
import pathlib
import re
import sys

from page import Fault, between, geometric_mean, number, percent, update

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "convolution.md"
BEGIN, END = "<!-- ladder: written by bench/ladder.py -->", "<!-- end of ladder -->"
RUNGS = ["naive", "tiled", "mma", "hopper"]  # in the order of the page; those that a file lacks have no column
KEYS = ["bench", "shapes", "batch", "device", "precision", "roofline", "library", "contestants", "results"]


def read(path):
    try:
        raw = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Fault(f"{path}: expected the JSON of 'fovea bench conv', got: {error}") from None
    missing = [key for key in KEYS if not isinstance(raw, dict) or key not in raw]
    if missing or raw["bench"] != "conv":
        lacks = ", ".join(missing) or "convolutions"
        raise Fault(f"{path}: expected the JSON of 'fovea bench conv', got something without {lacks}")
    return raw


def columns_of(raw):
    """Names of the contestants: rungs from the plainest to the newest, then others of our own, then the library."""
    own = [c["name"] for c in raw["contestants"] if c["own"]]
    own.sort(key=lambda name: RUNGS.index(name) if name in RUNGS else len(RUNGS))
    return own + [c["name"] for c in raw["contestants"] if not c["own"]]


def cell(row, name):
    """'12.3 (45 %)': microseconds, and the share of the roofline; '-' where it was refused."""
    time = next(t for t in row["times"] if t["name"] == name)
    if time["refusal"] is not None:
        return "-"
    share = f" ({percent(time['of_roofline'])})" if time["of_roofline"] is not None else ""
    return number(time["microseconds"]) + share


def size(row):
    text = f"{row['C']}x{row['H']}x{row['W']}, {row['K']} of {row['R']}x{row['S']}"
    if row["stride"] != [1, 1]:
        text += f" /{row['stride'][0]}"
    return text + (f", {row['groups']} groups" if row["groups"] != 1 else "")


def means(rows):
    """{direction: (geometric mean, number of shapes)} of the ratios."""
    ratios = {}
    for row in rows:
        if row["ratio"] is not None:
            ratios.setdefault(row["direction"], []).append(row["ratio"])
    return {direction: (geometric_mean(values), len(values)) for direction, values in ratios.items()}


def table(raw):
    columns = columns_of(raw)
    flops, bandwidth = (raw["roofline"][f"{key}_per_second"] for key in ["flops", "bytes"])
    known = flops and bandwidth
    ceilings = f"{number(flops / 1e12)} TFLOP/s and {number(bandwidth / 1e9)} GB/s" if known else "unknown"
    library = re.sub(r" \(/[^)]*\)", "", raw["library"].removeprefix("library: "))  # without its files
    lines = [f"### {raw['shapes']}, batch {raw['batch']}, {raw['precision']}, {raw['device']}", "",
             f"Microseconds, and in brackets the share of the roofline ({ceilings}). Library: {library}.", "",
             f"| layer | size | direction | roofline | {' | '.join(columns)} | own : library |",
             "|---|---|---|" + "---:|" * (len(columns) + 2)]
    for row in raw["results"]:
        roofline = number(row["roofline_us"]) if row["roofline_us"] is not None else "-"
        ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else "-"
        lines.append(f"| {row['name']} | {size(row)} | {row['direction']} | {roofline} | "
                     f"{' | '.join(cell(row, name) for name in columns)} | {ratio} |")
    return lines + mean_lines(raw["results"])


def mean_lines(rows):
    lines = []
    for direction, (mean, count) in means(rows).items():
        lines += ["", f"{direction}: {mean:.2f} times the library's speed, the geometric mean of {count}."]
    return lines


def together(raws):
    """The means over all files, where they are comparable and more than one."""
    kinds = {(raw["batch"], raw["precision"], raw["device"]) for raw in raws}
    lines = mean_lines([row for raw in raws for row in raw["results"]])
    return [["### All of them together"] + lines] if len(raws) > 1 and len(kinds) == 1 and lines else []


def with_tables(page, raws):
    """The page with these measurements between its markers."""
    text = "\n\n".join("\n".join(lines) for lines in [table(raw) for raw in raws] + together(raws))
    return between(page, BEGIN, END, text)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", nargs="+", help="JSON of 'fovea bench conv'")
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    return update("ladder.py", options.page, lambda page: with_tables(page, [read(path) for path in options.raw]),
                  options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
