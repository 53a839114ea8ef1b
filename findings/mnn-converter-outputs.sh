#!/usr/bin/env bash
# MNN's converter gives another tensor for an output: a linear layer whose result is an output of the model and goes
# through ReLU or SiLU comes out activated.
#
# Seen with MNN 3.6.1 (Python, CPU), models of ONNX with the outputs y = x W + b and z = relu(y). The converter makes
# one layer of the two and calls it y; what is computed from y inside of the model is right. A convolution keeps its own
# output. The linear layer comes with two axes more, too: (1, 3, 1, 1) for (1, 3). ONNX's own evaluator is the measure.
# Output seen: linear: y [0. 0. 0.] where it is [-1.159 -0.282 -0.823], shape (1, 3, 1, 1); convolution: y as it is
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet MNN==3.6.1 onnx==1.23.2 numpy==2.3.5
"$folder/bin/python" - "$folder" <<'PY'
import sys

import _tools
import MNN
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

draw = np.random.default_rng(0).standard_normal


def outputs(name, nodes, shape, x, **constants):
    """y and z of the model as MNN gives them, and y as ONNX means it."""
    described = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    results = [helper.make_tensor_value_info(one, TensorProto.FLOAT, shape) for one in "yz"]
    weights = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    nodes = [*nodes, helper.make_node("Relu", ["y"], ["z"])]
    model = helper.make_model(helper.make_graph(nodes, name, described, results, weights),
                              opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    path = f"{sys.argv[1]}/{name}"
    onnx.save(model, f"{path}.onnx")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--bizCode", "seen", "--modelFile", f"{path}.onnx",
                       "--MNNModel", f"{path}.mnn"])
    given = MNN.expr.placeholder(list(x.shape), MNN.expr.NCHW)
    given.write(x)
    found = MNN.nn.load_module_from_file(f"{path}.mnn", ["x"], ["y", "z"]).forward([given])
    y, z = (np.array(MNN.expr.convert(one, MNN.expr.NCHW).read()) for one in found)
    return y, z, ReferenceEvaluator(model).run(["y"], {"x": x})[0]


x, weight, bias = (draw(shape).astype(np.float32) for shape in ((1, 4), (4, 3), 3))
linear = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])]
y, z, truth = outputs("linear", linear, (1, 3), x, w=weight, b=bias)
print(f"linear: y {y.ravel().round(3)} where it is {truth.ravel().round(3)}, shape {y.shape} where it is {truth.shape}")
assert (y == z).all() and np.abs(y.ravel() - truth.ravel()).max() > 0.1, "this has changed"

x, weight, bias = (draw(shape).astype(np.float32) for shape in ((1, 2, 4, 4), (3, 2, 3, 3), 3))
convolution = [helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1])]
y, z, truth = outputs("convolution", convolution, (1, 3, 4, 4), x, w=weight, b=bias)
print(f"convolution: y is off by {np.abs(y - truth).max():.1e}")
assert np.abs(y - truth).max() < 1e-5 and (z == np.maximum(y, 0)).all(), "this has changed"
PY
