"""ONNX Runtime: its provider for CPUs, WebAssembly in Node (onnxruntime-web), and devices of a browser."""
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


def web(backend):
    from calls import Calls

    calls = Calls.node(backend)
    return lambda model, inputs: calls.model(model.SerializeToString(), inputs), calls.versions


def adapters(backend):
    run, versions = native() if backend == "onnxruntime" else web(backend)
    # SwiftShader, the software device of WebGPU, takes more than ten minutes for a whole model.
    return operations(run), versions, *([] if backend == "onnxruntime-web-webgpu" else [partial(whole, run)])
