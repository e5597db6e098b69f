#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10 in seconds: the recipe "airbench94" in PyTorch, written from its description in K. Jordan, "94% on CIFAR-10
in 3.29 seconds on a single GPU", arXiv:2404.00498, not from its code.

    airbench.py cifar10:data/cifar10 --seeds 1 2 3 4 5 [--device cuda] [--eager] [--train-images N --epochs X]

Prints one JSON line for each seed: seconds of the training, test accuracy. A first run compiles and warms up and does
not count. The data lie on the device before the clock starts; the fit of the whitening counts, the evaluation does not
(as in `fovea train`, whose train_seconds are those of the steps).

The net: a 2x2 convolution with fixed weights that whitens patches, then three blocks of two 3x3 convolutions with 64,
256 and 256 filters, a 2x2 max-pool behind the first of each, batch norms without trained scales, GELU; a 3x3 max-pool
and a linear layer without bias, whose scores are divided by 9. Training: 9.9 epochs of batch 1024, Nesterov SGD, a
rate that rises and falls linearly, label smoothing 0.2, weights averaged by Lookahead, crops of reflected images moved
by up to 2 pixels, flips that alternate from epoch to epoch, scores averaged over flipped and moved images.
"""
import argparse
import json
import math
import pathlib
import sys
import time

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))
import train_recipe  # noqa: E402 (the folder must be known first)

EPOCHS, BATCH = 9.9, 1024
MOMENTUM, SMOOTHING = 0.85, 0.2
RATE, DECAY = 11.5, 0.0153  # for 1024 images; the rate of a loss that is a sum, the decay of the weights themselves
BIAS_FACTOR = 64  # the shifts of batch norms learn so much faster
WHITENING_BIAS_EPOCHS = 3  # after these the first layer's bias rests, too
START, PEAK, END = 0.2, 0.23, 0.07  # rate at the beginning, part of the steps until its maximum, rate at the end
LOOKAHEAD = 5  # steps
MOVED = 2  # pixels
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def norm(maps):
    layer = nn.BatchNorm2d(maps, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad = False
    return layer


def conv(maps_in, maps):
    """The identity where there are maps for it."""
    layer = nn.Conv2d(maps_in, maps, 3, padding="same", bias=False)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[:maps_in])
    return layer


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        widths, self.whitening = (24, 64, 256, 256), nn.Conv2d(3, 24, 2)
        self.whitening.weight.requires_grad = False
        blocks = []
        for a, b in zip(widths, widths[1:]):
            blocks += [conv(a, b), nn.MaxPool2d(2), norm(b), nn.GELU(), conv(b, b), norm(b), nn.GELU()]
        self.blocks, self.head = nn.Sequential(*blocks, nn.MaxPool2d(3)), nn.Linear(256, 10, bias=False)

    def forward(self, x):
        return self.head(self.blocks(functional.gelu(self.whitening(x))).flatten(1)) / 9

    def fit_whitening(self, images, epsilon=5e-4):
        """The filters are the directions of 2x2 patches, scaled to variance 1, and their negatives."""
        patches = functional.unfold(images.float(), 2).transpose(1, 2).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / torch.sqrt(values + epsilon)).T.reshape(12, 3, 2, 2)
        self.whitening.weight.data.copy_(torch.cat([filters, -filters]))
        self.whitening.bias.data.zero_()


class Images:
    """A split on the device, normalised; batches() of an epoch."""

    def __init__(self, folder, split, device, dtype, limit):
        images, self.labels = (x[:limit].to(device) for x in train_recipe.read_cifar10(folder, split))
        mean, deviation = (torch.tensor(x, device=device).reshape(1, 3, 1, 1) for x in (MEAN, DEVIATION))
        images = ((images.float() / 255 - mean) / deviation).to(dtype)
        self.images = images.contiguous(memory_format=torch.channels_last)

    def start(self):
        """Before the first epoch every image is flipped or not, once, and from then on in turn."""
        flipped = torch.rand(len(self.images), device=self.images.device) < 0.5
        images = torch.where(flipped[:, None, None, None], self.images.flip(3), self.images)
        self.current = functional.pad(images, (MOVED,) * 4, "reflect")

    def batches(self, epoch):
        images = self.current.flip(3) if epoch % 2 else self.current
        N, C, H, W = self.images.shape
        top, left = torch.randint(2 * MOVED + 1, (2, N), device=images.device)
        rows = (top[:, None] + torch.arange(H, device=images.device))[:, :, None]
        columns = (left[:, None] + torch.arange(W, device=images.device))[:, None, :]
        images = images.permute(0, 2, 3, 1)[torch.arange(N, device=images.device)[:, None, None], rows, columns]
        images = images.permute(0, 3, 1, 2)
        for chosen in torch.randperm(N, device=images.device)[:N // BATCH * BATCH].split(BATCH):
            yield images[chosen].contiguous(memory_format=torch.channels_last), self.labels[chosen]


class Lookahead:
    """Slow copies of all weights and statistics, to which the fast ones are set back every few steps."""

    def __init__(self, net):
        self.fast = [tensor for tensor in net.state_dict().values() if tensor.is_floating_point()]
        self.slow = [tensor.clone() for tensor in self.fast]

    def update(self, decay):
        torch._foreach_lerp_(self.slow, self.fast, 1 - decay)
        torch._foreach_copy_(self.fast, self.slow)


def rate_at(step, steps):
    top = PEAK * steps
    return START + (1 - START) * step / top if step < top else END + (1 - END) * (steps - step) / (steps - top)


def optimizer_of(net):
    """A loss that is a sum and Nesterov's momentum make steps longer; the decay is the weights' own at any rate."""
    kilo = 1024 * (1 + 1 / (1 - MOMENTUM))
    rate, decay = RATE / kilo, DECAY * BATCH / kilo
    shifts = [p for name, p in net.named_parameters() if p.requires_grad and name.startswith("blocks") and p.dim() == 1]
    others = [p for p in net.parameters() if p.requires_grad and all(p is not shift for shift in shifts)]
    groups = [{"params": shifts, "lr": rate * BIAS_FACTOR, "weight_decay": decay / (rate * BIAS_FACTOR)},
              {"params": others, "lr": rate, "weight_decay": decay / rate}]
    optimizer = torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True, fused=True)
    for group in optimizer.param_groups:
        group["first_rate"] = group["lr"]
    return optimizer


def train(net, compiled, data, epochs):
    per_epoch = len(data.images) // BATCH
    steps = math.ceil(epochs * per_epoch)
    optimizer, step = optimizer_of(net), 0
    lookahead = Lookahead(net)
    data.start()
    for epoch in range(math.ceil(epochs)):
        net.whitening.bias.requires_grad = epoch < WHITENING_BIAS_EPOCHS
        for images, labels in data.batches(epoch):
            for group in optimizer.param_groups:
                group["lr"] = group["first_rate"] * rate_at(step, steps)
            loss = functional.cross_entropy(compiled(images), labels, label_smoothing=SMOOTHING, reduction="sum")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            if step % LOOKAHEAD == 0:
                lookahead.update(0.95 ** LOOKAHEAD * (step / steps) ** 3)
            if step == steps:
                lookahead.update(1.0)
                return


def accuracy(net, data):
    """Scores of each image and its mirror image, half of the weight on the image in place, half on moves by a pixel."""
    def both(images):
        return net(images) + net(images.flip(3))

    net.eval()
    right = 0
    with torch.inference_mode():
        for images, labels in zip(data.images.split(2000), data.labels.split(2000)):
            padded = functional.pad(images, (1,) * 4, "reflect")
            moved = [padded[:, :, i:i + 32, i:i + 32] for i in (0, 2)]
            scores = 0.5 * both(images) + 0.25 * sum(both(image) for image in moved)
            right += (scores.argmax(1) == labels).sum().item()
    return right / len(data.labels)


def run(seed, data, test, arguments, net, compiled):
    torch.manual_seed(seed)
    net.load_state_dict(Net().state_dict())
    net.train()
    net.whitening.bias.requires_grad = True  # it rests since the end of the run before
    finish = torch.cuda.synchronize if arguments.device == "cuda" else lambda: None
    finish()
    begin = time.perf_counter()
    net.fit_whitening(data.images[:5000])
    train(net, compiled, data, arguments.epochs)
    finish()
    seconds = time.perf_counter() - begin
    return {"seed": seed, "train_seconds": seconds, "test_accuracy": accuracy(net, test)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", help="cifar10:DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument("--train-images", type=int, help="use the first so many, to try this program")
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: this PyTorch finds no GPU")
    torch.backends.cudnn.benchmark = True
    kind, _, folder = arguments.data.partition(":")
    if kind != "cifar10":
        parser.error(f"expected cifar10:DIR, got '{arguments.data}'")
    dtype = torch.half if arguments.device == "cuda" else torch.float32
    data, test = (Images(pathlib.Path(folder), split, arguments.device, dtype, arguments.train_images)
                  for split in ("train", "test"))
    if len(data.images) < BATCH:
        parser.error(f"--train-images: expected at least the batch of {BATCH}, got {len(data.images)}")
    net = Net().to(arguments.device, dtype, memory_format=torch.channels_last)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.float()
    compiled = net if arguments.eager else torch.compile(net, mode="max-autotune")
    run(0, data, test, arguments, net, compiled)
    for seed in arguments.seeds:
        print(json.dumps({**run(seed, data, test, arguments, net, compiled), "torch": torch.__version__,
                          "compiled": not arguments.eager, "epochs": arguments.epochs}), flush=True)


if __name__ == "__main__":
    main()
