"""Goldens of whole UNets: fixtures/goldens/unets/<name>, a folder as save_pretrained writes it, with
golden.safetensors.

golden.safetensors holds the inputs `sample`, `timestep`, `class_labels`, and for each pass the prediction and the
output of every module:
`<pass>/<module path>/f32` and `/f64`; the prediction is `<pass>/prediction/…`. The pass `plain` has all taps; the
others, with the identity perturbation in the layers that the metadata key `passes` lists, have those of the blocks
and the attention layers, as far as they differ from `plain`.
"""
import json
import re

import torch
from diffusers import UNet2DModel
from safetensors.torch import load_file, save_file

import store
from layers import vary
from perturbation import attention_layers, perturbed
from taps import tapped
from truth import truth

SEED = 31

DOWN, ATTENTION_DOWN, RESNET_DOWN = "DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"
UP, ATTENTION_UP, RESNET_UP = "UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"
SKIP_DOWN, ATTENTION_SKIP_DOWN = "SkipDownBlock2D", "AttnSkipDownBlock2D"
SKIP_UP, ATTENTION_SKIP_UP = "SkipUpBlock2D", "AttnSkipUpBlock2D"

TINY = dict(sample_size=4, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, attention_head_dim=4)

# Together these cover every key of UNet2DModel's config.
MODELS = {
    "classic": dict(
        TINY | dict(sample_size=8), down_block_types=(DOWN, ATTENTION_DOWN), up_block_types=(ATTENTION_UP, UP),
        flip_sin_to_cos=False, freq_shift=1,
        norm_eps=1e-6, downsample_padding=0, attn_norm_num_groups=2,
    ),
    "learned-variance": dict(
        **TINY, in_channels=2, out_channels=4, down_block_types=(RESNET_DOWN, ATTENTION_DOWN),
        up_block_types=(ATTENTION_UP, RESNET_UP),
        resnet_time_scale_shift="scale_shift", num_class_embeds=5,
    ),
    "fourier": dict(
        TINY | dict(attention_head_dim=None), time_embedding_type="fourier", center_input_sample=True, act_fn="gelu",
        down_block_types=(ATTENTION_DOWN, DOWN), up_block_types=(UP, ATTENTION_UP), downsample_type="resnet",
        upsample_type="resnet",
    ),
    "learned-time": dict(
        **TINY, time_embedding_type="learned", num_train_timesteps=20, act_fn="mish", add_attention=False,
        class_embed_type="identity",
        down_block_types=(ATTENTION_DOWN, DOWN), up_block_types=(ATTENTION_UP, UP), dropout=0.3,
    ),
    "rectangular": dict(
        TINY | dict(sample_size=(4, 8), attention_head_dim=2), in_channels=1, out_channels=3, act_fn="relu",
        class_embed_type="timestep",
        time_embedding_dim=24, down_block_types=(DOWN, ATTENTION_DOWN), up_block_types=(ATTENTION_UP, ATTENTION_UP),
    ),
    "two-layers": dict(
        sample_size=8, block_out_channels=(4, 8, 8), layers_per_block=2, norm_num_groups=2, attention_head_dim=None,
        act_fn="swish",
        in_channels=1, out_channels=1, down_block_types=(DOWN, ATTENTION_DOWN, ATTENTION_DOWN),
        up_block_types=(ATTENTION_UP, ATTENTION_UP, UP),
        mid_block_scale_factor=2**0.5,
    ),
    "no-middle": dict(
        **TINY, mid_block_type=None, down_block_types=(DOWN, RESNET_DOWN), up_block_types=(RESNET_UP, ATTENTION_UP),
        upsample_type="resnet",
    ),
    "odd-widths": dict(
        sample_size=None, block_out_channels=(9, 12), layers_per_block=1, norm_num_groups=3, attention_head_dim=8,
        num_class_embeds=3,
        resnet_time_scale_shift="scale_shift", attn_norm_num_groups=6,
        down_block_types=(ATTENTION_DOWN, ATTENTION_DOWN),
        up_block_types=(UP, ATTENTION_UP),
    ),
    "one-block": dict(
        TINY | dict(block_out_channels=(8,), norm_num_groups=4), down_block_types=(ATTENTION_DOWN,),
        up_block_types=(ATTENTION_UP,),
    ),
    # Their attention has 32 groups, and so as many channels.
    "skips": dict(
        TINY | dict(block_out_channels=(32, 16), norm_num_groups=4, attention_head_dim=16), time_embedding_dim=8,
        time_embedding_type="fourier", center_input_sample=True, norm_eps=1e-6,
        mid_block_scale_factor=2**0.5, down_block_types=(ATTENTION_SKIP_DOWN, SKIP_DOWN),
        up_block_types=(SKIP_UP, ATTENTION_SKIP_UP),
    ),
    "skips-below": dict(
        TINY | dict(block_out_channels=(32, 32), norm_num_groups=4, attention_head_dim=None), time_embedding_dim=8,
        mid_block_type=None, resnet_time_scale_shift="scale_shift", act_fn="gelu",
        down_block_types=(SKIP_DOWN, ATTENTION_SKIP_DOWN), up_block_types=(ATTENTION_SKIP_UP, SKIP_UP),
    ),
}
OLD_NAMES = "two-layers"
SHARDED = "rectangular"
INPUT_SIZE = {"odd-widths": (4, 6)}
# Those with small pictures get two samples of different time and class.
ALONE = {"classic", "rectangular", "two-layers", "odd-widths", "one-block", "skips", "skips-below"}

# Beside `plain`; a selection applies to the models that have such layers.
SELECTIONS = {
    "mid": r"^mid_block\.",
    "down 1": r"^down_blocks\.1\.",
    "up 0, attention 0": r"^up_blocks\.0\.attentions\.0$",
    "all": r"",
}
# A prefix pitfall: the third of three blocks, and the second attention layer of a block.
EXTRA_SELECTIONS = {
    "two-layers": {"several": r"^(down_blocks\.2\.attentions\.1|mid_block\.attentions\.0|up_blocks\.1\.attentions\.2)$"}
}

OLD_ATTENTION_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def build(config, generator):
    model = UNet2DModel(**config).eval()
    vary(model, generator)
    return model


def inputs_of(name, config, generator):
    """The forward pass's arguments: sample, timestep, class_labels where the model takes them."""
    size = INPUT_SIZE.get(name) or config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    batch = 1 if name in ALONE else 2
    sample = torch.randn(batch, config.in_channels, height, width, generator=generator)
    timestep = torch.tensor([19, 3] if config.time_embedding_type == "learned" else [999, 37])[:batch]
    inputs = {"sample": sample, "timestep": timestep}
    if config.num_class_embeds is not None:
        inputs["class_labels"] = torch.tensor([config.num_class_embeds - 1, 0])[:batch]
    elif config.class_embed_type == "timestep":
        inputs["class_labels"] = torch.tensor([450, 7])[:batch]
    elif config.class_embed_type == "identity":
        inputs["class_labels"] = torch.randn(
            batch, config.time_embedding_dim or 4 * config.block_out_channels[0], generator=generator
        )
    return inputs


def forward(model, inputs, layers):
    """All taps of one pass, and its prediction."""
    floating = {key: x.to(model.dtype) if x.is_floating_point() else x for key, x in inputs.items()}
    with perturbed(model, layers), tapped(model) as seen:
        prediction = model(**floating).sample
    return {path: value.to(model.dtype) for path, value in seen.items()} | {"prediction": prediction}


def is_part(path):
    """Whether a tap is a block, an attention layer, or the prediction."""
    return path == "prediction" or re.search(r"^(\w+_blocks\.\d+|mid_block)(\.attentions\.\d+)?$", path)


def selections_of(name, layers):
    chosen = {}
    for label, pattern in (SELECTIONS | EXTRA_SELECTIONS.get(name, {})).items():
        found = [path for path in layers if re.search(pattern, path)]
        if found and found not in chosen.values():
            chosen[label] = found
    return chosen


def goldens(name, model, generator):
    inputs = inputs_of(name, model.config, generator)
    passes = {"plain": []} | selections_of(name, attention_layers(model))
    double = UNet2DModel.from_config(model.config).eval().double()
    double.load_state_dict(model.state_dict())
    tensors = dict(inputs)
    plain = {}
    for label, layers in passes.items():
        single = forward(model, inputs, layers)
        with truth():
            exact = forward(double, inputs, layers)
        if label == "plain":
            plain = exact
            kept = single.keys()
        else:
            kept = [path for path in single if is_part(path) and not torch.equal(exact[path], plain[path])]
        for path in kept:
            tensors |= store.both(f"{label}/{path}", single[path], exact[path])
    return tensors, passes


def use_old_names(file):
    """Renames the attention layers' weights as diffusers called them before 0.15."""
    weights = load_file(file)
    renamed = {}
    for key, value in weights.items():
        for new, old in OLD_ATTENTION_NAMES.items():
            key = re.sub(rf"(attentions\.\d+\.){re.escape(new)}\.", rf"\g<1>{old}.", key)
        renamed[key] = value
    assert renamed.keys() != weights.keys()
    save_file(renamed, file, metadata={"format": "pt"})


def make():
    root = store.fresh_folder("unets")
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    for name, config in MODELS.items():
        folder = root / name
        model = build(config, generator)
        model.save_pretrained(folder, **({"max_shard_size": "20KB"} if name == SHARDED else {}))
        if name == OLD_NAMES:
            use_old_names(folder / "diffusion_pytorch_model.safetensors")
        # What was saved is what diffusers loads.
        loaded = UNet2DModel.from_pretrained(folder).state_dict()
        assert all(torch.equal(value, loaded[key]) for key, value in model.state_dict().items())
        tensors, passes = goldens(name, model, generator)
        store.save(folder / "golden.safetensors", tensors, passes=passes)
        config_file = folder / "config.json"
        config_file.write_text(json.dumps(json.loads(config_file.read_text()), indent=2) + "\n")
    store.write_provenance(root, SEED)
