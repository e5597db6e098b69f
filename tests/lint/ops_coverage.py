#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every operation is everywhere: ops_coverage.py ROOT

Reads the pure virtual functions of the contracts (core/ops/*.h) and checks, for each op and direction, that class Ops
lists it, that every engine overrides it, that a test calls it, and that the op's files carry one base name in every
folder. What the compiler cannot see (a missing test, a missing case table) fails here.
"""
import pathlib
import re
import sys

import rules
import tree

# Engines: a class that derives from Ops, and the file in which it declares its overrides.
ENGINES = {"reference": "cpu_reference/", "native": "cuda/native_ops.h", "library": "cuda/cudnn/"}
# The library engine provides these; everything else is taken from native and printed as such in the plan.
LIBRARY_OPS = {"conv2d", "linear"}
# Bases without a layer of their own: bias belongs to conv2d and linear, sgd to the trainer.
WITHOUT_LAYER = {"bias", "sgd"}


def contracts(files):
    """{op base name: [pure virtual functions]} from core/ops/*.h."""
    ops = {}
    for path, text in files.items():
        found = re.fullmatch(r"core/ops/(\w+)\.h", path)
        if found:
            code = rules.without_comments(text)
            functions = re.findall(r"virtual [\w:]+ (\w+)\([^)]*\)[^;{]*= 0;", code)
            if re.search(r"class \w+Ops\b", code):
                ops[found.group(1)] = functions
    return ops


def overrides(files, prefix):
    text = "\n".join(rules.without_comments(text) for path, text in files.items() if path.startswith(prefix))
    return set(re.findall(r"\b(\w+)\([^;{}]*\)\s*(?:const\s*)?(?:noexcept\s*)?(?:override|final)", text))


def class_name(op):
    return "".join(part.capitalize() for part in op.split("_")) + "Ops"


def problems(files):
    ops = contracts(files)
    if not ops:
        yield "core/ops: no contract found"
    bases = re.search(r"class Ops :(.*?)\{", rules.without_comments(files.get("core/backend/backend.h", "")), re.DOTALL)
    listed = set(re.findall(r"public (\w+)", bases.group(1))) if bases else set()
    tests = "\n".join(text for path, text in files.items() if path.startswith("tests/ops/") and path.endswith(".cpp"))
    provided = {engine: overrides(files, prefix) for engine, prefix in ENGINES.items()}
    for op, functions in ops.items():
        if not functions:
            yield f"{op}: its contract has no pure virtual function"
        if class_name(op) not in listed:
            yield f"{op}: class Ops (core/backend/backend.h) does not derive from {class_name(op)}"
        for engine in ENGINES:
            for function in functions:
                if function not in provided[engine] and (engine != "library" or op in LIBRARY_OPS):
                    yield f"{op}: engine {engine} ({ENGINES[engine]}) does not override {function}"
        for function in functions:
            if not re.search(rf"\b{function}\(", tests):
                yield f"{op}: no test under tests/ops calls {function}"
        wanted = [f"cpu_reference/{op}.h", f"tests/ops/{op}_test.cpp", f"core/tolerance/{op}.h"]
        if op not in WITHOUT_LAYER:
            wanted.append(f"core/layers/{op}.h")
        for path in wanted:
            if path not in files:
                yield f"{op}: no file {path}"
        # Kernels are named by their idea, so a matrix product may serve an op of another name; it says so on top.
        if not any(path.startswith("cuda/kernels/") and path.endswith(".cu") and f"core/ops/{op}.h" in text
                   for path, text in files.items()):
            yield f"{op}: no file cuda/kernels/*.cu names core/ops/{op}.h as its contract"
        if not re.search(r'#include "tests/ops/\w+_cases\.h"', files.get(f"tests/ops/{op}_test.cpp", "")):
            yield f"{op}: tests/ops/{op}_test.cpp includes no table of named cases"


def main(root):
    files = tree.read(root)
    found = list(problems(files))
    for message in found:
        print(message)
    ops = contracts(files)
    print(f"ops: {len(ops)} operations, {sum(map(len, ops.values()))} functions, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
