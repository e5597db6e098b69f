#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registers and shared memory of the compiled kernels, against what they may take.

budget.py limits LIBRARY [--nvcc NVCC]
    Every kernel, for every architecture in LIBRARY and whatever nvcc compiled it, has no stack and no local memory
    (spilled registers live there) and a launch bound, and a block of that many threads fits on a multiprocessor.
budget.py record LIBRARY [--nvcc NVCC] [--update]
    No kernel takes more registers or shared memory than budget.json has for it, and both name the same kernels.
    --update writes the file anew, and the table in docs/kernels.md.
budget.py table
    Prints that table, from budget.json.

Exits 1 with one line per kernel that differs. Numbers of registers are one nvcc's: under another major.minor version
than the recorded one `record` compares nothing, says so and exits 77 (skipped), as both do without cuobjdump.
"""
import argparse
import json
import math
import pathlib
import sys

import resources

RECORD = pathlib.Path(__file__).resolve().parent / "budget.json"
PAGE = resources.ROOT / "docs" / "kernels.md"
RECORDED = ("sm_75", "sm_90a")  # continuous integration compiles for the last
SKIP = 77

# Alike on every architecture from sm_75 on (CUDA Programming Guide, technical specifications per compute capability).
MULTIPROCESSOR_REGISTERS = 64 * 1024
WARP = 32
REGISTER_UNIT = 256  # a warp takes registers in multiples of this
STATIC_SHARED = 48 * 1024
RESERVED_SHARED = 1024  # per block, counted by cuobjdump for sm_90 and up


def warp_registers(registers):
    return math.ceil(registers * WARP / REGISTER_UNIT) * REGISTER_UNIT


def beyond_limits(usage):
    """Why a kernel may not be as it is, in words; nothing when it may."""
    if usage.stack or usage.local:
        yield (f"{usage.stack} bytes of stack and {usage.local} of local memory: spilled registers, or an array that "
               f"is indexed at run time")
    if usage.threads is None:
        yield "no __launch_bounds__"
    elif math.ceil(usage.threads / WARP) * warp_registers(usage.registers) > MULTIPROCESSOR_REGISTERS:
        yield (f"{usage.registers} registers times {usage.threads} threads: a multiprocessor has "
               f"{MULTIPROCESSOR_REGISTERS}")
    if usage.shared > STATIC_SHARED + RESERVED_SHARED:
        yield f"{usage.shared} bytes of static shared memory: {STATIC_SHARED} are allowed"


def limit_problems(library):
    for architecture, kernels in sorted(library.items()):
        for name, usage in sorted(kernels.items()):
            reasons = "; ".join(beyond_limits(usage))
            if reasons:
                yield f"{architecture} {name}: {reasons}"


def entry(usage):
    return {"threads": usage.threads, "registers": usage.registers, "shared": usage.shared}


def differences(library, kernels):
    """(problems, gains): lines about kernels that take more than their entry, lack one or are gone; and about those
    that take less. Of the architectures that both have."""
    problems, gains = [], []
    for architecture in sorted(library.keys() & {name for entries in kernels.values() for name in entries}):
        built = {name: entry(usage) for name, usage in library[architecture].items()}
        recorded = {name: entries[architecture] for name, entries in kernels.items() if architecture in entries}
        for name in sorted(built.keys() | recorded.keys()):
            if name not in recorded:
                problems.append(f"{architecture} {name}: has no entry")
            elif name not in built:
                problems.append(f"{architecture} {name}: has an entry, and is not in the library")
            elif built[name] != recorded[name]:
                now, before = built[name], recorded[name]
                differing = [key for key in now if now[key] != before[key]]
                changes = ", ".join(f"{key} {now[key]}, recorded {before[key]}" for key in differing)
                more = "threads" in differing or any(now[key] > before[key] for key in differing)
                (problems if more else gains).append(f"{architecture} {name}: {changes}")
    return problems, gains


def record_of(library, version):
    """The JSON text: one line per kernel."""
    missing = [architecture for architecture in RECORDED if architecture not in library]
    if missing:
        raise resources.BudgetError(f"--update: the record holds {' and '.join(RECORDED)}, and the library lacks "
                                    f"{' and '.join(missing)} (CMAKE_CUDA_ARCHITECTURES)")
    names = sorted({name for architecture in RECORDED for name in library[architecture]})
    lines = [f'    {json.dumps(name)}: ' + json.dumps({architecture: entry(library[architecture][name])
                                                       for architecture in RECORDED if name in library[architecture]})
             for name in names]
    return f'{{\n  "nvcc": {json.dumps(version)},\n  "kernels": {{\n' + ",\n".join(lines) + "\n  }\n}\n"


HOPPER = "sm_90a"
HOPPER_WARPS, HOPPER_BLOCKS, HOPPER_SHARED = 64, 32, 228 * 1024  # of a multiprocessor

INTRO = """\
# What the kernels take

<!-- Written by tests/budget/budget.py record --update from tests/budget/budget.json. Do not edit. -->

Registers per thread, as nvcc {nvcc} compiles the kernels for sm_90 (H100, H200), the most first. Of the forms of a
kernel, the types and options it is compiled for, the table has the one with the most registers. *Occupancy* is the
theoretical one: the share of the 64 warps of a multiprocessor that its 64 Ki registers, 228 KiB of shared memory and 32
blocks leave room for, and in brackets what limits it. More is not always faster: the tiles of `gemm_tile.cuh` live in
registers on purpose. Kernels that stream through memory hide its latency with it. Dynamic shared memory, which the
launch decides on, is not counted. How these numbers are held: [testing.md](testing.md#registers-and-shared-memory).

| kernel | forms | threads | registers | static shared memory | occupancy |
|---|---:|---:|---:|---:|---|
"""


def occupancy(used):
    """(share of 64 warps, what limits it) on sm_90."""
    warps = math.ceil(used["threads"] / WARP)
    # Each of the four schedulers has a quarter of the registers, so warps come in fours.
    by_registers = MULTIPROCESSOR_REGISTERS // warp_registers(used["registers"]) // 4 * 4 // warps
    blocks, limit = min((HOPPER_WARPS // warps, "warps"), (by_registers, "registers"),
                        (HOPPER_SHARED // max(used["shared"], RESERVED_SHARED), "shared memory"),
                        (HOPPER_BLOCKS, "blocks"), key=lambda pair: pair[0])
    return blocks * warps / HOPPER_WARPS, limit


def table(record):
    """docs/kernels.md."""
    forms = {}
    for name, entries in record["kernels"].items():
        if HOPPER in entries:
            forms.setdefault(name.partition("<")[0], []).append((entries[HOPPER], name))
    rows = []
    for kernel, all_forms in forms.items():
        used, name = max(all_forms, key=lambda form: (form[0]["registers"], form[0]["shared"]))
        share, limit = occupancy(used)
        shown = f"{share:.0%}" + ("" if share == 1 else f" ({limit})")
        own = max(used["shared"] - RESERVED_SHARED, 0)
        rows.append((-used["registers"], kernel, f"| `{name}` | {len(all_forms)} | {used['threads']} | "
                     f"{used['registers']} | {own or ''} | {shown} |\n"))
    return INTRO.replace("{nvcc}", record["nvcc"]) + "".join(row for _, _, row in sorted(rows))


def skipped(reason):
    print(f"budget: Skipped\n{reason}")
    return SKIP


def report(problems, passed):
    for problem in problems:
        print(problem)
    print(f"budget: {len(problems)} problems" if problems else f"budget: {passed}")
    return 1 if problems else 0


def check_record(library, version, record):
    major_minor = [text.rsplit(".", 1)[0] for text in (version, record["nvcc"])]
    if major_minor[0] != major_minor[1]:
        return skipped(f"nvcc {version}: the budget is of nvcc {record['nvcc']}; "
                       f"registers and shared memory were not compared")
    recorded = {architecture for entries in record["kernels"].values() for architecture in entries}
    compared = sorted(library.keys() & recorded)
    if not compared:
        return skipped(f"compiled for {', '.join(sorted(library))}: the budget is of {', '.join(sorted(recorded))}")
    problems, gains = differences(library, record["kernels"])
    for gain in gains:
        print(f"{gain} (less: --update keeps it)")
    left_out = sorted(recorded - library.keys())
    if left_out:
        print(f"budget: not compared, as not compiled: {', '.join(left_out)}")
    if problems:
        print("What is meant to be is recorded with: budget.py record LIBRARY --update")
    return report(problems, f"kernels for {', '.join(compared)} within the record of nvcc {record['nvcc']}")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["limits", "record", "table"])
    parser.add_argument("library", nargs="?", help="the static library of the cuda device, an object file or a cubin")
    parser.add_argument("--nvcc", default="nvcc", help="what compiled it")
    parser.add_argument("--record", type=pathlib.Path, default=RECORD,
                        help="instead of budget.json; no page is written then")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args(arguments)
    if (options.command == "table") != (options.library is None) or (options.update and options.command != "record"):
        parser.error("limits and record take a library, table takes none; --update belongs to record")
    if options.command == "table":
        print(table(json.loads(options.record.read_text())), end="")
        return 0
    try:
        library = resources.read_library(options.library, resources.find_cuobjdump(options.nvcc))
        if options.command == "limits":
            kernels = sum(len(of_architecture) for of_architecture in library.values())
            return report(list(limit_problems(library)),
                          f"{kernels} kernels for {', '.join(sorted(library))} fit, without spills")
        version = resources.nvcc_version(options.nvcc)
        if not options.update:
            return check_record(library, version, json.loads(options.record.read_text()))
        options.record.write_text(record_of(library, version))
        print(f"budget: {options.record.name} written, of nvcc {version}")
        if options.record == RECORD:
            PAGE.write_text(table(json.loads(RECORD.read_text())))
            print(f"budget: docs/{PAGE.name} written")
        return 0
    except resources.MissingTool as error:
        return skipped(str(error))
    except resources.BudgetError as error:
        print(f"budget: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
