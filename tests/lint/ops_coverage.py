#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every operation is everywhere: ops_coverage.py ROOT

Reads the pure virtual functions of the contracts (core/ops/*.h) and checks, for each op and direction, that class Ops
lists it, that every engine overrides it, that a test calls it or runs the layer that does, and that the op's files carry
one base name in every folder. What the compiler cannot see (a missing test, a missing case table) fails here.
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
# Bases without a layer of their own: bias belongs to conv2d and linear, cast to plans, distance to k-nearest-neighbour, augment to the
# data, the others to the trainer.
WITHOUT_LAYER = {"augment", "bias", "cast", "distance", "sgd", "adam", "rmsprop", "adagrad", "average", "sum_of_squares",
                 "gradient_clip", "halt", "nonfinite"}
# These only copy, round or set values, find one or count in whole numbers, so a right result is exact.
WITHOUT_TOLERANCE = {"augment", "cast", "halt", "one_hot", "nonfinite"}
# No operation, but what an engine may be able to do with the others; its defaults are those of a plain engine.
ABILITIES = {"layout"}


def contracts(files):
    """{op base name: [pure virtual functions]} from core/ops/*.h."""
    ops = {}
    for path, text in files.items():
        found = re.fullmatch(r"core/ops/(\w+)\.h", path)
        if found and found.group(1) not in ABILITIES:
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


def included(text, pattern):
    return re.findall(rf'^#include "({pattern})"', text, re.MULTILINE)


def called_through_layers(files):
    """The code of the layers that go through register_layer_tests: named by an operation's tests or their case table."""
    code = []
    for path, text in files.items():
        if not re.fullmatch(r"tests/ops/\w+_test\.cpp", path):
            continue
        if not re.search(r"\bregister_layer_tests\(", rules.without_comments(text)):
            continue
        tables = [files.get(table, "") for table in included(text, r"tests/ops/\w+_cases\.h")]
        for header in included("\n".join([text, *tables]), r"core/layers/\w+\.h"):
            code.append(rules.without_comments(files.get(header[:-2] + ".cpp", "")))
    return "\n".join(code)


def problems(files):
    ops = contracts(files)
    if not ops:
        yield "core/ops: no contract found"
    bases = re.search(r"class Ops :(.*?)\{", rules.without_comments(files.get("core/backend/backend.h", "")), re.DOTALL)
    listed = set(re.findall(r"public (\w+)", bases.group(1))) if bases else set()
    tests = "\n".join(text for path, text in files.items() if path.startswith("tests/ops/") and path.endswith(".cpp"))
    layers = called_through_layers(files)
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
            if not re.search(rf"\b{function}\(", tests) and not re.search(rf"\bops\.{function}\(", layers):
                yield f"{op}: no test under tests/ops calls {function}, nor does a layer in register_layer_tests"
        wanted = [f"cpu_reference/{op}.h", f"tests/ops/{op}_test.cpp"]
        if op not in WITHOUT_TOLERANCE:
            wanted.append(f"core/tolerance/{op}.h")
        for path in wanted:
            if path not in files:
                yield f"{op}: no file {path}"
        # One operation may serve layers of other names; they name it as their contract.
        if op not in WITHOUT_LAYER and f"core/layers/{op}.h" not in files and not any(
                path.startswith("core/layers/") and path.endswith(".h") and f"core/ops/{op}.h" in text
                for path, text in files.items()):
            yield f"{op}: no file core/layers/*.h is named after it or names core/ops/{op}.h as its contract"
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
