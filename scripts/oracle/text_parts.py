"""The parts of a pipeline from words to pictures, one by one: transformers, text encoders, autoencoders, UNets."""
import copy
import re

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

import autoencoders
import clip_text
import condition_unets
import folders
from condition_unets import self_attention_layers
from perturbation import IdentityOfTokens, perturbed
from taps import tapped
from truth import truth

SEED = 71
MID = "mid_block.attentions.0"
BLOCK = f"{MID}.transformer_blocks.0"
IN_BLOCK = ("attn1", "attn2", "ff")
# Twelve channels in three heads of four.
SMALL = condition_unets.TINY | dict(block_out_channels=(6, 12), attention_head_dim=3)


def listed(config):
    return {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}


def in_both(run, model, double, inputs):
    """What a function of model and inputs sees, in float32 and in truth: {path: (single, exact)}."""
    single = run(model, inputs)
    with truth():
        exact = run(
            double, {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()}
        )
    return {path: (single[path], exact[path]) for path in single}


def seen_in(call, model, inputs, layers=()):
    with perturbed(model, layers, IdentityOfTokens), tapped(model) as seen:
        call(model, inputs)
    return dict(seen)


def make():
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    transformers(generator)
    text_encoders(generator)
    autoencoder(generator)
    unets(generator)


# name: (title, config, stages, how they are called, shape of hidden without the batch)
def attend_to_text(model, inputs):
    block = model.get_submodule(BLOCK)
    block.attn2(block.norm2(inputs["hidden"]), encoder_hidden_states=inputs["encoder_hidden_states"])


def feed_forward(model, inputs):
    block = model.get_submodule(BLOCK)
    block.ff(block.norm3(inputs["hidden"]))


def of(path, **options):
    return lambda model, inputs: model.get_submodule(path)(
        inputs["hidden"], encoder_hidden_states=inputs["encoder_hidden_states"], **options
    )


def whole(layers):
    blocks = [f"{MID}.transformer_blocks.{i}.{part}" for i in range(layers) for part in IN_BLOCK]
    return [f"{MID}.proj_in", *blocks, f"{MID}.proj_out"]


TRANSFORMERS = {
    "cross-attention": (
        "attention of pixels to text: norm2 and attn2 of a transformer block",
        {},
        [f"{BLOCK}.attn2"],
        attend_to_text,
        (7, 12),
    ),
    "geglu": (
        "the feed-forward network of a transformer block, gated: norm3 and ff",
        {},
        [f"{BLOCK}.ff"],
        feed_forward,
        (7, 12),
    ),
    "block": ("BasicTransformerBlock, and perturbed", {}, [f"{BLOCK}.{part}" for part in IN_BLOCK], of(BLOCK), (6, 12)),
    "convolution": (
        "Transformer2DModel, projected by convolutions, and perturbed",
        {},
        whole(1),
        of(MID, return_dict=False),
        (12, 2, 3),
    ),
    "linear": (
        "Transformer2DModel of two blocks, projected by linear layers, and perturbed",
        dict(use_linear_projection=True, transformer_layers_per_block=2),
        whole(2),
        of(MID, return_dict=False),
        (12, 2, 2),
    ),
}


def transformers(generator):
    for name, (title, changes, stages, call, shape) in TRANSFORMERS.items():
        config = SMALL | changes
        model = UNet2DConditionModel(**config).eval()
        condition_unets.vary(model, generator)
        double = copy.deepcopy(model).double()
        batch = 2 if name == "cross-attention" else 1
        inputs = {"hidden": torch.randn(batch, *shape, generator=generator)}
        if name != "geglu":
            inputs["encoder_hidden_states"] = torch.randn(batch, 5, config["cross_attention_dim"], generator=generator)
        # What stands before a stage in its block belongs to it.
        norms = {"attn1": "norm1", "attn2": "norm2", "ff": "norm3"}
        owned = [
            *stages,
            *(
                re.sub(r"\w+$", norms[stage.rsplit(".", 1)[1]], stage)
                for stage in stages
                if stage.rsplit(".", 1)[1] in norms
            ),
            *([f"{MID}.norm"] if f"{MID}.proj_in" in stages else []),
        ]
        is_own = lambda key: any(key == path or key.startswith(f"{path}.") for path in owned)
        results = (
            lambda path: is_own(path)
            or len(stages) > 1
            and (re.search(r"transformer_blocks\.\d+$", path) or path == MID and f"{MID}.proj_out" in stages)
        )
        attends = any(stage.endswith("attn1") for stage in stages)
        expected, plain = {}, {}
        for prefix, layers in [("", ())] + (
            [("perturbed.", [path for path in self_attention_layers(model) if path in stages])] if attends else []
        ):
            found = in_both(lambda m, i: seen_in(call, m, i, layers), model, double, inputs)
            expected |= {
                prefix + path: pair
                for path, pair in found.items()
                if results(path) and not (path in plain and torch.equal(pair[1], plain[path]))
            }
            plain = {path: exact for path, (_, exact) in found.items()}
        weights = {key: value for key, value in model.state_dict().items() if is_own(key)}
        subject = {
            "kind": "stages",
            "family": "UNet2DConditionModel",
            "config": listed(config),
            "stages": stages,
            "perturbed": attends,
        }
        folders.write(f"transformers/{name}", title, subject, inputs, weights, expected)


TEXT = dict(
    vocab_size=22,
    hidden_size=12,
    intermediate_size=20,
    num_hidden_layers=2,
    num_attention_heads=3,
    max_position_embeddings=9,
    bos_token_id=18,
    eos_token_id=19,
)
# 20 was added later, and is higher than the end; behind the end there is padding.
IDS = [[18, 4, 20, 7, 19, 19, 19], [18, 3, 11, 2, 5, 6, 19]]
TEXTS = {
    "clip": ("CLIP's text encoder, quick_gelu", CLIPTextModel, TEXT, IDS),
    "legacy-end": (
        "CLIP's text encoder, the legacy eos_token_id: 2",
        CLIPTextModel,
        TEXT | dict(eos_token_id=2, num_hidden_layers=1),
        [[18, 4, 19, 7, 2, 1, 1, 1, 1], [18, 2, 11, 5, 19, 19, 3, 3, 3]],
    ),
    "projection": (
        "CLIP's text encoder with a projection, GELU",
        CLIPTextModelWithProjection,
        TEXT | dict(hidden_act="gelu", projection_dim=8),
        IDS,
    ),
}


def text_model(kind, config, generator):
    model = kind(CLIPTextConfig(**config)).eval()
    clip_text.vary(model, generator)
    double = kind(CLIPTextConfig(**config)).eval().double()
    double.load_state_dict(model.state_dict())
    return model, double


def text_config(kind, config):
    return config | {"architectures": [kind.__name__]}


def text_weights(model):
    return {key.removeprefix("text_model."): value for key, value in model.state_dict().items()}


def text_taps(found):
    return {path: value for path, value in found.items() if not path.startswith(("hidden.", "last_hidden"))}


def text_encoders(generator):
    for name, (title, kind, config, ids) in TEXTS.items():
        model, double = text_model(kind, config, generator)
        ids = torch.tensor(ids)
        single, exact = (text_taps(clip_text.forward(one, ids)) for one in (model, double))
        subject = {"kind": "text-encoder", "config": text_config(kind, config), "input_ids": ids.tolist()}
        folders.write(
            f"text-encoders/{name}",
            title,
            subject,
            {},
            text_weights(model),
            {path: (single[path], exact[path]) for path in single},
        )


KL = autoencoders.TINY | dict(block_out_channels=(4, 8), scaling_factor=0.18215, shift_factor=0.25)
KL_BLOCKS = {
    "down": (
        "block of the encoder that halves the picture, zeros below and right",
        "encoder.down_blocks.0",
        ["resnets.0", "downsamplers.0"],
        (4, 6, 8),
    ),
    "middle": (
        "the middle of the decoder: one head over all channels",
        "decoder.mid_block",
        ["resnets.0", "attentions.0", "resnets.1"],
        (8, 3, 4),
    ),
    "up": (
        "block of the decoder that doubles the picture",
        "decoder.up_blocks.0",
        ["resnets.0", "resnets.1", "upsamplers.0"],
        (8, 3, 4),
    ),
}


def is_of(way, key):
    return key.startswith({"encode": ("encoder.", "quant_conv."), "decode": ("decoder.", "post_quant_conv.")}[way])


def both_ways(model, way, inputs):
    config = model.config
    shift = config.shift_factor or 0.0
    with tapped(model) as seen:
        if way == "encode":
            distribution = model.encode(inputs["sample"]).latent_dist
            results = {
                "mean": distribution.mean,
                "logvar": distribution.logvar,
                "latents": (distribution.mean - shift) * config.scaling_factor,
            }
        else:
            sample = inputs["latents"] / config.scaling_factor + shift
            results = {"decoder_input": sample, "sample": model.decode(sample).sample}
    return dict(seen) | results


def autoencoder(generator):
    model = AutoencoderKL(**KL).eval()
    autoencoders.vary(model, generator)
    double = copy.deepcopy(model).double()
    pictures = {"sample": 2 * torch.rand(1, 3, 6, 8, generator=generator) - 1}
    latents = {"latents": torch.randn(1, 4, 3, 2, generator=generator)}
    for way, title, inputs in (
        ("encode", "AutoencoderKL: from a picture to latents", pictures),
        ("decode", "AutoencoderKL: from latents to a picture", latents),
    ):
        expected = in_both(lambda m, i: both_ways(m, way, i), model, double, inputs)
        weights = {key: value for key, value in model.state_dict().items() if is_of(way, key)}
        folders.write(
            f"autoencoders/{way}",
            title,
            {"kind": "autoencoder", "config": listed(KL), "way": way},
            inputs,
            weights,
            expected,
        )
    for name, (title, path, parts, shape) in KL_BLOCKS.items():
        inputs = {"hidden": torch.randn(1, *shape, generator=generator)}
        if name == "down":
            # Of an odd width zeros on both sides make one pixel more than zeros on either.
            inputs["hidden"] = inputs["hidden"][..., :7].contiguous()
        stages = [f"{path}.{part}" for part in parts]
        seen = in_both(
            lambda m, i: seen_in(lambda mm, ii: mm.get_submodule(path)(ii["hidden"]), m, i), model, double, inputs
        )
        weights = {key: value for key, value in model.state_dict().items() if key.startswith(f"{path}.")}
        subject = {
            "kind": "stages",
            "family": "AutoencoderKL",
            "config": listed(KL),
            "stages": stages,
            "perturbed": False,
        }
        folders.write(f"autoencoders/{name}", title, subject, inputs, weights, seen)


XL = condition_unets.MODELS["sd-xl"] | dict(
    sample_size=4,
    block_out_channels=(4, 8),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    attention_head_dim=[1, 2],
    transformer_layers_per_block=[1, 2],
)
UNETS = {
    "sd": ("the UNet of Stable Diffusion 1, tiny; PAG in the middle", condition_unets.TINY, [f"{BLOCK}.attn1"]),
    "sd-xl": (
        "the UNet of Stable Diffusion XL, tiny; PAG in one of two transformer blocks of the middle",
        XL,
        [f"{MID}.transformer_blocks.1.attn1"],
    ),
}


def unets(generator):
    for name, (title, config, layers) in UNETS.items():
        model = UNet2DConditionModel(**config).eval()
        condition_unets.vary(model, generator)
        double = copy.deepcopy(model).double()
        inputs = condition_unets.inputs_of(name, model.config, generator)
        expected, plain = {}, {}
        for prefix, chosen in (("", []), ("perturbed.", layers)):
            found = in_both(lambda m, i: condition_unets.forward(m, i, chosen), model, double, inputs)
            # The blocks, and all modules of the middle and of what the model is told.
            is_wanted = lambda path: condition_unets.is_part(path) or re.match(
                r"mid_block|add_embedding|time|conv", path
            )
            expected |= {
                prefix + path: pair
                for path, pair in found.items()
                if is_wanted(path) and not (prefix and torch.equal(pair[1], plain[path]))
            }
            plain = plain or {path: exact for path, (_, exact) in found.items()}
        subject = {
            "kind": "unet-condition",
            "config": listed(config),
            "timesteps": inputs["timestep"].tolist(),
            "perturbed": layers,
        }
        tensors = {key: value for key, value in inputs.items() if key != "timestep"}
        folders.write(f"condition-unets/{name}", title, subject, tensors, dict(model.state_dict()), expected)
