"""ExecuTorch: operations of PyTorch, exported, with what XNNPACK takes given to it. To lower a graph costs a second of
a processor, whatever is in it, so all probes of an operation are one graph, and so is a whole model.
"""
from importlib.metadata import version

import numpy as np
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from torch.nn import functional as F
from unet import OnBackend, Symbolic


class Array(Symbolic):
    def __init__(self, tensor):
        self.tensor, self.shape, self.ndim = tensor, tuple(tensor.shape), tensor.ndim

    def __add__(self, other):
        return Array(self.tensor + tensor_of(other))

    def reshape(self, *shape):
        return Array(self.tensor.reshape(*shape))

    def transpose(self, *order):
        return Array(self.tensor.permute(*order))

    def __getitem__(self, index):
        return Array(self.tensor[index])

    def repeat(self, times, axis):
        return Array(self.tensor.repeat_interleave(times, axis))

    def joined(self, parts, axis):
        return Array(torch.cat([part.tensor for part in parts], axis))


def tensor_of(value):
    if isinstance(value, Array):
        return value.tensor
    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value


def conv2d(x, weight, *rest):
    *bias, stride, (top, bottom, left, right) = rest
    if (top, left) == (bottom, right):
        return F.conv2d(x, weight, *bias, stride=stride, padding=(top, left))
    return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, *bias, stride=stride)


def attention(q, k, v, heads, scale):
    split = lambda x: x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)
    y = F.scaled_dot_product_attention(split(q), split(k), split(v), scale=scale)
    return y.transpose(1, 2).reshape(*q.shape[:2], v.shape[2])


BUILT = {
    "softmax": lambda x: F.softmax(x, -1),
    "linear": F.linear,
    "conv2d": conv2d,
    "groupNorm": lambda x, weight, bias, groups, eps: F.group_norm(x, groups, weight, bias, eps),
    "layerNorm": lambda x, weight, bias, eps: F.layer_norm(x, x.shape[-1:], weight, bias, eps),
    "activation": lambda x, kind: getattr(F, kind)(x),
    "attention": attention,
    "averagePool2x": lambda x: F.avg_pool2d(x, 2),
}


class Graph(torch.nn.Module):
    def __init__(self, compute):
        super().__init__()
        self.forward = compute


def run(compute, given):
    """All results of a function of tensors."""
    given = tuple(torch.from_numpy(np.array(x)) for x in given)
    exported = torch.export.export(Graph(compute), given)
    program = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch()
    method = Runtime.get().load_program(program.buffer).load_method("forward")
    return [found.numpy().copy() for found in method.execute(given)]


class Operation:
    """What else than its first tensor (and those of an attention) it is given are constants, as a model has them."""

    def __init__(self, name):
        self.compute, self.inputs = BUILT[name], 3 if name == "attention" else 1

    def __call__(self, *given):
        return self.many([given])[0]

    def many(self, calls):
        constants = [[tensor_of(x) for x in given[self.inputs:]] for given in calls]

        def compute(*tensors):
            parts = [tensors[i:i + self.inputs] for i in range(0, len(tensors), self.inputs)]
            return tuple(self.compute(*part, *rest) for part, rest in zip(parts, constants))

        return run(compute, [x for given in calls for x in given[:self.inputs]])


def on_arrays(compute):
    return lambda *given: Array(compute(*map(tensor_of, given)))


def whole(case):
    """All taps of a UNet by one graph: of the plain pass and of the perturbed one."""
    sinusoids = []
    OnBackend(case, {}, prepared=lambda value: sinusoids.append(value) or value).sinusoid(case.subject["timesteps"])
    names = []

    def compute(sinusoid, *tensors):
        built = {name: on_arrays(operation) for name, operation in BUILT.items()}
        unet = OnBackend(case, built, prepared=lambda _: Array(sinusoid))
        unet.run({name: Array(x) for name, x in zip(case.inputs, tensors)})
        taps = {name: value.tensor for name, value in unet.taps.items() if not name.endswith("time_proj")}
        names[:] = taps
        return tuple(taps.values())

    return dict(zip(names, run(compute, [*sinusoids, *case.inputs.values()])))


def adapters(_):
    return {name: Operation(name) for name in BUILT}, {"executorch": version("executorch")}, whole
