#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the kernels of one layer and direction with Nsight Compute, inside a real training step.

    ncu_layer.sh NET LAYER forward|backward [--batch N] [--precision NAME] [--engine NAME] [--out FILE]
                 [--fovea PROGRAM] [--print] [--plan-on DEVICE]

    ncu_layer.sh alexnet-cifar features-3 backward --batch 128 --precision bf16

Asks the plan (fovea summary --plan) for the step's profiler range and launches, lets ncu collect every metric of one
pass through that range after two of warm-up, writes FILE.ncu-rep (default: NET-LAYER-DIRECTION) and prints its pages.
--print only shows both commands. --plan-on emu asks the emulator's plan, which is that of cuda's own kernels and needs
no GPU. docs/profiling.md tells how to read the result. Exit status: ncu's, or 2 when nothing could be started.
"""
import argparse
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILDS = ("release", "cuda", "dev", "gpu-report")
WARM_UP = 2  # passes through the range that are not measured: caches fill, clocks rise
OF_THE_PLANNER = ("cast", "convert_layout", "add", "seed")  # steps that no layer takes


class Refused(Exception):
    """Nothing can be started; the message says why."""


def find_fovea(given):
    if given:
        return given
    for build in BUILDS:
        program = ROOT / "build" / build / "cli" / "fovea"
        if program.is_file():
            return str(program)
    found = shutil.which("fovea")
    if not found:
        raise Refused(f"no fovea in build/{{{','.join(BUILDS)}}}/cli or on PATH; name it with --fovea")
    return found


def plan_steps(options, work):
    command = [options.fovea, "summary", options.net, "--plan", "--device", options.plan_on, "--json", *work]
    try:
        ran = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Refused(f"{options.fovea}: {error.strerror}") from error
    answer = json.loads(ran.stdout or "{}")
    if ran.returncode != 0 or "steps" not in answer:
        raise Refused(answer.get("error") or ran.stderr.strip() or f"{shlex.join(command)}: exit {ran.returncode}")
    return [step for step in answer["steps"] if step["op"] not in OF_THE_PLANNER and step["direction"] != "update"]


def find_step(steps, layer, direction):
    for step in steps:
        if (step["layer"], step["direction"]) == (layer, direction):
            return step
    for step in steps:
        if step["direction"] == direction and layer in step["fused"]:
            raise Refused(f"{layer} {direction} has no kernel of its own: it is part of '{step['range']}', "
                          f"ask for {step['layer']}")
    there = ", ".join(step["layer"] for step in steps if step["direction"] == direction)
    raise Refused(f"no layer '{layer}' in the plan {direction}, there are: {there}")


def nvtx_filter(name):
    """A range that was pushed and popped (hence the slash), with a backslash before what filters give a meaning to. Not
    before '-': ncu then sees no range."""
    return re.sub(r"([\\+*/@,\[\]])", r"\\\1", name) + "/"


def commands(options):
    """What measures, and what prints the result."""
    work = ["--batch", str(options.batch)]
    for option in ("precision", "engine"):
        if getattr(options, option):
            work += [f"--{option}", getattr(options, option)]
    step = find_step(plan_steps(options, work), options.layer, options.direction)
    launches = step["launches"]
    if launches == 0:
        raise Refused(f"'{step['range']}' launches no kernel")
    net = pathlib.Path(options.net).name.removesuffix(".toml")
    out = options.out or re.sub(r"[^\w.-]", "_", f"{net}-{options.layer}-{options.direction}")
    measure = ["ncu", "--nvtx", "--nvtx-include", nvtx_filter(step["range"]), "--set", "full", "--launch-skip",
               str(WARM_UP * launches), "--launch-count", str(launches), "--force-overwrite", "--export", out,
               options.fovea, "profile", options.net, "--device", "cuda", *work, "--steps", str(WARM_UP + 1)]
    return measure, ["ncu", "--import", out + ".ncu-rep", "--page", "details"]


def main(arguments):
    parser = argparse.ArgumentParser(prog="ncu_layer.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", help="a built-in net or a net file")
    parser.add_argument("layer", help="its name in fovea summary NET --plan")
    parser.add_argument("direction", choices=["forward", "backward"])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--precision")
    parser.add_argument("--engine")
    parser.add_argument("--out", help="report, without .ncu-rep")
    parser.add_argument("--fovea")
    parser.add_argument("--print", action="store_true", help="show the commands, run nothing")
    parser.add_argument("--plan-on", default="cuda", metavar="DEVICE")
    options = parser.parse_args(arguments)
    try:
        options.fovea = find_fovea(options.fovea)
        if not options.print and not shutil.which("ncu"):
            raise Refused("ncu is not on PATH: install Nsight Compute, a part of the CUDA Toolkit "
                          "(--print shows the command)")
        measure, show = commands(options)
    except Refused as error:
        print(f"ncu_layer.sh: {error}", file=sys.stderr)
        return 2
    if options.print:
        print(f"{shlex.join(measure)}\n{shlex.join(show)}")
        return 0
    return subprocess.run(measure).returncode or subprocess.run(show).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
