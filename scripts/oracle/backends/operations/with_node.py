"""In Node: TensorFlow.js (`tfjs-cpu`, plain JavaScript, and `tfjs-wasm`), and jax-js, which has no pooling of
averages."""

from calls import OPERATIONS, Calls


def adapters(backend):
    calls = Calls.node(backend)
    missing = "averagePool2x" if backend == "jax-js" else None
    return calls.operations(name for name in OPERATIONS if name != missing), calls.versions
