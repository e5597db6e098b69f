#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden values of every layer type with PyTorch: make_goldens.py (Debian: apt install python3-torch).

TYPE.json beside this script:
  {"type": as in net files, "torch": its version, "cases": [{"name", "params": options as in net files,
   "phase": "training" or "inference", "random": {"seed", "step", "layer"} where the layer draws, "state": [names],
   "tensors": {name: {"shape", "values"}}}]}

Tensors have the layer's names: inputs ("x", or "x0", "x1", ..., "logits", ...), parameters, state before the pass, the
output "y"; in training its gradient "dy", the gradients "d" + name, and the state after the pass "new_" + name. Element
order is row-major; labels are whole numbers. The numbers come from Python's own generator and repeat exactly.
"""
import json
import pathlib

import torch

import classes
import images
import values

HERE = pathlib.Path(__file__).resolve().parent


def main():
    total = 0
    for function in images.TYPES + values.TYPES + classes.TYPES:
        cases = list(function())
        names = [entry["name"] for entry in cases]
        assert len(set(names)) == len(names) >= 10, function.__name__
        lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
        path = HERE / f"{function.__name__}.json"
        path.write_text(f'{{"type":"{function.__name__}","torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n',
                        encoding="utf-8")
        total += path.stat().st_size
        print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")
    print(f"{total} bytes")


if __name__ == "__main__":
    main()
