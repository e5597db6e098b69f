# SPDX-License-Identifier: Apache-2.0
"""The rules of the source tree. Each takes {path: text} and yields (path, line, message); lint_test.py plants a
violation of every one."""
import posixpath
import re

SOURCE = (".h", ".cuh", ".cpp", ".cu")
SCRIPT = (".py", ".sh")


def is_source(path):
    return path.endswith(SOURCE)


def under(path, *folders):
    return path.startswith(tuple(folder + "/" for folder in folders))


def without_comments(text):
    """C++ text with comments and string contents blanked, so that line numbers stay."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)

    return re.sub(pattern, blank, text, flags=re.DOTALL)


def matches(path, text, pattern, message, flags=0):
    for number, line in enumerate(text.split("\n"), 1):
        found = re.search(pattern, line, flags)
        if found:
            yield path, number, message.format(found.group(0))


def spdx(files):
    """Every source and script says its licence in the first line (after #!)."""
    for path, text in files.items():
        if not path.endswith(SOURCE + SCRIPT):
            continue
        lines = text.split("\n")
        first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
        if not re.fullmatch(r"(//|#) SPDX-License-Identifier: Apache-2\.0", first):
            yield path, 1, "the first line must be '// SPDX-License-Identifier: Apache-2.0' (# in scripts)"


def no_cuda_in_core(files):
    """core/, cpu_reference/ and examples/ never name CUDA; only the device list knows the devices."""
    for path, text in files.items():
        if not under(path, "core", "cpu_reference", "examples"):
            continue
        if path in ("core/backend/device_list.h", "core/backend/device_list.cpp"):
            continue
        if is_source(path) or path.endswith(("CMakeLists.txt", ".cmake")):
            yield from matches(path, text, r"cuda|cudnn|cublas|__global__|__device__|<<<",
                               "'{}': CUDA is named outside cuda/", re.IGNORECASE)


def library_headers(files):
    """A library's headers are included in the folder that wraps it and its tests only."""
    for library, home, tests in [("(cudnn|cublas)", "cuda/cudnn", "tests/library"), ("oneapi/", "cpu", "tests/cpu")]:
        for path, text in files.items():
            if is_source(path) and not under(path, home, tests):
                yield from matches(path, text, rf"#\s*include\s*[<\"]{library}[^>\"]*",
                                   f"{{}}: only {home} includes library headers")


def one_launch(files):
    """Kernels are launched through launch() only, shared arrays declared with FOVEA_SHARED only; no __activemask."""
    for path, text in files.items():
        if not is_source(path):
            continue
        code = without_comments(text)
        if path != "cuda/runtime/launch.h":
            yield from matches(path, code, r"<<<", "'{}': use launch() (cuda/runtime/launch.h)")
        if path != "cuda/runtime/dialect.cuh":
            yield from matches(path, code, r"\b__shared__\b", "'{}': use FOVEA_SHARED or dynamic_shared<T>()")
        yield from matches(path, code, r"\b__activemask\b", "'{}': name the lanes that take part")


def wide_accesses(files):
    """Kernels take several elements in one access by wide<>() only, which the emulator watches."""
    pattern = r"reinterpret_cast<(const )?((char|uchar|int|uint|float|double)[234]\b|[A-Z]\w*<)"
    for path, text in files.items():
        if under(path, "cuda/kernels"):
            yield from matches(path, without_comments(text), pattern, "'{}': use wide<>() (cuda/runtime/dialect.cuh)")


def raw_cuda_calls(files):
    """Memory, streams and library handles are made in cuda/runtime and cuda/cudnn only, wrapped in RAII types."""
    pattern = r"\b(cuda(Malloc|Free|StreamCreate|StreamDestroy|EventCreate|EventDestroy)\w*|cudnn(Create|Destroy)\w*)\b"
    for path, text in files.items():
        if is_source(path) and not under(path, "cuda/runtime", "cuda/cudnn", "tests/library"):
            yield from matches(path, without_comments(text), pattern, "'{}': use the RAII types of cuda/runtime")


# Which folders (or single headers) a folder may include, besides itself. The flow is support, tensor, ops, backend, graph, executor, ...
CORE_INCLUDES = {
    "core/support": [],
    "core/tensor": ["core/support"],
    "core/ops": ["core/tensor", "core/support"],
    "core/backend": ["core/ops", "core/tensor", "core/support"],
    # A tolerance fills the arguments that graph/layer.h declares; the graph knows only the pair of value and tolerance.
    "core/tolerance": ["core/graph/layer.h", "core/backend", "core/ops", "core/tensor", "core/support"],
    "core/graph": ["core/tolerance/uncertain.h", "core/backend", "core/ops", "core/tensor", "core/support"],
    "core/layers": ["core/graph", "core/tolerance", "core/backend", "core/ops", "core/tensor", "core/support"],
    "core/io": ["core/tensor", "core/support"],
    "core/data": ["core/ops/augment.h", "core/io", "core/tensor", "core/support"],
    "core/models": ["core/layers", "core/graph", "core/ops", "core/tensor", "core/support"],
    "core/executor": ["core/graph", "core/tolerance", "core/backend", "core/ops", "core/tensor", "core/support"],
    "core/tuning": ["core/executor", "core/graph", "core/io", "core/backend", "core/ops", "core/tensor", "core/support"],
    "core/train": ["core/executor", "core/graph", "core/data", "core/io", "core/backend", "core/ops", "core/tensor",
                   "core/support"],
    "core/compare": ["core/executor", "core/layers", "core/graph", "core/tolerance", "core/data", "core/backend",
                     "core/ops", "core/tensor", "core/support"],
}
DEVICE_INCLUDES = ["core/backend", "core/ops", "core/tensor", "core/support"]
INCLUDES = {
    **CORE_INCLUDES,
    "cpu_reference": DEVICE_INCLUDES + ["core/data/augment/passes.h"],  # the host's passes are the reference
    "cpu": DEVICE_INCLUDES + ["cpu_reference"],  # its engine derives from the reference
    "cuda/runtime": DEVICE_INCLUDES + ["cuda/emu"],
    "cuda/emu": DEVICE_INCLUDES + ["cuda/runtime"],
    "cuda/kernels": ["core/ops", "core/tensor", "core/support", "cuda/runtime"],
    # An engine derives from the native one, and launches kernels around the library's calls.
    "cuda/cudnn": DEVICE_INCLUDES + ["cuda", "cuda/runtime", "cuda/kernels"],
    "cuda": DEVICE_INCLUDES + ["cuda/runtime", "cuda/emu", "cuda/kernels", "cuda/cudnn"],
    "cli": list(CORE_INCLUDES),
    "examples": list(CORE_INCLUDES),
}
# Lists of things, whose whole purpose is to name them all.
INCLUDE_LISTS = {
    "core/backend/device_list.cpp": ["cpu_reference", "cpu", "cuda"],
    "core/graph/layer_types.cpp": ["core/layers"],
    "core/graph/graph.cpp": ["core/layers"],  # make_classifier appends the loss
    "core/executor/fold_batch_norm.cpp": ["core/layers"],  # the layers that can take in a scale and a shift
    "core/train/transfer.cpp": ["core/layers"],  # the layers that can be a net's last one
}


def folder_of(path):
    """The folder that INCLUDES speaks about: "core/ops", "cuda/kernels", "cuda", "cli", ..."""
    folder = posixpath.dirname(path)
    while folder and folder not in INCLUDES:
        folder = posixpath.dirname(folder)
    return folder


def include_direction(files):
    """Includes start at the repository's root and follow the one direction of the architecture."""
    tops = {path.split("/")[0] for path in files if "/" in path}
    for path, text in files.items():
        if not is_source(path):
            continue
        here = folder_of(path)
        allowed = [here] + INCLUDES.get(here, []) + INCLUDE_LISTS.get(path, [])
        for number, line in enumerate(text.split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not found:
                continue
            included = found.group(1)
            if included.split("/")[0] not in tops:
                yield path, number, f'"{included}": includes start at the repository\'s root'
            elif here and folder_of(included) not in allowed and included not in allowed:
                yield path, number, f'"{included}": {here} may not include {posixpath.dirname(included)}'


def file_length(files):
    """Sources stay readable in one sitting."""
    for path, text in files.items():
        limit = 300 if under(path, "cuda/kernels") else 400
        lines = text.count("\n")
        if path.endswith(SOURCE + SCRIPT) and lines > limit:
            yield path, lines, f"{lines} lines; the limit is {limit}"


def line_length(files):
    """Scripts stay within 120 columns, as clang-format keeps the sources."""
    for path, text in files.items():
        if path.endswith(SCRIPT):
            yield from matches(path, text, r"^.{121,}$", "longer than 120 columns")


def no_unfinished_work(files):
    """No note of unfinished work: it belongs into an issue."""
    pattern = r"\bTO" + r"DO\b|\bFIX" + r"ME\b|\bXX" + r"X\b|not " + r"implemented|\bfor " + r"now\b"
    for path, text in files.items():
        yield from matches(path, text, pattern, "'{}'", re.IGNORECASE if is_source(path) else 0)


def no_machine_paths(files):
    """Nothing knows the machine it was written on."""
    pattern = r"(?<![\w.$}{-])/(work|home|root|mnt|workspace|Users)/\w+"
    for path, text in files.items():
        yield from matches(path, text, pattern, "'{}': a path of one machine")


MACRO_PREFIXES = ("FOVEA_", "TOML_", "NV_CUDNN_FRONTEND_", "CUDNN_FRONTEND_", "cudnn_frontend", "__")


def macro_names(files):
    """Macros carry the project's name; the others listed here configure a library of that prefix."""
    for path, text in files.items():
        if is_source(path):
            for number, line in enumerate(without_comments(text).split("\n"), 1):
                found = re.match(r"\s*#\s*define\s+(\w+)", line)
                if found and not found.group(1).startswith(MACRO_PREFIXES):
                    yield path, number, f"macro {found.group(1)} must start with FOVEA_"


def header_guards(files):
    """Headers use #pragma once and never put a using-directive into their includers."""
    for path, text in files.items():
        if path.endswith((".h", ".cuh")):
            if "#pragma once" not in text:
                yield path, 1, "#pragma once is missing"
            yield from matches(path, without_comments(text), r"^using namespace [\w:]+", "'{}' in a header")


RULES = [spdx, no_cuda_in_core, library_headers, one_launch, wide_accesses, raw_cuda_calls, include_direction, file_length,
         line_length, no_unfinished_work, no_machine_paths, macro_names, header_guards]
