"""Layers and blocks of diffusers' UNet2DModel, one by one."""
import copy

import torch
from diffusers import UNet2DModel

import folders
from layers import vary
from perturbation import attention_layers, perturbed
from taps import tapped
from truth import truth

SEED = 17
SMALL = dict(
    sample_size=8, block_out_channels=(8, 12), layers_per_block=1, norm_num_groups=4, attention_head_dim=4,
    down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
)
MID, MID_ATTENTION = "mid_block.resnets.0", "mid_block.attentions.0"
WITH_RESNETS = dict(
    downsample_type="resnet",
    upsample_type="resnet",
    down_block_types=("AttnDownBlock2D", "AttnDownBlock2D"),
    up_block_types=("AttnUpBlock2D", "AttnUpBlock2D"),
)
UP_0 = [f"up_blocks.0.{part}" for part in ("resnets.0", "attentions.0", "resnets.1", "attentions.1", "upsamplers.0")]

# name: (title, config, module, stages, shape of `hidden` without the batch)
LAYERS = {
    "resnet": ("residual block", {}, MID, [MID], (12, 4, 5)),
    "resnet-shortcut": (
        "residual block with other channels out than in",
        {},
        "down_blocks.1.resnets.0",
        ["down_blocks.1.resnets.0"],
        (8, 4, 5),
    ),
    "resnet-scale-shift": (
        "residual block, time as scale and shift",
        dict(resnet_time_scale_shift="scale_shift"),
        MID,
        [MID],
        (12, 4, 5),
    ),
    "resnet-rescaled": ("residual block over √2", dict(mid_block_scale_factor=2**0.5), MID, [MID], (12, 4, 4)),
    "resnet-eps": ("residual block with a norm ε that shows", dict(norm_eps=0.5), MID, [MID], (12, 4, 4)),
    "resnet-gelu": ("residual block, GELU", dict(act_fn="gelu"), MID, [MID], (12, 4, 4)),
    "resnet-mish": ("residual block, Mish", dict(act_fn="mish"), MID, [MID], (12, 4, 4)),
    "resnet-relu": ("residual block, ReLU", dict(act_fn="relu"), MID, [MID], (12, 4, 4)),
    "resnet-down": (
        "residual block that halves the picture",
        WITH_RESNETS,
        "down_blocks.0.downsamplers.0",
        ["down_blocks.0.downsamplers.0"],
        (8, 6, 4),
    ),
    "resnet-up": (
        "residual block that doubles the picture",
        WITH_RESNETS,
        "up_blocks.0.upsamplers.0",
        ["up_blocks.0.upsamplers.0"],
        (12, 3, 4),
    ),
    "attention": ("self-attention, three heads, and perturbed", {}, MID_ATTENTION, [MID_ATTENTION], (12, 3, 4)),
    "attention-one-head": (
        "self-attention, one head, and perturbed",
        dict(attention_head_dim=None),
        MID_ATTENTION,
        [MID_ATTENTION],
        (12, 4, 4),
    ),
    "attention-without-norm": (
        "self-attention without a norm, and perturbed",
        dict(resnet_time_scale_shift="scale_shift"),
        MID_ATTENTION,
        [MID_ATTENTION],
        (12, 3, 4),
    ),
    "attention-narrow": (
        "self-attention with fewer channels inside, and perturbed",
        dict(attention_head_dim=8),
        MID_ATTENTION,
        [MID_ATTENTION],
        (12, 3, 4),
    ),
    "attention-rescaled": (
        "self-attention over √2, and perturbed",
        dict(mid_block_scale_factor=2**0.5),
        MID_ATTENTION,
        [MID_ATTENTION],
        (12, 3, 4),
    ),
    "downsample": (
        "halving by convolution, zeros on all sides",
        {},
        "down_blocks.0.downsamplers.0",
        ["down_blocks.0.downsamplers.0"],
        (8, 8, 6),
    ),
    "downsample-asymmetric": (
        "halving by convolution, zeros below and right",
        dict(downsample_padding=0),
        "down_blocks.0.downsamplers.0",
        ["down_blocks.0.downsamplers.0"],
        (8, 8, 6),
    ),
    "upsample": (
        "doubling, then convolution",
        {},
        "up_blocks.0.upsamplers.0",
        ["up_blocks.0.upsamplers.0"],
        (12, 3, 5),
    ),
}
BLOCKS = {
    "down": (
        "block of the way down, and perturbed",
        {},
        "down_blocks.1",
        ["down_blocks.1.resnets.0", "down_blocks.1.attentions.0"],
        (8, 4, 4),
    ),
    "middle": (
        "the middle block, and perturbed",
        {},
        "mid_block",
        [MID, MID_ATTENTION, "mid_block.resnets.1"],
        (12, 4, 4),
    ),
    "middle-scale-shift": (
        "the middle block, time as scale and shift, and perturbed",
        dict(resnet_time_scale_shift="scale_shift", attn_norm_num_groups=2, act_fn="gelu"),
        "mid_block",
        [MID, MID_ATTENTION, "mid_block.resnets.1"],
        (12, 4, 4),
    ),
    "up": (
        "block of the way up, with what the way down left for it, and perturbed",
        {},
        "up_blocks.0",
        UP_0,
        (12, 4, 4),
    ),
    "up-resnets": (
        "block of the way up that doubles by a residual block, and perturbed",
        WITH_RESNETS,
        "up_blocks.0",
        UP_0,
        (12, 4, 4),
    ),
}


def call(model, module, inputs):
    block = model.get_submodule(module)
    hidden, temb, skips = (
        inputs["hidden"],
        inputs.get("temb"),
        [inputs[key] for key in inputs if key.startswith("skips.")],
    )
    if module.startswith("up_blocks") and skips:
        return block(hidden, tuple(skips), temb)
    return block(hidden, temb) if temb is not None else block(hidden)


def seen_in(model, module, inputs, layers):
    with perturbed(model, layers), tapped(model) as seen:
        call(model, module, inputs)
    return {path: value for path, value in seen.items()}


def make():
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    for group, cases in (("layers", LAYERS), ("blocks", BLOCKS)):
        for name, (title, changes, module, stages, shape) in cases.items():
            config = SMALL | changes
            model = UNet2DModel(**config).eval()
            vary(model, generator)
            batch = 2 if name in ("attention", "resnet") else 1
            inputs = {"hidden": torch.randn(batch, *shape, generator=generator)}
            if (
                module.endswith("upsamplers.0")
                and changes is not WITH_RESNETS
                or module.endswith("downsamplers.0")
                and changes is not WITH_RESNETS
                or "attentions" in module
            ):
                pass
            else:
                inputs["temb"] = torch.randn(batch, 4 * config["block_out_channels"][0], generator=generator)
            if module.startswith("up_blocks") and group == "blocks":
                inputs |= {
                    f"skips.{i}": torch.randn(batch, channels, *shape[1:], generator=generator)
                    for i, channels in enumerate((8, 12))
                }
            double = copy.deepcopy(model).double()
            wide = {key: value.double() for key, value in inputs.items()}
            attends = any("attentions" in stage for stage in stages)
            expected = {}
            for prefix, layers in [("", [])] + ([("perturbed.", attention_layers(model))] if attends else []):
                single = seen_in(model, module, inputs, layers)
                with truth():
                    exact = seen_in(double, module, wide, layers)
                # Our taps are those of the stages' modules; a block's own output is that of its last stage.
                expected |= {
                    prefix + path: (single[path], exact[path])
                    for path in single
                    if any(path == stage or path.startswith(f"{stage}.") for stage in stages)
                }
            weights = {
                key: value
                for key, value in model.state_dict().items()
                if any(key.startswith(f"{stage}.") for stage in stages)
            }
            subject = {
                "kind": "stages",
                "config": {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()},
                "stages": stages,
                "perturbed": attends,
            }
            folders.write(f"{group}/{name}", title, subject, inputs, weights, expected)
