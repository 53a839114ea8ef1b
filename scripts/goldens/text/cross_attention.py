"""Goldens of guidances that act in cross-attention: fixtures/goldens/text/cross/cross.safetensors.

The tiny UNet2DConditionModel of lora.py, its attention to the text written out in a processor, as NAG (arXiv
2505.21179) and PLADIS (arXiv 2503.07677) have it. `<case>/f32` and `/f64` are what the model predicts in a single pass.
"""
import math

import torch
from diffusers import UNet2DConditionModel

import guidance_attention as mixers
import store
from provenance import write_provenance
from truth import truth

SEED = 59


class Asking:
    """Attention to a text, in which `read` says what the pixels have from it."""

    def __init__(self, read, other=None):
        self.read, self.other = read, other

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        heads = lambda x: x.unflatten(2, (attn.heads, -1)).transpose(1, 2)
        q = heads(attn.to_q(hidden_states))
        texts = [encoder_hidden_states] + ([] if self.other is None else [self.other.to(hidden_states.dtype)])
        asked = [(heads(attn.to_k(text)), heads(attn.to_v(text))) for text in texts]
        return attn.to_out[0](self.read(q, asked))


side_by_side = lambda x: x.transpose(1, 2).flatten(2)


def pladis(scale, alpha):
    return lambda q, asked: side_by_side(mixers.sparse_attention(scale, alpha)(q, *asked[0], None))


def nag(phi, tau, alpha):
    attend = lambda q, kv: side_by_side(mixers.softmax(q, *kv, None))
    return lambda q, asked: mixers.normalized(attend(q, asked[0]), attend(q, asked[1]), phi, tau, alpha)


# name: guidance, its parameters as our registry calls them, and what the pixels read; of which layers.
CASES = {
    "pladis": ("pladis", dict(pladisScale=2), pladis(2, 1.5), "attn2"),
    "pladis-sparsemax": ("pladis", dict(pladisScale=1.5, pladisAlpha="2"), pladis(1.5, 2), "attn2"),
    "pladis-mid": (
        "pladis", dict(pladisScale=3, pladisLayers=["cross:mid"]), pladis(3, 1.5),
        "mid_block.attentions.0.transformer_blocks.0.attn2",
    ),
    "nag": ("nag", dict(nagScale=4), nag(4, 2.5, 0.25), "attn2"),
    "nag-cut": ("nag", dict(nagScale=10, nagTau=1.1, nagAlpha=0.8), nag(10, 1.1, 0.8), "attn2"),
    "nag-up": ("nag", dict(nagScale=2, nagTau=1.5, nagAlpha=1, nagLayers=["cross:up"]), nag(2, 1.5, 1), "up_blocks"),
}


def make():
    folder = store.fresh_folder("text/cross")
    generator = torch.Generator().manual_seed(SEED)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    inputs = {"sample": draw(2, 4, 8, 8), "text": 2 * draw(2, 7, 8), "other": 2 * draw(2, 5, 8)}
    timestep = 400
    run = lambda unet: unet(inputs["sample"].to(unet.dtype), timestep, inputs["text"].to(unet.dtype)).sample
    tensors, listed = dict(inputs), []
    for name, (guidance, parameters, read, place) in CASES.items():
        results = []
        for dtype in (torch.float32, torch.float64):
            unet = UNet2DConditionModel.from_pretrained(
                store.GOLDENS / "text" / "lora" / "pipeline" / "unet"
            ).eval().to(dtype)
            chosen = [path for path, _ in unet.named_modules() if path.endswith("attn2") and place in path]
            assert chosen, place
            for path in chosen:
                unet.get_submodule(path).set_processor(Asking(read, inputs["other"]))
            if dtype == torch.float64:
                with truth():
                    results.append(run(unet))
            else:
                results.append(run(unet))
        tensors |= store.both(name, *results)
        listed.append({"name": name, "guidance": guidance, "parameters": parameters})
    store.save(folder / "cross.safetensors", tensors, cross={"timestep": timestep, "cases": listed})
    write_provenance(folder, SEED)
