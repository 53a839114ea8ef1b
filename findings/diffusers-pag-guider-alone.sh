#!/usr/bin/env bash
# The guider PerturbedAttentionGuidance without classifier-free guidance is classifier-free guidance, and no PAG.
#
# Seen with diffusers 0.42.1. With guidance_scale=1 the guider has two passes, and calls the second one the perturbed
# one; but that one is given the negative prompt, and no layer of it is perturbed (only passes 1 and 3 are
# "conditional"). So what comes out is ε(∅) + s (ε(c) − ε(∅)), s being perturbed_guidance_scale. Nothing is said.
# SkipLayerGuidance, of which the lines are copied, does the same. With guidance_scale=5, in three passes, PAG is PAG.
# Output seen: PAG and CFG together are the formula within 1e-5; PAG alone differs from it by 0.29, and from CFG by 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from diffusers import LayerSkipConfig, UNet2DConditionModel, logging
from diffusers.guiders import PerturbedAttentionGuidance, SkipLayerGuidance
from diffusers.models.attention_processor import PAGIdentitySelfAttnProcessor2_0

logging.set_verbosity_error()
torch.set_grad_enabled(False)
torch.manual_seed(0)
unet = UNet2DConditionModel(
    sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=8,
    attention_head_dim=2, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
).eval()  # fmt: skip
sample, given, negative = torch.randn(1, 4, 8, 8), torch.randn(1, 5, 8), torch.randn(1, 5, 8)
layers = "mid_block.attentions.0.transformer_blocks"
s = 3.0


def predict(text, copies=1):
    return unet(torch.cat([sample] * copies), 500, encoder_hidden_states=torch.cat([text] * copies)).sample[-1:]


def guided(guider):
    """A step as the modular pipelines take it."""
    guider.set_state(step=5, num_inference_steps=50, timestep=torch.tensor(500))
    batches = guider.prepare_inputs({"encoder_hidden_states": (given, negative)})
    for batch in batches:
        guider.prepare_models(unet)
        batch.noise_pred = predict(batch.encoder_hidden_states)
        guider.cleanup_models(unet)
    return guider(batches).pred


def pag(guidance_scale):
    config = LayerSkipConfig(indices=[0], fqn=layers, skip_attention=False, skip_attention_scores=True, skip_ff=False)
    window = dict(perturbed_guidance_start=0.0, perturbed_guidance_stop=1.0)
    return PerturbedAttentionGuidance(guidance_scale, s, perturbed_guidance_config=config, **window)


def slg(guidance_scale):
    window = dict(skip_layer_guidance_start=0.0, skip_layer_guidance_stop=1.0)
    return SkipLayerGuidance(guidance_scale, s, skip_layer_config=LayerSkipConfig(indices=[0], fqn=layers), **window)


def apart(a, b):
    return (a - b).abs().max().item()


asked, unasked = predict(given), predict(negative)
# The perturbed pass, by the processor of the PAG pipelines: the second half of its batch is perturbed.
attention = unet.mid_block.attentions[0].transformer_blocks[0].attn1
plain, attention.processor = attention.processor, PAGIdentitySelfAttnProcessor2_0()
perturbed = predict(given, copies=2)
attention.processor = plain

both = apart(guided(pag(5.0)), unasked + 5 * (asked - unasked) + s * (asked - perturbed))
print("PAG and CFG together, from the formula:", both)
assert both < 1e-5
cfg = unasked + s * (asked - unasked)
for name, guider in (("PAG", pag(1.0)), ("SLG", slg(1.0))):
    alone = guided(guider)
    far, near = apart(alone, asked + s * (asked - perturbed)), apart(alone, cfg)
    print(name, "alone, from PAG's formula:", far, "from CFG:", near)
    assert near < 1e-6 < 0.1 < far
print("as seen")
PY
