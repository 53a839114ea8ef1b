"""tinygrad, on the CPU. It has no group norm of its own but that of `tinygrad.nn`. Needs clang."""
from importlib.metadata import version

import numpy as np
from tinygrad import Tensor, nn


def conv2d(x, weight, *rest):
    *bias, stride, (top, bottom, left, right) = rest
    return (
        Tensor(x).conv2d(Tensor(weight), *map(Tensor, bias), stride=stride, padding=(left, right, top, bottom)).numpy()
    )


def group_norm(x, weight, bias, groups, eps):
    norm = nn.GroupNorm(groups, x.shape[1], eps)
    norm.weight, norm.bias = Tensor(weight), Tensor(bias)
    return norm(Tensor(x)).numpy()


def layer_norm(x, weight, bias, eps):
    norm = nn.LayerNorm(x.shape[-1], eps)
    norm.weight, norm.bias = Tensor(weight), Tensor(bias)
    return norm(Tensor(x)).numpy()


def attention(q, k, v, heads, scale):
    split = lambda x: Tensor(x).reshape(*x.shape[:2], heads, -1).transpose(1, 2)
    # scaled_dot_product_attention takes no scale but 1/√d
    d = q.shape[-1] // heads
    y = split(q * np.float32(scale * d**0.5)).scaled_dot_product_attention(split(k), split(v))
    return y.transpose(1, 2).reshape(*q.shape).numpy()


def adapters(_):
    return {
        "softmax": lambda x: Tensor(x).softmax(-1).numpy(),
        "linear": lambda x, weight, *bias: Tensor(x).linear(Tensor(weight.T.copy()), *map(Tensor, bias)).numpy(),
        "conv2d": conv2d,
        "groupNorm": group_norm,
        "layerNorm": layer_norm,
        "activation": lambda x, kind: getattr(Tensor(x), kind)().numpy(),
        "attention": attention,
        "averagePool2x": lambda x: Tensor(x).avg_pool2d(2).numpy(),
    }, {"tinygrad": version("tinygrad")}
