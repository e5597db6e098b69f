#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation self-test of the tests of kernels and of the cpu device's loops.

    mutate.py ROOT BUILD_DIR [--only ID]... [--each N] [--self-test]

Each mutant of mutants.json is one wrong line in one kernel file or one file of cpu/ (or in a header that such files
share; "compile" then names the files to compile with it). For each, the changed copy is compiled, kernels for the
emulator, and linked with the tests in front of the archive that has the right one, so that its functions replace those.
The mutant's tests must then fail. A mutant that survives, does not compile or does not apply fails this program, and
so does a kernel file, or one of cpu/ with loops of its own, that has too few mutants. A build without the cpu device
leaves its mutants out. The report, BUILD_DIR/mutation/report.{md,json}, names for each mutant the check that killed it.

Needs a Ninja build: the commands to compile and link come from it.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

MUTANTS_PER_FILE = 3
MUTANTS_IN_ALL = 40
TIMEOUT = 120  # seconds for one mutant's tests; a mutant that hangs is killed by it
EMULATED = "*/Emu*"  # every engine and schedule of the emulator
CPU_TEST = "cpu_layouts"
LOOPS = re.compile(r"\b(parallel_for|parallel_ranges|for_each_block)\(")
SKIP = 77
SHARED_HEADERS = ["cuda/kernels/kernels.h", "cuda/runtime/launch.h"]  # of all kernels


def ninja_commands(build, target):
    """The commands that build `target`, the last one being its link."""
    listed = subprocess.run(["ninja", "-C", str(build), "-t", "commands", target], check=True, capture_output=True,
                            text=True).stdout
    return [line for line in listed.splitlines() if line.strip()]


def shell_words(command):
    """The words of the compiler's part of a ninja command (": && COMPILER ... && :")."""
    parts = [part.strip() for part in command.split("&&")]
    return shlex.split(next(part for part in parts if part not in (":", "")))


class Build:
    """How to compile one file, a kernel for the emulator, and to link an operation's tests with it in front."""

    def __init__(self, root, build, operations):
        self.root, self.build = root, build
        self.compiles, self.links, self.precompiled = {}, {}, None
        for operation in operations:
            commands = ninja_commands(build, f"{operation}_test")
            self.links[operation] = shell_words(commands[-1])
            for command in commands:
                kernel = re.search(r" -c \S*/cuda/kernels/(\w+\.cu)\b", command)
                loops = re.search(rf" -c {re.escape(str(root))}/cpu/(\w+\.cpp)\b", command)
                if kernel and "FOVEA_EMU=1" in command:
                    self.compiles["cuda/kernels/" + kernel.group(1)] = shlex.split(command)
                elif loops:
                    self.compiles["cpu/" + loops.group(1)] = shlex.split(command)

    def precompile(self, folder):
        """Compiles once what every kernel includes: that takes most of the time that a kernel takes."""
        kernel = next((name for name in self.compiles if name.startswith("cuda/")), None)
        if not kernel:
            return
        header, dependencies = folder / "shared.h", folder / "shared.d"
        header.write_text("".join(f'#include "{name}"\n' for name in SHARED_HEADERS), encoding="utf-8")
        words = self.compile_words(kernel, str(header), folder / "shared.h.gch", dependencies)
        at = words.index("-c")
        words[at:at + 2] = ["-x", "c++-header", "-c", str(header)]
        subprocess.run(words, cwd=self.build, check=True)
        self.precompiled = header
        self.precompiled_from = {pathlib.Path(word) for word in dependencies.read_text(encoding="utf-8").split()}

    def executable(self, operation):
        words = self.links[operation]
        return self.build / words[words.index("-o") + 1]

    def compile_words(self, name, source, output, dependencies):
        words = list(self.compiles[name])
        if pathlib.Path(words[0]).name == "ccache":  # it has nothing to do with precompiled headers
            del words[0]
        for flag, value in (("-c", source), ("-o", output), ("-MF", dependencies), ("-MT", output)):
            words[words.index(flag) + 1] = str(value)
        # The build's precompiled header has the headers that are right: `-include H`, and of clang
        # `-Xclang -include-pch -Xclang H.pch -Xclang -include -Xclang H`.
        if "-include-pch" in words:
            at = words.index("-include-pch") - 1
            del words[at:at + 8]
        elif "-include" in words:
            at = words.index("-include")
            del words[at:at + 2]
        return words + ["-O1", "-w", "-DFOVEA_NO_SIMD_CLONES"]

    def compile(self, name, work, changed, output):
        """Compiles the file `name`; what lies under `work`, the file `changed`, hides what lies under the root."""
        source = (work if (work / name).exists() else self.root) / name
        words = self.compile_words(name, source, output, f"{output}.d")
        first_flag = next(i for i, word in enumerate(words) if word.startswith(("-I", "-isystem", "-D")))
        words[first_flag:first_flag] = [f"-I{work}", f"-I{self.root}"]
        if self.precompiled and name.startswith("cuda/") and self.root / changed not in self.precompiled_from:
            words += ["-include", str(self.precompiled)]
        return subprocess.run(words, cwd=self.build, capture_output=True, text=True)

    def link_with(self, object_files, operation, output):
        words = list(self.links[operation])
        at = words.index("-o")
        words[at + 1] = str(output)
        words[at:at] = [str(path) for path in object_files]
        return subprocess.run(words, cwd=self.build, capture_output=True, text=True)


def run_tests(executable, mutant):
    """(status, text): passed, failed, crashed, hung or empty."""
    test_filter = mutant.get("filter", EMULATED)
    command = [str(executable), f"--gtest_filter={test_filter}", "--gtest_fail_fast", "--gtest_brief=1"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace",
                             timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return "hung", f"no end after {TIMEOUT} s"
    text = ran.stdout + ran.stderr
    if ran.returncode == SKIP:
        return "empty", text
    if ran.returncode == 0:
        executed = re.search(r"\[  PASSED  \] (\d+) test", text)
        return ("passed", text) if executed and int(executed.group(1)) else ("empty", text)
    return ("crashed" if ran.returncode < 0 else "failed"), text


def failed_test(text):
    """The name of the first test that failed; None where the program did not get to say it."""
    test = re.search(r"\[  FAILED  \] ([^\s,]+)", text)
    return test.group(1) if test else None


def killer(status, text):
    """One line: the test that failed and the first thing it said."""
    said = re.search(r": Failure\n(.*)", text)
    words = [failed_test(text) or status]
    if status in ("crashed", "hung"):
        words.append(status)
    if said:
        words.append(said.group(1).strip()[:160])
    return ": ".join(words)


def try_mutant(build, mutant, folder):
    """The mutant with "result" (killed, survived, or what was wrong with it) and "by"."""
    begin = time.monotonic()

    def answer(result, by):
        return {**mutant, "result": result, "by": by, "seconds": round(time.monotonic() - begin, 1)}

    folder_of_names = pathlib.Path(mutant["file"]).parts[0] if mutant["file"].startswith("cpu/") else "cuda/kernels"
    names = [f"{folder_of_names}/{name}" for name in mutant.get("compile", [pathlib.Path(mutant["file"]).name])]
    text = (build.root / mutant["file"]).read_text(encoding="utf-8")
    if text.count(mutant["old"]) != 1:
        return answer("does not apply", f"{text.count(mutant['old'])} places match in {mutant['file']}")
    if not set(names) <= set(build.compiles):
        return answer("does not apply", f"{names}: not compiled for {mutant['test']}_test")
    work = folder / mutant["id"]
    shutil.rmtree(work, ignore_errors=True)
    (work / mutant["file"]).parent.mkdir(parents=True)
    (work / mutant["file"]).write_text(text.replace(mutant["old"], mutant["new"]), encoding="utf-8")
    objects = [work / (pathlib.Path(name).name + ".o") for name in names]
    for name, object_file in zip(names, objects):
        compiled = build.compile(name, work, mutant["file"], object_file)
        if compiled.returncode:
            return answer("does not compile", compiled.stderr.strip()[:400])
    linked = build.link_with(objects, mutant["test"], work / "tests")
    if linked.returncode:
        return answer("does not link", linked.stderr.strip()[:400])
    status, output = run_tests(work / "tests", mutant)
    for path in [work / "tests", *objects]:
        path.unlink()
    (work / "output.txt").write_text(output, encoding="utf-8")
    if status in ("passed", "empty"):
        return answer("survived", status)
    return {**answer("killed", killer(status, output)), "killer": failed_test(output) or mutant.get("filter", EMULATED)}


def complaints(mutants, kernel_files):
    """What is wrong with the list itself."""
    ids = [mutant["id"] for mutant in mutants]
    for duplicate in {i for i in ids if ids.count(i) > 1}:
        yield f"{duplicate}: two mutants with this id"
    for path in kernel_files:
        count = sum(mutant["file"] == path for mutant in mutants)
        if count < MUTANTS_PER_FILE:
            yield f"{path}: {count} mutants, at least {MUTANTS_PER_FILE} are needed"
    if len(mutants) < MUTANTS_IN_ALL:
        yield f"{len(mutants)} mutants in all, at least {MUTANTS_IN_ALL} are needed"


def first_of_each_kernel(mutants, count):
    """Of the headers that kernels share, and of cpu/, none."""
    taken = collections.Counter()
    chosen = []
    for mutant in mutants:
        if not mutant["file"].endswith(".cu"):
            continue
        taken[mutant["file"]] += 1
        if taken[mutant["file"]] <= count:
            chosen.append(mutant)
    return chosen


def write_report(folder, results, seconds):
    (folder / "report.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    lines = [f"# Mutation self-test: {sum(r['result'] == 'killed' for r in results)} of {len(results)} mutants killed",
             "", f"{seconds:.0f} s", "", "| mutant | breaks | result | by |", "|---|---|---|---|"]
    for r in results:
        by = r["by"].replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {r['id']} | {r['breaks']} | {r['result']} | {by} |")
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(build, mutants, folder):
    """Results of all mutants. What kills one must pass on the right kernels: None where it does not."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda mutant: try_mutant(build, mutant, folder), mutants))
        runs = sorted({(r["test"], r["killer"]) for r in results if r["result"] == "killed"})
        right = list(pool.map(lambda r: run_tests(build.executable(r[0]), {"filter": r[1]}), runs))
    for (operation, test_filter), (status, text) in zip(runs, right):
        if status != "passed":
            print(f"{operation} {test_filter}: {status} on the unchanged kernels\n{text[-2000:]}")
    return results if all(status == "passed" for status, _ in right) else None


def self_test(build, mutants, folder):
    """A change that breaks nothing must be called a survivor; one that is not C++ must be called that."""
    base = mutants[0]
    text = (build.root / base["file"]).read_text(encoding="utf-8")
    first = text.split("\n", 1)[0]
    planted = [{**base, "id": "planted-survivor", "old": first, "new": first + " unchanged"},
               {**base, "id": "planted-syntax-error", "new": "this is not C++"},
               {**base, "id": "planted-no-match", "old": "no such text in any kernel"}]
    results = run(build, planted, folder) or []
    found = [r["result"] for r in results]
    print(f"mutation self-test: {found}")
    return 0 if found == ["survived", "does not compile", "does not apply"] else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", action="append", help="one mutant, by id; again for another")
    parser.add_argument("--each", type=int, help="only the first N of each kernel file")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.build / "build.ninja").exists():
        print("Skipped\nthe mutation test needs a Ninja build")
        return SKIP
    begin = time.monotonic()
    folder = arguments.build / "mutation"
    folder.mkdir(exist_ok=True)
    mutants = json.loads((pathlib.Path(__file__).parent / "mutants.json").read_text(encoding="utf-8"))
    has_cpu = (arguments.build / "tests" / "cpu" / f"{CPU_TEST}_test").exists()
    if not has_cpu:
        print("no cpu device in this build: its mutants are left out")
        mutants = [mutant for mutant in mutants if not mutant["file"].startswith("cpu/")]
    build = Build(arguments.root, arguments.build, sorted({mutant["test"] for mutant in mutants}))
    build.precompile(folder)
    if arguments.self_test:
        return self_test(build, mutants, folder)
    problems = []
    if arguments.only:
        problems = [f"there is no mutant '{id}'" for id in set(arguments.only) - {m["id"] for m in mutants}]
        mutants = [m for m in mutants if m["id"] in arguments.only]
    else:
        files = sorted((arguments.root / "cuda/kernels").glob("*.cu"))
        if has_cpu:
            files += sorted(p for p in (arguments.root / "cpu").glob("*.cpp") if LOOPS.search(p.read_text("utf-8")))
        problems = list(complaints(mutants, [str(path.relative_to(arguments.root)) for path in files]))
    if arguments.each:
        mutants = first_of_each_kernel(mutants, arguments.each)
    results = run(build, mutants, folder)
    if results is None:
        return 1
    if not arguments.only:
        write_report(folder, results, time.monotonic() - begin)
    for r in results:
        print(f"{r['result']:16} {r['id']}: {r['breaks']} ({r['seconds']} s)\n                 {r['by']}")
    alive = [r for r in results if r["result"] != "killed"]
    for problem in problems:
        print(problem)
    print(f"{len(results) - len(alive)} of {len(results)} mutants killed in {time.monotonic() - begin:.0f} s")
    return 1 if alive or problems or not results else 0


if __name__ == "__main__":
    sys.exit(main())
