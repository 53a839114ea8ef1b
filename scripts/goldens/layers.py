"""Goldens of diffusers' layers, one by one: fixtures/goldens/layers/layers.safetensors.

The metadata key `cases` lists them: name, layer, options as our layers call them. Inputs are `<case>/in.<name>`,
weights
`<case>/weights.<parameter>`, the result is `<case>/f32` and `<case>/f64`.
"""
import copy

import torch
from diffusers.models.attention_processor import Attention, PAGIdentitySelfAttnProcessor2_0
from diffusers.models.downsampling import Downsample2D
from diffusers.models.embeddings import GaussianFourierProjection, TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D

import store
from perturbation import perturbed
from truth import truth

SEED = 7


def vary(module, generator):
    """Norms start as the identity and attention maps nearly flat; this moves every parameter to where a mistake
    shows."""
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:
            parameter.add_(0.25 * torch.randn(parameter.shape, generator=generator))
        elif any(part in name for part in ("to_q", "to_k")):
            parameter.mul_(4)


def resnet(
    name, inputs, outputs=None, shape=(6, 7), groups=4, eps=1e-5, act="silu", scale_shift=False, factor=1.0, resize=None
):
    block = ResnetBlock2D(
        in_channels=inputs, out_channels=outputs, temb_channels=12, groups=groups, eps=eps, non_linearity=act,
        time_embedding_norm="scale_shift" if scale_shift else "default", output_scale_factor=factor,
        up=resize == "up", down=resize == "down",
    )
    options = {
        "groups": groups, "eps": eps, "activation": act, "timeScaleShift": "scale_shift" if scale_shift else "default",
        "outputScaleFactor": factor, **({"resize": resize} if resize else {}),
    }
    return name, "resnet", block, {"x": (2, inputs, *shape), "temb": (2, 12)}, options


def attention(name, channels, heads, head_size, groups=4, eps=1e-5, factor=1.0, shape=(3, 4), perturb=False):
    layer = Attention(
        channels, heads=heads, dim_head=head_size, norm_num_groups=groups, eps=eps, rescale_output_factor=factor,
        residual_connection=True, bias=True, _from_deprecated_attn_block=True,
    )
    options = {
        "heads": heads,
        "eps": eps,
        "rescaleOutputFactor": factor,
        "perturbed": perturb,
        **({"groups": groups} if groups else {}),
    }
    return name, "attention", layer, {"x": (2, channels, *shape)}, options


def cases():
    yield resnet("resnet", 8)
    yield resnet("resnet with shortcut", 8, 12)
    yield resnet("resnet scale_shift", 8, 12, scale_shift=True)
    yield resnet("resnet up", 8, 4, resize="up")
    yield resnet("resnet down", 8, 8, (6, 8), resize="down")
    yield resnet("resnet down, odd size", 8, 12, (7, 5), resize="down")
    yield resnet("resnet up scale_shift", 8, 12, resize="up", scale_shift=True)
    yield resnet("resnet output_scale_factor", 8, factor=2**0.5)
    yield resnet("resnet eps", 8, eps=0.5)
    for act in ("gelu", "mish", "relu"):
        yield resnet(f"resnet {act}", 8, act=act)

    for perturb in (False, True):
        kind = "perturbed attention" if perturb else "attention"
        yield attention(kind, 8, 1, 8, perturb=perturb)
        yield attention(f"{kind} of four heads", 16, 4, 4, perturb=perturb)
        yield attention(f"{kind} without norm", 8, 2, 4, groups=None, perturb=perturb)
        yield attention(f"{kind} of narrower heads", 12, 1, 8, perturb=perturb)
        yield attention(f"{kind} rescaled", 8, 2, 4, factor=2**0.5, perturb=perturb)
        yield attention(f"{kind} eps", 8, 2, 4, eps=0.5, groups=2, perturb=perturb)
        yield attention(f"{kind} of one pixel", 8, 2, 4, shape=(1, 1), perturb=perturb)

    yield "timestep embedding", "timestepEmbedding", TimestepEmbedding(8, 20), {"x": (3, 8)}, {}
    for padding in (1, 0):
        module = Downsample2D(6, use_conv=True, padding=padding)
        yield f"downsample, padding {padding}", "downsample", module, {"x": (2, 6, 8, 6)}, {"padding": padding}
    yield "upsample", "upsample", Upsample2D(6, use_conv=True), {"x": (2, 6, 3, 5)}, {}


def time_cases(generator):
    """Embeddings of numbers: the input is a list of timesteps."""
    whole = torch.tensor([0, 1, 2, 17, 250, 500, 901, 980, 998, 999])
    fractions = torch.tensor([0.5, 0.001, 123.456, 998.75])
    for flip in (False, True):
        for shift in (0, 1):
            for size in (8, 33, 128):
                options = {"size": size, "cosineFirst": flip, "shift": shift}
                for what, numbers in (("", whole), (", fractions", fractions)):
                    yield (
                        f"sinusoid {size}, flip {flip}, shift {shift}{what}",
                        "sinusoid",
                        Timesteps(size, flip, shift),
                        numbers,
                        options,
                    )
    projection = GaussianFourierProjection(16, scale=16)
    projection.weight.copy_(16 * torch.randn(16, generator=generator))
    yield "fourier", "fourier", projection, whole[1:], {}
    yield "fourier, fractions", "fourier", projection, fractions, {}


def make():
    folder = store.fresh_folder("layers")
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    listed, tensors = [], {}

    def add(name, layer, module, inputs, options, single, double):
        nonlocal tensors
        assert all(case["name"] != name for case in listed), name
        tensors |= {f"{name}/in.{key}": x for key, x in inputs.items()}
        tensors |= {f"{name}/weights.{key}": x.clone() for key, x in module.state_dict().items()}
        tensors |= store.both(name, single, double)
        listed.append({"name": name, "layer": layer, "options": options})

    for name, layer, module, shapes, options in cases():
        module.eval()
        vary(module, generator)
        inputs = {key: torch.randn(shape, generator=generator) for key, shape in shapes.items()}
        call = lambda module, *xs: module(*xs)
        if options.get("perturbed"):
            def call(module, x):
                with perturbed(module, [""]):
                    out = module(x)
                with torch.no_grad():
                    module.set_processor(PAGIdentitySelfAttnProcessor2_0())
                    assert torch.allclose(out, module(torch.cat([x, x])).chunk(2)[1], rtol=0, atol=1e-6)
                return out
        single = call(copy.deepcopy(module), *inputs.values())
        with truth():
            double = call(copy.deepcopy(module).double(), *(x.double() for x in inputs.values()))
        add(name, layer, module, inputs, options, single, double)

    for name, layer, module, numbers, options in time_cases(generator):
        single = module(numbers)
        with truth():
            double = copy.deepcopy(module).double()(numbers)
        add(name, layer, module, {"timesteps": numbers.double()}, options, single, double.double())

    store.save(folder / "layers.safetensors", tensors, cases=listed)
    store.write_provenance(folder, SEED)
