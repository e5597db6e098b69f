#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peers' nets train as ours do: from the same weights on the same images, five steps of SGD with momentum (12 where
not all is float32) give the same losses.

    parity.py FOVEA lenet5 --device reference [--precision bf16] [--variant eager] [--peer-device cuda]

Writes 16 random images as a data set that `fovea train` reads, lets it leave its initial weights (one step with a
learning rate of 0) and then its losses, and repeats that in PyTorch or JAX, by the code that is timed. Prints one JSON
line; exit code 1 when a loss differs by more than TOLERANCE allows. AlexNet and VGG draw dropout masks, which are each
framework's own: their layers are held against `fovea summary` instead, as those of every net are.
"""
import argparse
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile

import exchange
from variants import PRECISIONS, VARIANTS

# Of the loss. Where products of 16-bit or TF32 factors are taken, the 1 % by which the project lets its own bf16
# training stray from float32.
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2, "bf16": 1e-2}


def compare_losses(arguments, framework):
    steps = exchange.STEPS[arguments.precision]
    with tempfile.TemporaryDirectory(prefix="fovea-parity-") as temporary:
        ours, problem = exchange.train(arguments.fovea, arguments.net, arguments.device, arguments.precision,
                                       pathlib.Path(temporary))
    theirs = framework.losses(problem, steps, arguments.variant, arguments.peer_device, arguments.precision)
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
    change = abs(theirs[-1] - theirs[0]) / theirs[0]
    # The losses must change by far more than they may differ, or backward and SGD were not compared.
    tolerance = TOLERANCE[arguments.precision]
    return {"losses": ours, "peer_losses": theirs, "worst_relative_difference": worst, "tolerance": tolerance,
            "losses_agree": len(ours) == len(theirs) == steps and worst <= tolerance
            and change >= 5 * tolerance}


def layers_agree(fovea, name, framework):
    """Output shape and number of parameters of every layer that has parameters, in the order of execution."""
    printed = subprocess.run([fovea, "summary", name, "--batch", "1", "--json", "--quiet"], check=True,
                             capture_output=True).stdout
    ours = [[layer["name"], layer["output_shape"], layer["parameters"]]
            for layer in json.loads(printed)["layers"] if layer["parameters"] > 0]
    return ours == framework.layers(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("fovea")
    parser.add_argument("net")
    parser.add_argument("--device", default="auto", help="of Fovea")
    parser.add_argument("--peer-device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--variant", choices=VARIANTS, default="eager")
    arguments = parser.parse_args()
    name = VARIANTS[arguments.variant].framework
    try:
        framework = importlib.import_module(f"{name}_bench")
    except ImportError as error:
        print(json.dumps({"net": arguments.net, "framework": name, "error": f"{error.name} is not installed"}))
        return 1
    if arguments.net not in framework.nets.NETS:
        parser.error(f"net: expected one of {', '.join(framework.nets.NETS)}, got '{arguments.net}'")
    result = {"net": arguments.net, "framework": name, "precision": arguments.precision,
              "layers_agree": layers_agree(arguments.fovea, arguments.net, framework)}
    if arguments.net in exchange.DATA:
        result.update(compare_losses(arguments, framework))
    print(json.dumps(result))
    return 0 if result["layers_agree"] and result.get("losses_agree", True) else 1


if __name__ == "__main__":
    sys.exit(main())
