"""MLX, on the CPU."""
from importlib.metadata import version

import mlx.core as mx
import mlx.nn as nn
import numpy as np


def last(x):
    return mx.array(np.ascontiguousarray(np.moveaxis(x, 1, -1)))


def first(y):
    return np.moveaxis(np.array(y), -1, 1)


def conv2d(x, weight, *rest):
    *bias, stride, (top, bottom, left, right) = rest
    padded = mx.pad(last(x), ((0, 0), (top, bottom), (left, right), (0, 0)))
    y = mx.conv2d(padded, last(weight), stride)
    return first(y + mx.array(bias[0]) if bias else y)


def group_norm(x, weight, bias, groups, eps):
    norm = nn.GroupNorm(groups, x.shape[1], eps, pytorch_compatible=True)
    norm.weight, norm.bias = mx.array(weight), mx.array(bias)
    return first(norm(last(x)))


def attention(q, k, v, heads, scale):
    split = lambda x: mx.array(x).reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)
    y = mx.fast.scaled_dot_product_attention(split(q), split(k), split(v), scale=scale)
    return np.array(y.transpose(0, 2, 1, 3).reshape(*q.shape))


def adapters(_):
    mx.set_default_device(mx.cpu)
    kinds = {"silu": nn.silu, "gelu": nn.gelu, "mish": nn.mish, "relu": nn.relu}
    return {
        "softmax": lambda x: np.array(mx.softmax(mx.array(x), -1)),
        "linear": lambda x, weight, *bias: np.array(
            mx.array(x) @ mx.array(weight).T + (mx.array(bias[0]) if bias else 0)
        ),
        "conv2d": conv2d,
        "groupNorm": group_norm,
        "layerNorm": lambda x, weight, bias, eps: np.array(mx.fast.layer_norm(*map(mx.array, (x, weight, bias)), eps)),
        "activation": lambda x, kind: np.array(kinds[kind](mx.array(x))),
        "attention": attention,
        "averagePool2x": lambda x: first(nn.AvgPool2d(2, 2)(last(x))),
    }, {"mlx": version("mlx")}
