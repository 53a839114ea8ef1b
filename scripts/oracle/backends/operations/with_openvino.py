"""OpenVINO on the CPU: in the precision that it chooses, or (openvino-f32) in the one that it is told."""
import openvino
from onnx_models import operations


def adapters(backend):
    core = openvino.Core()
    config = {"INFERENCE_PRECISION_HINT": "f32"} if backend.endswith("f32") else {}

    def run(model, inputs):
        read = core.read_model(model.SerializeToString(), b"")
        return core.compile_model(read, "CPU", config)(inputs)[0]

    return operations(run), {"openvino": openvino.__version__.split("-")[0]}
