# SPDX-License-Identifier: Apache-2.0
"""What Fovea and a peer exchange for the comparison of their losses: images on disk, initial weights, losses. Needs
neither PyTorch nor JAX."""
import json
import pathlib
import random
import struct
import subprocess
from typing import NamedTuple

IMAGES, CLASSES = 16, 10
# Where losses may differ by more, they must also change by more.
STEPS = {"fp32": 5, "tf32": 12, "bf16": 12}
LEARNING_RATE = {"lenet5": 0.1, "alexnet-cifar": 0.1, "resnet18": 0.001, "resnet50": 0.001}


def write_mnist(directory, images, labels):
    for split in ["train", "t10k"]:
        (directory / f"{split}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, IMAGES, 28, 28) + b"".join(images))
        (directory / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, IMAGES) + bytes(labels))


def write_cifar(directory, images, labels):
    """The first image in a file of its own each, the rest in the last one."""
    records = [bytes([label]) + image for image, label in zip(images, labels)]
    for i in range(1, 5):
        (directory / f"data_batch_{i}.bin").write_bytes(records[i - 1])
    (directory / "data_batch_5.bin").write_bytes(b"".join(records[4:]))
    (directory / "test_batch.bin").write_bytes(records[0])


# What a net trains on here: its sample's shape, the kind of SPEC, and what writes it.
DATA = {"lenet5": ((1, 28, 28), "mnist", write_mnist),
        "alexnet-cifar": ((3, 32, 32), "cifar10", write_cifar),
        "resnet18": ((3, 32, 32), "cifar10", write_cifar),
        "resnet50": ((3, 32, 32), "cifar10", write_cifar)}


class Problem(NamedTuple):
    """What five steps are computed on, in plain bytes."""
    name: str
    images: bytes  # u8, [IMAGES, *sample_shape]
    sample_shape: tuple
    labels: list
    mean: list  # of each channel, to be taken off and divided by the deviation after the division by 255
    deviation: list
    tensors: dict  # Fovea's name -> (shape, bytes of float32)
    learning_rate: float


def read_safetensors(path):
    """Metadata and tensors, without the package of that name."""
    content = path.read_bytes()
    length, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    metadata = header.pop("__metadata__", {})
    data = bytearray(content[8 + length:])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["shape"], data[begin:end])
    return metadata, tensors


def train(fovea, name, device, precision, directory):
    """The losses of our steps on random images, and the Problem for the peer: the same images, the same weights."""
    shape, kind, write = DATA[name]
    source = random.Random(1)
    images = [source.randbytes(shape[0] * shape[1] * shape[2]) for _ in range(IMAGES)]
    labels = [i % CLASSES for i in range(IMAGES)]
    write(directory, images, labels)

    def run(out, *options):
        command = [fovea, "train", name, "--data", f"{kind}:{directory}", "--batch", IMAGES, "--epochs",
                   STEPS[precision], "--device", device, "--out", directory / out, "--json", "--quiet", *options]
        if precision != "fp32":
            command += ["--precision", precision]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        return directory / out

    initial = run("initial", "--lr", 0, "--max-steps", 1) / "last.safetensors"
    metrics = run("trained", "--lr", LEARNING_RATE[name]) / "metrics.jsonl"
    losses = [json.loads(line)["loss"] for line in metrics.read_text().splitlines()]
    metadata, tensors = read_safetensors(pathlib.Path(initial))
    mean, deviation = ([float(x) for x in metadata[key].split(",")] for key in ("mean", "deviation"))
    return losses, Problem(name, b"".join(images), shape, labels, mean, deviation, tensors, LEARNING_RATE[name])
