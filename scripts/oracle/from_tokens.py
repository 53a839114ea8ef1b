"""Whole runs from tokens to pictures, step by step, of tiny pipelines; what diffusers' own pipelines with PAG draw of
the same is the same."""
import copy

import diffusers
import torch
from diffusers import AutoencoderKL, StableDiffusionPAGPipeline, StableDiffusionXLPAGPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

import autoencoders
import clip_text
import condition_unets
import folders
import runs
import text_parts
from guidances import setting_of
from perturbation import IdentityOfTokens, perturbed
from text_parts import BLOCK, IDS, MID, TEXT, listed, text_config, text_model, text_weights
from truth import truth

SEED = 73
EMPTY = [18, 19, 19, 19, 19, 19, 19]
BETAS = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1)
DDIM = dict(_class_name="DDIMScheduler", clip_sample=False, set_alpha_to_one=False, **BETAS)
EULER = dict(_class_name="EulerDiscreteScheduler", timestep_spacing="leading", **BETAS)
VAE = autoencoders.TINY | dict(scaling_factor=0.18215)
SD = condition_unets.TINY | dict(cross_attention_dim=12)
XL = text_parts.XL | dict(cross_attention_dim=6 + 8, projection_class_embeddings_input_dim=5 + 6 * 4)
FIRST = TEXT | dict(hidden_size=6, intermediate_size=8)
SECOND = TEXT | dict(hidden_size=8, intermediate_size=10, num_attention_heads=2, hidden_act="gelu", projection_dim=5)
SIZES = {"original": [1024, 768], "crop": [0, 16], "target": [512, 640]}

# The text encoders, the UNet, and the runs of each: title, tokens of the prompts, and settings.
PIPELINES = {
    "sd": (
        [(CLIPTextModel, TEXT)],
        SD,
        {
            "sd": (
                "Stable Diffusion 1, tiny: CFG and PAG",
                IDS[1:],
                dict(scheduler=DDIM, steps=3, guidance_scale=3.0, pag_scale=1.5, pag_layers=[f"{BLOCK}.attn1"]),
            ),
            "pag": (
                "Stable Diffusion 1, tiny: PAG without a prompt",
                [EMPTY],
                dict(
                    scheduler=DDIM,
                    steps=2,
                    pag_scale=2.0,
                    pag_layers=["down_blocks.0.attentions.0.transformer_blocks.0.attn1", f"{BLOCK}.attn1"],
                ),
            ),
        },
    ),
    "sd-xl": (
        [(CLIPTextModel, FIRST), (CLIPTextModelWithProjection, SECOND)],
        XL,
        {
            "sd-xl": (
                "Stable Diffusion XL, tiny: CFG and PAG",
                IDS[:1],
                dict(
                    scheduler=EULER,
                    steps=2,
                    guidance_scale=2.5,
                    pag_scale=1.2,
                    pag_layers=[f"{MID}.transformer_blocks.{i}.attn1" for i in range(2)],
                ),
            )
        },
    ),
}


def told(encoders, ids, is_xl):
    """The text, and, of SDXL, the embedding of the whole."""
    outputs = [encoder(input_ids=ids, output_hidden_states=True) for encoder in encoders]
    if not is_xl:
        return outputs[0].last_hidden_state, None
    return torch.cat([output.hidden_states[-2] for output in outputs], dim=-1), outputs[-1].text_embeds


def draw(parts, run, ids, noise, is_xl, dtype):
    """Everything that has a name, from tokens to the picture."""
    encoders, unet, vae = parts
    seen = {}
    for i, encoder in enumerate(encoders):
        part = f"text_encoder{f'_{i + 1}' if i else ''}"
        seen |= {
            f"{part}.{path}": value
            for path, value in text_parts.text_taps(clip_text.forward(encoder, ids)).items()
            if path.count(".") <= 2 and path != "embeddings.token_embedding"
        }
    text, embeds = told(encoders, ids, is_xl)
    empty = torch.tensor([EMPTY] * len(ids))
    negative, negative_embeds = told(encoders, empty, is_xl)
    if is_xl:
        negative, negative_embeds = torch.zeros_like(text), torch.zeros_like(embeds)
    seen |= {"encoder_hidden_states": text} | (
        {"text_embeds": embeds} if is_xl else {"negative.encoder_hidden_states": negative}
    )
    time_ids = torch.tensor([[*SIZES["original"], *SIZES["crop"], *SIZES["target"]]] * len(ids), dtype=dtype)
    scheduler = runs.scheduler_of(run)
    sample = noise.to(dtype) * scheduler.init_noise_sigma
    for i, t in enumerate(scheduler.timesteps):
        given = scheduler.scale_model_input(sample, t)

        def predict(labels=None, layers=()):
            chosen, pooled = (negative, negative_embeds) if labels else (text, embeds)
            added = {"text_embeds": pooled, "time_ids": time_ids} if is_xl else None
            with perturbed(unet, layers, IdentityOfTokens):
                return unet(given, t, encoder_hidden_states=chosen, added_cond_kwargs=added).sample

        guided, passes = runs.guide(predict, t.item(), run | {"labels": [0], "null_label": 1})
        sample = scheduler.step(guided, t, sample).prev_sample
        names = {
            "epsilon": "prediction",
            "unconditional": "unconditional.prediction",
            "perturbed": "perturbed.prediction",
        }
        seen |= {f"step.{i}.{names[key]}": value for key, value in passes.items()} | {
            f"step.{i}.guided": guided,
            f"step.{i}.sample": sample,
        }
    latents = sample / vae.config.scaling_factor
    picture = vae.decode(latents).sample
    return (
        seen | {"vae.decoder_input": latents, "vae.sample": picture, "image": (picture / 2 + 0.5).clamp(0, 1)},
        sample,
    )


def by_pipeline(parts, run, ids, noise, is_xl):
    """The latents of diffusers' own pipeline, from the same text."""
    encoders, unet, vae = parts
    scheduler = getattr(diffusers, run["scheduler"]["_class_name"]).from_config(run["scheduler"])
    modules = dict(
        vae=vae,
        text_encoder=encoders[0],
        tokenizer=None,
        unet=unet,
        scheduler=scheduler,
        pag_applied_layers=[layer.removesuffix(".attn1") for layer in run["pag_layers"]],
    )
    pipeline = (
        StableDiffusionXLPAGPipeline(text_encoder_2=encoders[1], tokenizer_2=None, **modules)
        if is_xl
        else StableDiffusionPAGPipeline(
            safety_checker=None, feature_extractor=None, requires_safety_checker=False, **modules
        )
    )
    pipeline.set_progress_bar_config(disable=True)
    text, embeds = told(encoders, ids, is_xl)
    negative, _ = told(encoders, torch.tensor([EMPTY] * len(ids)), is_xl)
    prompts = dict(prompt_embeds=text, negative_prompt_embeds=torch.zeros_like(text) if is_xl else negative)
    if is_xl:
        prompts |= dict(pooled_prompt_embeds=embeds, negative_pooled_prompt_embeds=torch.zeros_like(embeds))
        prompts |= dict(
            original_size=tuple(SIZES["original"]),
            crops_coords_top_left=tuple(SIZES["crop"]),
            target_size=tuple(SIZES["target"]),
        )
    return pipeline(
        **prompts,
        latents=noise.clone(),
        num_inference_steps=run["steps"],
        guidance_scale=run.get("guidance_scale", 1.0),
        pag_scale=run["pag_scale"],
        height=8,
        width=8,
        output_type="latent",
    ).images


def make():
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    for pipeline, (texts, unet_config, cases) in PIPELINES.items():
        is_xl = len(texts) > 1
        encoders, wide = zip(*(text_model(kind, config, generator) for kind, config in texts))
        unet, vae = UNet2DConditionModel(**unet_config).eval(), AutoencoderKL(**VAE).eval()
        condition_unets.vary(unet, generator)
        autoencoders.vary(vae, generator)
        single = (encoders, unet, vae)
        double = (wide, copy.deepcopy(unet).double(), copy.deepcopy(vae).double())
        weights = {}
        for i, encoder in enumerate(encoders):
            weights |= {
                f"text_encoder{f'_{i + 1}' if i else ''}.{key}": value for key, value in text_weights(encoder).items()
            }
        weights |= {f"unet.{key}": value for key, value in unet.state_dict().items()}
        # Runs only decode.
        weights |= {f"vae.{key}": value for key, value in vae.state_dict().items() if text_parts.is_of("decode", key)}
        for name, (title, ids, run) in cases.items():
            ids = torch.tensor(ids)
            noise = torch.randn(len(ids), 4, 4, 4, generator=generator)
            results, latents = draw(single, run, ids, noise, is_xl, torch.float32)
            with truth():
                exact, _ = draw(double, run, ids, noise, is_xl, torch.float64)
            theirs = by_pipeline(single, run, ids, noise, is_xl)
            assert torch.allclose(latents, theirs, rtol=1e-4, atol=1e-4), (latents - theirs).abs().max()
            negative = [EMPTY] * len(ids)
            subject = {
                "kind": "text-to-image",
                "text_encoders": [
                    {"config": text_config(kind, config), "input_ids": ids.tolist(), "negative_input_ids": negative}
                    for kind, config in texts
                ],
                "hidden_state": "penultimate" if is_xl else "last",
                "zero_negative": is_xl,
                "sizes": SIZES if is_xl else None,
                "unet": listed(unet_config),
                "vae": listed(VAE),
                "scheduler": run["scheduler"],
                "steps": run["steps"],
                "eta": 0.0,
                "guidance": setting_of(run),
            }
            own = name == pipeline
            folders.write(
                f"text-to-image/{name}",
                title,
                subject,
                {"noise": noise},
                weights if own else {},
                {path: (results[path], exact[path]) for path in results},
                model=None if own else f"text-to-image/{pipeline}",
            )
