"""ONNX Runtime, its provider for CPUs."""
import onnxruntime
from onnx_models import operations


def run(model, inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def adapters(_):
    return operations(run), {"onnxruntime": onnxruntime.__version__}
