# SPDX-License-Identifier: Apache-2.0
"""The budget of the kernels on made-up libraries: what cuobjdump prints is read right, each planted fault is one line,
and docs/kernels.md is what the record says. Needs c++filt, no CUDA."""
import contextlib
import io
import json
import os
import pathlib
import struct
import sys
import tempfile
import unittest

import budget
import resources

ADD = "_ZN5fovea4cuda18add_forward_kernelINS_6bf16_tEEEvlPKT_S5_PS3_"
SGD = "_ZN5fovea4cuda15sgd_step_kernelENS_10SgdOptionsEllPfPKfS2_"
GEMM = "_ZN5fovea4cuda17gemm_tiled_kernelILNS0_10ContiguousE0ELS2_1EffEEvlllPKT1_S5_PKfPT2_"


def usage_text(architectures):
    """As `cuobjdump --dump-resource-usage` prints {architecture: {mangled: (registers, stack, shared, local)}}."""
    text = "\nmember libx.a:host.cpp.o:\n\nmember libx.a:kernels_0.cu.o:\n"
    for architecture, kernels in architectures.items():
        text += (f"\nFatbin elf code:\n================\narch = {architecture}\ncode version = [1,8]\nhost = linux\n"
                 f"compile_size = 64bit\nidentifier = kernels_0.cu\n\nResource usage:\n Common:\n  GLOBAL:0 "
                 f"CONSTANT[3]:64\n")
        for name, (registers, stack, shared, local) in kernels.items():
            text += (f" Function {name}:\n  REG:{registers} STACK:{stack} SHARED:{shared} LOCAL:{local} CONSTANT[2]:4 "
                     f"CONSTANT[0]:408 TEXTURE:0 SURFACE:0 SAMPLER:0\n")
    return text + "\nFatbin ptx code:\n================\narch = sm_120\ncode version = [9,0]\ncompressed\n"


def cubin(bounds):
    """An ELF file with a section .nv.info.NAME for each {NAME: threads}; None: without a launch bound."""
    names, contents = [""], [b""]
    for name, threads in bounds.items():
        info = struct.pack("<BBHI", 4, 0x37, 4, 125) + struct.pack("<BBHBBH", 3, 0x50, 0, 3, 0x1B, 255)
        if threads is not None:
            info += struct.pack("<BBHIII", 4, 5, 12, threads // 4, 2, 2)
        names.append(".nv.info." + name)
        contents.append(info + struct.pack("<BBH", 3, 0x19, 40))
    names.append(".shstrtab")
    table = b"\0".join(name.encode() for name in names) + b"\0"
    contents.append(table)
    body, headers, at = b"", b"", 64
    for name, content in zip(names, contents):
        start = table.index(name.encode() + b"\0") if name else 0
        headers += struct.pack("<IIQQQQIIQQ", start, 1, 0, 0, at + len(body), len(content), 0, 0, 1, 0)
        body += content
    head = b"\x7fELF\x02" + bytes(0x28 - 5) + struct.pack("<Q", at + len(body))
    head += bytes(0x3A - len(head)) + struct.pack("<HHH", 64, len(names), len(names) - 1)
    return head + body + headers


RIGHT = {"sm_75": {ADD: (16, 0, 0, 0), SGD: (20, 0, 0, 0), GEMM: (62, 0, 8704, 0)},
         "sm_90a": {ADD: (13, 0, 0, 0), SGD: (25, 0, 0, 0), GEMM: (59, 0, 9728, 0)}}
BOUNDS = {ADD: 256, SGD: 256, GEMM: 256}


def changed(architecture, name, usage):
    """RIGHT with one kernel's usage replaced, or the kernel taken away (None)."""
    library = {key: dict(kernels) for key, kernels in RIGHT.items()}
    library[architecture][name] = usage
    if usage is None:
        del library[architecture][name]
    return library


class Library(unittest.TestCase):
    """The program as ctest runs it, on a toolkit of made-up programs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.record = self.folder / "record.json"
        (self.folder / "libx.a").write_text("")
        self.tools()
        self.toolkit(RIGHT)
        self.assertEqual(self.budget("record", "--update")[0], 0)

    def tools(self, version="13.0.88"):
        self.script("nvcc", f"echo 'Cuda compilation tools, release {version[:4]}, V{version}'")

    def script(self, name, text):
        (self.folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.folder / name).chmod(0o755)

    def toolkit(self, library, bounds=BOUNDS):
        """A cuobjdump for a library like this one."""
        (self.folder / "usage").write_text(usage_text(library))
        copies = ""
        for architecture, kernels in library.items():
            path = self.folder / f"kernels_0.{architecture}.cubin"
            path.write_bytes(cubin({name: bounds[name] for name in kernels}))
            copies += f"cp '{path}' .\n"
        self.script("cuobjdump",
                    f"if [ $1 = --dump-resource-usage ]; then cat '{self.folder}/usage'; exit; fi\n{copies}")

    def budget(self, command, *options):
        """(status, lines) of one call."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = budget.main([command, str(self.folder / "libx.a"), "--nvcc", str(self.folder / "nvcc"),
                                  "--record", str(self.record), *options])
        return status, out.getvalue().splitlines()

    def fails(self, command, line):
        """One line names the fault, and it is this one."""
        status, lines = self.budget(command)
        self.assertEqual(status, 1, lines)
        self.assertIn(line, lines)
        self.assertEqual(lines[-1], "budget: 1 problems")

    def test_the_record(self):
        self.assertEqual(json.loads(self.record.read_text()), {"nvcc": "13.0.88", "kernels": {
            "add_forward<bf16>": {"sm_75": {"threads": 256, "registers": 16, "shared": 0},
                                  "sm_90a": {"threads": 256, "registers": 13, "shared": 0}},
            "gemm_tiled<0, 1, f32, f32>": {"sm_75": {"threads": 256, "registers": 62, "shared": 8704},
                                           "sm_90a": {"threads": 256, "registers": 59, "shared": 9728}},
            "sgd_step": {"sm_75": {"threads": 256, "registers": 20, "shared": 0},
                         "sm_90a": {"threads": 256, "registers": 25, "shared": 0}}}})
        self.assertEqual(self.budget("record"),
                         (0, ["budget: kernels for sm_75, sm_90a within the record of nvcc 13.0.88"]))
        self.assertEqual(self.budget("limits"), (0, ["budget: 6 kernels for sm_75, sm_90a fit, without spills"]))

    def test_more_than_recorded(self):
        self.toolkit(changed("sm_75", ADD, (17, 0, 0, 0)))
        self.fails("record", "sm_75 add_forward<bf16>: registers 17, recorded 16")
        self.toolkit(changed("sm_90a", GEMM, (59, 0, 9744, 0)))
        self.fails("record", "sm_90a gemm_tiled<0, 1, f32, f32>: shared 9744, recorded 9728")
        self.toolkit(changed("sm_90a", GEMM, (58, 0, 9744, 0)))  # less of one does not pay for more of the other
        self.fails("record", "sm_90a gemm_tiled<0, 1, f32, f32>: registers 58, recorded 59, shared 9744, recorded 9728")
        self.assertEqual(self.budget("record", "--update")[0], 0)
        self.assertEqual(self.budget("record")[0], 0)

    def test_less_than_recorded(self):
        self.toolkit(changed("sm_90a", SGD, (24, 0, 0, 0)))
        status, lines = self.budget("record")
        self.assertEqual(status, 0)
        self.assertEqual(lines[0], "sm_90a sgd_step: registers 24, recorded 25 (less: --update keeps it)")

    def test_other_launch_bounds(self):
        self.toolkit({"sm_90a": RIGHT["sm_90a"]}, {**BOUNDS, SGD: 128})
        self.fails("record", "sm_90a sgd_step: threads 128, recorded 256")
        self.assertIn("budget: not compared, as not compiled: sm_75", self.budget("record")[1])

    def test_kernels_come_and_go(self):
        self.toolkit(changed("sm_75", SGD, None))
        self.fails("record", "sm_75 sgd_step: has an entry, and is not in the library")
        self.budget("record", "--update")
        self.toolkit(RIGHT)
        self.fails("record", "sm_75 sgd_step: has no entry")

    def test_spills_stack_and_local_memory(self):
        for usage, amount in [((13, 8, 0, 0), "8 bytes of stack and 0 of local"),
                              ((13, 0, 0, 4), "0 bytes of stack and 4 of local")]:
            self.toolkit(changed("sm_90a", ADD, usage))
            status, lines = self.budget("limits")
            self.assertEqual((status, len(lines)), (1, 2))
            self.assertIn(f"sm_90a add_forward<bf16>: {amount}", lines[0])

    def test_blocks_that_do_not_fit(self):
        self.toolkit(RIGHT, {**BOUNDS, SGD: None})
        self.assertEqual(self.budget("limits")[1][:2], ["sm_75 sgd_step: no __launch_bounds__",
                                                        "sm_90a sgd_step: no __launch_bounds__"])
        self.toolkit(changed("sm_90a", ADD, (64, 0, 0, 0)), {**BOUNDS, ADD: 1024})  # exactly all registers
        self.assertEqual(self.budget("limits")[0], 0)
        self.toolkit(changed("sm_90a", ADD, (65, 0, 0, 0)), {**BOUNDS, ADD: 1024})
        self.fails("limits", "sm_90a add_forward<bf16>: 65 registers times 1024 threads: a multiprocessor has 65536")
        self.toolkit(changed("sm_90a", GEMM, (59, 0, 50177, 0)))
        self.fails("limits",
                   "sm_90a gemm_tiled<0, 1, f32, f32>: 50177 bytes of static shared memory: 49152 are allowed")

    def test_another_nvcc_is_said(self):
        self.tools("12.8.93")
        self.toolkit(changed("sm_75", ADD, (17, 8, 0, 0)))
        self.assertEqual(self.budget("record"), (budget.SKIP, [
            "budget: Skipped",
            "nvcc 12.8.93: the budget is of nvcc 13.0.88; registers and shared memory were not compared"]))
        self.assertEqual(self.budget("limits")[0], 1)
        self.tools("13.0.48")
        self.assertEqual(self.budget("record")[0], 1)

    def test_other_architectures_are_said(self):
        self.toolkit({"sm_86": RIGHT["sm_75"]})
        self.assertEqual(self.budget("record")[0], budget.SKIP)
        status, lines = self.budget("record", "--update")
        self.assertEqual(status, 1)
        self.assertIn("the library lacks sm_75 and sm_90a", lines[0])

    def test_no_cuobjdump(self):
        (self.folder / "cuobjdump").unlink()
        path, root = os.environ["PATH"], resources.ROOT
        try:
            os.environ["PATH"], resources.ROOT = str(self.folder), self.folder
            status, lines = self.budget("limits")
        finally:
            os.environ["PATH"], resources.ROOT = path, root
        self.assertEqual((status, lines[0]), (budget.SKIP, "budget: Skipped"))
        self.assertIn("no cuobjdump beside nvcc", lines[1])

    def test_what_nobody_understands(self):
        for text in ["", usage_text(RIGHT).replace("STACK", "FRAME"), usage_text(RIGHT).replace("arch = sm", "sm")]:
            (self.folder / "usage").write_text(text)
            self.assertEqual(self.budget("limits")[0], 1, text)
        self.script("cuobjdump", "echo 'cuobjdump fatal: newer than me' >&2; exit 1")
        self.assertIn("newer than me", self.budget("limits")[1][0])

    def test_two_kernels_of_one_name(self):
        other = ADD.replace("18add_forward_kernel", "11add_forward")
        self.toolkit(changed("sm_75", other, (13, 0, 0, 0)), {**BOUNDS, other: 256})
        self.assertIn("two kernels have this name", self.budget("limits")[1][0])


class Names(unittest.TestCase):
    def test_short_names(self):
        for demangled, short in [
                ("fovea::cuda::sgd_step_kernel(fovea::SgdOptions, long, float*)", "sgd_step"),
                ("void fovea::cuda::max_pool2d_backward_kernel<float, unsigned char>(long)",
                 "max_pool2d_backward<f32, u8>"),
                ("void fovea::cuda::batch_norm_sums_kernel<true, fovea::f16_t>(long)", "batch_norm_sums<true, f16>"),
                ("void fovea::cuda::augment_color_kernel<fovea::cuda::Hue>(fovea::cuda::PixelIndex)",
                 "augment_color<Hue>"),
                ("void fovea::cuda::a_kernel<(fovea::Kind)2, -1, float>(int)", "a<2, -1, f32>"),
                ("void fovea::cuda::(anonymous namespace)::float_kernel<fovea::Pair<long, unsigned int> >(int)",
                 "float<Pair<i64, u32> >")]:
            self.assertEqual(resources.short_name(demangled), short)


class Table(unittest.TestCase):
    def test_occupancy(self):
        for threads, registers, shared, expected in [
                (256, 32, 0, (1, "warps")), (256, 33, 0, (0.75, "registers")), (256, 64, 9728, (0.5, "registers")),
                (1024, 64, 0, (0.5, "registers")), (64, 16, 0, (1, "warps")), (32, 16, 0, (0.5, "blocks")),
                (256, 32, 49 * 1024, (0.5, "shared memory")), (256, 255, 0, (0.125, "registers"))]:
            used = {"threads": threads, "registers": registers, "shared": shared}
            self.assertEqual(budget.occupancy(used), expected, used)

    def test_the_page_is_up_to_date(self):
        self.assertEqual(budget.PAGE.read_text(), budget.table(json.loads(budget.RECORD.read_text())),
                         "budget.py record LIBRARY --update writes both")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
