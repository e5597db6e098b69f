#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks of command.py must fail on commands that misbehave. FOVEA is replaced by small shell scripts here."""
import command

MESSAGE = 'echo "fovea: bad thing" >&2'
OBJECT = """case "$*" in *--json*) echo '{"error":"bad thing"}';; esac"""


class Checks(command.CommandTest):
    def setUp(self):
        super().setUp()
        real = command.FOVEA
        self.addCleanup(lambda: setattr(command, "FOVEA", real))

    def script(self, *lines):
        path = self.directory / "fovea"
        path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
        path.chmod(0o755)
        command.FOVEA = str(path)

    def test_a_well_behaved_refusal_passes(self):
        self.script(MESSAGE, OBJECT, "exit 2")
        self.assertEqual(self.refused("x", says="bad thing"), "bad thing")

    def test_misbehaviour_is_seen(self):
        faults = {
            "wrong exit code": [MESSAGE, OBJECT, "exit 1"],
            "success": [MESSAGE, OBJECT, "exit 0"],
            "killed": [MESSAGE, OBJECT, "kill -ABRT $$"],
            "another message": ['echo "fovea: other" >&2', OBJECT, "exit 2"],
            "text on stdout": [MESSAGE, OBJECT, "echo text", "exit 2"],
            "no object": [MESSAGE, "exit 2"],
            "two objects": [MESSAGE, OBJECT, OBJECT, "exit 2"],
            "a file left behind": [MESSAGE, OBJECT, 'touch "file$$"', "exit 2"],
            "an uncaught exception": [MESSAGE, 'echo "terminate called" >&2', OBJECT, "exit 2"],
        }
        for name, lines in faults.items():
            self.script(*lines)
            with self.assertRaises((AssertionError, ValueError), msg=name):
                self.refused("x", says="bad thing")

    def test_what_is_no_single_object_is_seen(self):
        for text in ["", "[1]", "{}{}", '{"a": 1} x', '{"a": NaN}', '{"a": Infinity}', "{a: 1}", '{"a": 1}\n\n']:
            self.script(f"cat <<'END'\n{text}\nEND")
            with self.assertRaises((AssertionError, ValueError), msg=text):
                self.json("x")

    def test_a_failing_command_is_no_success(self):
        self.script("echo '{}'", "exit 1")
        with self.assertRaises(AssertionError):
            self.json("x")


if __name__ == "__main__":
    command.main()
