"""Schedulers of diffusers, step by step, with model outputs that are data."""
from contextlib import contextmanager
from unittest import mock

import diffusers
import torch
from diffusers.schedulers import scheduling_ddpm, scheduling_euler_ancestral_discrete

import folders
from truth import truth

SEED = 53
SHAPE = (2, 2, 3, 4)
STEPS = 5
NOISED_AT = 1

EULER, SMALL = (
    dict(_class_name="EulerDiscreteScheduler"),
    dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
)
DDIM, DDPM = dict(_class_name="DDIMScheduler"), dict(_class_name="DDPMScheduler")
CASES = {
    "ddim": (DDIM | dict(clip_sample=False), 0.0, "DDIM"),
    "ddim-clipped": (DDIM, 0.0, "DDIM, x̂₀ clipped"),
    "ddim-eta": (DDIM | dict(clip_sample=False), 0.8, "DDIM with noise, η = 0.8"),
    "ddim-v": (
        DDIM | dict(prediction_type="v_prediction", clip_sample=False, beta_schedule="scaled_linear"),
        0.0,
        "DDIM of a model of v, scaled linear β",
    ),
    "ddim-x0": (
        DDIM | dict(prediction_type="sample", timestep_spacing="trailing"),
        0.0,
        "DDIM of a model of x₀, trailing timesteps",
    ),
    "ddim-linspace": (
        DDIM
        | dict(
            timestep_spacing="linspace", set_alpha_to_one=False, clip_sample=False, beta_schedule="squaredcos_cap_v2"
        ),
        0.0,
        "DDIM, linspace, cosine β, the last ᾱ that of t = 0",
    ),
    "ddim-offset": (
        DDIM | dict(steps_offset=1, set_alpha_to_one=False, clip_sample=False),
        0.0,
        "DDIM, timesteps moved by one, the last ᾱ that of t = 0",
    ),
    "ddim-thresholding": (
        DDIM | dict(thresholding=True, sample_max_value=3.0, dynamic_thresholding_ratio=0.9),
        0.0,
        "DDIM, dynamic thresholding",
    ),
    "ddpm": (DDPM | dict(clip_sample=False), 0.0, "DDPM"),
    "ddpm-clipped": (DDPM, 0.0, "DDPM, x̂₀ clipped"),
    "ddpm-large": (DDPM | dict(variance_type="fixed_large", clip_sample=False), 0.0, "DDPM, the larger variance"),
    "ddpm-learned": (DDPM | dict(variance_type="learned_range", clip_sample=False), 0.0, "DDPM, learned variance"),
    "euler": (EULER, 0.0, "Euler in σ: the model's input is scaled, the noise starts at σ"),
    "euler-karras": (
        EULER | dict(use_karras_sigmas=True, timestep_spacing="trailing", prediction_type="v_prediction") | SMALL,
        0.0,
        "Euler of a model of v, Karras' σ",
    ),
    "euler-ancestral": (dict(_class_name="EulerAncestralDiscreteScheduler"), 1.0, "Euler with noise"),
    "heun": (dict(_class_name="HeunDiscreteScheduler"), 0.0, "Heun: two calls of the model a step"),
    "dpm-solver": (dict(_class_name="DPMSolverMultistepScheduler"), 0.0, "DPM-Solver++ of second order"),
    "unipc": (dict(_class_name="UniPCMultistepScheduler"), 0.0, "UniPC of second order"),
    "pndm": (dict(_class_name="PNDMScheduler", skip_prk_steps=True), 0.0, "PNDM, linear multistep only"),
}


@contextmanager
def kept_double():
    """Within it, schedulers that compute a step in float32 whatever they are given leave float64 pictures as they
    are."""
    plain = torch.Tensor.to

    def to(self, *arguments, **options):
        if (
            self.dtype == torch.float64
            and self.ndim == 4
            and (torch.float32 in arguments or options.get("dtype") == torch.float32)
        ):
            return self
        return plain(self, *arguments, **options)

    with mock.patch.object(torch.Tensor, "to", to):
        yield


def draw(config, eta, inputs, dtype):
    scheduler = getattr(diffusers, config["_class_name"]).from_config(config)
    scheduler.set_timesteps(STEPS)
    wide = {key: value.to(dtype) for key, value in inputs.items()}
    taps = {"timesteps": scheduler.timesteps.to(dtype)}
    if hasattr(scheduler, "alphas_cumprod") and not hasattr(scheduler, "sigmas"):
        # Not add_noise: for float64 it turns the scheduler's own table into float64, which changes all steps after it.
        alpha = scheduler.alphas_cumprod[scheduler.timesteps[NOISED_AT]]
        taps["noised"] = alpha**0.5 * wide["original"] + (1 - alpha) ** 0.5 * wide["noise"]
    sample = taps["start"] = wide["noise"] * float(scheduler.init_noise_sigma)
    for i, t in enumerate(scheduler.timesteps):
        noise = wide[f"step.{i}.noise"]
        taps[f"step.{i}.input"] = scheduler.scale_model_input(sample, t)
        with (
            mock.patch.object(scheduling_ddpm, "randn_tensor", lambda *_, **__: noise),
            mock.patch.object(scheduling_euler_ancestral_discrete, "randn_tensor", lambda *_, **__: noise),
        ):
            options = (
                dict(eta=eta, variance_noise=noise if eta else None) if config["_class_name"] == "DDIMScheduler" else {}
            )
            result = scheduler.step(wide[f"step.{i}.output"], t, sample, **options)
        if getattr(result, "pred_original_sample", None) is not None:
            taps[f"step.{i}.denoised"] = result.pred_original_sample
        sample = taps[f"step.{i}.sample"] = result.prev_sample
    return taps


def make():
    generator = torch.Generator().manual_seed(SEED)
    for name, (config, eta, title) in CASES.items():
        normal = lambda channels=SHAPE[1]: torch.randn(SHAPE[0], channels, *SHAPE[2:], generator=generator)
        inputs = {"noise": normal(), "original": normal()}
        # Some schedulers call the model more often than there are steps.
        for i in range(2 * STEPS if name in ("heun", "pndm") else STEPS):
            inputs |= {
                f"step.{i}.output": normal(2 * SHAPE[1] if "learned" in config.get("variance_type", "") else SHAPE[1]),
                f"step.{i}.noise": normal(),
            }
        single = draw(config, eta, inputs, torch.float32)
        with truth(), kept_double():
            double = draw(config, eta, inputs, torch.float64)
        subject = {"kind": "scheduler", "scheduler": config, "steps": STEPS, "eta": eta, "noised_at": NOISED_AT}
        folders.write(
            f"schedulers/{name}", title, subject, inputs, {}, {tap: (single[tap], double[tap]) for tap in single}
        )
