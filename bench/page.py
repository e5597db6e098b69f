# SPDX-License-Identifier: Apache-2.0
"""Pages whose tables are written from raw measurements: numbers as text, what lies between two markers, and --check."""
import math
import os
import sys


class Fault(Exception):
    """What a person must mend: file, expected, got."""


def number(value, digits=3):
    """Three significant digits without an exponent: 1234.5 -> '1234', 12.34 -> '12.3'."""
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{places}f}"


def percent(fraction):
    return f"{100 * fraction:.0f} %"


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def between(page, begin, end, text):
    """The page with this text between its markers."""
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise Fault(f"expected the markers '{begin}' and '{end}' once each, in this order")
    return page[:page.index(begin)] + f"{begin}\n\n{text}\n\n" + page[page.index(end):]


def update(program, path, rewritten, check):
    """Writes rewritten(page) to `path`, or compares where `check` is set. Exit status: 1 not up to date, 2 a Fault."""
    try:
        page = path.read_text(encoding="utf-8")
        wanted = rewritten(page)
    except (Fault, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    if check:
        if page != wanted:
            print(f"{program}: {path} is not what these measurements say; run it without --check", file=sys.stderr)
        return int(page != wanted)
    temporary = path.with_suffix(".new")
    temporary.write_text(wanted, encoding="utf-8")
    os.replace(temporary, path)
    return 0
