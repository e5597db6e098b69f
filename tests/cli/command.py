# SPDX-License-Identifier: Apache-2.0
"""Runs the fovea command and makes the files its tests feed it; Python's standard library only.

A test program is called as TEST.py FOVEA [unittest arguments].
"""
import gzip
import hashlib
import json
import os
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import unittest

FOVEA = None
DATA = "synthetic:1x28x28:10"


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode("utf-8")
        self.err = process.stderr.decode("utf-8")

    def object(self):
        """Stdout must be one JSON object and nothing else."""
        value, end = json.JSONDecoder(parse_constant=reject_constant).raw_decode(self.out)
        assert isinstance(value, dict), self.out
        assert self.out[end:] == "\n", f"stdout goes on after its object: {self.out[end:][:200]!r}"
        return value


def net_file(channels, *more):
    """A net file for images of 1x12x12 and four classes: conv2d, relu, linear, and of batch_norm and dropout `more`."""
    layers = [("conv", "conv2d", f"out_channels = {channels}\nkernel = 3\n"), ("norm", "batch_norm", ""),
              ("relu", "relu", ""), ("drop", "dropout", ""), ("fc", "linear", "out_features = 4\n")]
    optional = {"batch_norm", "dropout"} - set(more)
    return "input = [1, 12, 12]\n" + "".join(f'[[layer]]\nname = "{name}"\ntype = "{kind}"\n{keys}'
                                             for name, kind, keys in layers if kind not in optional)


def resident_step(device, mode):
    """What bench and profile say of the device's runtime: a training step copies its seed, nothing else happens."""
    if device not in ("emu", "cuda"):
        return None
    return {"allocations": 0, "frees": 0, "synchronisations": 0, "copies_from_host": 0, "copies_to_host": 0,
            "copies_on_device": int(mode == "train"), "fills": 0}


def reject_constant(name):
    raise ValueError(f"{name} is not JSON")


class CommandTest(unittest.TestCase):
    """Each test runs in an empty directory of its own."""

    found = None  # the devices

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fovea-cli-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    def run_fovea(self, *arguments, env=None, timeout=None, largest_file=None):
        """`timeout`: seconds, against commands that hang. `largest_file`: bytes; writing beyond them fails as on a full
        disk."""
        timeout = timeout or int(os.environ.get("FOVEA_TEST_COMMAND_SECONDS", "600"))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FOVEA_")}
        environment.update(env or {})

        def limit():
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        process = subprocess.run([FOVEA, *map(str, arguments)], cwd=self.directory, env=environment, timeout=timeout,
                                 stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=limit)
        return Result(process)

    def good(self, *arguments, **options):
        result = self.run_fovea(*arguments, **options)
        self.assertEqual(result.code, 0, result.err)
        return result

    def json(self, *arguments, **options):
        return self.good(*arguments, "--json", **options).object()

    def devices(self):
        """The devices that can be used here, the reference among them. Asked once: it loads NVIDIA's libraries."""
        if not CommandTest.found:
            CommandTest.found = [device["name"] for device in self.json("devices")["devices"] if device["available"]]
        return list(CommandTest.found)

    def files(self):
        return sorted(str(p.relative_to(self.directory)) for p in self.directory.rglob("*"))

    def files_in(self, run):
        """Each file's size and digest: of equal files, equal. Texts this short can be told apart by assertEqual in no
        time, which takes hours for the bytes themselves."""
        return {p.name: (p.stat().st_size, hashlib.sha256(p.read_bytes()).hexdigest()[:16])
                for p in sorted((self.directory / run).iterdir())}

    def refused(self, *arguments, says=(), code=2):
        """The command must fail with one clear message that has every text of `says`, and leave no file behind."""
        before = self.files()
        plain = self.run_fovea(*arguments)
        self.assertEqual(plain.code, code, plain.out + plain.err)
        self.assertEqual(plain.out, "")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, plain.err)
        self.assertNotIn("terminate called", plain.err)
        self.assertEqual(self.files(), before)
        # The same in JSON: one object with the same message.
        machine = self.run_fovea("--json", *arguments)
        self.assertEqual(machine.code, code)
        message = machine.object()["error"]
        self.assertIn(message, plain.err)
        self.assertEqual(self.files(), before)
        return message

    def trained(self, out="run", *more, net="mlp"):
        """A checkpoint after two steps."""
        self.good("train", net, "--data", DATA, "--max-steps", 2, "--device", "reference", "--out", out, *more)
        return self.directory / out / "last.safetensors"

    def write(self, name, content):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path


def idx_images(images, height=28, width=28, magic=0x00000803, claimed=None):
    """`images` byte strings of height x width as an IDX file; `claimed` images in its header."""
    count = len(images) if claimed is None else claimed
    return struct.pack(">IIII", magic, count, height, width) + b"".join(images)


def idx_labels(labels, magic=0x00000801, claimed=None):
    return struct.pack(">II", magic, len(labels) if claimed is None else claimed) + bytes(labels)


def mnist_files(count=20):
    """The four files of a small, sound data set by name."""
    images = [bytes((i * 7 + p) % 256 for p in range(28 * 28)) for i in range(count)]
    labels = [i % 10 for i in range(count)]
    return {
        "train-images-idx3-ubyte": idx_images(images),
        "train-labels-idx1-ubyte": idx_labels(labels),
        "t10k-images-idx3-ubyte": idx_images(images),
        "t10k-labels-idx1-ubyte": idx_labels(labels),
    }


def gzipped(content):
    return gzip.compress(content, mtime=0)


def pgm(pixels, width, height):
    return f"P5\n{width} {height}\n255\n".encode() + bytes(pixels)


def main():
    global FOVEA
    FOVEA = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__", verbosity=1)
