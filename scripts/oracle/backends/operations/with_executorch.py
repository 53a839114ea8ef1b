"""ExecuTorch: every operation of PyTorch exported alone, with what XNNPACK takes given to it."""
import math
from importlib.metadata import version

import numpy as np
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from torch.nn import functional as F


class Operation(torch.nn.Module):
    def __init__(self, compute):
        super().__init__()
        self.forward = compute


def run(compute, *arrays):
    given = tuple(torch.from_numpy(np.ascontiguousarray(x)) for x in arrays)
    exported = torch.export.export(Operation(compute), given)
    program = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch()
    return Runtime.get().load_program(program.buffer).load_method("forward").execute(given)[0].numpy().copy()


def constants(arrays):
    return [torch.from_numpy(np.ascontiguousarray(x)) for x in arrays]


def conv2d(x, weight, *rest):
    *bias, stride, (top, bottom, left, right) = rest
    weights = constants([weight, *bias])
    if (top, left) == (bottom, right):
        return run(lambda x: F.conv2d(x, *weights, stride=stride, padding=(top, left)), x)
    return run(lambda x: F.conv2d(F.pad(x, (left, right, top, bottom)), *weights, stride=stride), x)


def linear(x, *weights):
    weights = constants(weights)
    return run(lambda x: F.linear(x, *weights), x)


def group_norm(x, weight, bias, groups, eps):
    weights = constants([weight, bias])
    return run(lambda x: F.group_norm(x, groups, *weights, eps), x)


def layer_norm(x, weight, bias, eps):
    weights = constants([weight, bias])
    return run(lambda x: F.layer_norm(x, x.shape[-1:], *weights, eps), x)


def attention(q, k, v, heads, scale):
    split = lambda x: x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)

    def compute(q, k, v):
        y = F.scaled_dot_product_attention(split(q), split(k), split(v), scale=scale)
        return y.transpose(1, 2).reshape(*q.shape[:2], math.prod(v.shape[2:]))

    return run(compute, q, k, v)


def adapters(_):
    kinds = {"silu": F.silu, "gelu": F.gelu, "mish": F.mish, "relu": F.relu}
    return {
        "softmax": lambda x: run(lambda x: F.softmax(x, -1), x),
        "linear": linear,
        "conv2d": conv2d,
        "groupNorm": group_norm,
        "layerNorm": layer_norm,
        "activation": lambda x, kind: run(lambda x: kinds[kind](x), x),
        "attention": attention,
        "averagePool2x": lambda x: run(lambda x: F.avg_pool2d(x, 2), x),
    }, {"executorch": version("executorch")}
