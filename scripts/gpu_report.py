#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs Fovea's tests, a sanitizer and timings on this machine's GPU and writes a report as it goes.

    gpu_report.sh [--only tests|sanitizer|bench] [--long] [--programs REGEX] [--budget SECONDS] [--jobs N]
                  [--build DIR] [--data DIR] [--out DIR] [--peers-python PYTHON]

Tests run side by side (the reference that they compare with takes the processor, hardly the GPU), timings alone:
first Fovea in turn with PyTorch and JAX (bench/peers), which may take part of the time that is left, the most
important bars first; then Fovea by itself. Uses the binaries in the build directory when they are there (they may come
from another machine), and builds them otherwise. Writes gpu.json and gpu.md after every entry: what was measured stays.
Exit status: 0 all well, 1 something failed, 2 no usable GPU.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECTIONS = ("tests", "sanitizer", "bench")
NETS = ("lenet5", "lenet5-1998", "mlp")
TIMED_NETS = ("lenet5:64", "lenet5:256", "alexnet-cifar:128", "alexnet-cifar:512", "resnet20:128", "alexnet:128",
              "resnet18:64")
# Tests of the command line that take their device from FOVEA_TEST_DEVICE: program, further environment, all engines?
COMMAND_TESTS = (("compare_models", {}, True), ("augment_on", {}, False), ("train", {}, False))
# Of the peers: engine and precision, and the share of the time left that each may take.
PEERS = (("native", "bf16", 0.6), ("library", "fp32", 0.3))
# Test programs that are run in parts, side by side: the libraries compile many of their cases' plans, one by one.
SHARDED = {"conv2d_test": 6, "conv1d_test": 2, "conv_transpose2d_test": 3, "goldens_test": 2, "linear_test": 2}
LONG_COMMAND_TESTS = (("compare_models", {"FOVEA_COMPARE": "long"}, True),)


def find_gpu():
    """(name, driver, compute capability), or a reason (str) why there is none."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        ran = subprocess.run(query, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return "nvidia-smi is not installed"
    except subprocess.TimeoutExpired:
        return "nvidia-smi does not answer"
    lines = ran.stdout.strip().splitlines()
    if ran.returncode or not lines:
        return "nvidia-smi: " + ((ran.stdout + ran.stderr).strip().splitlines() or ["no GPU listed"])[0]
    return tuple(part.strip() for part in lines[0].split(","))


class Report:
    """Entries of one section each: name, result (passed, failed, not run), detail."""

    def __init__(self, out, device, hardware, budget):
        self.out, self.started, self.budget = out, time.monotonic(), budget
        self.lock = threading.Lock()
        self.data = {"device": device, "hardware": hardware, "complete": False, "entries": []}
        out.mkdir(parents=True, exist_ok=True)

    def left(self):
        return self.budget - (time.monotonic() - self.started)

    def add(self, section, name, result, detail, seconds=0.0, **measured):
        entry = {"section": section, "name": name, "result": result, "detail": detail, "seconds": round(seconds, 1),
                 **measured}
        with self.lock:
            self.data["entries"].append(entry)
            print(f"{result:8} {section}: {name}: {detail} ({seconds:.0f} s)", flush=True)
            self.write()

    def failed(self):
        return [e for e in self.data["entries"] if e["result"] == "failed"]

    def write(self):
        lines = [f"# GPU report: {self.data['device']}", "", self.data["hardware"], "",
                 "Complete." if self.data["complete"] else "Not complete: cut short, or still running.", "",
                 "| section | what | result | detail | s |", "|---|---|---|---|---|"]
        for e in self.data["entries"]:
            detail = e["detail"].replace("|", "\\|").replace("\n", " ")
            lines.append(f"| {e['section']} | {e['name']} | {e['result']} | {detail} | {e['seconds']} |")
        for name, text in (("gpu.json", json.dumps(self.data, indent=1)), ("gpu.md", "\n".join(lines))):
            temporary = self.out / (name + ".part")
            temporary.write_text(text + "\n", encoding="utf-8")
            temporary.replace(self.out / name)


class Runner:
    def __init__(self, report, options):
        self.report, self.build, self.data = report, options.build, options.data
        self.jobs, self.long = options.jobs, options.long
        self.only_programs = options.programs
        self.peers_given = options.peers is not None
        self.peers_program = options.peers or ROOT / "bench" / "peers" / "compare.py"
        self.peers_python = options.peers_python
        self.thread = threading.local()
        self.device = device = options.device
        self.fovea = self.build / "cli" / "fovea"
        self.environment = dict(os.environ)
        if device == "cuda":
            self.environment["FOVEA_REQUIRE_CUDA"] = "1"
        self.engines = ["native", "library"] if device == "cuda" else ["native"]
        self.filter = f"*{device.capitalize()}*:*{device}*"  # the test cases that run on the device

    def run(self, command, limit=None, **environment):
        """(exit status, stdout, stderr, seconds); status None when the time is up."""
        begin = time.monotonic()
        limit, cores = max(1.0, min(limit or 1e9, self.report.left())), getattr(self.thread, "cores", None)
        if cores and shutil.which("taskset"):
            command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
        with subprocess.Popen([str(word) for word in command], env={**self.environment, **environment}, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              start_new_session=True) as started:
            try:
                out, error = started.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)  # what it started, too, or that disturbs the timings
                out, _ = started.communicate()
                return None, out, f"no end after {limit:.0f} s", time.monotonic() - begin
        return started.returncode, out, error, time.monotonic() - begin

    def add(self, section, name, good, detail, seconds, **measured):
        self.report.add(section, name, "passed" if good else "failed", detail, seconds, **measured)

    def out_of_time(self, section, name):
        if self.report.left() > 1:
            return False
        self.report.add(section, name, "not run", "the time was up")
        return True

    def test_programs(self):
        """The test programs with a case that runs on the device."""
        found = []
        for path in sorted((self.build / "tests").glob("*/*")):
            if path.is_file() and os.access(path, os.X_OK) and path.suffix == "":
                listing = self.run([path, "--gtest_list_tests", f"--gtest_filter={self.filter}"], 120)[1]
                if re.search(self.device, listing, re.IGNORECASE) and re.search(self.only_programs, path.name):
                    found.append(path)
        return found

    def side_by_side(self, calls):
        """Runs (function, *arguments) in `jobs` threads; what a function does is to run a program and add an entry.
        Each thread's programs have cores of their own: with as many threads as the machine has cores each, they would
        mostly wait for one another."""
        cores = sorted(os.sched_getaffinity(0))
        jobs = max(1, min(self.jobs, len(cores)))
        shares = queue.SimpleQueue()
        for i in range(jobs):
            shares.put(cores[i::jobs])

        def take_share():
            self.thread.cores = shares.get()

        with concurrent.futures.ThreadPoolExecutor(jobs, initializer=take_share) as pool:
            for future in [pool.submit(*call) for call in calls]:
                future.result()

    def tests(self):
        programs = self.test_programs()
        if not programs:
            self.report.add("tests", "test programs", "failed", f"none with a case on {self.device}")
        devices = [f"{self.device}:{engine}" for engine in self.engines]
        calls = []
        if self.device == "cuda":  # the other devices' are in ctest
            commands = COMMAND_TESTS + LONG_COMMAND_TESTS * self.long
            calls += [(self.command_test, name, device, environment) for name, environment, every in commands
                      for device in (devices if every else [self.device])]
        for program in sorted(programs, key=lambda program: program.name not in SHARDED):  # the long ones first
            parts = SHARDED.get(program.name, 1)
            calls += [(self.test_program, program, part, parts) for part in range(parts)]
        calls += [(self.compare, net, device, mode) for net in NETS for device in devices
                  for mode in ("isolated", "chained")]
        self.side_by_side(calls)

    def test_program(self, program, part, parts):
        name = program.name if parts == 1 else f"{program.name} {part + 1}/{parts}"
        if self.out_of_time("tests", name):
            return
        result = self.report.out / f"{program.name}-{part}.result.json"
        status, out, error, seconds = self.run(
            [program, f"--gtest_filter={self.filter}", f"--gtest_output=json:{result}", "--gtest_brief=1"],
            GTEST_TOTAL_SHARDS=str(parts), GTEST_SHARD_INDEX=str(part))
        if result.exists():
            counts = count_gtest(json.loads(result.read_text()), self.device)
            result.unlink()
            good = status == 0 and counts["failed"] == 0 and counts["on_device"] > 0
            detail = (f"{counts['passed']} passed ({counts['on_device']} on {self.device}), "
                      f"{counts['failed']} failed, {counts['skipped']} skipped {' '.join(counts['failures'][:5])}")
            if not good:
                self.keep(name, out + error)
            self.add("tests", name, good, detail.strip(), seconds, **counts)
        else:
            self.keep(name, out + error)
            self.report.add("tests", name, "failed", last_line(error or out), seconds)

    def command_test(self, name, device, environment):
        title = " ".join([name, device, *environment.values()])
        if self.out_of_time("tests", title):
            return
        status, out, error, seconds = self.run(
            [sys.executable, "-B", ROOT / "tests" / "cli" / f"{name}_test.py", self.fovea],
            FOVEA_TEST_DEVICE=device, **environment)
        good = status == 0 and "skipped" not in last_line(error)
        if not good:
            self.keep(title, out + error)
        self.add("tests", title, good, last_line(error or out), seconds)

    def keep(self, name, text):
        """The output of what failed, beside the report; not for publishing."""
        (self.report.out / f"failed-{re.sub('[^a-z0-9_]+', '-', name)}.log").write_text(text)

    def compare(self, net, device, mode):
        name = f"compare {net} reference,{device} {mode}"
        if self.out_of_time("tests", name):
            return
        status, out, error, seconds = self.run(
            [self.fovea, "compare", net, "--devices", f"reference,{device}", "--mode", mode, "--json"])
        try:
            found = json.loads(out)
            detail = f"worst error/bound {found['worst_ratio']:.3f} {found.get('first_divergent') or ''}".strip()
        except (ValueError, KeyError):
            found, detail = {"ok": False}, last_line(error or out)
        self.add("tests", name, status == 0 and found["ok"], detail, seconds)

    def sanitizer(self):
        tool = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
        programs = [path for path in self.test_programs() if path.parent.name == "ops"]
        calls = []
        for check in ("memcheck", "racecheck"):
            for program in programs or [pathlib.Path("no ops tests found")]:
                name = f"{check} {program.name}"
                if not tool or not programs or self.device != "cuda":
                    reason = "compute-sanitizer is not installed" if not tool else "no cuda tests to run"
                    self.report.add("sanitizer", name, "not run", reason)
                else:
                    calls.append((self.sanitize, tool, check, program, name))
        self.side_by_side(calls)

    def sanitize(self, tool, check, program, name):
        if self.out_of_time("sanitizer", name):
            return
        status, out, error, seconds = self.run(
            [tool, "--tool", check, "--error-exitcode", "9", program, f"--gtest_filter={self.filter}",
             "--gtest_brief=1"], FOVEA_POOL="off", FOVEA_TEST_CASES="small")
        summary = [line for line in out.splitlines() if "ERROR SUMMARY" in line or "RACECHECK SUMMARY" in line]
        result = "not run" if status is None else "passed" if status == 0 and summary else "failed"
        if result != "passed":
            self.keep(name, out + error)
        detail = summary[-1].strip("= ") if summary else last_line(error or out)
        self.report.add("sanitizer", name, result, detail, seconds)

    def peers(self, engine, precision, share):
        """Fovea in turn with PyTorch and JAX; tables and raw numbers go beside the report."""
        device = f"{self.device}:{engine}"
        name = f"peers {device} {precision}"
        if self.out_of_time("bench", name):
            return
        suffix = "" if precision == "fp32" else f"-{precision}"
        written = self.report.out / f"peers-{self.device}-{engine}{suffix}.json"
        written.unlink(missing_ok=True)  # of an earlier report
        budget = share * self.report.left()
        status, out, error, seconds = self.run(
            [sys.executable, "-B", self.peers_program, "--fovea", self.fovea, "--python", self.peers_python, "--device",
             device, "--precision", precision, "--rounds", 5, "--seconds", 0.3, "--budget", f"{budget:.0f}", "--out",
             self.report.out], limit=budget + 30)
        raw = json.loads(written.read_text()) if written.exists() else {"cases": [], "not_run": []}
        cases, missing = [case for case in raw["cases"] if case["comparison"]], raw["not_run"]
        ratios = [f"{case['net']} {case['batch']} {case['mode']} {case['comparison']['ratio']:.2f} x "
                  f"{case['comparison']['fastest']}" for case in cases]
        detail = "; ".join(ratios) or last_line(error or out)
        if missing:
            detail += f"; {len(missing)} not run for want of time"
        self.add("bench", name, status == 0 and cases, detail, seconds)

    def bench(self):
        for engine, precision, share in PEERS:
            if self.device == "cuda" or self.peers_given:
                self.peers(engine, precision, share)
        spec = f"mnist:{self.data}/mnist" if self.data and (pathlib.Path(self.data) / "mnist").is_dir() else "digits"
        for engine in self.engines:
            name = f"train lenet5 on {spec.split(':')[0]}, {self.device}:{engine}"
            if self.out_of_time("bench", name):
                continue
            out_folder = self.report.out / f"train-{engine}.tmp"
            limits = ["--epochs", "3"] if self.device == "cuda" else ["--epochs", "1", "--max-steps", "3"]
            status, out, error, seconds = self.run(
                [self.fovea, "train", "lenet5", "--data", spec, "--seed", "1", "--device", self.device, "--engine",
                 engine, "--out", out_folder, "--json", *limits])
            shutil.rmtree(out_folder, ignore_errors=True)
            try:
                found = json.loads(out)
                measured = {key: found[key] for key in ("test_accuracy", "images_per_second", "train_loss")}
                detail = (f"test accuracy {100 * found['test_accuracy']:.2f} %, "
                          f"{found['images_per_second']:.0f} images/s")
            except (ValueError, KeyError):
                measured, detail = {}, last_line(error or out)
            self.add("bench", name, status == 0 and measured, detail, seconds, **measured)
        for engine in self.engines:
            for net in TIMED_NETS if self.device == "cuda" else TIMED_NETS[:1]:
                self.time_net(net, f"{self.device}:{engine}")

    def time_net(self, net, device):
        name = f"bench {net} {device}"
        if self.out_of_time("bench", name):
            return
        status, out, error, seconds = self.run([self.fovea, "bench", net, "--device", device, "--repeats", 3,
                                                "--no-ceilings", "--json", "--quiet"])
        try:
            found = {result["mode"]: result for result in json.loads(out)["results"]}
            measured = {mode: {key: found[mode][key] for key in ("milliseconds", "images_per_second")}
                        for mode in ("train", "infer")}
            detail = ", ".join(f"{mode} {measured[mode]['images_per_second']:,.0f} images/s" for mode in measured)
        except (ValueError, KeyError):
            measured, detail = {}, last_line(error or out)
        self.add("bench", name, status == 0 and measured, detail, seconds, **measured)


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"


def count_gtest(results, device):
    """Counts of one gtest JSON file; on_device counts the passed cases whose name has the device in it."""
    counts = {"passed": 0, "failed": 0, "skipped": 0, "on_device": 0, "failures": []}
    for suite in results.get("testsuites", []):
        for case in suite.get("testsuite", []):
            name = f"{suite['name']}.{case['name']}"
            if case.get("failures"):
                counts["failed"] += 1
                counts["failures"].append(name)
            elif case.get("result") == "SKIPPED" or case.get("skipped"):
                counts["skipped"] += 1
            elif case.get("status") == "RUN":
                counts["passed"] += 1
                counts["on_device"] += re.search(device, name, re.IGNORECASE) is not None
    return counts


def build_for(gpu, build):
    """Configures and builds the tests and the command for this GPU; a message when that failed."""
    capability = gpu[2].replace(".", "")
    for command in (["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DFOVEA_CUDA=ON",
                     f"-DCMAKE_CUDA_ARCHITECTURES={capability}-real"], ["cmake", "--build", build]):
        ran = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if ran.returncode:
            return last_line(ran.stderr or ran.stdout)
    return None


def main():
    parser = argparse.ArgumentParser(prog="gpu_report.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--budget", type=float, default=3000, help="seconds (default 3000)")
    parser.add_argument("--programs", default="", metavar="REGEX", help="test programs whose names it is found in")
    parser.add_argument("--long", action="store_true", help="the large nets too: the reference takes minutes for them")
    parser.add_argument("--jobs", type=int, default=max(1, len(os.sched_getaffinity(0)) // 2),
                        help="tests at once, which share the cores (default: half as many)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "gpu", help="build directory")
    parser.add_argument("--data", default=os.environ.get("FOVEA_DATA"), help="folder with mnist/ (default $FOVEA_DATA)")
    parser.add_argument("--peers", type=pathlib.Path, metavar="PROGRAM", help=argparse.SUPPRESS)  # for the test of this
    parser.add_argument("--peers-python", default=sys.executable, metavar="PYTHON",
                        help="an interpreter with torch, and with jax if that is to be compared (default: this one)")
    parser.add_argument("--out", type=pathlib.Path, help="where the report goes (default bench/results)")
    parser.add_argument("--device", default="cuda", choices=("cuda", "emu"), help="emu: try this program without a GPU")
    arguments = parser.parse_args()
    arguments.build = arguments.build.absolute()

    gpu = find_gpu() if arguments.device == "cuda" else ("the host, in place of a GPU", "none", "none")
    if isinstance(gpu, str):
        print(f"gpu_report: no usable GPU: {gpu}", file=sys.stderr)
        return 2
    default_out = ROOT / "bench" / "results" if arguments.device == "cuda" else arguments.build / "gpu-report"
    hardware = "{}, driver {}, compute capability {}".format(*gpu)
    report = Report(arguments.out or default_out, arguments.device, hardware, arguments.budget)
    runner = Runner(report, arguments)
    if not runner.fovea.exists():
        problem = "no binaries there" if arguments.device == "emu" else build_for(gpu, arguments.build)
        if problem:
            report.add("build", "build", "failed", problem)
            return 1
    status, out, error, seconds = runner.run([runner.fovea, "devices", "--json"], 120)
    runner.add("devices", "fovea devices", status == 0, out.strip() or last_line(error), seconds)
    for section in SECTIONS:
        if arguments.only in (None, section):
            getattr(runner, section)()
    report.data["complete"] = True
    report.write()
    print(f"gpu_report: {len(report.data['entries'])} entries, {len(report.failed())} failed")
    return 1 if report.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
