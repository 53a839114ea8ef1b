"""MNN: models that its own converter makes of ONNX."""
import os
import subprocess
import sys
import tempfile
from functools import partial

import MNN
import numpy as np
from onnx_models import operations, whole


def run(model, inputs):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        with open(f"{path}.onnx", "wb") as file:
            file.write(model.SerializeToString())
        convert = [os.path.join(os.path.dirname(sys.executable), "mnnconvert"), "-f", "ONNX", "--bizCode", "oracle"]
        said = subprocess.run([*convert, "--modelFile", f"{path}.onnx", "--MNNModel", f"{path}.mnn"],
                              capture_output=True, text=True)
        if not os.path.exists(f"{path}.mnn"):
            raise RuntimeError(said.stdout)
        names = [output.name for output in model.graph.output]
        module = MNN.nn.load_module_from_file(f"{path}.mnn", list(inputs), names)
        given = []
        for value in inputs.values():
            value = np.ascontiguousarray(value)
            given.append(MNN.expr.placeholder(list(value.shape), MNN.expr.NCHW))
            given[-1].write(value)
        return [np.array(MNN.expr.convert(found, MNN.expr.NCHW).read()) for found in module.forward(given)]


def adapters(_):
    return operations(run), {"MNN": MNN.version()}, partial(whole, run)
