# SPDX-License-Identifier: Apache-2.0
"""The checking scripts themselves: each is shown a fault it must report, and a tree that is right."""
import contextlib
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import format
import labels
import ops_coverage

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import test_summary  # noqa: E402


def listed(name, labels_of=("core",), timeout=60):
    properties = [{"name": "LABELS", "value": list(labels_of)}] if labels_of else []
    return {"name": name, "properties": properties + ([{"name": "TIMEOUT", "value": timeout}] if timeout else [])}


class Labels(unittest.TestCase):
    def test_right(self):
        self.assertEqual(list(labels.problems([listed("a"), listed("b", ("emu", "long"))])), [])

    def test_wrong(self):
        for test in (listed("a", ()), listed("a", ("long",)), listed("a", ("kore",)), listed("a", timeout=None),
                     listed("ops_test_NOT_BUILT")):
            self.assertTrue(list(labels.problems([test])), test)


RIGHT_TREE = {
    "core/ops/add.h": "class AddOps {\n public:\n  virtual ~AddOps() = default;\n"
                      "  virtual void add_forward(ConstView a,\n     View y) = 0;\n};\n",
    "core/backend/backend.h": "class Ops : public AddOps {};\n",
    "core/layers/add.h": "", "core/tolerance/add.h": "", "cpu_reference/add.h": "",
    "cuda/kernels/add.cu": "// Sum of two tensors (core/ops/add.h).\n",
    "cpu_reference/cpu_backend.cpp": "void add_forward(ConstView a, View y) override { f(); }\n",
    "cuda/native_ops.h": "void add_forward(ConstView a, View y) final;\n",
    "tests/ops/add_test.cpp": '#include "tests/ops/add_cases.h"\nops.add_forward(a, y);\n',
}


class OpsCoverage(unittest.TestCase):
    def test_right(self):
        self.assertEqual(list(ops_coverage.problems(RIGHT_TREE)), [])

    def test_each_missing_part_is_named(self):
        for path in RIGHT_TREE:
            if path != "core/ops/add.h":
                smaller = {other: text for other, text in RIGHT_TREE.items() if other != path}
                self.assertTrue(list(ops_coverage.problems(smaller)), f"nobody missed {path}")

    def test_uncalled_function(self):
        tree = {**RIGHT_TREE, "tests/ops/add_test.cpp": '#include "tests/ops/add_cases.h"\n// add_forward: no call\n'}
        self.assertEqual(len(list(ops_coverage.problems(tree))), 1)

    # The layer calls the contract, the case table names the layer, the test registers the table.
    THROUGH_LAYER = {**RIGHT_TREE, "core/layers/add.cpp": "ops.add_forward(a, y);\n",
                     "tests/ops/add_cases.h": '#include "core/layers/add.h"\n',
                     "tests/ops/add_test.cpp": '#include "tests/ops/add_cases.h"\nregister_layer_tests("Add");\n'}

    def test_called_through_a_layer(self):
        self.assertEqual(list(ops_coverage.problems(self.THROUGH_LAYER)), [])

    def test_a_broken_link_to_the_layer(self):
        for path, text in {"core/layers/add.cpp": "ops.add_backward(a, y);\n",
                           "tests/ops/add_cases.h": '#include "core/layers/linear.h"\n',
                           "tests/ops/add_test.cpp": '#include "tests/ops/add_cases.h"\n// register_layer_tests("Add");\n',
                           }.items():
            self.assertEqual(len(list(ops_coverage.problems({**self.THROUGH_LAYER, path: text}))), 1, path)

    def test_a_layer_of_another_name(self):
        tree = {path: text for path, text in RIGHT_TREE.items() if path != "core/layers/add.h"}
        self.assertEqual(list(ops_coverage.problems({**tree, "core/layers/sum.h": "// core/ops/add.h\n"})), [])

    def test_empty_tree(self):
        self.assertTrue(list(ops_coverage.problems({})))


class Format(unittest.TestCase):
    def test_planted(self):
        tool = format.clang_format()
        if tool is None:
            self.skipTest("clang-format 14 is not installed")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT / ".clang-format", folder)
            (pathlib.Path(folder) / "wrong.cpp").write_text("int  f( ){return 1 ;}\n")
            (pathlib.Path(folder) / "right.cpp").write_text("int f() { return 1; }\n")
            self.assertEqual(format.unformatted(tool, folder, ["wrong.cpp", "right.cpp"]), (["wrong.cpp"], 0))


def junit(*cases):
    return '<?xml version="1.0"?><testsuite>' + "".join(cases) + "</testsuite>"


PASSED = '<testcase name="a" status="run"/>'
FAILED = '<testcase name="b" status="fail"><failure message=""/></testcase>'
SKIPPED = ('<testcase name="c" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'
           "<system-out>a.cpp:1: Skipped\nno cuda here\n</system-out></testcase>")
NOT_STARTED = '<testcase name="d" status="notrun"><skipped message="Unable to find executable"/></testcase>'


class TestSummary(unittest.TestCase):
    def summary(self, files, broken=()):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                (pathlib.Path(folder) / f"{name}.xml").write_text(text)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = test_summary.main(folder, list(broken))
            return status, out.getvalue().splitlines()

    def test_counts(self):
        status, lines = self.summary({"x": junit(PASSED, SKIPPED), "y": junit(PASSED)})
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed, 1 skipped"))
        self.assertIn("skipped 1: no cuda here", lines)

    def test_failures(self):
        for case in (FAILED, NOT_STARTED):
            status, lines = self.summary({"x": junit(PASSED, case)})
            self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))

    def test_broken_step_counts_once(self):
        self.assertEqual(self.summary({"x": junit(PASSED)}, ["y-build"])[1][-1], "1 passed, 1 failed, 0 skipped")
        self.assertEqual(self.summary({"x": junit(PASSED, FAILED)}, ["x"])[1][-1], "1 passed, 1 failed, 0 skipped")
        self.assertEqual(self.summary({"x": junit(PASSED)}, ["x"])[1][-1], "1 passed, 1 failed, 0 skipped")

    def test_nothing_ran(self):
        self.assertEqual(self.summary({})[0], 1)
        self.assertEqual(self.summary({"x": junit(SKIPPED)})[0], 1)


class Portable(unittest.TestCase):
    def test_extra_library(self):
        if not shutil.which("readelf"):
            self.skipTest("readelf is not installed")
        script = ROOT / "scripts" / "check_portable.sh"
        with tempfile.TemporaryDirectory() as folder:
            source, built = pathlib.Path(folder) / "a.c", pathlib.Path(folder) / "a"
            source.write_text("#include <zlib.h>\nint main(void) { return zlibVersion()[0] == 0; }\n")
            subprocess.run(["cc", source, "-o", built, "-lz"], check=True)
            self.assertNotEqual(subprocess.run([script, built], capture_output=True).returncode, 0)
            source.write_text("int main(void) { return 0; }\n")
            subprocess.run(["cc", source, "-o", built], check=True)
            self.assertEqual(subprocess.run([script, built], capture_output=True).returncode, 0)


if __name__ == "__main__":
    unittest.main()
