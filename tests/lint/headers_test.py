# SPDX-License-Identifier: Apache-2.0
"""headers.py finds a header that leans on its includer: headers_test.py COMPILER"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import headers

COMPILER = sys.argv.pop(1) if len(sys.argv) > 1 else "g++"


class Headers(unittest.TestCase):
    def broken(self, text):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "a.h").write_text(text)
            return headers.check(folder, folder, ["a.h"], COMPILER, [])

    def test_self_contained(self):
        self.assertEqual(self.broken("#pragma once\n#include <string>\nstruct A { std::string s; };\n"), {})

    def test_missing_include(self):
        self.assertIn("a.h", self.broken("#pragma once\nstruct A { std::string s; };\n"))

    def test_missing_guard(self):
        self.assertIn("a.h", self.broken("struct A { int i; };\n"))

    def test_bad_usage_is_explained(self):
        program = pathlib.Path(__file__).with_name("headers.py")
        for arguments in [[], ["."], [".", "work"]]:
            ran = subprocess.run([sys.executable, "-B", program, *arguments], capture_output=True, text=True)
            self.assertEqual(ran.returncode, 2)
            self.assertIn("headers.py ROOT WORK_DIR COMPILER", ran.stderr)
            self.assertNotIn("Traceback", ran.stderr)


if __name__ == "__main__":
    unittest.main()
