# SPDX-License-Identifier: Apache-2.0
"""The nets of core/models in JAX: the same sizes, and Fovea's own names and shapes of parameters.

A net is a function of a Trace and a batch of images, NHWC. The first call, with nothing but shapes, tells which
parameters there are; later ones compute with them. parity.py proves that both compute the same.
"""
import math
from typing import NamedTuple

import jax
from jax import lax, numpy as jnp


class Trace:
    """One pass through a net. `values` is None while shapes are found out; `kept` are running statistics, new after."""

    def __init__(self, values=None, kept=None, training=True, key=None, dtype=jnp.float32):
        self.values, self.kept, self.training, self.key, self.dtype = values, dict(kept or {}), training, key, dtype
        self.shapes, self.kept_shapes, self.layers, self.draws = {}, {}, [], 0

    def parameter(self, name, *shape):
        self.shapes[name] = shape
        return jnp.zeros(shape) if self.values is None else self.values[name]

    def done(self, name, y, first):
        """Notes a layer whose parameters are those since the first `first`."""
        shape = (y.shape[0], y.shape[3], y.shape[1], y.shape[2]) if y.ndim == 4 else y.shape
        count = sum(math.prod(s) for s in list(self.shapes.values())[first:])
        self.layers.append([name, list(shape), count])
        return y

    def conv(self, name, x, maps, kernel, stride=1, padding=0, bias=True):
        first = len(self.shapes)
        w = self.parameter(f"{name}.weight", maps, x.shape[3], kernel, kernel)
        y = lax.conv_general_dilated(x.astype(self.dtype), w.astype(self.dtype), (stride, stride),
                                     [(padding, padding)] * 2, dimension_numbers=("NHWC", "OIHW", "NHWC"))
        if bias:
            y = y + self.parameter(f"{name}.bias", maps).astype(self.dtype)
        return self.done(name, y, first)

    def linear(self, name, x, features):
        first = len(self.shapes)
        w = self.parameter(f"{name}.weight", features, x.shape[1])
        b = self.parameter(f"{name}.bias", features)
        return self.done(name, x.astype(self.dtype) @ w.astype(self.dtype).T + b.astype(self.dtype), first)

    def norm(self, name, x):
        """Sums in float32, whatever x is stored as."""
        first, maps, momentum = len(self.shapes), x.shape[3], 0.1
        scale, shift = self.parameter(f"{name}.weight", maps), self.parameter(f"{name}.bias", maps)
        names = [f"{name}.running_mean", f"{name}.running_var"]
        for kept in names:
            self.kept_shapes[kept] = (maps,)
        wide = x.astype(jnp.float32)
        if self.training:
            mean, variance = wide.mean((0, 1, 2)), wide.var((0, 1, 2))
            n = x.size // maps
            for kept, new in zip(names, (mean, variance * (n / max(1, n - 1)))):
                if kept in self.kept:
                    self.kept[kept] = (1 - momentum) * self.kept[kept] + momentum * new
        else:
            mean, variance = (self.kept.get(kept, jnp.zeros(maps)) for kept in names)
        y = (wide - mean) * lax.rsqrt(variance + 1e-5) * scale + shift
        return self.done(name, y.astype(x.dtype), first)

    def dropout(self, x):
        if not self.training or self.key is None:
            return x
        self.draws += 1
        kept = jax.random.bernoulli(jax.random.fold_in(self.key, self.draws), 0.5, x.shape)
        return jnp.where(kept, 2 * x, 0)


def relu(x):
    return jnp.maximum(x, 0)


def max_pool(x, kernel, stride=None, padding=0):
    stride = stride or kernel
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, kernel, kernel, 1), (1, stride, stride, 1),
                             ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def flatten(x):
    """In Fovea's order: C, H, W."""
    return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)


def lenet5(t, x, classes):
    x = max_pool(relu(t.conv("conv1", x, 6, 5, padding=2)), 2)
    x = flatten(max_pool(relu(t.conv("conv2", x, 16, 5)), 2))
    return t.linear("fc3", relu(t.linear("fc2", relu(t.linear("fc1", x, 120)), 84)), classes)


def features(t, x, first_padding, pool):
    """AlexNet's five convolutions."""
    x = pool(relu(t.conv("features-0", x, 64, 11, stride=4, padding=first_padding)))
    x = pool(relu(t.conv("features-3", x, 192, 5, padding=2)))
    x = relu(t.conv("features-6", x, 384, 3, padding=1))
    x = relu(t.conv("features-8", x, 256, 3, padding=1))
    return pool(relu(t.conv("features-10", x, 256, 3, padding=1)))


def alexnet_cifar(t, x, classes):
    return t.linear("classifier", flatten(features(t, x, 5, lambda y: max_pool(y, 2))), classes)


def alexnet(t, x, classes):
    x = flatten(features(t, x, 2, lambda y: max_pool(y, 3, 2)))  # 6x6: the average pool to that size does nothing
    x = relu(t.linear("classifier-1", t.dropout(x), 4096))
    x = relu(t.linear("classifier-4", t.dropout(x), 4096))
    return t.linear("classifier-6", x, classes)


def vgg16(t, x, classes):
    index = 0
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            x = relu(t.conv(f"features-{index}", x, width, 3, padding=1))
            index += 2
        x = max_pool(x, 2)
        index += 1
    x = t.dropout(relu(t.linear("classifier-0", flatten(x), 4096)))
    x = t.dropout(relu(t.linear("classifier-3", x, 4096)))
    return t.linear("classifier-6", x, classes)


def resnet(t, x, classes, counts, bottleneck):
    def convolution_and_norm(block, i, y, *options, **more):
        return t.norm(f"{block}bn{i}", t.conv(f"{block}conv{i}", y, *options, bias=False, **more))

    x = max_pool(relu(convolution_and_norm("", 1, x, 64, 7, stride=2, padding=3)), 3, 2, 1)
    for stage, count in enumerate(counts):
        width = 64 << stage
        for i in range(count):
            name, stride = f"layer{stage + 1}-{i}-", 2 if stage > 0 and i == 0 else 1
            if bottleneck:
                y = relu(convolution_and_norm(name, 1, x, width, 1))
                y = relu(convolution_and_norm(name, 2, y, width, 3, stride=stride, padding=1))
                y = convolution_and_norm(name, 3, y, 4 * width, 1)
            else:
                y = relu(convolution_and_norm(name, 1, x, width, 3, stride=stride, padding=1))
                y = convolution_and_norm(name, 2, y, width, 3, padding=1)
            if x.shape != y.shape:
                x = t.norm(f"{name}downsample-1", t.conv(f"{name}downsample-0", x, y.shape[3], 1, stride=stride,
                                                         bias=False))
            x = relu(y + x)
    return t.linear("fc", x.mean((1, 2)), classes)


def resnet18(t, x, classes):
    return resnet(t, x, classes, (2, 2, 2, 2), False)


def resnet50(t, x, classes):
    return resnet(t, x, classes, (3, 4, 6, 3), True)


class Definition(NamedTuple):
    forward: object
    sample_shape: tuple
    classes: int
    parameters: int


NETS = {"lenet5": Definition(lenet5, (1, 28, 28), 10, 61_706),
        "alexnet-cifar": Definition(alexnet_cifar, (3, 32, 32), 10, 2_472_266),
        "alexnet": Definition(alexnet, (3, 224, 224), 1000, 61_100_840),
        "resnet18": Definition(resnet18, (3, 224, 224), 1000, 11_689_512),
        "resnet50": Definition(resnet50, (3, 224, 224), 1000, 25_557_032),
        "vgg16": Definition(vgg16, (3, 224, 224), 1000, 138_357_544)}


def shapes_of(name):
    """A Trace that has seen the net's shapes, with the published number of parameters, which is asserted."""
    definition, trace = NETS[name], Trace()
    C, H, W = definition.sample_shape
    jax.eval_shape(lambda x: definition.forward(trace, x, definition.classes),
                   jax.ShapeDtypeStruct((1, H, W, C), jnp.float32))
    count = sum(layer[2] for layer in trace.layers)
    assert count == definition.parameters, f"{name}: {count} parameters, {definition.parameters} expected"
    return trace
