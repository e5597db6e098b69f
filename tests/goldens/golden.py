# SPDX-License-Identifier: Apache-2.0
"""What the golden tables are made with: seeded numbers, and one case of one layer type.

Inputs are multiples of 1/4 (or a finer power of two) and so the same in float32 and float64; everything is computed in
float64. Options that devices round to float are rounded here too, see f32().
"""
import random

import torch


def f32(value):
    """A real option as devices hold it."""
    return torch.tensor(value, dtype=torch.float32).item()


def count(shape):
    product = 1
    for extent in shape:
        product *= extent
    return product


class Numbers:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def tensor(self, *shape, low=-2, high=2, parts=4):
        """Multiples of 1/`parts` in [low, high]."""
        values = [self.random.randint(int(low * parts), int(high * parts)) / parts for _ in range(count(shape))]
        return torch.tensor(values, dtype=torch.float64).reshape(shape)

    def distinct(self, *shape):
        """A shuffled range of quarters around 0: no two elements alike, none of them 0."""
        values = [(i - count(shape) // 2) / 4 + 0.125 for i in range(count(shape))]
        self.random.shuffle(values)
        return torch.tensor(values, dtype=torch.float64).reshape(shape)

    def labels(self, *shape, classes):
        values = [self.random.randrange(classes) for _ in range(count(shape))]
        return torch.tensor(values, dtype=torch.int64).reshape(shape)


def number(value):
    return int(value) if value == int(value) else value


def record(tensor):
    return {"shape": list(tensor.shape), "values": [number(v) for v in tensor.detach().reshape(-1).tolist()]}


def case(name, params, numbers, function, tensors, constant=(), state=(), phase="training", **more):
    """One configuration: `tensors` by the layer's names in the order of `function`'s arguments.

    function(*tensors) gives the output "y", or (y, {state after the pass}). All floating tensors but those named by
    `constant` and `state` get gradients "d" + name, for the random gradient "dy" of the output; inference gets none.
    """
    learns = phase == "training"
    wanted = [key for key, value in tensors.items()
              if learns and value.is_floating_point() and key not in constant and key not in state]
    leaves = {key: value.detach().clone().requires_grad_(key in wanted) for key, value in tensors.items()}
    recorded = {key: record(value) for key, value in tensors.items()}
    y, after = function(*leaves.values()), {}
    if isinstance(y, tuple):
        y, after = y
    recorded["y"] = record(y)
    if wanted:
        # The one gradient of a loss is positive, not by chance 0.
        dy = numbers.tensor(*y.shape) if y.numel() > 1 else numbers.tensor(*y.shape, low=0.5)
        recorded["dy"] = record(dy)
        for key, gradient in zip(wanted, torch.autograd.grad(y, [leaves[key] for key in wanted], dy)):
            recorded["d" + key] = record(gradient)
    recorded.update({"new_" + key: record(value) for key, value in after.items()})
    return {"name": name, "params": params, "phase": phase, **more, "state": list(state), "tensors": recorded}
