#!/usr/bin/env bash
# LoRA files of Kohya's scripts: what they say of the text encoder's attention is dropped, or the file is refused.
#
# Seen with diffusers 0.42.1, transformers 5.24.0, peft 0.21.2. load_lora_weights renames q_proj to to_q_lora, and fc1 to
# fc1.lora_linear_layer. What kind of names a file has is then guessed from any one of them: with both, lora_linear_layer
# decides, and to_q_lora, which that kind does not have, goes on as it is; no module has the name, and nothing is raised.
# Without fc1 and fc2 no kind is recognised. Kohya's scripts train both unless told otherwise.
# Output seen: q_proj and fc1: q_proj changed by 0.0, fc1 by 0.5 or so; q_proj alone: ValueError, "Could not automatically
#   infer state dict type"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 transformers==5.24.0 peft==0.21.2 torch==2.13.0 numpy==2.4.6
FOLDER=$folder "$folder/venv/bin/python" -W ignore - <<'PY'
import os

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel


def pipeline():
    """A tiny one, the same each time."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4, cross_attention_dim=8, attention_head_dim=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    text = CLIPTextModel(
        CLIPTextConfig(vocab_size=40, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=8)
    )
    return StableDiffusionPipeline(
        vae=AutoencoderKL(block_out_channels=(4,), norm_num_groups=2), text_encoder=text, tokenizer=None, unet=unet, scheduler=DDIMScheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def changes(*modules):
    """By how much each module's weight changes when a file with updates of them, and of one in the UNet, is fused."""
    torch.manual_seed(1)
    sizes = {"self_attn_q_proj": (8, 8), "mlp_fc1": (16, 8)}
    tensors = {}
    unet = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    for name, (outputs, inputs) in {unet: (16, 16), **{f"lora_te_text_model_encoder_layers_0_{m}": sizes[m] for m in modules}}.items():
        tensors[f"{name}.lora_down.weight"] = torch.randn(2, inputs)
        tensors[f"{name}.lora_up.weight"] = torch.randn(outputs, 2)
        tensors[f"{name}.alpha"] = torch.tensor(2.0)
    save_file(tensors, os.path.join(os.environ["FOLDER"], "kohya.safetensors"))
    pipe = pipeline()
    pipe.load_lora_weights(os.environ["FOLDER"], weight_name="kohya.safetensors")
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    before, after = (dict(one.text_encoder.named_parameters()) for one in (pipeline(), pipe))
    moved = {name: (after[name] - before[name]).abs().max().item() for name in before}
    return {m: next(by for name, by in moved.items() if name.replace(".", "_").endswith(f"{m}_weight")) for m in modules}


found = changes("self_attn_q_proj", "mlp_fc1")
print(found)
assert found["self_attn_q_proj"] == 0 and found["mlp_fc1"] > 0.1
try:
    changes("self_attn_q_proj")
except ValueError as error:
    print(f"ValueError: {error}")
    assert "infer state dict type" in str(error)
else:
    raise AssertionError("it was taken")
print("as seen")
PY
