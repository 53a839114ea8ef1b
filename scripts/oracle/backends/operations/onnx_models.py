"""Operations, and whole models, as ONNX graphs of opset 21: `operations(run)` makes a graph of each, `whole(run, case)`
one of a UNet. Weights are constants of the graph, as a model has them. `run(model, inputs)` computes its outputs.
`BUILT` has an operation of ONNX for each of ours; `EARLIER` is for those who do not know the youngest of them.
"""
import functools

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from unet import OnBackend, Symbolic


class Graph:
    """Nodes that are written down as they are asked for."""

    def __init__(self):
        self.nodes, self.inputs, self.constants = [], {}, []

    def input(self, value):
        name = f"x{len(self.inputs)}"
        self.inputs[name] = value
        return Symbol(self, name, value.shape)

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return Symbol(self, name, value.shape)

    def node(self, kind, inputs, shape, **attributes):
        name = f"y{len(self.nodes)}"
        names = [(x if isinstance(x, Symbol) else self.constant(x)).name for x in inputs]
        self.nodes.append(helper.make_node(kind, names, [name], name=name, **attributes))
        return Symbol(self, name, tuple(shape))

    def model(self, outputs):
        described = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        given = [described(name, x.shape) for name, x in self.inputs.items()]
        results = [described(output.name, output.shape) for output in outputs]
        graph = helper.make_graph(self.nodes, "graph", given, results, self.constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        onnx.checker.check_model(made)
        return made


class Symbol(Symbolic):
    def __init__(self, graph, name, shape):
        self.graph, self.name, self.shape, self.ndim = graph, name, shape, len(shape)

    def __add__(self, other):
        return self.graph.node("Add", [self, other], np.broadcast_shapes(self.shape, other.shape))

    def reshape(self, *shape):
        shape = np.empty(self.shape, bool).reshape(*shape).shape
        return self.graph.node("Reshape", [self, np.array(shape)], shape)

    def transpose(self, *order):
        return self.graph.node("Transpose", [self], [self.shape[axis] for axis in order], perm=list(order))

    def __getitem__(self, index):
        return self.reshape(np.empty(self.shape, bool)[index].shape)

    def repeat(self, times, axis):
        scales = np.where(np.arange(self.ndim) == axis, times, 1).astype(np.float32)
        shape = (np.array(self.shape) * scales).astype(int).tolist()
        empty = np.zeros(0, np.float32)
        return self.graph.node("Resize", [self, empty, scales], shape, mode="nearest",
                               coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def joined(self, parts, axis):
        shape = np.concatenate([np.empty(part.shape, bool) for part in parts], axis).shape
        return self.graph.node("Concat", parts, shape, axis=axis)


def conv2d(x, weight, *rest):
    *bias, stride, (top, bottom, left, right) = rest
    (out, _, *kernel), (batch, _, *size) = weight.shape, x.shape
    extent = [(n + a + b - k) // stride + 1 for n, a, b, k in zip(size, (top, left), (bottom, right), kernel)]
    return x.graph.node("Conv", [x, weight, *bias], [batch, out, *extent], strides=[stride, stride],
                        pads=[top, left, bottom, right])


def linear(x, weight, *bias):
    product = x.graph.node("MatMul", [x, weight.T], [*x.shape[:-1], len(weight)])
    return product + bias[0] if bias else product


def group_norm(x, weight, bias, groups, eps):
    return x.graph.node("GroupNormalization", [x, weight, bias], x.shape, num_groups=groups, epsilon=eps)


def layer_norm(x, weight, bias, eps):
    return x.graph.node("LayerNormalization", [x, weight, bias], x.shape, axis=-1, epsilon=eps)


def softmax(x):
    return x.graph.node("Softmax", [x], x.shape, axis=-1)


def activation(x, kind):
    if kind == "silu":
        return x.graph.node("Mul", [x, x.graph.node("Sigmoid", [x], x.shape)], x.shape)
    return x.graph.node({"gelu": "Gelu", "mish": "Mish", "relu": "Relu"}[kind], [x], x.shape)


def attention(q, k, v, heads, scale):
    split = lambda x: x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)
    q, k, v = map(split, (q, k, v))
    product = lambda a, b: a.graph.node("MatMul", [a, b], [*a.shape[:-1], b.shape[-1]])
    logits = product(q, k.transpose(0, 1, 3, 2))
    scaled = q.graph.node("Mul", [logits, np.float32(scale)], logits.shape)
    return product(softmax(scaled), v).transpose(0, 2, 1, 3).reshape(q.shape[0], q.shape[2], -1)


def average_pool(x):
    halved = [*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2]
    return x.graph.node("AveragePool", [x], halved, kernel_shape=[2, 2], strides=[2, 2])


BUILT = {
    "softmax": softmax, "linear": linear, "conv2d": conv2d, "groupNorm": group_norm, "layerNorm": layer_norm,
    "activation": activation, "attention": attention, "averagePool2x": average_pool,
}


def earlier_group_norm(x, weight, bias, groups, eps):
    """As PyTorch writes it into ONNX: groups are the channels of an instance norm."""
    grouped = x.reshape(x.shape[0], groups, -1)
    unscaled = [np.full(groups, value, np.float32) for value in (1, 0)]
    normed = x.graph.node("InstanceNormalization", [grouped, *unscaled], grouped.shape, epsilon=eps).reshape(x.shape)
    of_channels = lambda values: values.reshape(-1, *[1] * (x.ndim - 2))
    return x.graph.node("Mul", [normed, of_channels(weight)], x.shape) + of_channels(bias)


def earlier_activation(x, kind):
    if kind != "mish":
        return activation(x, kind)
    grown = x.graph.node("Tanh", [x.graph.node("Softplus", [x], x.shape)], x.shape)
    return x.graph.node("Mul", [x, grown], x.shape)


EARLIER = {**BUILT, "groupNorm": earlier_group_norm, "activation": earlier_activation}


def operations(run, built=BUILT):
    def compute(name, first, *rest):
        graph = Graph()
        given = [graph.input(x) if name == "attention" and isinstance(x, np.ndarray) else x for x in rest]
        y = built[name](graph.input(first), *given)
        return run(graph.model([y]), graph.inputs)[0]

    return {name: functools.partial(compute, name) for name in built}


def whole(run, case, built=BUILT):
    """All taps of a UNet by one graph: of the plain pass and of the perturbed one."""
    graph = Graph()
    inputs = {name: graph.input(np.array(value)) for name, value in case.inputs.items()}
    unet = OnBackend(case, built, prepared=graph.input)
    unet.run(inputs)
    taps = {name: value for name, value in unet.taps.items() if value.name not in graph.inputs}
    return dict(zip(taps, run(graph.model(list(taps.values())), graph.inputs)))
