"""Goldens of every operation of src/kernels/kernels.ts: fixtures/goldens/kernels/kernels.safetensors.

The metadata key `cases` lists them: name, operation, inputs in the order of the operation's tensors (null: none),
further arguments.
Inputs are `<case>/in.<i>`, the result is `<case>/f32` and `<case>/f64`.
"""
import torch
import torch.nn.functional as F

import regimes
import store

SEED = 2024


def conv2d(x, weight, bias, stride, padding):
    top, bottom, left, right = padding
    return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, stride)


def heads_of(x, heads):
    batch, tokens, channels = x.shape
    return x.view(batch, tokens, heads, channels // heads).transpose(1, 2)


def attention_map(q, k, heads, scale):
    return torch.softmax(heads_of(q, heads) @ heads_of(k, heads).transpose(-1, -2) * scale, dim=-1)


def apply_attention_map(map, v):
    return (map @ heads_of(v, map.shape[1])).transpose(1, 2).flatten(2)


def attention(q, k, v, heads, scale):
    out = F.scaled_dot_product_attention(*(heads_of(x, heads) for x in (q, k, v)), scale=scale)
    return out.transpose(1, 2).flatten(2)


def spread(a, b):
    """b [B,C] over the pixels of a [B,C,H,W]."""
    return b if a.ndim == b.ndim else b[:, :, None, None]


ACTIVATIONS = {"silu": F.silu, "gelu": F.gelu, "mish": F.mish, "relu": F.relu}

OPERATIONS = {
    "conv2d": conv2d,
    "linear": F.linear,
    "groupNorm": lambda x, weight, bias, groups, eps: F.group_norm(x, groups, weight, bias, eps),
    "layerNorm": lambda x, weight, bias, eps: F.layer_norm(x, x.shape[-1:], weight, bias, eps),
    "softmax": lambda x: torch.softmax(x, dim=-1),
    "attentionMap": attention_map,
    "applyAttentionMap": apply_attention_map,
    "attention": attention,
    "activation": lambda x, kind: ACTIVATIONS[kind](x),
    "upsampleNearest2x": lambda x: F.interpolate(x, scale_factor=2.0, mode="nearest"),
    "upsampleConv2d": lambda x, weight, bias: F.conv2d(
        F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, bias, padding=1
    ),
    "averagePool2x": lambda x: F.avg_pool2d(x, 2),
    "concatChannels": lambda a, b: torch.cat([a, b], dim=1),
    "sliceChannels": lambda x, start, end: x[:, start:end],
    "concatBatch": lambda *parts: torch.cat(parts),
    "sliceBatch": lambda x, start, end: x[start:end],
    "toTokens": lambda x: x.flatten(2).transpose(1, 2),
    "fromTokens": lambda x, height, width: x.transpose(1, 2).unflatten(2, (height, width)),
    "add": lambda a, b: a + spread(a, b),
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * spread(a, b),
    "affine": lambda x, factor, offset: x * factor + offset,
    "divide": lambda x, divisor: x / divisor,
}


def cases(g):
    """(name, operation, tensors, further arguments)."""
    r = regimes
    even = lambda pixels: [pixels] * 4
    below_right = [0, 1, 0, 1]

    def convolution(name, batch, inputs, outputs, size, kernel, stride, padding, bias=True, x=r.normal, w=r.normal):
        tensors = [x(g, batch, inputs, *size), w(g, outputs, inputs, *kernel), r.normal(g, outputs) if bias else None]
        return f"conv2d {name}", "conv2d", tensors, [stride, padding]

    yield convolution("3x3", 2, 5, 6, (7, 9), (3, 3), 1, even(1))
    yield convolution("stride 2", 1, 4, 8, (8, 8), (3, 3), 2, even(1))
    yield convolution("stride 2, odd size", 1, 3, 4, (7, 5), (3, 3), 2, even(1))
    yield convolution("stride 2, zeros below and right", 1, 4, 8, (8, 8), (3, 3), 2, below_right)
    yield convolution("1x1", 2, 9, 4, (5, 6), (1, 1), 1, even(0))
    yield convolution("1x1, many channels", 1, 130, 3, (4, 4), (1, 1), 1, even(0))
    yield convolution("5x5", 1, 3, 4, (8, 6), (5, 5), 1, even(2))
    yield convolution("kernel not square", 1, 2, 3, (6, 7), (1, 3), 1, [0, 0, 1, 1])
    yield convolution("without bias", 1, 4, 4, (6, 6), (3, 3), 1, even(1), bias=False)
    yield convolution("one channel", 1, 1, 1, (5, 5), (3, 3), 1, even(1))
    yield convolution("one pixel", 3, 4, 4, (1, 1), (3, 3), 1, even(1))
    yield convolution("many channels", 1, 96, 8, (6, 6), (3, 3), 1, even(1))
    yield convolution("positive", 1, 40, 4, (6, 6), (3, 3), 1, even(1), x=r.positive, w=r.positive)
    yield convolution("cancelling", 1, 40, 4, (6, 6), (3, 3), 1, even(1), x=r.alternating, w=r.positive)
    yield convolution("wide range", 1, 16, 4, (6, 6), (3, 3), 1, even(1), x=r.wide, w=r.wide)

    def linear(name, rows, inputs, outputs, bias=True, x=r.normal, w=r.normal):
        tensors = [x(g, *rows, inputs), w(g, outputs, inputs), r.normal(g, outputs) if bias else None]
        return f"linear {name}", "linear", tensors, []

    yield linear("tokens", (2, 9), 12, 20)
    yield linear("rows", (3,), 16, 64)
    yield linear("without bias", (2, 5), 8, 8, bias=False)
    yield linear("one input", (4,), 1, 3)
    yield linear("long", (4,), 1000, 7)
    yield linear("positive", (4,), 320, 16, x=r.positive, w=r.positive)
    yield linear("cancelling", (4,), 320, 16, x=r.alternating, w=r.positive)
    yield linear("wide range", (4,), 100, 16, x=r.wide, w=r.wide)

    def group_norm(name, shape, groups, eps=1e-5, x=r.normal):
        channels = shape[1]
        return (
            f"groupNorm {name}",
            "groupNorm",
            [x(g, *shape), r.normal(g, channels), r.normal(g, channels)],
            [groups, eps],
        )

    yield group_norm("4 groups", (2, 8, 5, 6), 4)
    yield group_norm("one group", (2, 6, 4, 4), 1)
    yield group_norm("a group for each channel", (2, 5, 3, 5), 5)
    yield group_norm("tokens", (2, 8, 7), 2, 1e-6)
    yield group_norm("one pixel", (2, 8, 1, 1), 4)
    yield group_norm("large", (1, 32, 16, 16), 8)
    yield group_norm("offset", (1, 8, 8, 8), 2, x=r.offset)
    yield group_norm("flat", (1, 8, 8, 8), 2, x=r.flat)
    yield group_norm("flat, small eps", (1, 8, 8, 8), 2, 1e-12, x=r.flat)
    # Of many channels: there is one rounding for each channel, and the errors of a few are no sample.
    yield group_norm("constant", (1, 64, 2, 2), 2, x=lambda g, *shape: torch.full(shape, 3.5))
    yield group_norm("wide range", (1, 8, 8, 8), 2, x=r.wide)

    def layer_norm(name, shape, eps=1e-5, x=r.normal):
        return f"layerNorm {name}", "layerNorm", [x(g, *shape), r.normal(g, shape[-1]), r.normal(g, shape[-1])], [eps]

    yield layer_norm("tokens", (2, 7, 12))
    yield layer_norm("long rows", (3, 768))
    yield layer_norm("offset", (4, 64), x=r.offset)
    yield layer_norm("flat", (4, 64), 1e-12, x=r.flat)

    yield "softmax normal", "softmax", [r.normal(g, 4, 33)], []
    yield "softmax long", "softmax", [r.normal(g, 3, 1000)], []
    yield "softmax large logits", "softmax", [r.large(g, 4, 100)], []
    yield "softmax offset", "softmax", [r.offset(g, 4, 40)], []
    yield "softmax equal", "softmax", [torch.full((2, 7), -3.0)], []
    yield "softmax one", "softmax", [r.normal(g, 5, 1)], []
    yield (
        "softmax masked",
        "softmax",
        [r.normal(g, 4, 20).masked_fill(torch.rand(4, 20, generator=g) < 0.5, -torch.inf)],
        [],
    )

    def qkv(batch, queries, keys, channels, x=r.normal):
        return [x(g, batch, queries, channels), x(g, batch, keys, channels), r.normal(g, batch, keys, channels)]

    for name, heads, tensors in [
        ("one head", 1, qkv(2, 16, 16, 8)),
        ("four heads", 4, qkv(2, 36, 36, 16)),
        ("one channel a head", 3, qkv(1, 9, 9, 3)),
        ("one token", 2, qkv(2, 1, 1, 8)),
        ("other tokens", 2, qkv(1, 10, 23, 12)),
        ("many tokens", 2, qkv(1, 100, 100, 8)),
        ("wide heads", 1, qkv(1, 12, 12, 160)),
        ("large logits", 2, qkv(1, 16, 16, 8, lambda g, *shape: 8 * r.normal(g, *shape))),
        ("offset", 2, qkv(1, 16, 16, 8, lambda g, *shape: 5 + r.normal(g, *shape))),
    ]:
        q, k, v = tensors
        scale = (q.shape[-1] // heads) ** -0.5
        map = attention_map(q, k, heads, scale)
        yield f"attention {name}", "attention", [q, k, v], [heads, scale]
        yield f"attentionMap {name}", "attentionMap", [q, k], [heads, scale]
        yield f"applyAttentionMap {name}", "applyAttentionMap", [map, v], []

    for kind in ACTIVATIONS:
        yield f"activation {kind}", "activation", [torch.linspace(-12, 12, 1201)], [kind]
        yield f"activation {kind}, small", "activation", [torch.linspace(-1e-3, 1e-3, 201)], [kind]
        yield f"activation {kind}, negative tail", "activation", [torch.linspace(-14, -3, 301)], [kind]
        extremes = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 1e-30, -1e-30])
        yield f"activation {kind}, tiny", "activation", [extremes], [kind]
        yield f"activation {kind}, huge", "activation", [torch.tensor([90.0, -90.0, 1e4, -1e4, 3e38, -3e38])], [kind]

    yield "upsampleNearest2x", "upsampleNearest2x", [r.normal(g, 2, 3, 3, 5)], []
    yield "averagePool2x", "averagePool2x", [r.normal(g, 2, 3, 6, 8)], []
    yield "averagePool2x odd size", "averagePool2x", [r.normal(g, 1, 2, 5, 7)], []
    yield "averagePool2x cancelling", "averagePool2x", [r.alternating(g, 1, 2, 6, 6)], []
    yield "concatChannels", "concatChannels", [r.normal(g, 2, 3, 4, 5), r.normal(g, 2, 2, 4, 5)], []
    yield "sliceChannels", "sliceChannels", [r.normal(g, 2, 6, 3, 4)], [2, 5]
    yield "sliceChannels rows", "sliceChannels", [r.normal(g, 3, 8)], [0, 4]
    yield "concatBatch", "concatBatch", [r.normal(g, 1, 3, 2, 2), r.normal(g, 2, 3, 2, 2), r.normal(g, 1, 3, 2, 2)], []
    yield "sliceBatch", "sliceBatch", [r.normal(g, 4, 3, 2, 2)], [1, 3]
    yield "toTokens", "toTokens", [r.normal(g, 2, 3, 4, 5)], []
    yield "fromTokens", "fromTokens", [r.normal(g, 2, 20, 3)], [4, 5]
    for operation in ("add", "subtract", "multiply"):
        yield operation, operation, [r.wide(g, 2, 3, 4, 5), r.wide(g, 2, 3, 4, 5)], []
    for operation in ("add", "multiply"):
        yield f"{operation} over pixels", operation, [r.normal(g, 2, 3, 4, 5), r.normal(g, 2, 3)], []
    yield "affine", "affine", [r.normal(g, 2, 3, 4, 5)], [2, -1]
    yield "affine inexact", "affine", [r.normal(g, 2, 3, 4, 5)], [0.1, 1.3]
    yield "divide", "divide", [r.normal(g, 2, 3, 4, 5)], [2**0.5]


def later_cases():
    """Cases that came later, with a generator of their own: the numbers of the others stay as they are."""
    r = regimes
    g = torch.Generator().manual_seed(SEED + 1)
    for regime, x, weight in [
        ("", r.normal, r.normal),
        (" positive", r.positive, r.positive),
        (" cancelling", r.alternating, r.normal),
    ]:
        yield (
            f"upsampleConv2d{regime}",
            "upsampleConv2d",
            [x(g, 2, 20, 3, 5), weight(g, 3, 20, 3, 3), r.normal(g, 3)],
            [],
        )
    yield "upsampleConv2d without bias", "upsampleConv2d", [r.normal(g, 1, 4, 1, 1), r.normal(g, 2, 4, 3, 3), None], []


def make():
    write("kernels", "kernels.safetensors", [*cases(torch.Generator().manual_seed(SEED)), *later_cases()], SEED)


def write(folder, file, given, seed):
    """Makes the folder fixtures/goldens/<folder> with the goldens of these cases."""
    path = store.fresh_folder(folder)
    listed, tensors = [], {}
    for name, operation, inputs, arguments in given:
        assert all(case["name"] != name for case in listed), name
        run = lambda xs: OPERATIONS[operation](*xs, *arguments)
        single = run(inputs)
        # The operation rounds its number arguments to float32 when it computes in float32; the truth takes them as
        # they are.
        double = run([x if x is None else x.double() for x in inputs])
        tensors |= {f"{name}/in.{i}": x for i, x in enumerate(inputs) if x is not None} | store.both(
            name, single, double
        )
        names = [None if x is None else f"{name}/in.{i}" for i, x in enumerate(inputs)]
        listed.append({"name": name, "operation": operation, "inputs": names, "arguments": arguments})
    store.save(path / file, tensors, cases=listed)
    store.write_provenance(path, seed)
