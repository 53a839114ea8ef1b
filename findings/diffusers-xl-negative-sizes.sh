#!/usr/bin/env bash
# StableDiffusionXLPipeline: with negative_original_size and more than one picture, pictures get one another's sizes.
#
# Seen with diffusers 0.42.1; StableDiffusionXLPAGPipeline has the same lines. The time ids of no prompt and of the prompt are
# joined first, one row each, and only then repeated for the pictures: [no, yes, no, yes], while the batch is
# [no, no, yes, yes]. So one picture of two is drawn from the prompt with the negative size, and without the prompt with
# the positive one. Nothing is said; drawn one by one the pictures are others. (The pipeline of inpainting repeats
# first, and is right.)
# Output seen, between pictures drawn together and alone: without negative sizes 0.0000 and 0.0000; with them 1.8453 and
#   0.9786
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 transformers==5.24.0 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

torch.manual_seed(0)
unet = UNet2DConditionModel(
    sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=8, attention_head_dim=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=8 + 6 * 8,
)  # fmt: skip
vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
pipeline = StableDiffusionXLPipeline(vae, None, None, None, None, unet, DDIMScheduler(), add_watermarker=False)
pipeline.set_progress_bar_config(disable=True)
text = torch.randn(1, 4, 8)
words = dict(
    prompt_embeds=text, negative_prompt_embeds=-text, pooled_prompt_embeds=text[:, 0], negative_pooled_prompt_embeds=-text[:, 0],
    height=8, width=8, num_inference_steps=2, guidance_scale=5.0, output_type="latent",
)  # fmt: skip
seeded = lambda *seeds: [torch.Generator().manual_seed(seed) for seed in seeds]


def distances(**sizes):
    """How far each of two pictures is from the same one drawn alone."""
    both = pipeline(**words, **sizes, num_images_per_prompt=2, generator=seeded(1, 2)).images
    alone = [pipeline(**words, **sizes, generator=seeded(seed)).images[0] for seed in (1, 2)]
    return [(one - other).abs().max().item() for one, other in zip(both, alone)]


plain = distances()
sized = distances(negative_original_size=(512, 512), negative_target_size=(1024, 1024))
print("without negative sizes: {:.4f} and {:.4f}; with them {:.4f} and {:.4f}".format(*plain, *sized))
assert max(plain) < 1e-4 and max(sized) > 1e-2
print("as seen")
PY
