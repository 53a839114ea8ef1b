#!/usr/bin/env bash
# A PAG pipeline that is interrupted leaves its UNet perturbed, and other pipelines draw with it without a word.
#
# Seen with diffusers 0.42.1. The PAG pipelines put their attention processors into the UNet, and the old ones back when
# the last step is done, but not when a step ends in an exception: Ctrl-C in a notebook, a callback that raises, memory
# that ran out. A plain pipeline of the same UNet (as from_pipe makes it) then perturbs the second half of its batch,
# the pass with the prompt. After a PAG run with CFG it fails: "not enough values to unpack (expected 3, got 2)".
# Output seen: a plain picture drawn before and after an interrupted PAG run without CFG differs by 2.0; after one with
#   CFG: not enough values to unpack (expected 3, got 2)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 transformers==5.24.0 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPAGPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)

torch.manual_seed(0)
unet = UNet2DConditionModel(
    sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=8,
    attention_head_dim=2, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
).eval()  # fmt: skip
parts = dict(
    vae=AutoencoderKL(block_out_channels=(8,), norm_num_groups=4), unet=unet, scheduler=DDIMScheduler(),
    text_encoder=None, tokenizer=None, safety_checker=None, feature_extractor=None, requires_safety_checker=False,
)  # fmt: skip
text = dict(prompt_embeds=torch.randn(1, 4, 8), negative_prompt_embeds=torch.randn(1, 4, 8))
plain, pag = StableDiffusionPipeline(**parts), StableDiffusionPAGPipeline(**parts, pag_applied_layers="mid")


def draw(pipeline, **options):
    pipeline.set_progress_bar_config(disable=True)
    seeded = torch.Generator().manual_seed(0)
    size = dict(height=8, width=8, num_inference_steps=2, output_type="latent")
    return pipeline(**text, **size, **options, generator=seeded).images


def interrupt(*of_step):
    raise KeyboardInterrupt


def draw_interrupted(guidance_scale):
    try:
        draw(pag, guidance_scale=guidance_scale, pag_scale=3.0, callback_on_step_end=interrupt)
    except KeyboardInterrupt:
        return
    raise AssertionError("it was not interrupted")


before = draw(plain, guidance_scale=5.0)
assert torch.equal(before, draw(plain, guidance_scale=5.0))
draw(pag, guidance_scale=0.0, pag_scale=3.0)
assert torch.equal(before, draw(plain, guidance_scale=5.0))
draw_interrupted(guidance_scale=0.0)
after = draw(plain, guidance_scale=5.0)
print("a plain picture, before and after an interrupted PAG run:", (after - before).abs().max().item())
assert (after - before).abs().max() > 0.1
draw_interrupted(guidance_scale=5.0)
try:
    draw(plain, guidance_scale=5.0)
    raise AssertionError("a plain picture was drawn")
except ValueError as error:
    print("after one with CFG:", error)
    assert "expected 3, got 2" in str(error)
print("as seen")
PY
