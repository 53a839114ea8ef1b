"""tract."""
import os
import tempfile
from functools import partial

import tract
from onnx_models import operations, whole


def run(model, inputs):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        with open(path, "wb") as file:
            file.write(model.SerializeToString())
        optimised = tract.onnx().load(path).into_model().into_runnable()
    return [found.to_numpy() for found in optimised.run(list(inputs.values()))]


def adapters(_):
    return operations(run), {"tract": tract.version()}, partial(whole, run)
