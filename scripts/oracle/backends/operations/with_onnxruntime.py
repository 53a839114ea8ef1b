"""ONNX Runtime, its provider for CPUs."""
import onnxruntime
from onnx_models import operations


def run(model, inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, inputs)[0]


def adapters(_):
    return operations(run), {"onnxruntime": onnxruntime.__version__}
