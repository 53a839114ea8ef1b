"""ONNX Runtime: its provider for CPUs, and (onnxruntime-web) WebAssembly in Node."""
from functools import partial

from onnx_models import operations, whole


def native():
    import onnxruntime

    def run(model, inputs):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, inputs)

    return run, {"onnxruntime": onnxruntime.__version__}


def web():
    from calls import Calls

    calls = Calls.node("onnxruntime-web")
    return lambda model, inputs: calls.model(model.SerializeToString(), inputs), calls.versions


def adapters(backend):
    run, versions = web() if backend == "onnxruntime-web" else native()
    return operations(run), versions, partial(whole, run)
