#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/ops.md is what scripts/ops_doc.py writes, and every example in it runs as it stands."""
import pathlib
import re
import shlex
import sys

import command
import tensor_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
import ops_doc  # noqa: E402  the path above is needed first


class OpsDocument(command.CommandTest):
    def test_is_up_to_date(self):
        self.assertEqual(ops_doc.PAGE.read_text(), ops_doc.page(ops_doc.listed(command.FOVEA)),
                         "run scripts/ops_doc.py")

    def test_every_type_has_a_formula_or_a_note(self):
        for op in ops_doc.listed(command.FOVEA):
            name = op["name"]
            self.assertTrue(ops_doc.formula(op)[1] or
                            ops_doc.class_comment(ops_doc.layer_header(name), ops_doc.class_name(name)), name)

    def test_every_example_runs(self):
        examples = re.findall(r"```sh\n(.*?)```", ops_doc.PAGE.read_text(), re.S)
        ops = ops_doc.listed(command.FOVEA)
        self.assertEqual(len(examples), len(ops))
        for text, op in zip(examples, ops):
            lines = text.replace("\\\n", "").splitlines()
            for line in lines:
                program, *arguments = shlex.split(line)
                self.assertEqual((program, arguments[1]), ("fovea", op["name"]))
                self.good(*arguments)
            out = tensor_file.unpack((self.directory / "out.safetensors").read_bytes())
            self.assertEqual(out["y"][1], op["output"]["shape"])
            self.assertEqual("--backward" in lines[-1], op["gradient"])


if __name__ == "__main__":
    command.main()
