"""Each operation as an ONNX model of its own, of opset 21."""
import onnx
from onnx import TensorProto, helper


def model(nodes, inputs, output_rank):
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name, x in inputs.items()]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * output_rank)
    graph = helper.make_graph(nodes, "operation", given, [result])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(made)
    return made


def operations(run):
    """`run(model, inputs)` computes a model."""
    node = helper.make_node

    def conv2d(x, weight, *rest):
        *bias, stride, (top, bottom, left, right) = rest
        inputs = {"x": x, "w": weight, **({"b": bias[0]} if bias else {})}
        nodes = [node("Conv", list(inputs), ["y"], strides=[stride, stride], pads=[top, left, bottom, right])]
        return run(model(nodes, inputs, 4), inputs)

    def linear(x, weight, *bias):
        inputs = {"x": x, "w": weight, **({"b": bias[0]} if bias else {})}
        product = "p" if bias else "y"
        nodes = [node("Transpose", ["w"], ["t"]), node("MatMul", ["x", "t"], [product])]
        return run(model(nodes + ([node("Add", ["p", "b"], ["y"])] if bias else []), inputs, x.ndim), inputs)

    def one(kind, **attributes):
        return lambda x, *_: run(model([node(kind, ["x"], ["y"], **attributes)], {"x": x}, x.ndim), {"x": x})

    def norm(kind, **attributes):
        def compute(x, weight, bias, *arguments):
            inputs = {"x": x, "w": weight, "b": bias}
            groups = {"num_groups": arguments[0]} if len(arguments) > 1 else attributes
            nodes = [node(kind, list(inputs), ["y"], epsilon=arguments[-1], **groups)]
            return run(model(nodes, inputs, x.ndim), inputs)
        return compute

    def silu(x):
        return run(model([node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["y"])], {"x": x}, x.ndim), {"x": x})

    kinds = {"silu": silu, "gelu": one("Gelu"), "mish": one("Mish"), "relu": one("Relu")}
    return {
        "softmax": one("Softmax", axis=-1),
        "linear": linear,
        "conv2d": conv2d,
        "groupNorm": norm("GroupNormalization"),
        "layerNorm": norm("LayerNormalization", axis=-1),
        "activation": lambda x, kind: kinds[kind](x),
        "averagePool2x": one("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    }
