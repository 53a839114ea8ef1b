"""Goldens of diffusers' schedulers: whole runs on a small picture, fixtures/goldens/schedulers/<class>.safetensors,
every class's keys with their defaults, fixtures/goldens/schedulers/defaults.json, and thresholding in 16 bits,
fixtures/goldens/schedulers/thresholds.safetensors. `python scripts/goldens/schedulers.py NAME …` makes those of some
classes, or `thresholds`, alone.

The model is a formula, m(x, t) = a x + b/(1 + x²) + c/(1 + (t/500)²), a, b, c stored, so that a mistake in what the
model is given shows; models of a variance append the tensor `variance`, models of the score say −m/(1 + σ²). All
noise is stored as well, `noise.<k>` for the k-th draw of any run.

The metadata key `cases` lists the runs: config, steps, choices, the timestep and noise level (σ, or ᾱ) of each call
of the model. `<case>/f32` and
`<case>/f64` are the samples after each call, [calls, B, C, H, W]. The second is the truth: diffusers with float64
samples, its float32 tables exactly widened, and all that is computed from them in float64. Where a scheduler works
with ᾱ its coefficients stay float32 tensors, as diffusers has them. PyTorch's float32 √, exp, log and powers are not
correctly rounded (in version 2.13 one √ in five is not), nor is NumPy's log; the truth rounds each of them correctly.
See truth.py for the same thing in models.
"""
import importlib
import json
import math
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import count
from unittest import mock

import diffusers
import numpy
import torch
from safetensors.torch import load_file

import store

SEED = 11
SHAPE = (2, 2, 4, 4)
DRAWS = 16

COSINE = dict(beta_schedule="squaredcos_cap_v2")
SCALED = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
V, X0, FLOW = (dict(prediction_type=kind) for kind in ("v_prediction", "sample", "flow_prediction"))
LEADING, TRAILING, LINSPACE = (dict(timestep_spacing=kind) for kind in ("leading", "trailing", "linspace"))
KARRAS, EXPONENTIAL, BETA = (dict([(f"use_{kind}_sigmas", True)]) for kind in ("karras", "exponential", "beta"))
ZERO_SNR = dict(rescale_betas_zero_snr=True)
SIGMA_MIN = dict(final_sigmas_type="sigma_min")
FLOW_SIGMAS = dict(use_flow_sigmas=True, flow_shift=3.0) | FLOW
THRESHOLD = dict(thresholding=True, dynamic_thresholding_ratio=0.8, sample_max_value=1.5)
TRAINED = dict(trained_betas=[0.001 + 0.0004 * i for i in range(60)], num_train_timesteps=60)


def case(steps, *configs, **choices):
    config = {}
    for part in configs:
        config |= part
    return dict(config=config, steps=steps, choices=choices)


# What every scheduler of k-diffusion's kind has.
SIGMA_CASES = [case(6), case(5, V, LEADING, dict(steps_offset=1)), case(7, TRAILING, SCALED), case(4, COSINE), case(1)]
# Not the cosine schedule: there diffusers' float32 takes the root of a negative number, σ'² − σ_up², and its samples
# are not numbers.
ANCESTRAL_CASES = [one for one in SIGMA_CASES if one["config"] != COSINE]
SPACED_CASES = [case(6, KARRAS), case(5, EXPONENTIAL, SCALED), case(6, BETA), case(5, KARRAS, COSINE, V)]

# What every solver in log-SNR has.
SOLVER_CASES = [
    case(6), case(5, V, SCALED), case(7, X0, dict(solver_order=1)), case(6, dict(solver_order=3)), case(5, THRESHOLD),
    case(6, KARRAS), case(6, EXPONENTIAL),
    case(5, BETA), case(5, FLOW_SIGMAS), case(1), case(4, COSINE, KARRAS), case(5, TRAINED),
]
SPACINGS = [
    case(5, LEADING, dict(steps_offset=1)), case(6, TRAILING), case(14, dict(solver_order=3)),
    case(15, dict(solver_order=3)),
]

CASES = {
    "DDPMScheduler": [
        case(6), case(5, V, LINSPACE, dict(clip_sample=False)), case(4, X0, TRAILING, COSINE),
        case(5, THRESHOLD, ZERO_SNR),
        case(4, dict(variance_type="fixed_large")), case(5, dict(variance_type="fixed_small_log")),
        case(5, dict(variance_type="learned_range")),
        case(4, dict(variance_type="learned")), case(5, dict(beta_schedule="sigmoid")),
        case(4, dict(beta_schedule="laplace")), case(5, TRAINED),
    ],
    "DDIMScheduler": [
        case(6), case(5, V, TRAILING, ZERO_SNR),
        case(4, X0, LINSPACE, SCALED, dict(clip_sample=False, set_alpha_to_one=False)),
        case(5, dict(steps_offset=1, clip_sample=False), eta=0.6), case(6, THRESHOLD, COSINE, eta=1.0),
        case(5, TRAINED),
    ],
    "DDIMInverseScheduler": [
        case(6), case(5, V, TRAILING), case(4, X0, SCALED, dict(clip_sample=False, set_alpha_to_one=False)),
        case(5, COSINE, dict(steps_offset=1, clip_sample=False)),
    ],
    "PNDMScheduler": [
        case(6), case(5, V, SCALED), case(7, dict(skip_prk_steps=True)),
        case(6, dict(skip_prk_steps=True, set_alpha_to_one=True), TRAILING),
        case(4, LINSPACE), case(9, dict(steps_offset=1), COSINE), case(1, dict(skip_prk_steps=True)),
        case(2, dict(skip_prk_steps=True)),
    ],
    "EulerDiscreteScheduler": [
        *SIGMA_CASES, *SPACED_CASES, case(5, X0, SIGMA_MIN), case(4, ZERO_SNR, V, TRAILING),
        case(5, dict(interpolation_type="log_linear")),
        case(6, V, dict(timestep_type="continuous", sigma_min=0.02, sigma_max=20.0), KARRAS), case(5, TRAINED),
    ],
    "EulerAncestralDiscreteScheduler": [*ANCESTRAL_CASES, case(4, ZERO_SNR, V, TRAILING), case(5, TRAINED)],
    "HeunDiscreteScheduler": [
        *SIGMA_CASES, *SPACED_CASES, case(5, X0), case(4, dict(clip_sample=True, clip_sample_range=1.5)),
        case(5, dict(beta_schedule="exp")),
    ],
    "LMSDiscreteScheduler": [*SIGMA_CASES, *SPACED_CASES, case(5, X0)],
    "KDPM2DiscreteScheduler": [*SIGMA_CASES, *SPACED_CASES],
    "KDPM2AncestralDiscreteScheduler": [
        *ANCESTRAL_CASES, *[one for one in SPACED_CASES if "beta_schedule" not in one["config"]],
        case(5, TRAINED, KARRAS),
    ],
    "DPMSolverMultistepScheduler": [
        *SOLVER_CASES, *SPACINGS, case(6, dict(use_lu_lambdas=True)), case(5, dict(use_lu_lambdas=True), COSINE),
        case(6, dict(solver_type="heun")),
        case(6, dict(lambda_min_clipped=-3.0), COSINE), case(5, ZERO_SNR, V, TRAILING),
        case(6, SIGMA_MIN, dict(lower_order_final=False, solver_order=3)),
        case(5, SIGMA_MIN, dict(lower_order_final=False, euler_at_final=True)),
        case(5, FLOW_SIGMAS, dict(use_dynamic_shifting=True), mu=0.7),
        *[case(steps, SIGMA_MIN, dict(algorithm_type=algorithm, solver_type=solver), *more)
          for algorithm in ("dpmsolver", "sde-dpmsolver", "sde-dpmsolver++")
          for steps, solver, *more in ((6, "midpoint"), (5, "heun", V))],
        case(6, SIGMA_MIN, dict(algorithm_type="dpmsolver", solver_order=3)),
        case(7, dict(algorithm_type="sde-dpmsolver++", solver_order=3)),
        case(5, SIGMA_MIN, X0, dict(algorithm_type="dpmsolver")),
        case(5, SIGMA_MIN, THRESHOLD, dict(algorithm_type="sde-dpmsolver")),
        case(6, SIGMA_MIN, dict(algorithm_type="deis", solver_type="bh2")),
    ],
    "DPMSolverMultistepInverseScheduler": [
        *[one for one in SOLVER_CASES if "use_flow_sigmas" not in one["config"]], *SPACINGS,
        case(6, dict(solver_type="heun")), case(16, KARRAS),
        case(6, dict(lambda_min_clipped=-3.0), COSINE), case(5, dict(lower_order_final=False, euler_at_final=True)),
        case(6, dict(lower_order_final=False, solver_order=3), V),
        case(6, dict(algorithm_type="dpmsolver")), case(5, X0, dict(algorithm_type="dpmsolver", solver_order=3)),
        case(5, THRESHOLD, dict(algorithm_type="dpmsolver", solver_type="heun")),
        case(6, dict(algorithm_type="deis", solver_type="bh2")),
    ],
    "DPMSolverSinglestepScheduler": [
        *SOLVER_CASES, case(6, SIGMA_MIN), case(6, SIGMA_MIN, dict(lower_order_final=True)),
        case(6, SIGMA_MIN, dict(lower_order_final=True, solver_order=3)),
        case(7, SIGMA_MIN, dict(solver_order=3)), case(8, SIGMA_MIN, dict(solver_order=3, solver_type="heun")),
        case(9, SIGMA_MIN, dict(solver_order=3)), case(6, dict(solver_type="heun", lower_order_final=True)),
        case(6, dict(lambda_min_clipped=-3.0), COSINE),
        case(6, SIGMA_MIN, dict(algorithm_type="dpmsolver")),
        case(6, SIGMA_MIN, dict(algorithm_type="dpmsolver", solver_order=3, solver_type="heun"), V),
        case(5, dict(algorithm_type="sde-dpmsolver++")),
        case(6, SIGMA_MIN, dict(algorithm_type="sde-dpmsolver++", solver_order=3, solver_type="heun")),
        case(6, SIGMA_MIN, dict(algorithm_type="sde-dpmsolver++", solver_order=3)),
        case(5, FLOW_SIGMAS, dict(use_dynamic_shifting=True), mu=0.7),
    ],
    "UniPCMultistepScheduler": [
        *SOLVER_CASES, *SPACINGS, case(6, SIGMA_MIN, dict(solver_type="bh1")),
        case(7, SIGMA_MIN, dict(solver_type="bh1", solver_order=3), V),
        case(6, SIGMA_MIN, dict(predict_x0=False, solver_order=3)), case(5, SIGMA_MIN, X0, dict(predict_x0=False)),
        case(5, SIGMA_MIN, V, dict(predict_x0=False)),
        case(6, dict(disable_corrector=[0, 2])), case(5, ZERO_SNR, V, TRAILING),
        case(6, SIGMA_MIN, dict(lower_order_final=False, solver_order=3)),
        case(5, KARRAS, FLOW_SIGMAS), case(6, FLOW_SIGMAS, dict(shift_terminal=0.1), SIGMA_MIN),
        case(5, FLOW_SIGMAS, dict(use_dynamic_shifting=True), mu=0.7),
        case(5, FLOW_SIGMAS, dict(use_dynamic_shifting=True, time_shift_type="linear"), mu=1.8),
        case(6, KARRAS, SIGMA_MIN, dict(sigma_min=0.05, sigma_max=20.0)),
    ],
    "DEISMultistepScheduler": [
        *SOLVER_CASES, *SPACINGS, case(6, dict(lower_order_final=False, solver_order=3)),
        case(5, FLOW_SIGMAS, dict(use_dynamic_shifting=True), mu=0.7),
    ],
    "DPMSolverSDEScheduler": [
        *[one for one in SIGMA_CASES if one["config"] != COSINE], *SPACED_CASES[:3], case(5, KARRAS, COSINE, V),
        case(5, TRAINED), case(2),
    ],
    # Of the solvers' cases with other spacings two have other numbers of steps here. With 5 (leading) and 8 (trailing)
    # the roundings of diffusers' coefficients cancel by luck: its float32 errs by 1.4e-6, with 4, 6, 7 and 9 steps by
    # 2e-6 to 2e-5. Ours errs by 3e-6 and 6e-6 there, as with the other numbers, which is more than twice as much.
    "SASolverScheduler": [
        *[
            case(
                one["steps"],
                {"predictor_order" if key == "solver_order" else key: value for key, value in one["config"].items()},
            )
            for one in SOLVER_CASES
        ],
        case(8, LEADING, dict(steps_offset=1)), case(7, TRAILING),
        case(9, dict(predictor_order=3, corrector_order=4)), case(8, dict(predictor_order=1, corrector_order=3)),
        case(7, dict(predictor_order=4, corrector_order=1), V),
        case(6, dict(lower_order_final=False, predictor_order=3, corrector_order=3)),
        case(7, dict(lower_order_final=False), KARRAS), case(6, dict(lambda_min_clipped=-3.0), COSINE),
        *[
            case(steps, dict(algorithm_type="noise_prediction", predictor_order=order, corrector_order=order), *more)
            for steps, order, *more in ((6, 1), (7, 2, V), (8, 3), (9, 4, X0), (6, 2, KARRAS))
        ],
    ],
    "LCMScheduler": [
        case(4), case(5, V, dict(clip_sample=True)), case(7, X0, ZERO_SNR, dict(original_inference_steps=40)),
        case(6, THRESHOLD, dict(timestep_scaling=3.0)), case(1),
    ],
    "TCDScheduler": [
        case(4), case(5, V, eta=0.0), case(7, X0, dict(original_inference_steps=40), eta=0.7),
        case(6, dict(beta_schedule="linear"), eta=1.0), case(1),
    ],
    "EDMEulerScheduler": [
        case(6), case(5, V, SIGMA_MIN), case(6, dict(sigma_schedule="exponential")),
        case(7, dict(sigma_min=0.01, sigma_max=20.0, sigma_data=1.0, rho=5.0)),
    ],
    "EDMDPMSolverMultistepScheduler": [
        case(6), case(5, V, SIGMA_MIN, dict(solver_order=3)),
        case(6, dict(sigma_schedule="exponential", solver_type="heun")), case(7, SIGMA_MIN, dict(solver_order=1)),
        case(5, dict(algorithm_type="sde-dpmsolver++")), case(14, dict(solver_order=3)), case(15, dict(solver_order=3)),
        case(6, SIGMA_MIN, dict(lower_order_final=False, euler_at_final=True)), case(5, THRESHOLD),
        case(5, dict(algorithm_type="sde-dpmsolver++", solver_type="heun")),
    ],
    "CMStochasticIterativeScheduler": [
        case(1), case(2), case(5, dict(clip_denoised=False, s_noise=1.003)),
        case(6, dict(sigma_min=0.02, sigma_max=20.0, sigma_data=0.8, rho=5.0)),
        case(9, dict(num_train_timesteps=9)),
    ],
    "ScoreSdeVeScheduler": [
        case(4), case(5, dict(snr=0.3, sigma_max=50.0)), case(4, dict(correct_steps=2, sigma_min=0.1)),
        case(6, dict(correct_steps=0, sampling_eps=0.01)), case(1),
    ],
    "CosineDPMSolverMultistepScheduler": [
        case(6), case(5, dict(prediction_type="epsilon", sigma_schedule="karras", rho=5.0)),
        case(6, dict(solver_type="heun", sigma_data=0.5)), case(7, dict(solver_order=1, sigma_min=0.03)),
        case(15), case(16, dict(sigma_min=0.25), SIGMA_MIN),
        case(6, dict(lower_order_final=False, euler_at_final=True)), case(1),
    ],
    "IPNDMScheduler": [
        case(1), case(2), case(6), case(9), case(5, dict(trained_betas=[0.99, 0.9, 0.8, 0.4, 0.1, 0.02]))
    ],
    "FlowMatchEulerDiscreteScheduler": [
        case(6), case(5, dict(shift=3.0)), case(6, dict(shift=3.0, use_dynamic_shifting=True), mu=0.7),
        case(5, dict(use_dynamic_shifting=True, time_shift_type="linear"), mu=1.8),
        case(5, dict(invert_sigmas=True)), case(6, dict(shift_terminal=0.1, shift=2.0)), case(5, KARRAS),
        case(6, EXPONENTIAL), case(5, BETA), case(4, dict(stochastic_sampling=True)),
    ],
    "FlowMatchHeunDiscreteScheduler": [
        case(6), case(5, dict(shift=3.0)), case(4, dict(shift=0.4, num_train_timesteps=50)), case(1), case(2)
    ],
    "FlowMatchLCMScheduler": [
        case(6), case(5, dict(shift=3.0)), case(6, dict(shift=3.0, use_dynamic_shifting=True), mu=0.7),
        case(5, dict(use_dynamic_shifting=True, time_shift_type="linear"), mu=1.8),
        case(5, dict(invert_sigmas=True)), case(6, dict(shift_terminal=0.1, shift=2.0)), case(5, KARRAS),
        case(6, EXPONENTIAL), case(5, BETA), case(1),
    ],
}

BY_ALPHA = (
    "DDPMScheduler", "DDIMScheduler", "DDIMInverseScheduler", "PNDMScheduler", "LCMScheduler", "TCDScheduler",
    "IPNDMScheduler",
)

plain_to, plain_ones, plain_from_numpy, plain_log = torch.Tensor.to, torch.ones, torch.from_numpy, numpy.log


def rounded(plain):
    """An elementary function of tensors, correctly rounded where they are float32: computed in float64 and rounded
    once."""
    def function(x, *args):
        # A power of a number, which PyTorch takes in float32.
        if isinstance(x, float) and args[0].dtype == torch.float32:
            return plain(torch.tensor(x).double(), args[0].double()).float()
        return plain(x.double(), *args).float() if x.dtype == torch.float32 else plain(x, *args)
    return function


def rounded_log(x):
    """numpy.log, correctly rounded to float32."""
    single = isinstance(x, (numpy.ndarray, numpy.float32)) and x.dtype == numpy.float32
    return plain_log(x.astype(numpy.float64)).astype(numpy.float32) if single else plain_log(x)


@contextmanager
def truth():
    """Within it, float32 is rounded correctly."""
    with ExitStack() as stack:
        for owner, names in (
            (torch.Tensor, ("__pow__", "sqrt", "exp", "log", "atan")),
            (torch, ("pow", "sqrt", "exp", "log", "sigmoid", "sin", "atan2")),
        ):
            for name in names:
                stack.enter_context(mock.patch.object(owner, name, rounded(getattr(owner, name))))
        stack.enter_context(mock.patch.object(numpy, "log", rounded_log))
        yield


def keep_double(self, *args, **kwargs):
    """Tensor.to, but a float64 tensor stays one: some steps round the sample to float32."""
    if self.dtype == torch.float64 and torch.float32 in (*args, *kwargs.values()):
        return self
    return plain_to(self, *args, **kwargs)


def model_of(given, dtype):
    """m(x, t) = a x + b/(1 + x²) + c/(1 + (t/500)²)."""
    a, b, c = (given[key].to(dtype) for key in ("a", "b", "c"))
    return lambda x, t: a * x + b / (1 + x * x) + c * (1 / (1 + (float(t) / 500) ** 2))


@contextmanager
def given_draws(module, given, dtype):
    """Within it a module of diffusers draws the stored noise; yields the function that draws it."""
    draws = count()
    draw = lambda: given[f"noise.{next(draws)}"].to(dtype)
    with ExitStack() as stack:
        if hasattr(module, "randn_tensor"):
            stack.enter_context(mock.patch.object(module, "randn_tensor", lambda *_, **__: draw()))
        yield draw


@contextmanager
def scheduler_of(name, config, given, dtype, given_noise=True):
    """A scheduler of diffusers that draws the stored noise, its Brownian motion too unless not `given_noise`; in
    float64 within the truth."""
    cls = getattr(diffusers, name)
    with ExitStack() as stack:
        if dtype == torch.float64:
            stack.enter_context(truth())
        scheduler = cls.from_config(config)
        module = importlib.import_module(cls.__module__)
        draw = stack.enter_context(given_draws(module, given, dtype))
        if hasattr(module, "BrownianTreeNoiseSampler") and given_noise:
            motion = GivenMotion(draw)
            stack.enter_context(mock.patch.object(module, "BrownianTreeNoiseSampler", lambda *_, **__: motion))
        if dtype == torch.float64 and name.startswith("KDPM2"):
            stack.enter_context(mock.patch.object(torch, "from_numpy", lambda array: plain_from_numpy(array).double()))
        yield scheduler


@contextmanager
def scores_of(config, steps, given, dtype):
    """A ScoreSdeVeScheduler with its tables for so many steps, that draws the stored noise; in float64 within the
    truth. `timesteps`: its times, `sigmas`: σ of each."""
    module = importlib.import_module(diffusers.ScoreSdeVeScheduler.__module__)
    scheduler = diffusers.ScoreSdeVeScheduler.from_config(config)
    with truth() if dtype == torch.float64 else nullcontext(), given_draws(module, given, dtype):
        scheduler.set_timesteps(steps)
        scheduler.set_sigmas(steps)
        scheduler.discrete_sigmas = scheduler.discrete_sigmas.to(dtype)
        yield scheduler


def sigmas_of_scores(scheduler):
    """σ of each call of the model."""
    return scheduler.sigmas.repeat_interleave(scheduler.config.correct_steps + 1)


def steps_of_scores(scheduler, sample, given, first=0, after=lambda sample, call: sample):
    """The samples after each call of the loop of diffusers.ScoreSdeVePipeline, from step `first` on. `after` says what
    the sample of a call goes on as."""
    model = model_of(given, sample.dtype)
    score = lambda x, sigma: model(x, sigma) / -(1 + float(sigma) ** 2)
    corrections, steps = scheduler.config.correct_steps, len(scheduler.timesteps)
    for i in range(first, steps):
        sigma = scheduler.sigmas[i]
        for k in range(corrections):
            with mock.patch.object(torch, "ones", lambda *size: plain_ones(*size, dtype=sample.dtype)):
                sample = scheduler.step_correct(score(sample, sigma), sample).prev_sample
            sample = after(sample, i * (corrections + 1) + k)
            yield sample
        step = scheduler.step_pred(score(sample, sigma), scheduler.timesteps[i], sample)
        sample = after(
            step.prev_sample_mean if i == steps - 1 else step.prev_sample, i * (corrections + 1) + corrections
        )
        yield sample


def run_of_scores(spec, given, dtype):
    """As `run`, of ScoreSdeVeScheduler; each picture alone, since it mixes those of a batch."""
    pictures = []
    for one in range(SHAPE[0]):
        alone = {key: x[one:one + 1] for key, x in given.items()}
        with scores_of(spec["config"], spec["steps"], alone, dtype) as scheduler:
            samples = list(steps_of_scores(scheduler, alone["sample"].to(dtype) * scheduler.init_noise_sigma, alone))
        assert all(sample.dtype == dtype and sample.isfinite().all() for sample in samples), spec
        pictures.append(torch.stack(samples))
    scheduler.timesteps = scheduler.sigmas = sigmas_of_scores(scheduler)
    return torch.cat(pictures, dim=1), scheduler, scheduler.init_noise_sigma


class GivenMotion:
    """Stands in for diffusers' BrownianTreeNoiseSampler: a Brownian motion over σ from the stored noise. A step that
    goes on from the middle of the one before draws anew for the rest only."""

    def __init__(self, draw):
        self.draw, self.last = draw, None

    def __call__(self, sigma, following):
        length = (sigma - following).abs()
        if self.last is not None and self.last[0] == sigma and following < self.last[1]:
            _, middle, begun = self.last
            noise = (
                begun * (sigma - middle).abs().sqrt() + self.draw() * (middle - following).abs().sqrt()
            ) / length.sqrt()
            self.last = None
        else:
            noise = self.draw()
            self.last = (sigma, following, noise)
        return noise


def run(name, spec, given, dtype, noise_seed=None, given_noise=True):
    """The samples after each call, the scheduler, and the σ that the run began with. Without given noise it is
    diffusers' own, of a seed."""
    if name == "ScoreSdeVeScheduler":
        return run_of_scores(spec, given, dtype)
    choices = dict(spec["choices"])
    mu = choices.pop("mu", None)
    with ExitStack() as stack:
        scheduler = stack.enter_context(scheduler_of(name, spec["config"], given, dtype, given_noise))
        if noise_seed is not None:
            choices["generator"] = torch.Generator().manual_seed(noise_seed)
        own = {key: numpy.array(choices.pop(key)) for key in ("timesteps", "sigmas") if key in choices}
        scheduler.set_timesteps(spec["steps"], **({} if mu is None else {"mu": mu}), **own)
        if name not in BY_ALPHA:
            table, scheduler.sigmas = scheduler.sigmas, scheduler.sigmas.float()
        start = float(getattr(scheduler, "init_noise_sigma", 1.0))
        if name not in BY_ALPHA:
            scheduler.sigmas = table.to(dtype)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(0)
        model, sample = model_of(given, dtype), given["sample"].to(dtype) * start
        samples = []
        if dtype == torch.float64:
            stack.enter_context(mock.patch.object(torch.Tensor, "to", keep_double))
        for t in scheduler.timesteps:
            x = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
            output = model(x, t)
            if str(spec["config"].get("variance_type")).startswith("learned"):
                output = torch.cat([output, given["variance"].to(dtype)], dim=1)
            sample = scheduler.step(output, t, sample, **choices).prev_sample
            assert sample.dtype == dtype and sample.isfinite().all(), (name, spec)
            samples.append(sample)
    return torch.stack(samples), scheduler, start


def levels(name, scheduler):
    """Of each call: ᾱ, or σ."""
    calls = range(len(scheduler.timesteps))
    if name == "DDIMInverseScheduler":
        stride = scheduler.config.num_train_timesteps // scheduler.num_inference_steps
        before = [int(t) - stride for t in scheduler.timesteps]
        return [float(scheduler.alphas_cumprod[t] if t >= 0 else scheduler.initial_alpha_cumprod) for t in before]
    if name == "IPNDMScheduler":
        return [float(scheduler.alphas[i]) ** 2 for i in calls]
    if name in BY_ALPHA:
        return [float(scheduler.alphas_cumprod[int(t)]) for t in scheduler.timesteps]
    if name == "KDPM2DiscreteScheduler":
        return [float((scheduler.sigmas_interpol if i % 2 else scheduler.sigmas)[i]) for i in calls]
    if name == "DPMSolverSDEScheduler":
        sigmas = [float(sigma) for sigma in scheduler.sigmas]
        return [math.sqrt(sigmas[i - 1] * sigmas[i]) if i % 2 else sigmas[i] for i in calls]
    if name == "KDPM2AncestralDiscreteScheduler":
        return [float(scheduler.sigmas_interpol[i - 1] if i % 2 else scheduler.sigmas[i]) for i in calls]
    return [float(scheduler.sigmas[i]) for i in calls]


def title(index, spec):
    parts = [f"{key}={value}" for key, value in (spec["config"] | spec["choices"]).items() if key != "trained_betas"]
    return f"{index}: {spec['steps']} steps" + "".join(f", {part}" for part in parts)


def defaults(name):
    """The keys of a class with their defaults; what JSON cannot say, as text."""
    config = {key: value for key, value in getattr(diffusers, name)().config.items() if not key.startswith("_")}
    return {
        key: str(value) if isinstance(value, float) and math.isinf(value) else value for key, value in config.items()
    }


def make_class(folder, name, given):
    """The file of a class."""
    tensors, listed = {}, []
    for index, spec in enumerate(CASES[name]):
        single, _, _ = run(name, spec, given, torch.float32)
        double, scheduler, start = run(name, spec, given, torch.float64)
        case_name = title(index, spec)
        tensors |= store.both(case_name, single, double)
        listed.append({
            "name": case_name, **spec, "timesteps": [float(t) for t in scheduler.timesteps],
            "levels": levels(name, scheduler),
            "init_noise_sigma": start,
        })
    store.save(folder / f"{name}.safetensors", tensors, cases=listed)


def thresholds(given):
    """What dynamic thresholding makes of `sample` times 1.7, as x̂₀, in two precisions of 16 bits: `<dtype>`,
    widened."""
    scheduler = diffusers.DDIMScheduler(**THRESHOLD)
    dtypes = {"f16": torch.float16, "bf16": torch.bfloat16}
    return {
        name: scheduler._threshold_sample((1.7 * given["sample"]).to(dtype)).float() for name, dtype in dtypes.items()
    }


def make_some(names):
    """Makes the files of some classes anew, or of `thresholds`, and says so in provenance.json."""
    folder = store.GOLDENS / "schedulers"
    given = load_file(folder / "given.safetensors")
    for name in names:
        if name == "thresholds":
            store.save(folder / "thresholds.safetensors", thresholds(given), config=THRESHOLD)
        else:
            make_class(folder, name, given)
    files = [f"{name}.safetensors" for name in names]
    store.add_to_provenance(folder, files, f"python scripts/goldens/schedulers.py {' '.join(names)}")


def make():
    folder = store.fresh_folder("schedulers")
    generator = torch.Generator().manual_seed(SEED)
    normal = lambda: torch.randn(SHAPE, generator=generator)
    given = {
        "sample": normal(), "a": 0.7 + 0.2 * normal(), "b": 0.4 * normal(), "c": 0.3 * normal(),
        "variance": normal().abs().clamp(0.1, 0.9),
    }
    given |= {f"noise.{k}": normal() for k in range(DRAWS)}
    store.save(folder / "given.safetensors", given)
    for name in CASES:
        make_class(folder, name, given)
    store.save(folder / "thresholds.safetensors", thresholds(given), config=THRESHOLD)
    (folder / "defaults.json").write_text(json.dumps({name: defaults(name) for name in CASES}, indent=1) + "\n")
    store.write_provenance(folder, SEED)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make_some(sys.argv[1:])
