"""Every operation, and the embedding of timesteps, with the probes of scripts/goldens."""
import torch

import folders
import kernels
import layers
import regimes
from truth import truth

# The names of the operations in words, for the titles.
TITLES = {
    "conv2d": "convolution",
    "linear": "linear layer",
    "groupNorm": "group norm",
    "layerNorm": "layer norm",
    "softmax": "softmax over the last dimension",
    "attentionMap": "softmax(q kᵀ · scale) per head",
    "applyAttentionMap": "map · v per head",
    "attention": "scaled dot-product attention",
    "activation": "activation functions",
    "upsampleNearest2x": "nearest-neighbour doubling",
    "averagePool2x": "mean of 2 × 2 pixels",
}

# Too large for what they show.
LEFT_OUT = {
    "softmax long",
    "layerNorm long rows",
    "linear long",
    "attention many tokens",
    "attentionMap many tokens",
    "applyAttentionMap many tokens",
    "groupNorm large",
}


def more_probes(g):
    """Where single mistakes hide: a softmax whose denominator is next to 1, a map of an even row, a picture that is
    not square."""
    sharp = 4 * torch.randn(6, 24, generator=g)
    sharp[:, 0] += 14
    yield "softmax sharp", "softmax", [sharp], []
    yield (
        "softmax subnormal",
        "softmax",
        [torch.tensor([[0.0, -80.0, -95.0, -100.0, -103.0], [-0.0, 0.0, -87.0, -88.5, -104.0]])],
        [],
    )
    yield (
        "conv2d square, as many channels in as out",
        "conv2d",
        [regimes.normal(g, 1, 4, 5, 5), regimes.normal(g, 4, 4, 3, 3), regimes.normal(g, 4)],
        [1, [1, 1, 1, 1]],
    )
    yield "linear square", "linear", [regimes.normal(g, 5, 8), regimes.normal(g, 8, 8), regimes.normal(g, 8)], []
    yield (
        "groupNorm subnormal",
        "groupNorm",
        [1e-40 * regimes.normal(g, 1, 4, 4, 4), regimes.normal(g, 4), regimes.normal(g, 4)],
        [2, 1e-5],
    )
    zeros = torch.tensor([0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45])
    yield "add zeros", "add", [zeros, -zeros], []


def make():
    g = torch.Generator().manual_seed(kernels.SEED)
    found = {}
    for name, operation, inputs, arguments in [*kernels.cases(g), *more_probes(g)]:
        if name not in LEFT_OUT:
            found.setdefault(operation, []).append((name, inputs, arguments))
    for operation, cases in found.items():
        probes, inputs, expected = [], {}, {}
        for name, tensors, arguments in cases:
            run = lambda xs: kernels.OPERATIONS[operation](*xs, *arguments)
            probe = name.removeprefix(operation).strip() or "plain"
            inputs |= {f"{probe}/{i}": x for i, x in enumerate(tensors) if x is not None}
            expected[probe] = run(tensors), run([x if x is None else x.double() for x in tensors])
            probes.append({"name": probe, "tensors": sum(x is not None for x in tensors), "arguments": arguments})
        subject = {"kind": "operation", "operation": operation, "probes": probes}
        title = TITLES.get(operation, operation)
        folders.write(f"operations/{operation}", f"{title}, {len(probes)} probes", subject, inputs, {}, expected)
    embeddings()


def embeddings():
    probes, expected = [], {}
    for name, layer, module, numbers, options in layers.time_cases(torch.Generator().manual_seed(layers.SEED)):
        if layer != "sinusoid" or options["size"] > 64:
            continue
        probe = name.removeprefix("sinusoid ")
        single = module(numbers)
        with truth():
            expected[probe] = single, module(numbers)
        probes.append(
            {
                "name": probe,
                "timesteps": numbers.double().tolist(),
                "size": options["size"],
                "flip_sin_to_cos": options["cosineFirst"],
                "freq_shift": options["shift"],
            }
        )
    folders.write(
        "operations/timeEmbedding",
        f"sines and cosines of timesteps, {len(probes)} probes",
        {"kind": "embedding", "probes": probes},
        {},
        {},
        expected,
    )
