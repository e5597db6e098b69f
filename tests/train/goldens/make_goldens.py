#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden values beside this script with PyTorch: make_goldens.py

optimizers.json: 20 steps of every optimizer, schedules.json: the learning rates of every schedule, clips.json: clipped
gradients. All in float64. Options are numbers that float32 holds, so that a device can be told the very same ones;
gradients are multiples of 1/16. Inputs come from Python's own generator and repeat exactly.
"""
import json
import pathlib
import random

import torch

HERE = pathlib.Path(__file__).resolve().parent
STEPS, PARAMETERS = 20, 6


def as_float32(value):
    return torch.tensor(value, dtype=torch.float32).item()


def numbers(generator, count, size=16):
    values = [generator.randint(-4 * size, 4 * size) / size for _ in range(count)]
    return torch.tensor([value or 1 / size for value in values], dtype=torch.float64)


def optimizers():
    """(name, kind, class, options as PyTorch calls them)"""
    sgd, rmsprop, adagrad = torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adagrad
    adam, adamw = torch.optim.Adam, torch.optim.AdamW
    table = [
        ("plain", "sgd", sgd, {"lr": 0.05}),
        ("momentum", "sgd", sgd, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}),
        ("nesterov", "sgd", sgd, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
        ("plain", "rmsprop", rmsprop, {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}),
        ("all", "rmsprop", rmsprop,
         {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.05, "momentum": 0.5}),
        ("plain", "adagrad", adagrad, {"lr": 0.1, "eps": 1e-10}),
        ("all", "adagrad", adagrad, {"lr": 0.1, "lr_decay": 0.05, "eps": 1e-3, "weight_decay": 0.05}),
        ("plain", "adam", adam, {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}),
        ("all", "adam", adam, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.05}),
        ("plain", "adamw", adamw, {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}),
        ("all", "adamw", adamw, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.5}),
    ]
    ours = {"lr": "learning_rate", "eps": "epsilon"}
    generator = random.Random(1)
    for name, kind, make, options in table:
        options = {key: tuple(map(as_float32, value)) if key == "betas" else value if value is True
                   else as_float32(value) for key, value in options.items()}
        w = torch.nn.Parameter(numbers(generator, PARAMETERS))
        start = w.detach().clone()
        optimizer = make([w], **options)
        gradients, weights = [], []
        for _ in range(STEPS):
            w.grad = numbers(generator, PARAMETERS)
            gradients.append(w.grad.tolist())
            optimizer.step()
            weights.append(w.detach().tolist())
        named = {ours.get(key, key): value for key, value in options.items() if key != "betas"}
        if "betas" in options:
            named["beta1"], named["beta2"] = options["betas"]
        yield {"name": f"{kind}_{name}", "optimizer": kind, "options": named, "start": start.tolist(),
               "gradients": gradients, "weights": weights}


def rates(make, steps, every=1, base=0.5):
    """The learning rate of each step; the scheduler advances after every `every` steps."""
    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=base)
    scheduler = make(optimizer)
    result = []
    for step in range(steps):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0 and step + 1 < steps:
            scheduler.step()
    return result


def schedules():
    lr = torch.optim.lr_scheduler
    # Nine steps an epoch, seven epochs.
    every, steps = 9, 63

    def warm(after, warmup=10):
        def make(optimizer):
            first = lr.LinearLR(optimizer, start_factor=1 / warmup, end_factor=1, total_iters=warmup - 1)
            return lr.SequentialLR(optimizer, [first, after(optimizer)], milestones=[warmup])
        return make

    def case(name, kind, make, per_epoch=False, **options):
        return {"name": name, "schedule": kind, "options": options, "steps_per_epoch": every, "learning_rate": 0.5,
                "rates": rates(make, steps, every if per_epoch else 1)}

    yield case("constant", "constant", lambda o: lr.ConstantLR(o, factor=1))
    yield case("step", "step", lambda o: lr.StepLR(o, 2, 0.3), True, step_size=2, gamma=0.3)
    yield case("multi_step", "multi-step", lambda o: lr.MultiStepLR(o, [1, 4, 5], 0.2), True, milestones=[1, 4, 5],
               gamma=0.2)
    yield case("exponential", "exponential", lambda o: lr.ExponentialLR(o, 0.7), True, gamma=0.7)
    yield case("linear", "polynomial", lambda o: lr.PolynomialLR(o, steps, 1), power=1)
    yield case("square", "polynomial", lambda o: lr.PolynomialLR(o, steps, 2), power=2)
    yield case("cosine", "cosine", lambda o: lr.CosineAnnealingLR(o, steps, 0.01), min_learning_rate=0.01)
    yield case("cosine_to_zero", "cosine", lambda o: lr.CosineAnnealingLR(o, steps))
    yield case("one_cycle", "one-cycle", lambda o: lr.OneCycleLR(o, 0.5, steps))
    yield case("one_cycle_other", "one-cycle",
               lambda o: lr.OneCycleLR(o, 2.0, steps, pct_start=0.45, div_factor=5, final_div_factor=100),
               max_learning_rate=2.0, rise=0.45, start_divisor=5.0, end_divisor=100.0)
    yield case("warm_constant", "constant", warm(lambda o: lr.ConstantLR(o, factor=1)), warmup_steps=10)
    yield case("warm_cosine", "cosine", warm(lambda o: lr.CosineAnnealingLR(o, steps - 10, 0.01)), warmup_steps=10,
               min_learning_rate=0.01)
    yield case("warm_polynomial", "polynomial", warm(lambda o: lr.PolynomialLR(o, steps - 10, 2)), warmup_steps=10,
               power=2)

    # A loss for each of 50 epochs of one step: falls, stalls, falls by too little, stalls again.
    generator = random.Random(2)
    losses = [round(max(2 - 0.2 * epoch, 0.5) + generator.randint(0, 3) / 64 - (epoch > 30) * 0.00001 * epoch, 6)
              for epoch in range(50)]
    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=0.5)
    scheduler = lr.ReduceLROnPlateau(optimizer, factor=0.3, patience=3, threshold=1e-3, min_lr=0.0005)
    result = []
    for loss in losses:
        result.append(optimizer.param_groups[0]["lr"])
        scheduler.step(loss)
    yield {"name": "plateau", "schedule": "plateau", "steps_per_epoch": 1, "learning_rate": 0.5, "losses": losses,
           "options": {"gamma": 0.3, "patience": 3, "threshold": 1e-3, "min_learning_rate": 0.0005}, "rates": result}


def clips():
    generator = random.Random(3)
    for limit in (0.5, 4.0, 1000.0):
        g = numbers(generator, 30)
        parts = [torch.nn.Parameter(torch.zeros(count, dtype=torch.float64)) for count in (7, 20, 3)]
        for by in ("norm", "value"):
            for part, gradient in zip(parts, g.split([7, 20, 3])):
                part.grad = gradient.clone()
            if by == "norm":
                torch.nn.utils.clip_grad_norm_(parts, limit)
            else:
                torch.nn.utils.clip_grad_value_(parts, limit)
            yield {"name": f"{by}_{limit}", "by": by, "limit": limit, "gradient": g.tolist(),
                   "clipped": torch.cat([part.grad for part in parts]).tolist()}


def main():
    for make in (optimizers, schedules, clips):
        cases = list(make())
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        path = HERE / f"{make.__name__}.json"
        path.write_text(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n')
        print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
