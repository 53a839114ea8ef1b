"""Goldens of LoRA: fixtures/goldens/text/lora. A tiny pipeline of diffusers, and one and the same LoRA under all names:

- pipeline/: UNet2DConditionModel and CLIPTextModel, as save_pretrained writes them, the weights in float32
- peft.safetensors: as `StableDiffusionPipeline.save_lora_weights` writes it, with an alpha that is not the rank in its
  metadata
- diffusers.safetensors: as diffusers wrote it before PEFT (`.lora.down`, `.lora_linear_layer.down`), no alpha
- processors.safetensors: as diffusers wrote it before that (`.processor.to_q_lora.down`), the UNet's attention only, no
  alpha
- kohya.safetensors: as Kohya's scripts write it, with an alpha for each module
- authors.safetensors: the same for the UNet with the names of the authors' own UNet, as for Stable Diffusion XL
- fused.safetensors: for each file and module `<file>/<model>.<module>/f32`, the weight after `load_lora_weights` and
  `fuse_lora(lora_scale=…)`, and `/f64`, W + s·α/r·B·A in float64

diffusers 0.42.1 with PEFT. Where each module of a file has its own alpha, diffusers gives some of them another one, and
drops the text encoder's attention (findings/diffusers-kohya-text-attention.sh): those modules are listed in the
metadata key `otherwise`, and their `/f32` is W + s·α/r·B·A with one rounding of the update.
"""
import json

import diffusers
import numpy as np
import peft
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.loaders.lora_base import LORA_ADAPTER_METADATA_KEY
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import store
from provenance import write_provenance

SEED, RANK, ALPHA, SCALE = 41, 2, 6.0, 0.7
UNET = dict(
    sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
    cross_attention_dim=8, attention_head_dim=2,
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
)
TEXT = dict(
    vocab_size=40, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
    max_position_embeddings=8, projection_dim=8,
    bos_token_id=0, eos_token_id=2, pad_token_id=1,
)
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
CHOSEN = {
    "unet": lambda path: path.endswith(ATTENTION) or path.endswith((
        "ff.net.0.proj", "conv1", "proj_in", "conv_shortcut", "downsamplers.0.conv"
    )) or path == "conv_in",
    "text_encoder": lambda path: path.endswith(("q_proj", "v_proj", "fc1")),
}
# What the tiny UNet's modules are called in the authors' UNet, by hand.
AUTHORS = {
    "conv_in": "input_blocks.0.0",
    "down_blocks.0.resnets.0.conv1": "input_blocks.1.0.in_layers.2",
    "down_blocks.0.attentions.0.proj_in": "input_blocks.1.1.proj_in",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q": "input_blocks.1.1.transformer_blocks.0.attn1.to_q",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0.conv_shortcut": "input_blocks.3.0.skip_connection",
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_k": "middle_block.1.transformer_blocks.0.attn2.to_k",
    "up_blocks.0.resnets.1.conv1": "output_blocks.1.0.in_layers.2",
    "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj":
        "output_blocks.2.1.transformer_blocks.0.ff.net.0.proj",
    "up_blocks.1.attentions.1.transformer_blocks.0.attn1.to_out.0":
        "output_blocks.3.1.transformer_blocks.0.attn1.to_out.0",
}


def models():
    torch.manual_seed(SEED)
    unet = UNet2DConditionModel(**UNET).eval()
    text = CLIPTextModel(CLIPTextConfig(**TEXT)).eval()
    return {"unet": unet, "text_encoder": text}


def updates(found):
    """For each chosen module its down and up, as a Linear or a convolution has them."""
    generator = torch.Generator().manual_seed(SEED + 1)
    draw = lambda *shape: torch.randn(*shape, generator=generator) / 4
    chosen = {}
    for part, model in found.items():
        for path, module in model.named_modules():
            if not isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) or not CHOSEN[part](path):
                continue
            outputs, *inputs = module.weight.shape
            up = draw(outputs, RANK) if isinstance(module, torch.nn.Linear) else draw(outputs, RANK, 1, 1)
            chosen[part, path] = draw(RANK, *inputs), up
    return chosen


def alphas(chosen):
    """An alpha of its own for each module of a Kohya file."""
    return {key: float(1 + i % 3) for i, key in enumerate(chosen)}


def text_path(path):
    """CLIPTextModel of transformers 5 has no `text_model.` before its modules; files do."""
    return path if path.startswith("text_model.") else f"text_model.{path}"


def files(chosen):
    name = lambda part, path: f"{part}.{text_path(path) if part == 'text_encoder' else path}"
    peft_names, old, processors, kohya, authors = {}, {}, {}, {}, {}
    for (part, path), (down, up) in chosen.items():
        peft_names |= {f"{name(part, path)}.lora_A.weight": down, f"{name(part, path)}.lora_B.weight": up}
        middle = "lora_linear_layer" if part == "text_encoder" else "lora"
        old |= {f"{name(part, path)}.{middle}.down.weight": down, f"{name(part, path)}.{middle}.up.weight": up}
        if part == "unet" and path.endswith(ATTENTION):
            layer, projection = path.replace("to_out.0", "to_out").rsplit(".", 1)
            processors |= {
                f"unet.{layer}.processor.{projection}_lora.{which}.weight": x
                for which, x in (("down", down), ("up", up))
            }
        alpha = torch.tensor(alphas(chosen)[part, path])
        flat = ("lora_te_" + text_path(path) if part == "text_encoder" else "lora_unet_" + path).replace(".", "_")
        kohya |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up, f"{flat}.alpha": alpha}
        if part == "unet" and path in AUTHORS:
            flat = "lora_unet_" + AUTHORS[path].replace(".", "_")
            authors |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up, f"{flat}.alpha": alpha}
    return {"peft": peft_names, "diffusers": old, "processors": processors, "kohya": kohya, "authors": authors}


def factors(file, chosen):
    """α/r of each module of a file."""
    own = alphas(chosen)
    if file == "peft":
        return {key: ALPHA / RANK for key in chosen}
    if file in ("kohya", "authors"):
        return {key: own[key] / RANK for key in chosen if file == "kohya" or (key[0] == "unet" and key[1] in AUTHORS)}
    return {key: 1.0 for key in chosen if file == "diffusers" or (key[0] == "unet" and key[1].endswith(ATTENTION))}


def pipeline(found):
    vae = AutoencoderKL(
        block_out_channels=(4,), norm_num_groups=2, down_block_types=("DownEncoderBlock2D",),
        up_block_types=("UpDecoderBlock2D",),
    )
    return StableDiffusionPipeline(
        vae=vae, text_encoder=found["text_encoder"], tokenizer=None, unet=found["unet"], scheduler=DDIMScheduler(),
        safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )


def fused(path):
    """The weights after diffusers has loaded and fused a file."""
    pipe = pipeline(models())
    pipe.load_lora_weights(str(path.parent), weight_name=path.name)
    pipe.fuse_lora(lora_scale=SCALE)
    pipe.unload_lora_weights()
    return {
        (part, name): weight.detach()
        for part in ("unet", "text_encoder") for name, weight in getattr(pipe, part).named_parameters()
    }


def make():
    folder = store.fresh_folder("text/lora")
    found = models()
    chosen = updates(found)
    for part, model in found.items():
        model.save_pretrained(folder / "pipeline" / part)
    said = lambda part: {
        "r": RANK, "lora_alpha": ALPHA, "target_modules": [path for which, path in chosen if which == part]
    }
    metadata = {
        LORA_ADAPTER_METADATA_KEY: json.dumps({
            f"{part}.{key}": value for part in found for key, value in said(part).items()
        })
    }
    tensors, otherwise = {}, {}
    for file, content in files(chosen).items():
        path = folder / f"{file}.safetensors"
        save_file(
            {name: x.contiguous() for name, x in content.items()}, path,
            metadata={"format": "pt", **(metadata if file == "peft" else {})},
        )
        theirs = None if file == "authors" else fused(path)
        for (part, name), factor in factors(file, chosen).items():
            down, up = (x.flatten(1).double().numpy() for x in chosen[part, name])
            weight = found[part].get_submodule(name).weight.detach()
            # Large ones once are enough.
            if file != "kohya" and weight.numel() > 300:
                continue
            delta = torch.from_numpy(SCALE * factor * (up @ down)).reshape(weight.shape)
            exact = weight.double() + delta
            single = (weight + delta.float()) if theirs is None else theirs[part, f"{name}.weight"]
            if (single.double() - exact).abs().max() > 1e-5:
                otherwise.setdefault(file, []).append(f"{part}.{name}")
                single = weight + delta.float()
            tensors |= store.both(f"{file}/{part}.{name}", single, exact)
    print({file: len(names) for file, names in otherwise.items()}, len(chosen))
    store.save(folder / "fused.safetensors", tensors, scale=SCALE, otherwise=otherwise)
    write_provenance(folder, SEED, peft=peft.__version__)
