"""Goldens of whole pipelines with PAG: fixtures/goldens/text/pipelines/<name>, folders as diffusers' own pipelines save
them, of random weights.

golden.safetensors holds of each run the latents after each step and the pictures, from 0 to 1: `<run>/step.<i>/f32` and
`/f64`, `<run>/image/…`. The metadata key `runs` has the settings: what the pipeline was called with, and `mode` (which
of its pipelines it was), `seed` or `seeds`, and `tiling`. A run draws its noise from `torch.manual_seed(seed)` or one
generator for each picture, in float32, the float64 run as well. `tokens` has of some prompts the ids that each
tokenizer gives. picture.png and mask.png are what runs begin with.

The float64 run is that of truth.py; XL's autoencoder, which diffusers brings to float32 to encode whatever it is, stays
in float64.
"""
import copy
import json
import sys
from contextlib import ExitStack, contextmanager
from unittest import mock

import diffusers
import numpy
import torch
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

import autoencoders
import clip_text
import condition_unets
import store
from condition_unets import CROSS_DOWN, CROSS_UP, DOWN, UP, in_double
from provenance import write_provenance
from tokens import VOCABULARY
from truth import correctly_rounded, truth

SEED = 71
LENGTH = 12
LATENT, FACTOR = 8, 2

LETTER, OTHER = "a bold letter A", "Z"
LONG = "the letter q, in italics, of a typewriter, that is longer than a text may be"
TEXT = dict(
    vocab_size=779, hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
    max_position_embeddings=LENGTH, bos_token_id=777, eos_token_id=778, pad_token_id=778,
)
UNET = condition_unets.TINY | dict(
    sample_size=LATENT, cross_attention_dim=8, down_block_types=(CROSS_DOWN, CROSS_DOWN),
    up_block_types=(CROSS_UP, CROSS_UP),
)
XL_UNET = UNET | dict(
    cross_attention_dim=8 + 12, down_block_types=(DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, UP),
    use_linear_projection=True, transformer_layers_per_block=[1, 2],
    addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=10 + 6 * 4,
)
VAE = autoencoders.TINY | dict(sample_size=LATENT * FACTOR)
TINY_VAE = dict(
    encoder_block_out_channels=(4, 4), decoder_block_out_channels=(4, 4), num_encoder_blocks=(1, 1),
    num_decoder_blocks=(1, 1),
)
DDIM = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
    steps_offset=1,
)

# The pipeline's class, how it is saved, and its parts.
FOLDERS = {
    "sd-1": dict(kind="StableDiffusionPipeline", unet=UNET, vae=VAE),
    "sd-2": dict(
        kind="StableDiffusionPipeline", saved=dict(dtype=torch.float16, variant="fp16"),
        text=dict(hidden_act="gelu", num_hidden_layers=3), vae=VAE,
        unet=UNET | dict(attention_head_dim=[1, 2], use_linear_projection=True),
        scheduler=dict(prediction_type="v_prediction"),
    ),
    "inpainting": dict(kind="StableDiffusionInpaintPipeline", unet=UNET | dict(in_channels=9), vae=VAE),
    "lcm": dict(kind="LatentConsistencyModelPipeline", unet=UNET | dict(time_cond_proj_dim=7), vae=TINY_VAE),
    "sd-xl": dict(
        kind="StableDiffusionXLPipeline", saved=dict(dtype=torch.bfloat16), unet=XL_UNET,
        vae=VAE | dict(scaling_factor=0.13025),
    ),
}


def run(mode="text", prompt=LETTER, seed=3, steps=2, **settings):
    return dict(mode=mode, prompt=prompt, seed=seed, num_inference_steps=steps) | settings


CFG_PAG, PAG = dict(guidance_scale=3.0, pag_scale=2.0), dict(guidance_scale=1.0, pag_scale=2.0)
CFG = dict(guidance_scale=3.0, pag_scale=0.0)
RUNS = {
    "sd-1": {
        "prompts of different length": run(prompt=[LETTER, LONG], num_images_per_prompt=2, steps=3, **CFG_PAG),
        "negative prompts": run(
            prompt=[LETTER, OTHER], negative_prompt=["", LONG], height=24, width=8, guidance_rescale=0.7, clip_skip=1,
            eta=0.5, **CFG_PAG,
        ),
        "PAG alone": run(negative_prompt=OTHER, guidance_rescale=0.7, pag_adaptive_scale=2**-10, clip_skip=2, **PAG),
        "CFG alone": run(negative_prompt=OTHER, **CFG),
        "odd latents": run(latents=[1, 4, 5, 7], **CFG_PAG),
        "a seed for each": run(prompt=[LETTER, OTHER], seeds=[5, 6], eta=1.0, **CFG_PAG),
        "tiles": run(height=24, width=40, tiling=True, **PAG),
        "from a picture": run(mode="picture", steps=4, strength=0.6, eta=0.5, num_images_per_prompt=2, **CFG_PAG),
        "from a picture, a seed for each": run(
            mode="picture", prompt=[LETTER, OTHER], seeds=[5, 6], steps=3, strength=0.7, **PAG
        ),
        "from a picture, in tiles": run(mode="picture", steps=3, strength=0.7, tiling=True, large=True, **PAG),
        "repainted": run(mode="inpaint", eta=0.5, num_images_per_prompt=2, strength=1.0, **CFG_PAG),
        "repainted in part": run(mode="inpaint", steps=4, strength=0.6, eta=0.5, **PAG),
    },
    "sd-2": {"v": run(steps=3, **CFG_PAG), "from a picture": run(mode="picture", strength=0.5, steps=4, **CFG_PAG)},
    "inpainting": {
        "repainted": run(mode="inpaint", prompt=[LETTER, OTHER], eta=0.5, strength=1.0, **CFG_PAG),
        "repainted in part": run(mode="inpaint", steps=4, strength=0.6, eta=0.5, **PAG),
    },
    "lcm": {
        "a scale that is told": run(guidance_scale=4.5, pag_scale=2.0, guidance_rescale=0.7),
        "without PAG": run(prompt=[LETTER, OTHER], guidance_scale=8.5, pag_scale=0.0),
        # With PAG diffusers cuts off steps as with any scheduler; its pipeline of consistency spreads them between the
        # strength and the end.
        "from a picture": run(mode="consistency", strength=0.5, steps=4, guidance_scale=1.5, pag_scale=0.0),
    },
    "sd-xl": {
        "no negative prompt": run(prompt=[LETTER, LONG], steps=3, **CFG_PAG),
        "the empty one": run(
            negative_prompt="", original_size=[20, 30], crops_coords_top_left=[1, 2], target_size=[16, 24], width=24,
            **CFG_PAG,
        ),
        "negative prompts": run(
            prompt=[LETTER, OTHER], negative_prompt=[OTHER, LETTER], num_images_per_prompt=2, clip_skip=1,
            guidance_rescale=0.3, **CFG_PAG,
        ),
        "PAG alone": run(prompt=OTHER, **PAG),
        "from a picture": run(mode="picture", strength=0.6, steps=4, eta=0.5, **CFG_PAG),
        "repainted": run(mode="inpaint", strength=1.0, eta=0.5, num_images_per_prompt=2, **CFG_PAG),
        "repainted in part": run(mode="inpaint", steps=4, strength=0.6, **PAG),
    },
}
PAG_LAYERS = ["mid", "up_blocks.0"]
CLASSES = {
    "text": "StableDiffusion{}PAGPipeline", "picture": "StableDiffusion{}PAGImg2ImgPipeline",
    "inpaint": "StableDiffusion{}PAGInpaintPipeline",
    "consistency": "LatentConsistencyModelImg2ImgPipeline",
}


def tokenizer_of(**changed):
    tokenizer = CLIPTokenizer.from_pretrained(VOCABULARY, **changed)
    tokenizer.model_max_length = LENGTH
    return tokenizer


def varied(model, vary, generator):
    vary(model.eval(), generator)
    return model


def components(spec, generator):
    config = CLIPTextConfig(**TEXT | spec.get("text", {}))
    parts = {
        "tokenizer": tokenizer_of(), "text_encoder": varied(CLIPTextModel(config), clip_text.vary, generator),
        "unet": varied(diffusers.UNet2DConditionModel(**spec["unet"]), condition_unets.vary, generator),
        "vae": varied(
            (diffusers.AutoencoderTiny if spec["vae"] is TINY_VAE else diffusers.AutoencoderKL)(**spec["vae"]),
            autoencoders.vary, generator,
        ),
        "scheduler": diffusers.DDIMScheduler(**DDIM | spec.get("scheduler", {})),
    }
    if spec["kind"].startswith("StableDiffusionXL"):
        second = CLIPTextConfig(
            **TEXT | dict(hidden_size=12, projection_dim=10, hidden_act="gelu", num_attention_heads=3)
        )
        # XL's second tokenizer fills up with "!".
        return parts | {
            "tokenizer_2": tokenizer_of(pad_token="!"),
            "text_encoder_2": varied(CLIPTextModelWithProjection(second), clip_text.vary, generator),
        }
    if spec["kind"] == "LatentConsistencyModelPipeline":
        parts["scheduler"] = diffusers.LCMScheduler(**{key: value for key, value in DDIM.items()})
    return parts | {"safety_checker": None, "feature_extractor": None}


def save(folder, spec, parts):
    """The folder as the pipeline saves it, and the pipeline that is read from it."""
    kind = getattr(diffusers, spec["kind"])
    saved = spec.get("saved", {})
    variant = {"variant": saved["variant"]} if "variant" in saved else {}
    pipeline = kind(**parts, **({"requires_safety_checker": False} if "safety_checker" in parts else {}))
    pipeline.to(saved.get("dtype", torch.float32)).save_pretrained(folder, **variant)
    return kind.from_pretrained(folder, dtype=torch.float32, **variant)


def pipeline_of(loaded, mode, dtype):
    xl = "XL" if "XL" in type(loaded).__name__ else ""
    kind = getattr(diffusers, CLASSES[mode].format(xl))
    parts = {name: copy.deepcopy(part) for name, part in loaded.components.items() if part is not None}
    if not xl:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    others = {"pag_applied_layers": PAG_LAYERS} if "PAG" in CLASSES[mode] else {}
    pipeline = kind(**parts, **others, **({"add_watermarker": False} if xl else {})).to(dtype)
    pipeline.set_progress_bar_config(disable=True)
    if dtype == torch.float64:
        pipeline.vae.register_to_config(force_upcast=False)
        single = pipeline.scheduler.add_noise
        pipeline.scheduler.add_noise = lambda picture, noise, timesteps: noised(single, picture, noise, timesteps)
    return pipeline


def noised(add_noise, picture, noise, timesteps):
    """As img2img.noised: the factors that come from the scheduler's table are float32."""
    one, zero = torch.ones((1, 1, 1, 1)), torch.zeros((1, 1, 1, 1))
    signal, deviation = (add_noise(*pair, timesteps[:1]) for pair in ((one, zero), (zero, one)))
    return signal.to(picture.dtype) * picture + deviation.to(picture.dtype) * noise


@contextmanager
def single_draws():
    """Within it, noise is drawn in float32, whatever it is for."""
    with ExitStack() as stack:
        for module in [
            module
            for name, module in sys.modules.items() if name.startswith("diffusers.") and "randn_tensor" in vars(module)
        ]:
            draw = module.randn_tensor
            stack.enter_context(mock.patch.object(
                module, "randn_tensor",
                lambda *args, dtype=None, draw=draw, **more: draw(
                    *args, dtype=torch.float32, **more
                ).to(dtype or torch.float32)))
        yield


@contextmanager
def whole_truth():
    """truth.py, and what pipelines compute in float32: the embedding of the guidance scale."""
    with truth(), in_double(), ExitStack() as stack:
        for name in ("sin", "cos"):
            stack.enter_context(mock.patch.object(torch, name, correctly_rounded(getattr(torch, name))))
        yield


OF_THE_RUN = ("mode", "seed", "seeds", "tiling", "large", "latents")


def draw(loaded, setting, pictures, dtype):
    """The latents after each step, and the pictures."""
    pipeline = pipeline_of(loaded, setting["mode"], dtype)
    if setting.get("tiling"):
        pipeline.vae.enable_tiling()
    call = {key: value for key, value in setting.items() if key not in OF_THE_RUN}
    call |= {
        key: tuple(value)
        for key, value in call.items() if key in ("original_size", "crops_coords_top_left", "target_size")
    }
    if setting["mode"] == "consistency":
        del call["pag_scale"]
    generators = [torch.Generator().manual_seed(seed) for seed in setting.get("seeds", [setting["seed"]])]
    call["generator"] = generators if "seeds" in setting else generators[0]
    if setting["mode"] != "text":
        call["image"] = pictures["large" if setting.get("large") else "picture"]
    if setting["mode"] == "inpaint":
        call["mask_image"] = pictures["mask"]
    if "latents" in setting:
        call["latents"] = torch.randn(setting["latents"], generator=generators[0]).to(dtype)
    # With `clip_skip` these pipelines look for the norm at `text_model`, which CLIPTextModel no longer has.
    if not hasattr(pipeline.text_encoder, "text_model"):
        object.__setattr__(pipeline.text_encoder, "text_model", pipeline.text_encoder)
    seen = []

    def remember(pipe, step, timestep, values):
        assert values["latents"].dtype == dtype
        seen.append(values["latents"].clone())
        return values

    with single_draws():
        images = pipeline(**call, output_type="pt", callback_on_step_end=remember).images
    assert images.dtype == dtype
    return {f"step.{i}": latents for i, latents in enumerate(seen)} | {"image": images}


def pictures_of(root):
    rng = numpy.random.default_rng(SEED)
    pixels = lambda height, width, channels: rng.integers(
        0, 256, (height, width, channels), dtype=numpy.uint8
    ).squeeze()
    pictures = {
        "picture": Image.fromarray(pixels(16, 16, 3)), "large": Image.fromarray(pixels(24, 40, 3)),
        "mask": Image.fromarray(pixels(16, 16, 1)),
    }
    for name, picture in pictures.items():
        picture.save(root / f"{name}.png")
    return pictures


def tokens_of(loaded):
    encode = lambda tokenizer, text: tokenizer(
        text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True
    ).input_ids
    names = [name for name in ("tokenizer", "tokenizer_2") if getattr(loaded, name, None) is not None]
    return [
        {"prompt": text, "ids": [encode(getattr(loaded, name), text) for name in names]}
        for text in (LETTER, LONG, OTHER, "")
    ]


def make():
    root = store.fresh_folder("text/pipelines")
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    pictures = pictures_of(root)
    for name, spec in FOLDERS.items():
        loaded = save(root / name, spec, components(spec, generator))
        tensors = {}
        for title, setting in RUNS[name].items():
            single = draw(loaded, setting, pictures, torch.float32)
            with whole_truth():
                exact = draw(loaded, setting, pictures, torch.float64)
            for key in single:
                tensors |= store.both(f"{title}/{key}", single[key], exact[key])
        runs = {title: setting | {"pag_applied_layers": PAG_LAYERS} for title, setting in RUNS[name].items()}
        store.save(root / name / "golden.safetensors", tensors, runs=runs, tokens=tokens_of(loaded))
    write_provenance(root, SEED)
