"""In Rust: candle, and burn (its backend `flex`)."""
from calls import OPERATIONS, Calls


def adapters(backend):
    calls = Calls.rust(backend)
    return calls.operations(OPERATIONS), calls.versions
