"""Goldens of repainting: fixtures/goldens/inpaint/runs.safetensors.

`replace` is the loop of diffusers' StableDiffusionInpaintPipeline for a UNet without further channels, with every
scheduler: after each step what the mask keeps is the picture, noised to the next timestep; after the last the picture
itself. `repaint` is the loop of RePaintPipeline with its RePaintScheduler. The model, a, b, c and the draws are those
of img2img.py; `mask` is 1 where the picture is repainted (RePaint's own is 1 − that).

`<case>/f32` and `/f64` are, for `replace`, the samples after each call; for `repaint` what each call of the model is
given, and last the result. The KDPM2 schedulers and DPMSolverSDEScheduler are left out: between the two calls of a step
diffusers noises the picture to the end of the step, not to its middle. ScoreSdeVeScheduler, of which diffusers has no
such pipeline, puts back the picture at σ of the next call. RePaintScheduler's steps up are right only where every
timestep of the training is a step (see src/sampling/repaint.ts), so jumps are taken there.
"""
import importlib
from contextlib import ExitStack
from unittest import mock

import diffusers
import torch

import store
from img2img import noised
from schedulers import (
    BY_ALPHA, FLOW_SIGMAS, KARRAS, V, case, given_draws, keep_double, model_of, scheduler_of, scores_of,
    sigmas_of_scores, steps_of_scores, truth,
)

SEED = 14
SHAPE = (2, 2, 3, 4)
DRAWS = 60

REPLACE = {
    "DDPMScheduler": [case(6)], "DDIMScheduler": [case(6), case(5, V, dict(clip_sample=False), eta=0.6)],
    "PNDMScheduler": [case(6, dict(skip_prk_steps=True)), case(5)],
    "EulerDiscreteScheduler": [case(6), case(5, KARRAS)],
    "EulerAncestralDiscreteScheduler": [case(6)], "HeunDiscreteScheduler": [case(5)], "LMSDiscreteScheduler": [case(6)],
    "DPMSolverMultistepScheduler": [case(6), case(5, FLOW_SIGMAS)], "DPMSolverSinglestepScheduler": [case(6)],
    "UniPCMultistepScheduler": [case(6)], "DEISMultistepScheduler": [case(6)], "LCMScheduler": [case(5)],
    "TCDScheduler": [case(5)],
    "EDMEulerScheduler": [case(6)], "EDMDPMSolverMultistepScheduler": [case(6)],
    "FlowMatchEulerDiscreteScheduler": [case(6)],
    "SASolverScheduler": [case(6)], "CosineDPMSolverMultistepScheduler": [case(6)],
    "CMStochasticIterativeScheduler": [case(5)],
    "IPNDMScheduler": [case(6)], "ScoreSdeVeScheduler": [case(4)], "FlowMatchHeunDiscreteScheduler": [case(5)],
    "FlowMatchLCMScheduler": [case(5)],
}
BETAS = [0.05 + 0.03 * i for i in range(12)]
SMALL = dict(num_train_timesteps=12, trained_betas=BETAS)
REPAINT = [
    dict(config=SMALL, steps=12, eta=0.0, jump_length=3, jump_n_sample=3),
    dict(config=SMALL, steps=12, eta=1.0, jump_length=2, jump_n_sample=2),
    dict(config=SMALL | dict(clip_sample=False), steps=12, eta=0.5, jump_length=5, jump_n_sample=2),
    dict(config={}, steps=10, eta=0.0, jump_length=10, jump_n_sample=10),
    dict(config={}, steps=20, eta=1.0, jump_length=3, jump_n_sample=1),
]


def replace_scores(spec, given, dtype):
    """As `replace`, of ScoreSdeVeScheduler; each picture alone, since it mixes those of a batch."""
    pictures = []
    for one in range(SHAPE[0]):
        alone = {key: x[one:one + 1] for key, x in given.items()}
        picture, noise, mask = (alone[key].to(dtype) for key in ("picture", "noise", "mask"))
        with scores_of(spec["config"], spec["steps"], alone, dtype) as scheduler:
            sigmas = sigmas_of_scores(scheduler).to(dtype)

            def put_back(sample, call):
                known = picture + sigmas[call + 1] * noise if call + 1 < len(sigmas) else picture
                return (1 - mask) * known + mask * sample

            pictures.append(
                torch.stack(list(steps_of_scores(scheduler, noise * scheduler.init_noise_sigma, alone, after=put_back)))
            )
    return torch.cat(pictures, dim=1)


def replace(name, spec, given, dtype):
    if name == "ScoreSdeVeScheduler":
        return replace_scores(spec, given, dtype)
    with ExitStack() as stack:
        scheduler = stack.enter_context(scheduler_of(name, spec["config"], given, dtype))
        scheduler.set_timesteps(spec["steps"])
        start = float(getattr(scheduler, "init_noise_sigma", 1.0))
        if name not in BY_ALPHA:
            scheduler.sigmas = scheduler.sigmas.to(dtype)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(0)
        model = model_of(given, dtype)
        picture, noise, mask = (given[key].to(dtype) for key in ("picture", "noise", "mask"))
        sample, samples, timesteps = noise * start, [], scheduler.timesteps
        if dtype == torch.float64:
            stack.enter_context(mock.patch.object(torch.Tensor, "to", keep_double))
        for i, t in enumerate(timesteps):
            x = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
            sample = scheduler.step(model(x, t), t, sample, **spec["choices"]).prev_sample
            known = noised(
                name, scheduler, picture, noise, timesteps[i + 1 : i + 2]
            ) if i < len(timesteps) - 1 else picture
            sample = (1 - mask) * known + mask * sample
            assert sample.dtype == dtype and sample.isfinite().all(), (name, spec)
            samples.append(sample)
    return torch.stack(samples)


def repaint(spec, given, dtype):
    module = importlib.import_module(diffusers.RePaintScheduler.__module__)
    with ExitStack() as stack:
        if dtype == torch.float64:
            stack.enter_context(truth())
        config = dict(spec["config"])
        betas = config.pop("trained_betas", None)
        scheduler = diffusers.RePaintScheduler(
            **config, **({} if betas is None else {"trained_betas": torch.tensor(betas).numpy()})
        )
        stack.enter_context(given_draws(module, given, dtype))
        scheduler.set_timesteps(spec["steps"], spec["jump_length"], spec["jump_n_sample"])
        scheduler.eta = spec["eta"]
        model = model_of(given, dtype)
        picture, noise, mask = (given[key].to(dtype) for key in ("picture", "noise", "mask"))
        image, seen, timesteps = noise, [], []
        t_last = scheduler.timesteps[0] + 1
        for t in scheduler.timesteps:
            if t < t_last:
                seen.append(image)
                timesteps.append(int(t))
                image = scheduler.step(model(image, t), t, image, picture, 1 - mask).prev_sample
            else:
                image = scheduler.undo_step(image, t_last)
            t_last = t
        return torch.stack([*seen, image]), timesteps


def make():
    folder = store.fresh_folder("inpaint")
    generator = torch.Generator().manual_seed(SEED)
    normal = lambda: torch.randn(SHAPE, generator=generator)
    given = {
        "picture": normal().clamp(-1, 1), "noise": normal(), "a": 0.7 + 0.2 * normal(), "b": 0.4 * normal(),
        "c": 0.3 * normal(),
    }
    given["mask"] = (torch.rand((2, 1, 3, 4), generator=generator) > 0.5).float()
    given |= {f"noise.{k}": normal() for k in range(DRAWS)}
    tensors, listed = dict(given), []
    for name, specs in REPLACE.items():
        for spec in specs:
            title = f"replace, {name}, {spec['steps']} steps, {spec['config']}"
            tensors |= store.both(
                title, replace(name, spec, given, torch.float32), replace(name, spec, given, torch.float64)
            )
            listed.append({"name": title, "class": name, **spec})
    for spec in REPAINT:
        jumps = f"jumps of {spec['jump_length']}, {spec['jump_n_sample']} times"
        title = f"repaint, {spec['steps']} steps, eta {spec['eta']}, {jumps}"
        single, timesteps = repaint(spec, given, torch.float32)
        tensors |= store.both(title, single, repaint(spec, given, torch.float64)[0])
        listed.append({"name": title, **spec, "timesteps": timesteps})
    store.save(folder / "runs.safetensors", tensors, cases=listed)
    store.write_provenance(folder, SEED)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
