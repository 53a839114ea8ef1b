"""Goldens of whole UNet2DConditionModels: fixtures/goldens/text/unets/<name>, a folder as save_pretrained writes it,
with golden.safetensors.

golden.safetensors holds the inputs by the names of the forward pass's arguments (those of added_cond_kwargs by their
own), and for each pass the prediction and the output of every module: `<pass>/<module path>/f32` and `/f64`; the
prediction is `<pass>/prediction/…`. The pass `plain` has all taps; the others, with the identity perturbation in the
self-attention layers that the metadata key `passes` lists, have those of the blocks and of these layers, as far as they
differ from `plain`.
"""
import json
import re
from contextlib import contextmanager
from unittest import mock

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import PAGIdentitySelfAttnProcessor2_0

import store
from perturbation import IdentityOfTokens, perturbed
from provenance import write_provenance
from taps import tapped
from truth import truth

SEED = 53

DOWN, CROSS_DOWN = "DownBlock2D", "CrossAttnDownBlock2D"
RESNET_DOWN, SIMPLE_DOWN = "ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"
UP, CROSS_UP = "UpBlock2D", "CrossAttnUpBlock2D"
RESNET_UP, SIMPLE_UP = "ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"
SIMPLE_MID = "UNetMidBlock2DSimpleCrossAttn"

TINY = dict(
    sample_size=4, in_channels=4, out_channels=4, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
    cross_attention_dim=6,
    down_block_types=(CROSS_DOWN, DOWN), up_block_types=(UP, CROSS_UP), attention_head_dim=2,
)

# Together these cover every key of UNet2DConditionModel's config.
MODELS = {
    # `attention_head_dim` is the number of heads: two of 2 channels, then two of 4.
    "sd-1": TINY | dict(sample_size=6, down_block_types=(CROSS_DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, CROSS_UP)),
    # The keys of ResNet blocks apart mean nothing to blocks of this kind.
    "sd-2": TINY | dict(
        attention_head_dim=[1, 4], use_linear_projection=True, upcast_attention=True,
        transformer_layers_per_block=[2, 1], dropout=0.2,
        resnet_skip_time_act=True, resnet_out_scale_factor=2.0,
    ),
    "sd-xl": TINY | dict(
        sample_size=(8, 4),
        block_out_channels=(4, 8, 8), down_block_types=(DOWN, CROSS_DOWN, CROSS_DOWN),
        up_block_types=(CROSS_UP, CROSS_UP, UP), attention_head_dim=[1, 2, 4],
        transformer_layers_per_block=[1, 2, 3], use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=5 + 6 * 4,
    ),
    "odd-size-masked": TINY | dict(
        sample_size=None, block_out_channels=(4, 4, 8), down_block_types=(CROSS_DOWN, CROSS_DOWN, DOWN),
        up_block_types=(UP, CROSS_UP, CROSS_UP),
        num_class_embeds=3, act_fn="mish",
    ),
    "only-cross": TINY | dict(
        only_cross_attention=[True, False], down_block_types=(CROSS_DOWN, CROSS_DOWN),
        up_block_types=(CROSS_UP, CROSS_UP), mid_block_type="UNetMidBlock2D",
        class_embed_type="projection", projection_class_embeddings_input_dim=3, class_embeddings_concat=True,
        layers_per_block=[1, 2],
        resnet_skip_time_act=True, resnet_out_scale_factor=2.0,
    ),
    "distilled": TINY | dict(
        time_cond_proj_dim=6, timestep_post_act="gelu", time_embedding_act_fn="swish", act_fn="gelu",
        flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6,
        mid_block_scale_factor=2**0.5, time_embedding_dim=12, class_embed_type="timestep",
    ),
    "inpainting": TINY | dict(
        in_channels=9, downsample_padding=0, sample_size=(4, 6), class_embed_type="identity",
        resnet_time_scale_shift="scale_shift", act_fn="relu",
    ),
    "pixels": TINY | dict(
        down_block_types=(SIMPLE_DOWN, RESNET_DOWN), mid_block_type=SIMPLE_MID, up_block_types=(RESNET_UP, SIMPLE_UP),
        attention_head_dim=4,
        cross_attention_dim=32, encoder_hid_dim=8, addition_embed_type="text", addition_embed_type_num_heads=2,
        cross_attention_norm="group_norm",
        resnet_skip_time_act=True, resnet_out_scale_factor=2**0.5, resnet_time_scale_shift="scale_shift",
        time_embedding_act_fn="gelu",
    ),
    "of-a-picture": TINY | dict(
        down_block_types=(RESNET_DOWN, SIMPLE_DOWN), mid_block_type=SIMPLE_MID, up_block_types=(SIMPLE_UP, RESNET_UP),
        attention_head_dim=2,
        encoder_hid_dim=5, encoder_hid_dim_type="image_proj", addition_embed_type="image",
        mid_block_only_cross_attention=True,
    ),
    "of-text-and-picture": TINY | dict(
        sample_size=(8, 4),
        block_out_channels=(4, 4, 8), down_block_types=(DOWN, CROSS_DOWN, CROSS_DOWN),
        up_block_types=(CROSS_UP, CROSS_UP, UP), mid_block_type=None,
        transformer_layers_per_block=[0, [1], [2]], reverse_transformer_layers_per_block=[[2, 1], [0, 1], 1],
        encoder_hid_dim=5,
        encoder_hid_dim_type="text_image_proj", addition_embed_type="text_image", time_embedding_type="fourier",
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=3, center_input_sample=True, conv_in_kernel=5, conv_out_kernel=1,
    ),
}
INPUT_SIZE = {"odd-size-masked": (5, 3)}
# These get two samples of different time and condition.
IN_PAIRS = {"odd-size-masked", "pixels", "of-a-picture"}
MASKED = {"odd-size-masked", "only-cross", "pixels"}
TOKENS = 5

# Beside `plain`; a selection applies to the models that have such layers. Self-attention alone is ever perturbed.
SELECTIONS = {
    "mid": r"^mid_block\.",
    "up 0, attention 0": r"^up_blocks\.0\.attentions\.0\.",
    "all": r"",
}


def vary(module, generator):
    """
    As layers.vary, but that the maps, neither flat nor nearly one-hot, come of tokens that a norm has made large: where
    a few numbers of a map are all of it, so are their roundings, and whose are smaller is chance.
    """
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:
            parameter.add_(0.25 * torch.randn(parameter.shape, generator=generator))
        elif any(part in name for part in ("to_q", "to_k")):
            parameter.mul_(2)


@contextmanager
def in_double():
    """Within it, what diffusers computes in float32 for stability (the softmax of AttentionPooling) is computed in
    float64 for a float64 model."""
    single = torch.Tensor.float
    with mock.patch.object(torch.Tensor, "float", lambda x: x if x.dtype == torch.float64 else single(x)):
        yield


def self_attention_layers(model):
    """The paths of the layers that PAG may perturb."""
    blocks = [(path, module) for path, module in model.named_modules() if isinstance(module, BasicTransformerBlock)]
    return [f"{path}.attn1" for path, block in blocks if not block.only_cross_attention]


def is_as_in_pag(model, layer, generator):
    """Whether the identity does what diffusers' PAG does with the second half of a batch."""
    module = model.get_submodule(layer)
    x = torch.randn(1, 6, module.query_dim, generator=generator)
    with perturbed(model, [layer], IdentityOfTokens):
        ours = module(x)
    kept, module.processor = module.processor, PAGIdentitySelfAttnProcessor2_0()
    theirs = module(torch.cat([x, x])).chunk(2)[1]
    module.processor = kept
    return torch.allclose(ours, theirs, rtol=0, atol=1e-6)


def inputs_of(name, config, g):
    """The forward pass's arguments."""
    size = INPUT_SIZE.get(name) or config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    batch = 2 if name in IN_PAIRS else 1
    text_size = config.encoder_hid_dim or config.cross_attention_dim
    inputs = {
        "sample": torch.randn(batch, config.in_channels, height, width, generator=g),
        "timestep": torch.tensor([999, 37])[:batch],
    }
    if config.encoder_hid_dim_type != "image_proj":
        inputs["encoder_hidden_states"] = torch.randn(batch, TOKENS, text_size, generator=g)
    if name in MASKED:
        inputs["encoder_attention_mask"] = torch.tensor([[1.0, 1, 0, 1, 0], [1, 1, 1, 1, 1]])[:batch]
    if config.num_class_embeds is not None:
        inputs["class_labels"] = torch.tensor([config.num_class_embeds - 1, 0])[:batch]
    elif config.class_embed_type == "timestep":
        inputs["class_labels"] = torch.tensor([450, 7])[:batch]
    elif config.class_embed_type == "identity":
        inputs["class_labels"] = torch.randn(batch, 4 * config.block_out_channels[0], generator=g)
    elif config.class_embed_type is not None:
        inputs["class_labels"] = torch.randn(batch, config.projection_class_embeddings_input_dim, generator=g)
    if config.time_cond_proj_dim is not None:
        inputs["timestep_cond"] = torch.randn(batch, config.time_cond_proj_dim, generator=g)
    if config.addition_embed_type == "text_time":
        inputs["text_embeds"] = torch.randn(
            batch, config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim, generator=g
        )
        inputs["time_ids"] = torch.tensor([[1024.0, 768, 0, 16, 512, 640]])[:batch]
    if config.addition_embed_type == "text_image":
        inputs["text_embeds"] = torch.randn(batch, config.cross_attention_dim, generator=g)
    if config.addition_embed_type in ("image", "text_image"):
        size = config.cross_attention_dim if config.addition_embed_type == "text_image" else config.encoder_hid_dim
        inputs["image_embeds"] = torch.randn(batch, size, generator=g)
    return inputs


ADDED = ("text_embeds", "time_ids", "image_embeds")


def forward(model, inputs, layers):
    """All taps of one pass, and its prediction."""
    cast = {key: x.to(model.dtype) if x.is_floating_point() else x for key, x in inputs.items()}
    added = {key: cast[key] for key in ADDED if key in cast}
    others = {key: x for key, x in cast.items() if key not in ADDED}
    others.setdefault("encoder_hidden_states", None)
    with perturbed(model, layers, IdentityOfTokens), tapped(model, inputs.get("encoder_attention_mask")) as seen:
        prediction = model(**others, added_cond_kwargs=added).sample
    return {path: value.to(model.dtype) for path, value in seen.items()} | {"prediction": prediction}


def is_part(path):
    """Whether a tap is a block, a transformer, a layer that may be perturbed, or the prediction."""
    return path == "prediction" or re.search(
        r"^(\w+_blocks\.\d+|mid_block)(\.attentions\.\d+(\.transformer_blocks\.\d+\.attn1)?)?$", path
    )


def selections_of(layers):
    chosen = {}
    for label, pattern in SELECTIONS.items():
        found = [path for path in layers if re.search(pattern, path)]
        if found and found not in chosen.values():
            chosen[label] = found
    return chosen


def goldens(name, model, generator):
    inputs = inputs_of(name, model.config, generator)
    layers = self_attention_layers(model)
    assert all(is_as_in_pag(model, layer, generator) for layer in layers)
    passes = {"plain": []} | selections_of(layers)
    double = UNet2DConditionModel.from_config(model.config).eval().double()
    double.load_state_dict(model.state_dict())
    tensors = dict(inputs)
    plain = {}
    for label, chosen in passes.items():
        single = forward(model, inputs, chosen)
        with truth(), in_double():
            exact = forward(double, inputs, chosen)
        if label == "plain":
            plain = exact
            kept = single.keys()
        else:
            kept = [path for path in single if is_part(path) and not torch.equal(exact[path], plain[path])]
        for path in kept:
            tensors |= store.both(f"{label}/{path}", single[path], exact[path])
    return tensors, passes


def make():
    root = store.fresh_folder("text/unets")
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    for name, config in MODELS.items():
        folder = root / name
        model = UNet2DConditionModel(**config).eval()
        vary(model, generator)
        model.save_pretrained(folder)
        tensors, passes = goldens(name, model, generator)
        store.save(folder / "golden.safetensors", tensors, passes=passes)
        config_file = folder / "config.json"
        config_file.write_text(json.dumps(json.loads(config_file.read_text()), indent=2) + "\n")
    write_provenance(root, SEED)
