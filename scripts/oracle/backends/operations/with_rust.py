"""In Rust: candle, and burn on ndarray."""
from calls import Calls

NAMES = ("softmax", "linear", "conv2d", "groupNorm", "layerNorm", "activation", "attention", "averagePool2x")


def adapters(backend):
    calls = Calls.rust(backend)
    return calls.operations(NAMES), calls.versions
