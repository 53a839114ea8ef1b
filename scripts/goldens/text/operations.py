"""Goldens of the operations that the models of text-to-picture added:
fixtures/goldens/text/operations/operations.safetensors.

As scripts/goldens/kernels.py has them: the metadata key `cases` lists name, operation, inputs in the order of the
operation's tensors, further arguments. Inputs are `<case>/in.<i>`, the result is `<case>/f32` and `<case>/f64`.
"""
import torch
import torch.nn.functional as F
from transformers.activations import ACT2FN

import regimes
import store
from kernels import heads_of
from provenance import write_provenance

SEED = 2027


def attention_scores(q, k, heads, scale):
    return heads_of(q, heads) @ heads_of(k, heads).transpose(-1, -2) * scale


ACTIVATIONS = {"quick_gelu": ACT2FN["quick_gelu"], "tanh": torch.tanh}

OPERATIONS = {
    "attentionScores": attention_scores,
    "resizeNearest": lambda x, height, width: F.interpolate(x, size=(height, width), mode="nearest"),
    "reshape": lambda x, sample: x.reshape(x.shape[0], *sample),
    "activation": lambda x, kind: ACTIVATIONS[kind](x),
}


def cases(g):
    """(name, operation, tensors, further arguments)."""
    r = regimes
    for name, heads, queries, keys, channels, x in [
        ("one head", 1, 16, 16, 8, r.normal),
        ("other tokens", 2, 10, 23, 12, r.normal),
        ("one channel a head", 3, 9, 9, 3, r.normal),
        ("wide heads", 1, 12, 12, 160, r.positive),
        ("cancelling", 2, 7, 5, 16, r.alternating),
    ]:
        tensors = [x(g, 2, queries, channels), x(g, 2, keys, channels)]
        yield f"attentionScores {name}", "attentionScores", tensors, [heads, (channels // heads) ** -0.5]
    for name, size, wanted in [
        ("doubled", (3, 5), (6, 10)), ("one row less", (3, 5), (5, 10)), ("one column less", (4, 6), (8, 11)),
        ("other", (2, 7), (5, 3)),
    ]:
        yield f"resizeNearest {name}", "resizeNearest", [r.normal(g, 2, 3, *size)], list(wanted)
    yield "reshape", "reshape", [r.normal(g, 2, 12)], [[3, 4]]
    yield "reshape to rows", "reshape", [r.normal(g, 2, 3, 4, 5)], [[60]]
    for kind in ACTIVATIONS:
        yield f"activation {kind}", "activation", [torch.linspace(-12, 12, 1201)], [kind]
        yield f"activation {kind}, small", "activation", [torch.linspace(-1e-3, 1e-3, 201)], [kind]
        yield f"activation {kind}, negative tail", "activation", [torch.linspace(-14, -3, 301)], [kind]
        yield f"activation {kind}, tiny", "activation", [
            torch.tensor([0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 1e-30, -1e-30])
        ], [kind]
        yield f"activation {kind}, huge", "activation", [torch.tensor([90.0, -90.0, 1e4, -1e4, 3e38, -3e38])], [kind]


def save_cases(path, operations, cases):
    """Writes what the operations make of the cases, in float32 and float64."""
    listed, tensors = [], {}
    for name, operation, inputs, arguments in cases:
        run = lambda xs: operations[operation](*xs, *arguments)
        tensors |= {f"{name}/in.{i}": x for i, x in enumerate(inputs)}
        tensors |= store.both(name, run(inputs), run([x.double() for x in inputs]))
        names = [f"{name}/in.{i}" for i in range(len(inputs))]
        listed.append({"name": name, "operation": operation, "inputs": names, "arguments": arguments})
    store.save(path, tensors, cases=listed)


def make():
    folder = store.fresh_folder("text/operations")
    save_cases(folder / "operations.safetensors", OPERATIONS, cases(torch.Generator().manual_seed(SEED)))
    write_provenance(folder, SEED)
