#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a recipe in PyTorch: net, data, augmentation and schedule as in `fovea train --recipe RECIPE --data SPEC`.

    train_recipe.py recipes/resnet20-cifar.toml cifar10:data/cifar10 --threads 2

Knows what the recipes of the nets in nets.py on MNIST and CIFAR-10 use: SGD with momentum, constant, cosine and
one-cycle rates, crop, shift and flip. Prints a line per epoch and one JSON object at the end: test accuracy, seconds.
"""
import argparse
import gzip
import json
import math
import pathlib
import time
import tomllib

import numpy
import torch
from torch.nn import functional

import nets


def read_idx(path):
    path = path if path.exists() else path.with_name(path.name + ".gz")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        content = file.read()
    axes = content[3]
    shape = [int.from_bytes(content[4 + 4 * i:8 + 4 * i], "big") for i in range(axes)]
    return torch.from_numpy(numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * axes).reshape(shape).copy())


def read_mnist(folder, split):
    name = "train" if split == "train" else "t10k"
    images, labels = (read_idx(folder / f"{name}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    return images[:, None], labels.long()


def read_cifar10(folder, split):
    files = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
    records = numpy.concatenate([numpy.fromfile(folder / name, numpy.uint8).reshape(-1, 3073) for name in files])
    return torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(records[:, 0].copy()).long()


READERS = {"mnist": read_mnist, "cifar10": read_cifar10}


class Augmentation:
    """crop:N pads with black, shift:N repeats the edge; both take a random part of the old size. flip: mirrored."""

    def __init__(self, text):
        self.operations = [operation.partition(":") for operation in text.split(",")] if text else []
        unknown = {name for name, _, _ in self.operations} - {"crop", "shift", "flip"}
        if unknown:
            raise SystemExit(f"train_recipe.py: augment: expected crop, shift, flip, got {', '.join(sorted(unknown))}")

    def __call__(self, images, generator):
        for name, _, argument in self.operations:
            if name == "flip":
                flipped = torch.rand(len(images), generator=generator) < 0.5
                images = torch.where(flipped[:, None, None, None], images.flip(3), images)
            else:
                images = self.moved(images, int(argument), name, generator)
        return images

    @staticmethod
    def moved(images, by, name, generator):
        N, C, H, W = images.shape
        padded = (functional.pad(images, (by,) * 4) if name == "crop" else
                  functional.pad(images.float(), (by,) * 4, mode="replicate").to(images.dtype))
        top, left = torch.randint(2 * by + 1, (2, N), generator=generator)
        rows = (top[:, None] + torch.arange(H))[:, None, :, None]
        columns = (left[:, None] + torch.arange(W))[:, None, None, :]
        return padded[torch.arange(N)[:, None, None, None], torch.arange(C)[None, :, None, None], rows, columns]


def learning_rate(recipe, step, steps):
    """core/train/schedule.cpp, the kinds in use."""
    peak, kind = recipe["lr"], recipe.get("schedule", "constant")
    between = lambda a, b, part: b + (a - b) * (1 + math.cos(math.pi * part)) / 2
    if kind == "cosine":
        return between(peak, 0, step / steps)
    if kind == "one-cycle":
        start, top, last = peak / 25, 0.3 * steps - 1, steps - 1
        rising = step <= top
        return between(start, peak, step / top) if rising else between(peak, start / 1e4, (step - top) / (last - top))
    if kind == "constant":
        return peak
    raise SystemExit(f"train_recipe.py: schedule: expected constant, cosine or one-cycle, got {kind}")


def evaluate(net, images, labels, normalise):
    net.eval()
    with torch.inference_mode():
        right = sum((net(normalise(images[i:i + 500])).argmax(1) == labels[i:i + 500]).sum().item()
                    for i in range(0, len(images), 500))
    net.train()
    return right / len(images)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("recipe", type=pathlib.Path)
    parser.add_argument("data", help="mnist:DIR or cifar10:DIR")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    arguments = parser.parse_args()
    recipe = tomllib.loads(arguments.recipe.read_text())
    kind, _, folder = arguments.data.partition(":")
    if kind not in READERS or recipe["net"] not in nets.NETS:
        parser.error(f"expected data of {', '.join(READERS)} and a net of {', '.join(nets.NETS)}, got "
                     f"'{arguments.data}' and '{recipe['net']}'")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(recipe["seed"])
    generator = torch.Generator().manual_seed(recipe["seed"])
    images, labels = READERS[kind](pathlib.Path(folder), "train")
    test_images, test_labels = READERS[kind](pathlib.Path(folder), "test")
    pixels = images.float() / 255
    mean, deviation = pixels.mean((0, 2, 3), keepdim=True), pixels.std((0, 2, 3), keepdim=True)
    normalise = lambda x: ((x.float() / 255 - mean) / deviation).contiguous(memory_format=torch.channels_last)

    net = nets.build(recipe["net"]).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=recipe["lr"], momentum=recipe.get("momentum", 0),
                                weight_decay=recipe.get("weight-decay", 0), fused=True)
    augment, batch = Augmentation(recipe.get("augment", "")), recipe["batch"]
    epochs = arguments.epochs or recipe["epochs"]
    per_epoch = math.ceil(len(images) / batch)
    step, begin, accuracy = 0, time.perf_counter(), None
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(images), generator=generator).split(batch):
            optimizer.param_groups[0]["lr"] = learning_rate(recipe, step, epochs * per_epoch)
            loss = functional.cross_entropy(net(normalise(augment(images[chosen], generator))), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
            step += 1
        accuracy = evaluate(net, test_images, test_labels, normalise)
        print(f"epoch {epoch + 1}: loss {total / len(images):.4f}, test accuracy {100 * accuracy:.2f} %, "
              f"{time.perf_counter() - begin:.0f} s", flush=True)
    print(json.dumps({"net": recipe["net"], "epochs": epochs, "test_accuracy": accuracy, "torch": torch.__version__,
                      "seconds": time.perf_counter() - begin, "threads": arguments.threads}))


if __name__ == "__main__":
    main()
