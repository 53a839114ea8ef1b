#!/usr/bin/env bash
# StableDiffusionPipeline with clip_skip: an AttributeError with transformers 5.
#
# Seen with diffusers 0.42.1 and transformers 5.24.0. With clip_skip the pipelines of Stable Diffusion 1 and 2 (PAG's
# too) norm the hidden state by text_encoder.text_model.final_layer_norm; since transformers 5 CLIPTextModel has its
# layers itself, and no text_model. XL, which does not norm, is not concerned.
# Output seen: without clip_skip [1, 9, 8]; with it 'CLIPTextModel' object has no attribute 'text_model'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 transformers==5.24.0 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
from types import SimpleNamespace

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

encoder = CLIPTextModel(CLIPTextConfig(
    vocab_size=20, hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=9,
    bos_token_id=18, eos_token_id=19, pad_token_id=19,
))  # fmt: skip
unet = UNet2DConditionModel(block_out_channels=(8, 8), down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, norm_num_groups=4)
parts = dict(vae=AutoencoderKL(block_out_channels=(8,), norm_num_groups=4), unet=unet, scheduler=DDIMScheduler())
pipeline = StableDiffusionPipeline(
    text_encoder=encoder, tokenizer=None, safety_checker=None, feature_extractor=None, requires_safety_checker=False, **parts,
)  # fmt: skip


class Tokenizer:
    """Stands in for a tokenizer: every text is its begin and its end."""

    model_max_length = 9

    def tokenize(self, text):
        return []

    def __call__(self, text, **options):
        return SimpleNamespace(input_ids=torch.tensor([[18, 4] + [19] * 7]))


pipeline.tokenizer = Tokenizer()
embeds, _ = pipeline.encode_prompt("a", torch.device("cpu"), 1, False)
print("without clip_skip", list(embeds.shape))
try:
    pipeline.encode_prompt("a", torch.device("cpu"), 1, False, clip_skip=1)
    raise SystemExit("clip_skip=1 did not fail")
except AttributeError as error:
    print("with it", error)
    assert "text_model" in str(error)
print("as seen")
PY
