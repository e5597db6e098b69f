#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The PyTorch nets train as ours do: from the same weights on the same images, five steps of SGD with momentum give the
same losses.

    parity.py FOVEA lenet5 --device reference

Writes 16 random images as a data set that `fovea train` reads, lets it leave its initial weights (one step with a
learning rate of 0) and then its losses, and repeats that in PyTorch. Prints one JSON line; exit code 1 when a loss
differs by more than 1e-4 of itself. AlexNet has no data set of its size among those that Fovea reads: its layers are
held against `fovea summary` instead, as those of every net are.
"""
import argparse
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import torch
from torch.nn import functional

import nets

IMAGES, CLASSES, STEPS = 16, 10, 5
LEARNING_RATE = {"lenet5": 0.1, "alexnet-cifar": 0.1, "resnet18": 0.001}
TOLERANCE = 1e-4  # of the loss
LEAST_CHANGE = 10 * TOLERANCE  # of the loss over the steps: else the backward pass and SGD were not compared


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
        "resnet18": ((3, 32, 32), "cifar10", write_cifar)}


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
        tensors[name] = torch.frombuffer(data[begin:end], dtype=torch.float32).reshape(entry["shape"])
    return metadata, tensors


def our_name(name):
    """layer1.0.conv1.weight -> layer1-0-conv1.weight"""
    module, parameter = name.rsplit(".", 1)
    return module.replace(".", "-") + "." + parameter


def load(net, tensors):
    state = net.state_dict()
    for name in state:
        if not name.endswith("num_batches_tracked"):
            state[name] = tensors[our_name(name)]
    net.load_state_dict(state)


def our_losses(fovea, name, device, spec, directory):
    """The losses of the steps; and the checkpoint of the initial weights."""
    def train(out, *options):
        command = [fovea, "train", name, "--data", spec, "--batch", IMAGES, "--epochs", STEPS, "--device", device,
                   "--out", directory / out, "--json", "--quiet", *options]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        return directory / out

    initial = train("initial", "--lr", 0, "--max-steps", 1) / "last.safetensors"
    metrics = train("trained", "--lr", LEARNING_RATE[name]) / "metrics.jsonl"
    return [json.loads(line)["loss"] for line in metrics.read_text().splitlines()], initial


def their_losses(name, checkpoint, images, labels):
    metadata, tensors = read_safetensors(checkpoint)
    shape = DATA[name][0]
    net = nets.NETS[name].build(CLASSES)
    load(net, tensors)
    mean, deviation = (torch.tensor([float(x) for x in metadata[key].split(",")]).reshape(1, shape[0], 1, 1)
                       for key in ("mean", "deviation"))
    x = torch.frombuffer(bytearray(b"".join(images)), dtype=torch.uint8).reshape(IMAGES, *shape)
    x = (x.float() / 255 - mean) / deviation
    y = torch.tensor(labels)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE[name], momentum=0.9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses


def compare_losses(fovea, name, device):
    shape, kind, write = DATA[name]
    source = random.Random(1)
    images = [source.randbytes(shape[0] * shape[1] * shape[2]) for _ in range(IMAGES)]
    labels = [i % CLASSES for i in range(IMAGES)]
    with tempfile.TemporaryDirectory(prefix="fovea-parity-") as temporary:
        directory = pathlib.Path(temporary)
        write(directory, images, labels)
        ours, checkpoint = our_losses(fovea, name, device, f"{kind}:{directory}", directory)
        theirs = their_losses(name, checkpoint, images, labels)
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
    change = abs(theirs[-1] - theirs[0]) / theirs[0]
    return {"losses": ours, "pytorch_losses": theirs, "worst_relative_difference": worst,
            "losses_agree": len(ours) == STEPS and worst <= TOLERANCE and change >= LEAST_CHANGE}


def layers_agree(fovea, name):
    """Output shape and number of parameters of every layer that has parameters, in the order of execution."""
    printed = subprocess.run([fovea, "summary", name, "--batch", "1", "--json", "--quiet"], check=True,
                             capture_output=True).stdout
    ours = [[layer["name"], layer["output_shape"], layer["parameters"]]
            for layer in json.loads(printed)["layers"] if layer["parameters"] > 0]
    theirs = []
    net = nets.build(name).eval()
    for module_name, module in net.named_modules():
        count = sum(p.numel() for p in module.parameters(recurse=False))
        if count > 0:
            module.register_forward_hook(
                lambda _module, _inputs, output, entry=[module_name.replace(".", "-"), None, count]:
                theirs.append([entry[0], list(output.shape), entry[2]]))
    with torch.inference_mode():
        net(torch.zeros(1, *nets.NETS[name].sample_shape))
    return ours == theirs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("fovea")
    parser.add_argument("net", choices=nets.NETS)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    result = {"net": arguments.net, "layers_agree": layers_agree(arguments.fovea, arguments.net)}
    if arguments.net in DATA:
        result.update(compare_losses(arguments.fovea, arguments.net, arguments.device))
    print(json.dumps(result))
    return 0 if result["layers_agree"] and result.get("losses_agree", True) else 1


if __name__ == "__main__":
    sys.exit(main())
