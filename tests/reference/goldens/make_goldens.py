#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden values beside this script with PyTorch: make_goldens.py (Debian: apt install python3-torch).

Inputs are small multiples of 1/4, so that products and sums are exact in float64, and in float32 too: only tanh,
softmax and divisions round. Everything is computed in float64. Element order is N, C, H, W; filters are [K, C/groups,
R, S]. The numbers come from Python's own generator and repeat exactly.
"""
import json
import pathlib
import random

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent


class Numbers:
    """Seeded multiples of 1/`parts` in [low, high]."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def tensor(self, *shape, low=-2, high=2, parts=4):
        count = 1
        for extent in shape:
            count *= extent
        values = [self.random.randint(low * parts, high * parts) / parts for _ in range(count)]
        return torch.tensor(values, dtype=torch.float64).reshape(shape)

    def distinct(self, *shape):
        """A shuffled range of quarters around 0: no two elements alike, none of them 0."""
        count = 1
        for extent in shape:
            count *= extent
        values = [(i - count // 2) / 4 + 0.125 for i in range(count)]
        self.random.shuffle(values)
        return torch.tensor(values, dtype=torch.float64).reshape(shape)


def number(value):
    return int(value) if value == int(value) else value


def record(tensor):
    return {"shape": list(tensor.shape), "values": [number(v) for v in tensor.detach().reshape(-1).tolist()]}


def case(name, options, **tensors):
    return {"name": name, "options": options, "tensors": {key: record(value) for key, value in tensors.items()}}


def differentiate(function, inputs, numbers):
    """Output, a random output gradient, and the gradients of `inputs`."""
    for tensor in inputs:
        tensor.requires_grad_(True)
    y = function(*inputs)
    dy = numbers.tensor(*y.shape)
    return (y, dy, *torch.autograd.grad(y, inputs, dy))


def conv2d():
    #        name                     x [N,C,H,W]     K  kernel  stride  padding t,l,b,r   dilation groups bias
    table = [("plain",                (2, 3, 6, 6),   2, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
             ("one_by_one_kernel",    (2, 3, 4, 5),   4, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
             ("same_padding",         (1, 2, 5, 6),   3, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 1, True),
             ("strides_differ",       (2, 2, 8, 9),   2, (3, 2), (2, 3), (0, 0, 0, 0), (1, 1), 1, False),
             ("stride_above_kernel",  (1, 2, 9, 8),   2, (2, 2), (3, 4), (1, 0, 1, 0), (1, 1), 1, True),
             ("dilations_differ",     (1, 2, 8, 9),   2, (3, 3), (1, 1), (2, 3, 2, 3), (2, 3), 1, True),
             ("stride_and_dilation",  (2, 2, 9, 9),   2, (3, 2), (2, 2), (1, 2, 1, 2), (2, 3), 1, False),
             ("groups",               (2, 4, 5, 5),   6, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2, True),
             ("depthwise",            (2, 3, 6, 5),   3, (3, 3), (2, 1), (1, 1, 1, 1), (1, 1), 3, True),
             ("padding_all_different", (1, 2, 4, 5),  2, (3, 3), (2, 1), (0, 1, 2, 3), (1, 1), 1, True),
             ("kernel_is_the_image",  (3, 2, 4, 3),   5, (4, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
             ("sequence",             (2, 3, 1, 12),  2, (1, 4), (1, 2), (0, 1, 0, 1), (1, 1), 1, True)]
    numbers = Numbers(1)
    for name, shape, K, kernel, stride, (top, left, bottom, right), dilation, groups, has_bias in table:
        x, w, b = numbers.tensor(*shape), numbers.tensor(K, shape[1] // groups, *kernel), numbers.tensor(K)

        def function(x, w, b):
            padded = F.pad(x, (left, right, top, bottom))
            return F.conv2d(padded, w, b if has_bias else None, stride, 0, dilation, groups)

        for tensor in (x, w, b):
            tensor.requires_grad_(True)
        y = function(x, w, b)
        dy = numbers.tensor(*y.shape)
        tensors = dict(x=x, w=w, y=y, dy=dy)
        tensors["dx"], tensors["dw"] = torch.autograd.grad(y, (x, w), dy, retain_graph=True)
        if has_bias:
            tensors["bias"] = b
            tensors["dbias"], = torch.autograd.grad(y, (b,), dy)
        yield case(name, {"out_channels": K, "kernel": kernel, "stride": stride,
                          "padding": (top, left, bottom, right), "dilation": dilation, "groups": groups}, **tensors)


def linear():
    numbers = Numbers(2)
    for name, shape, O in (("vectors", (4, 6), 3), ("images", (2, 2, 3, 4), 5), ("one_sample", (1, 10), 7),
                           ("one_output", (3, 8), 1)):
        x = numbers.tensor(*shape)
        w, b = numbers.tensor(O, x[0].numel()), numbers.tensor(O)
        y, dy, dx, dw, db = differentiate(lambda x, w, b: F.linear(x.flatten(1), w, b), (x, w, b), numbers)
        yield case(name, {"out_features": O}, x=x, w=w, bias=b, y=y, dy=dy, dx=dx, dw=dw, dbias=db)


def max_pool2d():
    #        name                    x              kernel  stride  padding ceil   ties
    table = [("quarters",            (2, 3, 6, 8), (2, 2), (2, 2), (0, 0), False, False),
             ("ties",                (2, 2, 6, 6), (3, 3), (2, 2), (1, 1), False, True),
             ("overlapping",         (1, 2, 7, 7), (3, 3), (2, 2), (0, 0), False, False),
             ("all_overlap",         (2, 2, 5, 5), (3, 3), (1, 1), (1, 1), False, False),
             ("odd_input_floor",     (1, 2, 7, 5), (2, 2), (2, 2), (0, 0), False, False),
             ("odd_input_ceil",      (1, 2, 7, 5), (2, 2), (2, 2), (0, 0), True, False),
             ("ceil_and_padding",    (2, 2, 7, 8), (3, 3), (2, 2), (1, 1), True, False),
             ("ceil_drops_a_window", (1, 2, 5, 7), (2, 2), (4, 3), (1, 1), True, False),
             ("strides_differ",      (1, 2, 9, 8), (3, 2), (2, 3), (1, 0), False, False),
             ("stride_above_kernel", (1, 2, 9, 9), (2, 2), (4, 3), (1, 1), True, False)]
    numbers = Numbers(3)
    for name, shape, kernel, stride, padding, ceil, ties in table:
        x = numbers.tensor(*shape, low=-1, high=1, parts=1) if ties else numbers.distinct(*shape)
        x.requires_grad_(True)
        y, position = F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil, return_indices=True)
        dy = numbers.tensor(*y.shape)
        dx, = torch.autograd.grad(y, (x,), dy)
        yield case(name, {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}, x=x, y=y,
                   position=position, dy=dy, dx=dx)


def avg_pool2d():
    #        name                     x              kernel  stride  padding ceil   count_include_pad
    table = [("quarters",             (2, 2, 6, 8), (2, 2), (2, 2), (0, 0), False, True),
             ("thirds",               (1, 2, 6, 9), (3, 3), (3, 3), (0, 0), False, True),
             ("overlapping",          (1, 2, 7, 7), (3, 3), (2, 2), (0, 0), False, True),
             ("padding_counts",       (2, 2, 6, 6), (3, 3), (2, 2), (1, 1), False, True),
             ("padding_left_out",     (2, 2, 6, 6), (3, 3), (2, 2), (1, 1), False, False),
             ("ceil_padding_counts",  (1, 2, 7, 8), (3, 3), (2, 2), (1, 1), True, True),
             ("ceil_padding_left_out", (1, 2, 7, 8), (3, 3), (2, 2), (1, 1), True, False),
             ("ceil_drops_a_window",  (1, 2, 5, 7), (2, 2), (4, 3), (1, 1), True, True),
             ("ceil_no_padding",      (1, 2, 7, 5), (2, 3), (2, 3), (0, 0), True, True),
             ("strides_differ",       (1, 2, 9, 8), (3, 2), (2, 3), (1, 0), False, False)]
    numbers = Numbers(4)
    for name, shape, kernel, stride, padding, ceil, include in table:
        x = numbers.tensor(*shape)
        y, dy, dx = differentiate(lambda x: F.avg_pool2d(x, kernel, stride, padding, ceil, include), (x,), numbers)
        yield case(name, {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil,
                          "count_include_pad": include}, x=x, y=y, dy=dy, dx=dx)


def relu():
    numbers = Numbers(5)
    x = torch.cat([numbers.tensor(30), torch.zeros(2, dtype=torch.float64)])
    y, dy, dx = differentiate(torch.relu, (x,), numbers)
    yield case("around_zero", {}, x=x, y=y, dy=dy, dx=dx)


def tanh():
    numbers = Numbers(6)
    for name, scale in (("middle", 1), ("saturated", 12), ("tiny", 2.0**-20)):
        x = (numbers.tensor(24) * scale).detach()
        y, dy, dx = differentiate(torch.tanh, (x,), numbers)
        yield case(name, {}, x=x, y=y, dy=dy, dx=dx)


def add():
    numbers = Numbers(7)
    a, b = numbers.tensor(2, 3, 2, 2), numbers.tensor(2, 3, 2, 2)
    y, dy, da, db = differentiate(torch.add, (a, b), numbers)
    yield case("two_images", {}, a=a, b=b, y=y, dy=dy, da=da, db=db)


def softmax():
    numbers = Numbers(8)
    inputs = (("scores", numbers.tensor(4, 10)), ("all_equal", torch.full((2, 5), 3.0, dtype=torch.float64)),
              ("huge", numbers.tensor(3, 4) * 5000), ("one_class", numbers.tensor(3, 1)))
    for name, x in inputs:
        y, dy, dx = differentiate(lambda x: torch.softmax(x, 1), (x.detach(),), numbers)
        yield case(name, {}, x=x, y=y, dy=dy, dx=dx)


def softmax_cross_entropy():
    numbers = Numbers(9)
    inputs = (("scores", numbers.tensor(5, 10)), ("all_equal", torch.full((3, 4), -2.0, dtype=torch.float64)),
              ("huge", numbers.tensor(4, 3) * 5000), ("one_sample", numbers.tensor(1, 10)))
    for name, logits in inputs:
        N, C = logits.shape
        labels = torch.tensor([numbers.random.randrange(C) for _ in range(N)])
        logits = logits.detach().requires_grad_(True)
        losses = F.cross_entropy(logits, labels, reduction="none")
        loss = F.cross_entropy(logits, labels).reshape(1)
        dloss = numbers.tensor(1, low=1)
        dlogits, = torch.autograd.grad(loss, (logits,), dloss)
        yield case(name, {}, logits=logits, labels=labels, probabilities=torch.softmax(logits, 1), losses=losses,
                   loss=loss, dloss=dloss, dlogits=dlogits)


def sgd():
    # Powers of two keep five steps exact in float32; "usual" is what people type, and rounds.
    table = [("plain", 0.5, 0.0, 0.0, False), ("momentum", 0.5, 0.5, 0.0, False),
             ("weight_decay", 0.5, 0.0, 0.25, False), ("momentum_weight_decay", 0.5, 0.5, 0.25, False),
             ("nesterov", 0.5, 0.5, 0.0, True), ("nesterov_weight_decay", 0.5, 0.5, 0.25, True),
             ("usual", 0.01, 0.9, 0.0005, False), ("usual_nesterov", 0.01, 0.9, 0.0005, True)]
    numbers = Numbers(10)
    for name, rate, momentum, decay, nesterov in table:
        rate, momentum, decay = (torch.tensor(v, dtype=torch.float32).item() for v in (rate, momentum, decay))
        w = numbers.tensor(8, parts=1)
        start = w.clone()
        optimizer = torch.optim.SGD([w], lr=rate, momentum=momentum, weight_decay=decay, nesterov=nesterov)
        gradients, weights = [], []
        for _ in range(5):
            w.grad = numbers.tensor(8, parts=1)
            gradients.append(w.grad.clone())
            optimizer.step()
            weights.append(w.clone())
        yield case(name, {"learning_rate": rate, "momentum": momentum, "weight_decay": decay, "nesterov": nesterov},
                   w=start, g=torch.stack(gradients), w_after=torch.stack(weights))


def main():
    for op in (conv2d, linear, max_pool2d, avg_pool2d, relu, tanh, add, softmax, softmax_cross_entropy, sgd):
        cases = list(op())
        lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
        path = HERE / f"{op.__name__}.json"
        path.write_text(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n')
        print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
