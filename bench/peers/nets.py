# SPDX-License-Identifier: Apache-2.0
"""The nets of core/models in PyTorch, with the same sizes and the same names of parameters.

PyTorch forbids '.' in a module's name and Fovea in a layer's, so "features.0.weight" here is "features-0.weight" there.
parity.py proves that both compute the same.
"""
from collections import OrderedDict
from typing import NamedTuple

from torch import nn
from torch.nn import functional


def features(first_padding, pool):
    """AlexNet's five convolutions."""
    layers = [nn.Conv2d(3, 64, 11, stride=4, padding=first_padding), nn.ReLU(), pool(),
              nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), pool(),
              nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
              nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
              nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), pool()]
    return nn.Sequential(*layers)


def lenet5(classes):
    return nn.Sequential(OrderedDict(
        conv1=nn.Conv2d(1, 6, 5, padding=2), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 16, 5), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2), flatten=nn.Flatten(),
        fc1=nn.Linear(400, 120), relu3=nn.ReLU(),
        fc2=nn.Linear(120, 84), relu4=nn.ReLU(),
        fc3=nn.Linear(84, classes)))


def alexnet_cifar(classes):
    return nn.Sequential(OrderedDict(
        features=features(first_padding=5, pool=lambda: nn.MaxPool2d(2)), flatten=nn.Flatten(),
        classifier=nn.Linear(256, classes)))


def alexnet(classes):
    return nn.Sequential(OrderedDict(
        features=features(first_padding=2, pool=lambda: nn.MaxPool2d(3, stride=2)),
        avgpool=nn.AdaptiveAvgPool2d(6), flatten=nn.Flatten(),
        classifier=nn.Sequential(nn.Dropout(0.5), nn.Linear(9216, 4096), nn.ReLU(),
                                 nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, classes))))


class BasicBlock(nn.Module):
    """y = relu(F(x) + x), with x through a 1x1 convolution where F changes the shape."""

    def __init__(self, maps_in, maps, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(maps_in, maps, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or maps_in != maps:
            self.downsample = nn.Sequential(nn.Conv2d(maps_in, maps, 1, stride=stride, bias=False),
                                            nn.BatchNorm2d(maps))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """The same with 1x1, 3x3 and 1x1 convolutions; the stride in the 3x3 one."""

    def __init__(self, maps_in, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(maps_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.downsample = None
        if maps_in != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(maps_in, 4 * width, 1, stride=stride, bias=False),
                                            nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def resnet(classes, block, counts, growth):
    """Four stages of blocks of 64, 128, 256 and 512 filters, which give `growth` times as many maps."""
    stages, maps = OrderedDict(), 64
    for i, count in enumerate(counts):
        width, blocks = 64 << i, []
        for j in range(count):
            blocks.append(block(maps, width, 2 if i > 0 and j == 0 else 1))
            maps = growth * width
        stages[f"layer{i + 1}"] = nn.Sequential(*blocks)
    return nn.Sequential(OrderedDict(
        conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), bn1=nn.BatchNorm2d(64), relu=nn.ReLU(),
        maxpool=nn.MaxPool2d(3, stride=2, padding=1), **stages,
        avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(maps, classes)))


def resnet18(classes):
    return resnet(classes, BasicBlock, (2, 2, 2, 2), 1)


def resnet50(classes):
    return resnet(classes, Bottleneck, (3, 4, 6, 3), 4)


def vgg16(classes):
    """Configuration D: 3x3 convolutions, the maps doubled after each pool."""
    layers, maps = [], 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(maps, width, 3, padding=1), nn.ReLU()]
            maps = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(OrderedDict(
        features=nn.Sequential(*layers), avgpool=nn.AdaptiveAvgPool2d(7), flatten=nn.Flatten(),
        classifier=nn.Sequential(nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(0.5),
                                 nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, classes))))


class Subsample(nn.Module):
    """x at every second place, with channels of zeros in front and behind."""

    def __init__(self, zeros):
        super().__init__()
        self.zeros = zeros

    def forward(self, x):
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.zeros, self.zeros))


class CifarBlock(BasicBlock):
    """With a shortcut that has no parameters."""

    def __init__(self, maps_in, maps, stride):
        super().__init__(maps_in, maps, stride)
        if self.downsample is not None:
            self.downsample = Subsample((maps - maps_in) // 2)


def resnet20(classes):
    def stage(maps_in, maps, stride):
        return nn.Sequential(CifarBlock(maps_in, maps, stride), CifarBlock(maps, maps, 1), CifarBlock(maps, maps, 1))

    return nn.Sequential(OrderedDict(
        conv1=nn.Conv2d(3, 16, 3, padding=1, bias=False), bn1=nn.BatchNorm2d(16), relu=nn.ReLU(),
        layer1=stage(16, 16, 1), layer2=stage(16, 32, 2), layer3=stage(32, 64, 2),
        avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), linear=nn.Linear(64, classes)))


class Definition(NamedTuple):
    build: object
    sample_shape: tuple
    classes: int
    parameters: int  # as published, with this number of classes


NETS = {"lenet5": Definition(lenet5, (1, 28, 28), 10, 61_706),
        "alexnet-cifar": Definition(alexnet_cifar, (3, 32, 32), 10, 2_472_266),
        "alexnet": Definition(alexnet, (3, 224, 224), 1000, 61_100_840),
        "resnet18": Definition(resnet18, (3, 224, 224), 1000, 11_689_512),
        "resnet50": Definition(resnet50, (3, 224, 224), 1000, 25_557_032),
        "vgg16": Definition(vgg16, (3, 224, 224), 1000, 138_357_544),
        "resnet20": Definition(resnet20, (3, 32, 32), 10, 269_722)}


def parameter_count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def build(name):
    """The net with its published number of parameters, which is asserted."""
    definition = NETS[name]
    net = definition.build(definition.classes)
    count = parameter_count(net)
    assert count == definition.parameters, f"{name}: {count} parameters, {definition.parameters} expected"
    return net
