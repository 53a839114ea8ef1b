#!/usr/bin/env bash
# Skipping a block of Flux or QwenImage gives the text on as the picture, and the picture as the text.
#
# Seen with diffusers 0.42.1. What stands in for a skipped block (apply_layer_skip, and with it SkipLayerGuidance)
# returns (picture, text). The blocks of Flux and QwenImage return (text, picture), and diffusers' own table of blocks
# says so; the stand-in does not look. With as many tokens of text as of picture nothing is said, and the next block
# works on the wrong ones. With other numbers QwenImage fails over sizes, and Flux predicts as many tokens of picture as
# there were of text. (With the attention alone, or its map, to be skipped, as PAG does, Flux fails in any case.)
# Output seen, of 16 tokens of picture: swapped with 16 of text, both models; with 7 of text Flux predicts 7 tokens, and
#   QwenImage says "The size of tensor a (7) must match the size of tensor b (16)"; PAG on Flux: 'FluxAttention' object
#   has no attribute 'is_cross_attention'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from diffusers import FluxTransformer2DModel, LayerSkipConfig, QwenImageTransformer2DModel
from diffusers.hooks import apply_layer_skip

torch.set_grad_enabled(False)
torch.manual_seed(0)


def flux():
    return FluxTransformer2DModel(
        in_channels=4, num_layers=2, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, pooled_projection_dim=16, axes_dims_rope=[4, 4, 8],
    ).eval()  # fmt: skip


def qwen():
    return QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, axes_dims_rope=(8, 4, 4),
    ).eval()  # fmt: skip


def run(model, text_tokens):
    """Pictures of 4 × 4 tokens."""
    picture, text = torch.randn(1, 16, model.config.in_channels), torch.randn(1, text_tokens, 16)
    if isinstance(model, FluxTransformer2DModel):
        ids = dict(img_ids=torch.zeros(16, 3), txt_ids=torch.zeros(text_tokens, 3))
        more = dict(pooled_projections=torch.randn(1, 16), **ids)
    else:
        mask = torch.ones(1, text_tokens, dtype=torch.long)
        more = dict(encoder_hidden_states_mask=mask, img_shapes=[(1, 4, 4)])
    return model(hidden_states=picture, encoder_hidden_states=text, timestep=torch.tensor([0.5]), **more)


for make in (flux, qwen):
    model = make()
    apply_layer_skip(model, LayerSkipConfig(indices=[0], fqn="transformer_blocks"))
    seen = []

    def keep(module, args, given):
        seen.append((given["hidden_states"], given["encoder_hidden_states"]))

    handles = [block.register_forward_pre_hook(keep, with_kwargs=True) for block in model.transformer_blocks]
    run(model, 16)
    for handle in handles:
        handle.remove()
    (picture, text), (next_picture, next_text) = seen
    swapped = torch.equal(next_picture, text) and torch.equal(next_text, picture)
    print(make.__name__, "behind a skipped block, with 16 tokens of each: picture and text are swapped:", swapped)
    assert swapped
    try:
        print(make.__name__, "with 7 of text: a prediction for", run(model, 7).sample.shape[1], "tokens of picture")
    except RuntimeError as error:
        print(make.__name__, "with 7 of text:", error)
try:
    of_pag = dict(skip_attention=False, skip_attention_scores=True, skip_ff=False)
    apply_layer_skip(flux(), LayerSkipConfig(indices=[0], fqn="transformer_blocks", **of_pag))
    raise SystemExit("PAG on Flux did not fail")
except AttributeError as error:
    print("PAG on Flux:", error)
print("as seen")
PY
