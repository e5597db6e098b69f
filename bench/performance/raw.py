# SPDX-License-Identifier: Apache-2.0
"""The raw measurements of bench/results, read into plain dictionaries. Python's standard library only.

A file that lacks what is asked of it is a Fault: file, expected, got."""
import json
import pathlib
import re
import sys

BENCH = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCH), str(BENCH / "peers")]
from page import Fault  # noqa: E402  the path above is needed first

RESULTS = BENCH / "results"
FIRST, SECOND, THIRD, CPU = "2026-11-26-h100", "2026-11-27-h100", "2026-11-27-h100-2", "2026-11-26-cpu-avx2"
# Run -> commit, as the notes have them; run 2 is named by its title there. Runs 1 to 3 are in the second folder.
COMMITS = {1: "7a9fa3e and three repairs", 2: "dead6d6", 3: "a688d27", 4: "9507262 in part", 5: "9507262", 6: "00c1d7a"}
FIRST_COMMIT = "39cf1f9"
# Profile -> its newest run.
PROFILES = {"alexnet-128-bf16": 4, "alexnet-1024-bf16": 2, "alexnetcifar-512-bf16": 2, "resnet18-64-bf16": 2,
            "lenet5-64-bf16": 4, "lenet5-64-fp32": 2}
NUMBER = r"[-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?"


class Results:
    """One folder of results; tests give another one than the repository's."""

    def __init__(self, folder=RESULTS):
        self.folder = pathlib.Path(folder)
        self.latest = self.folder  # what was read last, for messages

    def text(self, run, name):
        path = self.latest = self.folder / run / name
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise Fault(f"{path}: expected a file of measurements, got: {error.strerror}") from None

    def json(self, run, name):
        try:
            return json.loads(self.text(run, name))
        except ValueError as error:
            raise Fault(f"{self.folder / run / name}: expected JSON, got: {error}") from None

    def shown(self, name, function):
        """function(self), with a Fault for what it misses in the file that it read last."""
        try:
            return function(self)
        except (KeyError, IndexError, StopIteration, TypeError, ValueError) as error:
            raise Fault(f"{self.latest}: expected the measurements that '{name}' shows, got {error!r}") from None

    def table(self, run, name, first_column):
        return rows_of(self.text(run, name), first_column, self.folder / run / name)

    def found(self, run, name, pattern):
        """The groups of `pattern` in a text file, numbers as such."""
        match = re.search(pattern, self.text(run, name))
        if not match:
            raise Fault(f"{self.folder / run / name}: expected something like '{pattern}', got none")
        return [value_of(group) for group in match.groups()]


def value_of(text):
    """'3,660' -> 3660.0, '10.1 %' -> 0.101, 'conv2d' -> 'conv2d'."""
    match = re.fullmatch(rf"({NUMBER})( %)?", text)
    if not match:
        return text
    value = float(match.group(1).replace(",", ""))
    return value / 100 if match.group(2) else value


def rows_of(text, first_column, where="the text"):
    """Header and rows, as text, of a table whose columns two blanks or more part."""
    lines = text.split("\n")
    begin = next((i for i, line in enumerate(lines) if line.startswith(first_column)), None)
    header = re.split(r" {2,}", lines[begin].strip()) if begin is not None else []
    rows = []
    for line in lines[begin + 1:] if header else []:
        cells = re.split(r" {2,}", line.strip())
        if len(cells) != len(header):
            break
        rows.append(cells)
    if not rows:
        raise Fault(f"{where}: expected a table that begins with '{first_column}', got none")
    return header, rows


def folder_of(run):
    return THIRD if run >= 4 else SECOND


def named(run):
    """'run 3, a688d27'."""
    return f"run {run}, {COMMITS[run]}"


def profile(results, name, run=None):
    """What `fovea profile` printed, in its newest run or the one asked for: its rows and the lines below them."""
    run = run or PROFILES[name]
    at = folder_of(run), f"profile-{name}-{run}.txt"
    header, rows = results.table(*at, "layer ")
    net, batch, precision = results.found(*at, r"^(\S+), batch (\d+), train, (\w+) on cuda:native")
    sum_ms, launches, whole_ms = results.found(
        *at, rf"sum ({NUMBER}) ms .*?, (\d+) launches,.* between: ({NUMBER}) ms")
    captured_ms, = results.found(*at, rf"replayed, a step takes ({NUMBER}) ms")
    flops, copy, smallest = results.found(
        *at, rf"ceilings: ({NUMBER}) GFLOP/s .*, ({NUMBER}) GB/s in a copy; .* takes ({NUMBER}) us")
    return {"name": name, "run": run, "net": net, "batch": int(batch), "precision": precision, "sum_ms": sum_ms,
            "launches": int(launches), "whole_ms": whole_ms, "captured_ms": captured_ms, "product": 1e9 * flops,
            "copy": 1e9 * copy, "smallest_us": smallest,
            "rows": [dict(zip(header, map(value_of, row))) for row in rows]}


def kind_of(row):
    """The kind of work that a row of a profile is."""
    if row["op"] == "conv2d":
        return "convolution, " + row["direction"]
    for kind, ops in {"linear": ["linear"], "pooling": ["max_pool2d", "adaptive_pool2d"],
                      "batch norm, add, ReLU": ["batch_norm", "add", "relu"], "optimizer": ["sgd"]}.items():
        if row["op"] in ops:
            return kind
    return "loss, dropout, layout"


KINDS = ["convolution, forward", "convolution, backward", "linear", "pooling", "batch norm, add, ReLU", "optimizer",
         "loss, dropout, layout"]


def milliseconds_by_kind(measured):
    sums = {kind: 0.0 for kind in KINDS}
    for row in measured["rows"]:
        sums[kind_of(row)] += row["ms"]
    return sums


def native(results, run=6):
    """{(net, batch): entry} of the bench of cuda:native in bf16."""
    entries = results.json(folder_of(run), f"bench-native-bf16-{run}.json")["results"]
    return {(entry["net"], entry["batch"]): entry for entry in entries}


def native_ceilings(results, run=6):
    return results.json(folder_of(run), f"bench-native-bf16-{run}.json")["ceilings"]


def auto(results):
    """{(net, batch): entry} of the bench of cuda:auto in bf16; what run 6 did not measure again is run 4's."""
    found = {}
    for run in (4, 6):
        for entry in results.json(THIRD, f"bench-auto-bf16-{run}.json")["results"]:
            found[entry["net"], entry["batch"]] = {**entry, "run": run}
    return found


def auto_of_run_3(results):
    """{(net, batch): images/s}, from the table that it printed."""
    header, rows = results.table(SECOND, "bench-auto-bf16-3.txt", "net ")
    entries = [dict(zip(header, map(value_of, row))) for row in rows]
    return {(entry["net"], int(entry["batch"])): entry["images/s"] for entry in entries}


def noted(results, column):
    """{(net, batch): images/s} from the table of the notes: two runs left no raw file of their own."""
    lines = [[cell.strip(" *") for cell in line.strip("|").split("|")]
             for line in results.text(SECOND, "notes.md").split("\n") if line.startswith("|")]
    header = next((cells for cells in lines if cells[0] == "net"), [])
    if column not in header:
        raise Fault(f"{results.folder / SECOND / 'notes.md'}: expected a table with '{column}', got none")
    rows = [cells for cells in lines[lines.index(header) + 2:] if len(cells) == len(header)]
    at = header.index(column)
    return {(cells[0], int(cells[1])): value_of(cells[at]) for cells in rows if cells[at]}


def fp32_bench(results, engine):
    """{'alexnet:128': images/s of training} of 2026-11-26, float32."""
    found = {}
    for entry in results.json(FIRST, "bench-2.json")["entries"]:
        match = re.fullmatch(rf"bench (\S+) cuda:{engine}", entry["name"])
        if match:
            found[match.group(1)] = entry["train"]["images_per_second"]
    return found


def gemm(results):
    """Products of 4096x4096 matrices in bf16, forward, dx and dw."""
    return results.json(THIRD, "gemm-bf16-6.json")["results"]


LADDERS = {"alexnet": (THIRD, "conv-alexnet-bf16-6.json"), "lenet5": (SECOND, "ladder-lenet5.json")}


def ladder(results, net):
    return results.json(*LADDERS[net])


def ladder_fp32x3(results):
    return results.json(THIRD, "conv-alexnet-fp32x3-4.json")


def tiles(results):
    """{shape: {tile: microseconds}} of the main loop's tiles: L is 128x128, N is 128x64, S is 64x64."""
    lines = [line.split() for line in results.text(THIRD, "tiles-5.txt").split("\n")]
    header = next(cells for cells in lines if cells[:1] == ["shape"])
    rows = [cells for cells in lines[lines.index(header) + 1:] if cells]
    return {cells[0]: dict(zip(header[1:], map(float, cells[1:]))) for cells in rows}


def mnist(results):
    """[(seconds, accuracy)] of the speed run on MNIST, one for each seed."""
    lines = results.text(THIRD, "mnist-speed-5.txt").strip().split("\n")
    return [(one["train_seconds"], one["test_accuracy"]) for one in map(json.loads, lines)]


def time_of(row, name):
    return next(time for time in row["times"] if time["name"] == name)


def peers(results):
    """The comparisons with PyTorch on the GPU: the files' contents in the order of time."""
    files = [(FIRST, "peers-cuda-native.json"), (FIRST, "peers-cuda-library.json"), (SECOND, "peers-bf16-3.json")]
    raws = [results.json(run, name) for run, name in files]
    for raw in raws:
        raw.setdefault("precision", "fp32")
        if raw["device"] == "cuda":  # run 3's file; its notes say native
            raw["device"] = "cuda:native"
    return raws


def alexnet_steps(results):
    """AlexNet at 128 images, training: (engine, what, run, images/s, file), from float32 to the newest."""
    net = ("alexnet", 128)

    def speed(entries):
        return entries[net]["images_per_second"]

    return [
        ("native", "float32, tiled kernels", f"26 Nov, {FIRST_COMMIT}", fp32_bench(results, "native")["alexnet:128"],
         f"{FIRST}/bench-2.json"),
        ("native", "bf16, convolutions by `mma`", named(1), noted(results, "native, run 1 (not captured)")[net],
         f"{SECOND}/notes.md"),
        ("native", "linear layers by `mma`, step captured", named(2), noted(results, "run 2")[net],
         f"{SECOND}/notes.md"),
        ("native", "first layer folded", named(3), speed(native(results, 3)), f"{SECOND}/bench-native-bf16-3.json"),
        ("auto", "engine `auto`", named(3), auto_of_run_3(results)[net], f"{SECOND}/bench-auto-bf16-3.txt"),
        ("native", "inputs a step ahead, addresses once", named(4), speed(native(results, 4)),
         f"{THIRD}/bench-native-bf16-4.json"),
        ("native", "tiles by rounds", named(6), speed(native(results)), f"{THIRD}/bench-native-bf16-6.json"),
        ("auto", "engine `auto`, cuBLASLt in bf16", named(6), speed(auto(results)), f"{THIRD}/bench-auto-bf16-6.json"),
    ]


def pytorch_alexnet(results):
    """{variant: images/s, the median of its rounds} beside run 3, bf16, batch 128."""
    import report
    case = next(c for c in results.json(SECOND, "peers-bf16-3.json")["cases"] if c["net"] == "alexnet")
    return {variant: report.speed(peer["rounds"]) for variant, peer in case["peers"].items()}


def fastest_product(results):
    """FLOP/s of the fastest that either side did in bf16: a convolution of AlexNet, a product of 4096 or of 8192."""
    convolutions = ladder(results, "alexnet")
    rows = convolutions["results"] + gemm(results)
    return max(convolutions["roofline"]["flops_per_second"],
               *(time["flops_per_second"] for row in rows for time in row["times"] if time["refusal"] is None))


def fastest_copy(results):
    """bytes/s of the fastest copy of 256 MiB among the runs whose numbers the page has."""
    return max(*(native_ceilings(results, run)["bytes_per_second"] for run in (3, 4, 6)),
               *(ladder(results, net)["roofline"]["bytes_per_second"] for net in LADDERS),
               *(profile(results, name)["copy"] for name in PROFILES))
