"""MNN: models that its own converter makes of ONNX. The converter is called as a function: the command `mnnconvert`
runs `pip install` for a client of its makers' log at every call, which takes it 16 s for a conversion of a millisecond.
It knows neither Mish nor GroupNormalization, which are put together.
"""
import os
import tempfile
from functools import partial

import _tools
import MNN
import numpy as np
from onnx_models import EARLIER, operations, whole


def run(model, inputs):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        with open(f"{path}.onnx", "wb") as file:
            file.write(model.SerializeToString())
        files = ["--modelFile", f"{path}.onnx", "--MNNModel", f"{path}.mnn"]
        _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--bizCode", "oracle", *files])
        if not os.path.exists(f"{path}.mnn"):
            raise RuntimeError("the model is not converted")
        names = [output.name for output in model.graph.output]
        module = MNN.nn.load_module_from_file(f"{path}.mnn", list(inputs), names)
        given = []
        for value in inputs.values():
            value = np.ascontiguousarray(value)
            given.append(MNN.expr.placeholder(list(value.shape), MNN.expr.NCHW))
            given[-1].write(value)
        return [np.array(MNN.expr.convert(found, MNN.expr.NCHW).read()) for found in module.forward(given)]


def adapters(_):
    return operations(run, EARLIER), {"MNN": MNN.version()}, partial(whole, run, built=EARLIER)
