"""Goldens of convolutions that both orders compute, the direct one and Winograd's: fixtures/goldens/winograd.

As kernels.safetensors, of `conv2d` alone, by 3 × 3 with a stride of 1: pictures that tiles fill and that they do not,
of more channels than a run of a sum takes, in the numerical regimes of regimes.py.
"""
import torch

import kernels
import regimes as r
import store

SEED = 1980


def cases(g):
    """(name, operation, tensors, further arguments)."""

    def convolution(name, batch, inputs, outputs, size, padding=(1, 1, 1, 1), bias=True, x=r.normal, w=r.normal):
        tensors = [x(g, batch, inputs, *size), w(g, outputs, inputs, 3, 3), r.normal(g, outputs) if bias else None]
        return f"conv2d {name}", "conv2d", tensors, [1, list(padding)]

    yield convolution("whole tiles", 1, 72, 16, (8, 8))
    yield convolution("parts of tiles", 2, 24, 6, (7, 9), (1, 0, 2, 1))
    yield convolution("less than a tile", 2, 16, 4, (1, 3))
    yield convolution("without bias", 1, 16, 16, (8, 16), bias=False)
    yield convolution("positive", 1, 40, 8, (8, 8), x=r.positive, w=r.positive)
    yield convolution("positive pixels", 1, 40, 8, (8, 8), x=r.positive)
    yield convolution("cancelling", 1, 40, 8, (8, 8), x=r.alternating, w=r.positive)
    yield convolution("wide range", 1, 40, 8, (8, 8), x=r.wide, w=r.wide)


def make():
    kernels.write("winograd", "winograd.safetensors", cases(torch.Generator().manual_seed(SEED)), SEED)
