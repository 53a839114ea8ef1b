"""Goldens of gradients, from torch autograd: fixtures/goldens/gradients.

kernels.safetensors has the operations that only gradients have, as kernels.py has the others. The other files have
gradients: operations (of Σ w · operation(inputs), for each input), layers (the same of diffusers' layers on the
inputs and weights of fixtures/goldens/layers), unets and letters (of the mean squared error of the prediction and
`target`, for the sample and all parameters). The metadata key `gradients` holds, by the name of a tensor: `error`,
how far PyTorch's float32 is from the truth, and `summed`, the sizes of what is added up to the gradient, both as root
mean square and maximum. The tensor is the float64 truth: as a whole, or `samples` of it, evenly spaced from the first
on; then `norm` is that of all of it.

What is summed: each element of a gradient is a sum over the results of its operation, or layer; `summed` is the sum
of the absolute values of its terms. Errors are measured against it, for a gradient may be zero in theory, as that of
a key's bias is: 1e-18 in float64 and 1e-9 in float32.

Attention is differentiated by PyTorch's math kernel: that of the CPU's flash attention forgets the number of keys
where all are masked.
"""
import copy
import re

import torch
import torch.nn.functional as F
from diffusers import UNet2DModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn.attention import SDPBackend, sdpa_kernel

import kernels
import layers
import regimes as r
import store
from perturbation import perturbed
from truth import truth
from unets import MODELS

SEED = 1986
WHOLE, SAMPLES = 256, 48

ACTIVATIONS = kernels.ACTIVATIONS | {"quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "tanh": torch.tanh}
OPERATIONS = kernels.OPERATIONS | {
    "activation": lambda x, kind: ACTIVATIONS[kind](x),
    "attentionScores": lambda q, k, heads, scale: (
        kernels.heads_of(q, heads) @ kernels.heads_of(k, heads).transpose(-1, -2) * scale
    ),
    "resizeNearest": lambda x, height, width: F.interpolate(x, size=(height, width), mode="nearest"),
    "reshape": lambda x, sample: x.reshape(x.shape[0], *sample),
    "transposeMap": lambda m: m.transpose(-1, -2),
    "transposeWeight": lambda w: w.transpose(0, 1).flip(tuple(range(2, w.ndim))),
}


def derived(function, *inputs):
    """∂/∂input of the sum of what the function gives, for each input that is a tensor."""
    with torch.enable_grad():
        leaves = [x.clone().requires_grad_() for x in inputs]
        return torch.autograd.grad(function(*leaves).sum(), leaves)


# The operations that only gradients have.

def conv2d_weight_gradient(x, gradient, height, width, stride, padding):
    weight = torch.zeros(gradient.shape[1], x.shape[1], height, width, dtype=x.dtype)
    return derived(lambda w: kernels.conv2d(x, w, None, stride, padding) * gradient, weight)[0]


def place_pixels(x, stride, top, left, height, width):
    out = torch.zeros(*x.shape[:2], height, width, dtype=x.dtype)
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            y, z = top + row * stride, left + column * stride
            if 0 <= y < height and 0 <= z < width:
                out[:, :, y, z] = x[:, :, row, column]
    return out


def group_norm_gradient(x, gradient, weight, groups, eps):
    return derived(lambda x: F.group_norm(x, groups, weight, eps=eps) * gradient, x)[0]


def group_norm_sums(x, gradient, groups, eps):
    """Of each sample what weight and bias get: [B, 2C]."""
    ones, zeros = x.new_ones(x.shape[1]), x.new_zeros(x.shape[1])
    return torch.stack([
        torch.cat(derived(lambda w, b: F.group_norm(one, groups, w, b, eps) * g, ones, zeros))
        for one, g in zip(x.split(1), gradient.split(1))
    ])


ONLY = {
    "conv2dWeightGradient": conv2d_weight_gradient,
    "transposeWeight": OPERATIONS["transposeWeight"],
    "transposeMap": OPERATIONS["transposeMap"],
    "placePixels": place_pixels,
    "activationDerivative": lambda x, kind: derived(ACTIVATIONS[kind], x)[0],
    "groupNormGradient": group_norm_gradient,
    "groupNormSums": group_norm_sums,
}


def only_cases(g):
    one, none = [1] * 4, [0] * 4
    for name, x, shape, more in [
        ("3x3", (2, 5, 7, 9), (2, 6, 7, 9), [3, 3, 1, one]),
        ("stride 2", (1, 4, 8, 6), (1, 8, 4, 3), [3, 3, 2, one]),
        ("stride 2, zeros below and right", (1, 4, 8, 6), (1, 3, 4, 3), [3, 3, 2, [0, 1, 0, 1]]),
        ("1x1", (3, 9, 5, 6), (3, 4, 5, 6), [1, 1, 1, none]),
        ("many pixels", (2, 2, 24, 24), (2, 3, 24, 24), [3, 3, 1, one]),
    ]:
        yield f"conv2dWeightGradient {name}", "conv2dWeightGradient", [r.normal(g, *x), r.normal(g, *shape)], more
    yield (
        "conv2dWeightGradient positive",
        "conv2dWeightGradient",
        [r.positive(g, 2, 2, 16, 16), r.positive(g, 2, 2, 16, 16)],
        [3, 3, 1, one],
    )
    yield (
        "conv2dWeightGradient cancelling",
        "conv2dWeightGradient",
        [r.alternating(g, 2, 2, 8, 8), r.normal(g, 2, 2, 8, 8)],
        [3, 3, 1, one],
    )
    yield "transposeWeight", "transposeWeight", [r.normal(g, 3, 4, 3, 2)], []
    yield "transposeWeight of a matrix", "transposeWeight", [r.normal(g, 3, 4)], []
    yield "placePixels", "placePixels", [r.normal(g, 2, 3, 3, 4)], [2, 1, -1, 6, 9]
    for kind in ACTIVATIONS:
        yield f"activationDerivative {kind}", "activationDerivative", [torch.linspace(-12, 12, 601)], [kind]
        yield f"activationDerivative {kind}, small", "activationDerivative", [torch.linspace(-1e-3, 1e-3, 101)], [kind]
    for name, shape, groups, eps, x in [
        ("4 groups", (2, 8, 5, 6), 4, 1e-5, r.normal),
        ("one group", (2, 6, 4, 4), 1, 0.1, r.normal),
        ("tokens", (2, 8, 7), 2, 1e-6, r.normal),
        ("offset", (1, 8, 8, 8), 2, 1e-5, r.offset),
        ("flat", (1, 8, 8, 8), 2, 1e-5, r.flat),
    ]:
        given = [x(g, *shape), r.normal(g, *shape)]
        weight = torch.linspace(0.5, 1.5, shape[1])
        yield f"groupNormGradient {name}", "groupNormGradient", [*given, weight], [groups, eps]
        yield f"groupNormSums {name}", "groupNormSums", given, [groups, eps]
    yield "transposeMap", "transposeMap", [r.normal(g, 2, 3, 4, 5)], []


def make_kernels(folder):
    listed, tensors = [], {}
    for name, operation, inputs, arguments in only_cases(torch.Generator().manual_seed(SEED)):
        single, double = (ONLY[operation](*xs, *arguments) for xs in (inputs, [x.double() for x in inputs]))
        names = [f"{name}/in.{i}" for i in range(len(inputs))]
        tensors |= dict(zip(names, inputs)) | store.both(name, single, double)
        listed.append({"name": name, "operation": operation, "inputs": names, "arguments": arguments})
    store.save(folder / "kernels.safetensors", tensors, cases=listed)


# What is stored of a gradient.

def size_of(x):
    numbers = {"rms": x.double().square().mean().sqrt().item(), "max": x.double().abs().max().item()}
    return {key: float(f"{value:.4g}") for key, value in numbers.items()}


class Gradients:
    """The truths and what is said of them, for a file."""

    def __init__(self, whole=None):
        self.tensors, self.said, self.whole = {}, {}, whole

    def add(self, name, single, double, summed):
        assert (
            single.dtype == torch.float32
            and double.dtype == torch.float64
            and single.shape == double.shape == summed.shape
        ), name
        kept = {"shape": list(double.shape), "summed": size_of(summed), "norm": double.norm().item()}
        parts = [single.flatten(), double.flatten()]
        if self.whole is not None and double.numel() > self.whole:
            places = torch.arange(SAMPLES) * double.numel() // SAMPLES
            parts = [x[places] for x in parts]
            kept["samples"] = SAMPLES
        kept["error"] = size_of(parts[0].double() - parts[1])
        self.said[name] = kept
        self.tensors[name] = parts[1]

    def save(self, path, tensors, **metadata):
        store.save(path, tensors | self.tensors, gradients=self.said, **metadata)


# Operations.

def operation_cases(g):
    one, none = [1] * 4, [0] * 4
    n = lambda *shape: r.normal(g, *shape)
    yield "conv2d", "conv2d", [n(2, 3, 5, 4), n(4, 3, 3, 3), n(4)], [1, one]
    yield "conv2d stride 2", "conv2d", [n(1, 3, 7, 6), n(4, 3, 3, 3), n(4)], [2, one]
    yield "conv2d stride 2, zeros below and right", "conv2d", [n(1, 3, 6, 6), n(4, 3, 3, 3), n(4)], [2, [0, 1, 0, 1]]
    yield "conv2d 1x1", "conv2d", [n(2, 5, 3, 4), n(3, 5, 1, 1), n(3)], [1, none]
    yield "conv2d positive", "conv2d", [r.positive(g, 1, 3, 6, 6), r.positive(g, 2, 3, 3, 3), n(2)], [1, one]
    yield "upsampleConv2d", "upsampleConv2d", [n(2, 3, 3, 2), n(4, 3, 3, 3), n(4)], []
    yield "linear", "linear", [n(2, 5, 6), n(4, 6), n(4)], []
    yield "linear rows", "linear", [n(3, 6), n(4, 6), n(4)], []
    for name, x in (("", r.normal), (" offset", r.offset), (" flat", r.flat)):
        yield f"groupNorm{name}", "groupNorm", [x(g, 2, 8, 4, 3), n(8), n(8)], [4, 1e-5]
        yield f"layerNorm{name}", "layerNorm", [x(g, 2, 5, 12), n(12), n(12)], [1e-5]
    yield "groupNorm one pixel", "groupNorm", [n(2, 8, 1, 1), n(8), n(8)], [2, 1e-6]
    yield "softmax", "softmax", [n(4, 9)], []
    yield "softmax large", "softmax", [r.large(g, 4, 9)], []
    for name, heads, x in (
        ("", 1, r.normal),
        (" of two heads", 2, r.normal),
        (" of large logits", 2, lambda g, *shape: 5 * r.normal(g, *shape)),
    ):
        q, k, v = x(g, 2, 6, 8), x(g, 2, 5, 8), n(2, 5, 8)
        scale = (8 // heads) ** -0.5
        yield f"attentionScores{name}", "attentionScores", [q, k], [heads, scale]
        yield f"attentionMap{name}", "attentionMap", [q, k], [heads, scale]
        yield f"applyAttentionMap{name}", "applyAttentionMap", [kernels.attention_map(q, k, heads, scale), v], []
        yield f"attention{name}", "attention", [q, k, v], [heads, scale]
    for kind in ACTIVATIONS:
        yield f"activation {kind}", "activation", [torch.linspace(-6, 6, 120)], [kind]
    yield "upsampleNearest2x", "upsampleNearest2x", [n(2, 3, 3, 4)], []
    yield "resizeNearest", "resizeNearest", [n(1, 2, 3, 4)], [5, 7]
    yield "averagePool2x", "averagePool2x", [n(2, 3, 4, 6)], []
    yield "averagePool2x odd size", "averagePool2x", [n(1, 2, 5, 7)], []
    yield "concatChannels", "concatChannels", [n(2, 3, 2, 2), n(2, 2, 2, 2)], []
    yield "sliceChannels", "sliceChannels", [n(2, 6, 3)], [2, 5]
    yield "concatBatch", "concatBatch", [n(1, 3, 2), n(2, 3, 2), n(1, 3, 2)], []
    yield "sliceBatch", "sliceBatch", [n(4, 3, 2)], [1, 3]
    yield "reshape", "reshape", [n(2, 3, 4)], [[6, 2]]
    yield "toTokens", "toTokens", [n(2, 3, 2, 3)], []
    yield "fromTokens", "fromTokens", [n(2, 6, 3)], [2, 3]
    for operation in ("add", "multiply"):
        yield operation, operation, [n(2, 3, 4), n(2, 3, 4)], []
        yield f"{operation} over pixels", operation, [n(2, 3, 4, 3), n(2, 3)], []
    yield "subtract", "subtract", [n(2, 3, 4), n(2, 3, 4)], []
    yield "affine", "affine", [n(2, 3, 4)], [0.1, 1.3]
    yield "divide", "divide", [n(2, 3, 4)], [2**0.5]
    yield "transposeWeight", "transposeWeight", [n(3, 2, 2, 3)], []
    yield "transposeMap", "transposeMap", [n(2, 2, 3, 4)], []


def make_operations(folder):
    gradients, listed, tensors = Gradients(), [], {}
    g = torch.Generator().manual_seed(SEED + 1)
    for name, operation, inputs, arguments in operation_cases(g):
        run = lambda *xs: OPERATIONS[operation](*xs, *arguments)
        doubles = [x.double() for x in inputs]
        back = torch.randn(run(*inputs).shape, generator=g)
        single = derived(lambda *xs: run(*xs) * back, *inputs)
        double = derived(lambda *xs: run(*xs) * back.double(), *doubles)
        jacobians = torch.autograd.functional.jacobian(run, tuple(doubles))
        for i, x in enumerate(inputs):
            terms = jacobians[i].abs().flatten(back.ndim).flatten(0, back.ndim - 1)
            gradients.add(
                f"{name}/grad.{i}", single[i], double[i], (back.double().abs().flatten() @ terms).view(x.shape)
            )
        tensors |= {f"{name}/in.{i}": x for i, x in enumerate(inputs)} | {f"{name}/back": back}
        listed.append({"name": name, "operation": operation, "inputs": len(inputs), "arguments": arguments})
    gradients.save(folder / "operations.safetensors", tensors, cases=listed)


# Layers and models.

def terms_of(module, x, g):
    """Σ |∂y/∂p| |g| for each parameter p of a module that has given y for x."""
    x, g = x.abs() if x.is_floating_point() else x, g.abs()
    if isinstance(module, torch.nn.Conv2d):
        weight = torch.nn.grad.conv2d_weight(x, module.weight.shape, g, module.stride, module.padding)
        return {"weight": weight, "bias": g.sum((0, 2, 3))}
    if isinstance(module, torch.nn.Linear):
        return {"weight": g.flatten(0, -2).T @ x.flatten(0, -2), "bias": g.flatten(0, -2).sum(0)}
    if isinstance(module, torch.nn.Embedding):
        return {"weight": torch.zeros_like(module.weight).index_add(0, x, g)}
    raise TypeError(module)


class Terms:
    """Σ |∂y/∂p| |∂L/∂y| for each parameter p of a model, y being the result of its module; once the loss is
    differentiated.

    The embedded time and class are spread over all pixels, so ∂L/∂y is itself a sum there, and may be zero in theory,
    too: a norm of one channel undoes what is added to it. So on this way, and in the layers before it, the absolute
    values are added up from the pixels on. What comes back to queries, keys and values is such a sum over tokens, of
    differences: there they are added up from the mixed values on, and from there on to a transformer's norm before
    them.
    """

    def __init__(self, model):
        self.found, self.names = {}, {module: name for name, module in model.named_modules()}
        self.sizes, self.of_temb, self.of_first, self.norms = {}, None, None, {}
        kinds = (torch.nn.Conv2d, torch.nn.Linear, torch.nn.Embedding, torch.nn.GroupNorm, torch.nn.LayerNorm)
        for module in model.modules():
            if isinstance(module, kinds):
                module.register_forward_hook(self.watch)
            if isinstance(module, ResnetBlock2D) and module.time_emb_proj is not None:
                self.watch_time(module)
            if isinstance(module, Attention):
                self.watch_attention(module)
            if isinstance(module, BasicTransformerBlock):
                self.norms |= {module.attn1: (module.norm1, "qkv"), module.attn2: (module.norm2, "q")}

    def watch_attention(self, layer):
        seen = {}
        for key in "qkv":
            getattr(layer, f"to_{key}").register_forward_hook(
                lambda _, given, out, key=key: seen.__setitem__(key, out.detach())
            )

        def mixed(g):
            if "q" not in seen:
                return  # a perturbed layer
            q, k, v, g = (kernels.heads_of(x, layer.heads) for x in (seen["q"], seen["k"], seen["v"], g.abs()))
            shares = torch.softmax(q @ k.transpose(-1, -2) * layer.scale, dim=-1)
            of_map = g @ v.abs().transpose(-1, -2)
            of_scores = layer.scale * shares * (of_map + (shares * of_map).sum(-1, keepdim=True))
            parts = {
                "to_q": of_scores @ k.abs(),
                "to_k": of_scores.transpose(-1, -2) @ q.abs(),
                "to_v": shares.transpose(-1, -2) @ g,
            }
            for name, x in parts.items():
                self.sizes[getattr(layer, name)] = x.transpose(1, 2).flatten(2)
            norm, keys = self.norms.get(layer, (None, ""))
            readers = [getattr(layer, f"to_{key}") for key in keys]
            if readers:
                self.sizes[norm] = sum(self.sizes[reader] @ reader.weight.detach().abs() for reader in readers)

        layer.to_out[0].register_forward_pre_hook(lambda _, given: given[0].register_hook(mixed) and None)

    def watch_time(self, block):
        seen = {}
        keep = lambda key, value: seen.__setitem__(key, value.detach())
        block.register_forward_pre_hook(
            lambda _, given, named: keep("temb", named.get("temb", given[-1])), with_kwargs=True
        )
        block.time_emb_proj.register_forward_hook(lambda _, given, out: keep("time", out))

        def added(g):
            self.spread(block, seen["temb"], g.abs().sum((2, 3)))

        def scaled(y, g):
            scale = seen["time"].chunk(2, dim=1)[0][:, :, None, None]
            shift = (g / (1 + scale)).abs()
            self.spread(block, seen["temb"], torch.cat([(shift * y).abs().sum((2, 3)), shift.sum((2, 3))], dim=1))

        if block.time_embedding_norm == "default":
            block.norm2.register_forward_pre_hook(lambda _, given: given[0].register_hook(added) and None)
        else:
            block.norm2.register_forward_hook(
                lambda _, given, y: y.register_hook(lambda g: scaled(y.detach(), g)) and None
            )

    def spread(self, block, temb, g):
        """What comes back to the projected time of a block, in absolute values, and from there to the embedded time."""
        self.sizes[block.time_emb_proj] = g
        back = (g @ block.time_emb_proj.weight.detach().abs()) * derived(block.nonlinearity, temb)[0].abs()
        self.of_temb = back if self.of_temb is None else self.of_temb + back

    def watch(self, module, inputs, output):
        x, y = inputs[0].detach(), output.detach()
        output.register_hook(lambda g: self.add(module, x, self.size_at(module, y, g.detach())))

    def size_at(self, module, y, g):
        """|∂L/∂y|, or what was added up to it."""
        name = self.names[module]
        if module in self.sizes:
            return self.sizes[module]
        if self.of_temb is None or not re.search(r"^(time|class|add)_(embedding|proj)", name):
            return g.abs()
        if name == "time_proj":
            return self.of_first
        if not name.endswith("linear_1"):
            return self.of_temb
        second, first = (next(m for m, n in self.names.items() if n == re.sub("1$", end, name)) for end in "21")
        self.of_first = (self.of_temb @ second.weight.detach().abs()) * derived(F.silu, y)[0].abs()
        size, self.of_first = self.of_first, self.of_first @ first.weight.detach().abs()
        return size

    def add(self, module, x, g):
        if isinstance(module, torch.nn.GroupNorm):
            normed = F.group_norm(x, module.num_groups, eps=module.eps)
            pixels = tuple(i for i in range(g.ndim) if i != 1)
            found = {"weight": (normed * g).abs().sum(pixels), "bias": g.abs().sum(pixels)}
        elif isinstance(module, torch.nn.LayerNorm):
            normed = F.layer_norm(x, module.normalized_shape, eps=module.eps)
            found = {"weight": (normed * g).abs().flatten(0, -2).sum(0), "bias": g.abs().flatten(0, -2).sum(0)}
        else:
            found = terms_of(module, x, g)
        for key, value in found.items():
            if getattr(module, key, None) is not None:
                self.found[f"{self.names[module]}.{key}".lstrip(".")] = value


def gradients_of(model, inputs, wanted, loss_of):
    """The gradients of a loss for the inputs called `wanted` and all parameters that are learned; the loss; what is
    summed."""
    leaves = {key: x.clone().requires_grad_() if key in wanted else x for key, x in inputs.items()}
    terms = Terms(model)
    with sdpa_kernel(SDPBackend.MATH):
        loss = loss_of(model, leaves)
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        everything = {key: leaves[key] for key in wanted} | named
        found = torch.autograd.grad(loss, list(everything.values()), allow_unused=True)
    result = {name: torch.zeros_like(x) if g is None else g for (name, x), g in zip(everything.items(), found)}
    return result, loss.detach(), terms.found | ({} if terms.of_temb is None else {"temb": terms.of_temb})


def compare(gradients, prefix, model, inputs, wanted, loss_of):
    """Adds the gradients of a model in float32 and float64; gives the losses."""
    double = copy.deepcopy(model).eval().double()
    single, loss, _ = gradients_of(model, inputs, wanted, loss_of)
    wide = {key: x.double() if x.is_floating_point() else x for key, x in inputs.items()}
    with truth():
        exact, exact_loss, summed = gradients_of(double, wide, wanted, loss_of)
    for name, value in exact.items():
        size = summed.get(name)
        if size is None:
            # Of an input: its own size. Of a parameter that the loss does not depend on: nothing is summed.
            size = value.abs() if name in wanted else torch.zeros_like(value)
        gradients.add(f"{prefix}{name}", single[name], value, size)
    return loss, exact_loss


def make_layers(folder):
    gradients, listed = Gradients(WHOLE), []
    path = store.GOLDENS / "layers" / "layers.safetensors"
    stored = load_file(path)
    g = torch.Generator().manual_seed(SEED + 2)
    tensors = {}
    for name, layer, module, shapes, options in layers.cases():
        if options.get("perturbed") and name != "perturbed attention":
            continue
        prefix = f"{name}/weights."
        module.eval().load_state_dict({key[len(prefix):]: x for key, x in stored.items() if key.startswith(prefix)})
        inputs = {key: stored[f"{name}/in.{key}"] for key in shapes}
        out = module(*inputs.values())
        back = torch.randn(out.shape, generator=g)

        def loss_of(module, inputs):
            if options.get("perturbed"):
                with perturbed(module, [""]):
                    return (module(*inputs.values()) * back).sum()
            return (module(*inputs.values()) * back).sum()

        compare(gradients, f"{name}/", module, inputs, list(shapes), loss_of)
        tensors[f"{name}/back"] = back
        listed.append({"name": name, "inputs": list(shapes)})
    gradients.save(folder / "layers.safetensors", tensors, cases=listed)


def squared_error(model, inputs):
    """Of what is predicted of the picture; a learned variance is none of it."""
    given = {key: x for key, x in inputs.items() if key != "target"}
    prediction = model(**given).sample[:, : model.config.in_channels]
    return F.mse_loss(prediction, inputs["target"])


def make_models(folder):
    for name in MODELS:
        home = store.GOLDENS / "unets" / name
        with safe_open(home / "golden.safetensors", "pt") as file:
            inputs = {key: file.get_tensor(key) for key in ("sample", "timestep", "class_labels") if key in file.keys()}
        make_model(folder / f"unet-{name}.safetensors", UNet2DModel.from_pretrained(home).eval(), inputs)
    letters = store.GOLDENS.parent / "letters" / "model" / "unet"
    g = torch.Generator().manual_seed(SEED + 4)
    inputs = {
        "sample": torch.randn(2, 1, 32, 32, generator=g),
        "timestep": torch.tensor([900, 120]),
        "class_labels": torch.tensor([0, 17]),
    }
    make_model(folder / "letters.safetensors", UNet2DModel.from_pretrained(letters).eval(), inputs)


def make_model(path, model, inputs, wanted=("sample",), loss_of=squared_error, whole=WHOLE):
    gradients = Gradients(whole)
    g = torch.Generator().manual_seed(SEED + 3)
    channels = min(model.config.in_channels, model.config.out_channels)
    assert channels == model.config.in_channels
    inputs = inputs | {"target": torch.randn(inputs["sample"].shape, generator=g)}
    loss, exact = compare(gradients, "", model, inputs, list(wanted), loss_of)
    tensors = {key: x for key, x in inputs.items()} | store.both("loss", loss.view(1), exact.view(1))
    gradients.tensors = {f"grad.{name}": x for name, x in gradients.tensors.items()}
    gradients.said = {f"grad.{name}": x for name, x in gradients.said.items()}
    gradients.save(path, tensors)


def make():
    folder = store.fresh_folder("gradients")
    with torch.enable_grad():
        make_kernels(folder)
        make_operations(folder)
        make_layers(folder)
        make_models(folder)
    store.write_provenance(folder, SEED)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make()
