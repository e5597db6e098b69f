#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/ops.md from the contracts: ops_doc.py FOVEA [--check]

Formulas and conventions are the header comments of core/ops and core/layers, options and tensors what
`FOVEA op --list --json` says. --check compares instead of writing and fails when the page is not up to date.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ops.md"

INTRO = """\
# Layers and losses

<!-- Written by scripts/ops_doc.py from the headers named below and `fovea op --list --json`. Do not edit. -->

Every type that net files may name ([net files](net-files.md)), with its formula, options, tensors and an example that
runs as it stands. `fovea op` ([options](cli.md#op)) reads inputs, parameters and the upstream gradient from a
safetensors file and writes what the layer computes to another; `--example` writes tensors to start from, and
`--device emu:native`, `cuda:library` and so on choose who computes.

Shapes in the tables are the example's. State may be absent from the file: it starts at its initial value, and the file
written in training holds what it became. `dy` is the gradient of `y`; of one number it may be absent and is 1.
Tensors that forward keeps for backward are written too. Labels are i32 or i64.
"""


def comment_lines(lines):
    """The text of `//` lines without the slashes; the empty ones at both ends dropped."""
    text = [line[2:].removeprefix(" ").rstrip() for line in lines]
    while text and not text[0]:
        text.pop(0)
    while text and not text[-1]:
        text.pop()
    return text


def header_comment(path):
    """What stands above `#pragma once`, without the licence."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("//"):
            break
        if "SPDX-License-Identifier" not in line:
            lines.append(line)
    return comment_lines(lines)


def class_comment(path, name):
    """What stands directly above the class."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(rf"class {name}\b", line):
            first = number
            while first > 0 and lines[first - 1].startswith("//"):
                first -= 1
            return comment_lines(lines[first:number])
    return []


def class_name(op_type):
    return "".join(word[:1].upper() + word[1:] for word in op_type.split("_"))


def layer_header(op_type):
    own = ROOT / "core" / "layers" / f"{op_type}.h"
    if own.exists():
        return own
    declares = re.compile(rf"^class {class_name(op_type)}\b", re.M)
    return next(path for path in sorted((ROOT / "core" / "layers").glob("*.h")) if declares.search(path.read_text()))


def formula(op):
    """The header that has the formula, and its text: the layer's own, or else that of its operation."""
    layer = layer_header(op["name"])
    contract = ROOT / "core" / "ops" / f"{op['name']}.h"  # conv_transpose2d has one, though no operation of its own
    if not contract.exists():
        contract = ROOT / "core" / "ops" / f"{op['op']}.h"
    own = header_comment(layer) if layer.stem == op["name"] else []
    if own or not contract.exists():
        return layer, own
    return contract, header_comment(contract)


def shape_text(shape):
    return "[" + ", ".join(map(str, shape)) + "]"


def options_table(op):
    if not op["options"]:
        return ["Options: none."]
    rows = ["| option | default | allowed |", "|---|---|---|"]
    for option in op["options"]:
        default = "required" if option["required"] else f"`{json.dumps(option['default'])}`"
        rows.append(f"| `{option['name']}` | {default} | {option['expected']} |")
    return rows


def tensors_table(op):
    rows = ["| tensor | what | dtype | shape |", "|---|---|---|---|"]

    def row(name, what, dtype, shape):
        rows.append(f"| `{name}` | {what} | {dtype} | {shape_text(shape)} |")

    more = "input, any number of them" if op["any_number"] else "input"
    for tensor in op["inputs"]:
        row(tensor["name"], more, tensor["dtype"], tensor["shape"])
    for tensor in op["parameters"]:
        row(tensor["name"], "parameter", tensor["dtype"], tensor["shape"])
    for tensor in op["state"]:
        row(tensor["name"], "state, read and written", tensor["dtype"], tensor["shape"])
    if op["gradient"]:
        row("dy", "gradient of the output", "f32", op["output"]["shape"])
    row("y", "output", "f32", op["output"]["shape"])
    for tensor in op["saved"]:
        row(tensor["name"], "kept for backward", tensor["dtype"], tensor["shape"])
    for tensor in op["inputs"] + op["parameters"]:
        if tensor.get("differentiable", True):
            row("d" + tensor["name"], "gradient", tensor["dtype"], tensor["shape"])
    return rows


def example(op):
    params = f" --params '{json.dumps(op['example_params'])}'" if op["example_params"] else ""
    backward = " --backward" if op["gradient"] else ""
    return ["```sh", f"fovea op {op['name']}{params} --example in.safetensors",
            f"fovea op {op['name']}{params} --in in.safetensors \\",
            f"    --device reference --out out.safetensors{backward}", "```"]


def section(op):
    path, text = formula(op)
    where = path.relative_to(ROOT).as_posix()
    note = " ".join(class_comment(layer_header(op["name"]), class_name(op["name"])))
    note = re.sub(r"^[^.]*: core/ops/\w+\.h\.\s*", "", note)  # where the formula is, which stands below
    lines = [f"### {op['name']}", "", f"{op['summary']}. Formula and conventions: [{where}](../{where})"]
    if op["op"] not in (op["name"], path.stem) and (ROOT / "core" / "ops" / f"{op['op']}.h").exists():
        lines[-1] += f"; made of the operation [{op['op']}](../core/ops/{op['op']}.h)"
    lines[-1] += "."
    if note:
        lines += ["", note]
    if text:
        lines += ["", "```", *text, "```"]
    return "\n".join([*lines, "", *options_table(op), "", *tensors_table(op), "", *example(op), ""])


def page(ops):
    parts = [INTRO]
    for kind, title in [("layer", "## Layers"), ("loss", "## Losses")]:
        mine = [op for op in ops if op["kind"] == kind]
        contents = [f"- [`{op['name']}`](#{op['name']}): {op['summary']}" for op in mine]
        parts.append("\n".join([title, "", *contents, ""]))
        parts += [section(op) for op in mine]
    return "\n".join(parts)


def listed(fovea):
    ran = subprocess.run([fovea, "op", "--list", "--json", "--quiet"], capture_output=True, check=True)
    return json.loads(ran.stdout)["ops"]


def main(fovea, *options):
    text = page(listed(fovea))
    if "--check" in options:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit(f"docs/ops.md is not up to date: run scripts/ops_doc.py {fovea}")
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
