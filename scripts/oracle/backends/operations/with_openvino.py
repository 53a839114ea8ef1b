"""OpenVINO on the CPU: in the precision that it chooses, or (openvino-f32) in the one that it is told."""
from functools import partial

import openvino
from onnx_models import operations, whole


def adapters(backend):
    core = openvino.Core()
    config = {"INFERENCE_PRECISION_HINT": "f32"} if backend.endswith("f32") else {}

    def run(model, inputs):
        compiled = core.compile_model(core.read_model(model.SerializeToString(), b""), "CPU", config)
        found = compiled(inputs)
        return [found[output] for output in compiled.outputs]

    return operations(run), {"openvino": openvino.__version__.split("-")[0]}, partial(whole, run)
