"""In Node: TensorFlow.js (`tfjs-cpu`, plain JavaScript, and `tfjs-wasm`), and jax-js, which has no pooling of
averages."""

from calls import Calls

EVERYWHERE = ("softmax", "linear", "conv2d", "groupNorm", "layerNorm", "activation", "attention")


def adapters(backend):
    calls = Calls.node(backend)
    return calls.operations((*EVERYWHERE, *(["averagePool2x"] if backend.startswith("tfjs") else []))), calls.versions
