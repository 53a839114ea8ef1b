"""Goldens of runs that begin with a picture: fixtures/goldens/img2img/runs.safetensors.

Every scheduler begins as diffusers' StableDiffusionImg2ImgPipeline begins it: `strength` says which of the timesteps
are left, `set_begin_index` says so to the scheduler, the picture is noised to the first of them. The model is the
formula of schedulers.py, m(x, t) = a x + b/(1 + x²) + c/(1 + (t/500)²). `picture`, `noise`, a, b, c and every further
draw `noise.<k>` are stored. `<case>/start/f32` and `/f64` are what a run begins with, `<case>/f32` and `/f64` the
samples after each call; the second is the truth, as in schedulers.py.

Two classes go wrong in diffusers when they begin later, so that nothing is left of the picture, and their goldens come
from diffusers' own code on a table that holds only what is left:
- LMSDiscreteScheduler takes the weights of the fourth order from the first step on, although there is one slope: with
  `sigmas` and `timesteps` cut it begins with the first order.
- PNDMScheduler with its Runge-Kutta start counts its calls from 0 wherever it begins, so that those of its start go to
  timesteps of others: here it has the training cut to the timesteps that are left, of which it then makes all steps.
  (Without that start, as in Stable Diffusion, it does so, too, and is a step late ever after; that is what all draw
  with it from a picture, and what is stored.)
What diffusers makes of them otherwise is stored as `<case>/departing/f64`, the last sample.

LCMScheduler and TCDScheduler also space their steps by the strength themselves, as
LatentConsistencyModelImg2ImgPipeline has them do (`strength` among the choices); of their last call it takes x̂₀. For
two classes no pipeline of diffusers begins with a picture: IPNDMScheduler, which has no add_noise, and
ScoreSdeVeScheduler, which has no begin index. Theirs is noised with α and σ of their own tables, and their own loop
goes on from there.
"""
from contextlib import ExitStack
from unittest import mock

import diffusers
import torch

import store
from schedulers import (
    BY_ALPHA, FLOW_SIGMAS, KARRAS, LEADING, SIGMA_MIN, TRAILING, V, X0, case, keep_double, model_of, scheduler_of,
    scores_of, sigmas_of_scores,
    steps_of_scores,
)

SEED = 12
SHAPE = (1, 2, 3, 4)
DRAWS = 16
STRENGTH = 0.6

THIRD = dict(solver_order=3)
CASES = {
    "DDPMScheduler": [case(10), case(7, V, TRAILING, dict(clip_sample=False))],
    "DDIMScheduler": [case(10), case(7, V, TRAILING, dict(clip_sample=False), eta=0.6)],
    "PNDMScheduler": [
        case(10, dict(skip_prk_steps=True)), case(10), case(5, dict(skip_prk_steps=True, set_alpha_to_one=True), V)
    ],
    "EulerDiscreteScheduler": [case(10), case(7, KARRAS, V), case(8, LEADING, X0)],
    "EulerAncestralDiscreteScheduler": [case(10), case(7, V)],
    "HeunDiscreteScheduler": [case(10), case(7, KARRAS, V)],
    "LMSDiscreteScheduler": [case(10), case(9, KARRAS, V)],
    "KDPM2DiscreteScheduler": [case(10), case(7, KARRAS, V)],
    "KDPM2AncestralDiscreteScheduler": [case(10), case(7, V)],
    "DPMSolverMultistepScheduler": [
        case(10), case(7, THIRD, V, SIGMA_MIN), case(8, KARRAS, dict(algorithm_type="sde-dpmsolver++")),
        case(15, FLOW_SIGMAS),
    ],
    "DPMSolverSinglestepScheduler": [
        case(10), case(9, THIRD, SIGMA_MIN), case(8, THIRD, KARRAS, V), case(7, FLOW_SIGMAS)
    ],
    "UniPCMultistepScheduler": [
        case(10), case(9, THIRD, V), case(8, FLOW_SIGMAS), case(7, KARRAS, dict(disable_corrector=[3]))
    ],
    "DEISMultistepScheduler": [case(10), case(9, THIRD, V), case(8, KARRAS)],
    "LCMScheduler": [
        case(10), case(7, V), case(4, strength=0.6), case(7, V, dict(original_inference_steps=40), strength=0.33),
        case(None, timesteps=[979, 759, 499, 259, 39], strength=0.5),
    ],
    "TCDScheduler": [
        case(10), case(7, X0, eta=0.7), case(4, strength=0.6),
        case(7, X0, dict(original_inference_steps=40), eta=0.7, strength=0.33),
        case(None, timesteps=[979, 759, 499, 259, 39], strength=0.5),
    ],
    "EDMEulerScheduler": [case(10), case(7, V, SIGMA_MIN)],
    "EDMDPMSolverMultistepScheduler": [case(10), case(9, THIRD), case(8, dict(algorithm_type="sde-dpmsolver++"))],
    "SASolverScheduler": [case(10), case(8, dict(predictor_order=3, corrector_order=2), V)],
    "CMStochasticIterativeScheduler": [case(10), case(7, dict(clip_denoised=False))],
    "FlowMatchHeunDiscreteScheduler": [case(10), case(7, dict(shift=3.0))],
    "FlowMatchLCMScheduler": [case(10), case(7, dict(shift=3.0))],
    "DPMSolverSDEScheduler": [case(10), case(7, KARRAS, V), case(6, s_noise=0.9)],
    "CosineDPMSolverMultistepScheduler": [case(10), case(7, dict(solver_type="heun", sigma_data=0.5))],
    "IPNDMScheduler": [case(10), case(7)],
    "ScoreSdeVeScheduler": [case(10), case(5, dict(correct_steps=2, snr=0.3))],
    "FlowMatchEulerDiscreteScheduler": [case(10), case(7, dict(shift=3.0)), case(8, dict(stochastic_sampling=True))],
}


def left_out(steps):
    """How many steps `get_timesteps` of StableDiffusionImg2ImgPipeline leaves out."""
    return max(steps - min(int(steps * STRENGTH), steps), 0)


def cut_training(name, spec):
    """PNDM trained on the timesteps that are left, and as many steps, so that it makes the same of them."""
    stride = 1000 // spec["steps"]
    count = spec["steps"] - left_out(spec["steps"])
    betas = getattr(diffusers, name).from_config(spec["config"]).betas[: count * stride]
    config = spec["config"] | dict(num_train_timesteps=count * stride, trained_betas=betas.tolist())
    return spec | dict(config=config, steps=count), 0


def noised(name, scheduler, picture, noise, timesteps):
    """The picture at the first of the timesteps."""
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(picture, timesteps[:1], noise)
    if name == "SASolverScheduler":
        # Its add_noise looks up ᾱ, float32, where all its steps have σ: the same level, but for roundings.
        here = scheduler.begin_index if scheduler.step_index is None else scheduler.step_index
        signal, deviation = scheduler._sigma_to_alpha_sigma_t(scheduler.sigmas[here])
        return signal * picture + deviation * noise
    if name == "IPNDMScheduler":
        here = int((scheduler.timesteps == timesteps[0]).nonzero())
        return scheduler.alphas[here].to(picture.dtype) * picture + scheduler.betas[here].to(picture.dtype) * noise
    if name not in BY_ALPHA:
        return scheduler.add_noise(picture, noise, timesteps[:1])
    # The factors that come from ᾱ are float32, as everywhere in these schedulers.
    one, zero = torch.ones((1, 1, 1, 1)), torch.zeros((1, 1, 1, 1))
    signal, deviation = (scheduler.add_noise(*pair, timesteps[:1]) for pair in ((one, zero), (zero, one)))
    return signal.to(picture.dtype) * picture + deviation.to(picture.dtype) * noise


def run_of_scores(spec, given, dtype):
    """As `run`, of ScoreSdeVeScheduler."""
    begin = left_out(spec["steps"])
    with scores_of(spec["config"], spec["steps"], given, dtype) as scheduler:
        start = given["picture"].to(dtype) + scheduler.sigmas[begin].to(dtype) * given["noise"].to(dtype)
        samples = list(steps_of_scores(scheduler, start, given, begin))
    assert all(sample.dtype == dtype and sample.isfinite().all() for sample in samples), spec
    return start, torch.stack(samples), sigmas_of_scores(scheduler)[-len(samples):]


def run(name, spec, given, dtype, cuts):
    """What the run begins with, and the samples after each call. `cuts`: a table of only what is left, for the two
    classes that need it."""
    if name == "ScoreSdeVeScheduler":
        return run_of_scores(spec, given, dtype)
    choices = dict(spec["choices"])
    own = {key: choices.pop(key) for key in ("timesteps", "strength") if key in choices}
    begin = 0 if own else left_out(spec["steps"])
    if cuts and name == "PNDMScheduler":
        spec, begin = cut_training(name, spec)
    with ExitStack() as stack:
        scheduler = stack.enter_context(scheduler_of(name, spec["config"], given, dtype))
        scheduler.set_timesteps(spec["steps"], **own)
        if name not in BY_ALPHA:
            scheduler.sigmas = scheduler.sigmas.to(dtype)
        first = begin * scheduler.order
        timesteps = scheduler.timesteps[first:]
        if cuts and name == "LMSDiscreteScheduler":
            scheduler.timesteps, scheduler.sigmas, first = timesteps, scheduler.sigmas[first:], 0
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        model = model_of(given, dtype)
        picture, noise = (given[key].to(dtype) for key in ("picture", "noise"))
        sample = start = noised(name, scheduler, picture, noise, timesteps)
        samples = []
        if dtype == torch.float64:
            stack.enter_context(mock.patch.object(torch.Tensor, "to", keep_double))
        for t in timesteps:
            x = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
            step = scheduler.step(model(x, t), t, sample, **choices)
            sample = step.denoised if name == "LCMScheduler" and t == timesteps[-1] else step.prev_sample
            assert sample.dtype == dtype and sample.isfinite().all(), (name, spec)
            samples.append(sample)
    return start, torch.stack(samples), timesteps


def title(name, spec):
    parts = [f"{key}={value}" for key, value in (spec["config"] | spec["choices"]).items()]
    return f"{name}: {spec['steps']} steps" + "".join(f", {part}" for part in parts)


def make():
    folder = store.fresh_folder("img2img")
    generator = torch.Generator().manual_seed(SEED)
    normal = lambda: torch.randn(SHAPE, generator=generator)
    given = {
        "picture": normal().clamp(-1, 1), "noise": normal(), "a": 0.7 + 0.2 * normal(), "b": 0.4 * normal(),
        "c": 0.3 * normal(),
    }
    given |= {f"noise.{k}": normal() for k in range(DRAWS)}
    tensors, listed = dict(given), []
    for name, specs in CASES.items():
        for spec in specs:
            case_name = title(name, spec)
            is_prk = name == "PNDMScheduler" and not spec["config"].get("skip_prk_steps", False)
            cuts = is_prk or name == "LMSDiscreteScheduler"
            single = run(name, spec, given, torch.float32, cuts)
            double = run(name, spec, given, torch.float64, cuts)
            tensors |= store.both(f"{case_name}/start", single[0], double[0])
            tensors |= store.both(case_name, single[1], double[1])
            if cuts:
                tensors[f"{case_name}/departing/f64"] = run(name, spec, given, torch.float64, False)[1][-1]
            listed.append({
                "name": case_name, "class": name, **spec, "strength": STRENGTH,
                "timesteps": [float(t) for t in double[2]],
            })
    store.save(folder / "runs.safetensors", tensors, cases=listed)
    store.write_provenance(folder, SEED)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
