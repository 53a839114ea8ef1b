"""Goldens of training, from torch.optim, torch.nn.utils, diffusers.training_utils and diffusers.optimization:
fixtures/goldens/training.

formulas.safetensors has the pieces, each in float32 and float64 where tensors are concerned: AdamW after each of some
steps, gradients clipped together, EMAModel, the learning rate of whole schedules, x_t and targets and min-SNR weights
by timestep, torch.randperm. The power-function average is in no released package: its numbers are those of the formulas
of its paper (Karras et al. 2024, arXiv 2312.02696), by numpy's roots of the polynomial.

steps.safetensors has the batches of ten steps, for pag train --replay, and what ten steps of AdamW make of the model of
runs/conditional, for some configs (metadata `runs`): the losses, the norms of the gradients, the averaged weights.
"""
import copy

import numpy
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DModel
from diffusers.optimization import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel, compute_snr

import store
from truth import truth

SEED = 1711
STEPS, BATCH = 10, 4
GAMMA = 5.0


def normal(g, *shape):
    return torch.randn(shape, generator=g)


def adamw(g):
    tensors, listed = {}, []
    several = {"weight_decay": 0.1, "betas": (0.8, 0.95), "lr": 0.02}
    for case, options in enumerate([{}, several, {"weight_decay": 0.0, "eps": 0.1}]):
        begin, gradients = normal(g, 3, 21), [normal(g, 3, 21) * 10 ** (-step / 2) for step in range(STEPS)]
        tensors |= {f"adamw.{case}/begin": begin, f"adamw.{case}/gradients": torch.stack(gradients)}
        results = {}
        for dtype in (torch.float32, torch.float64):
            parameter = torch.nn.Parameter(begin.to(dtype))
            optimiser = torch.optim.AdamW([parameter], foreach=False, **options)
            for step, gradient in enumerate(gradients):
                parameter.grad = gradient.to(dtype)
                optimiser.step()
                state = optimiser.state[parameter]
                results[dtype, step] = [x.detach().clone() for x in (parameter, state["exp_avg"], state["exp_avg_sq"])]
        for step in (0, 1, STEPS - 1):
            both = (results[torch.float32, step], results[torch.float64, step])
            for name, single, double in zip(("parameter", "exp_avg", "exp_avg_sq"), *both):
                tensors |= store.both(f"adamw.{case}/{step + 1}.{name}", single, double)
        defaults = torch.optim.AdamW([torch.nn.Parameter(begin)], **options).defaults
        listed.append({key: defaults[key] for key in ("lr", "betas", "eps", "weight_decay")})
    return tensors, listed


def clipping(g):
    tensors = {}
    gradients = [normal(g, 5, 7), 100 * normal(g, 11), 1e-3 * normal(g, 2, 3)]
    for i, gradient in enumerate(gradients):
        tensors[f"clip/in.{i}"] = gradient
    for most in (1.0, 1000.0):
        found = []
        for dtype in (torch.float32, torch.float64):
            parameters = [torch.nn.Parameter(torch.zeros_like(gradient, dtype=dtype)) for gradient in gradients]
            for parameter, gradient in zip(parameters, gradients):
                parameter.grad = gradient.to(dtype)
            norm = torch.nn.utils.clip_grad_norm_(parameters, most)
            found.append([norm.view(1), *(parameter.grad for parameter in parameters)])
        for i, (single, double) in enumerate(zip(*found)):
            tensors |= store.both(f"clip/{most:g}.{'norm' if i == 0 else i - 1}", single, double)
    return tensors


def averages(g):
    tensors = {"ema/begin": normal(g, 30), "ema/weights": normal(g, 12, 30)}
    found = []
    for dtype in (torch.float32, torch.float64):
        parameter = torch.nn.Parameter(tensors["ema/begin"].to(dtype))
        model, decays, shadows = EMAModel([parameter], decay=0.4), [], []
        for weights in tensors["ema/weights"]:
            parameter.data.copy_(weights)
            model.step([parameter])
            decays.append(model.cur_decay_value)
            shadows.append(model.shadow_params[0].clone())
        found.append(torch.stack(shadows))
    tensors |= store.both("ema/averages", *found) | {"ema/decays": torch.tensor(decays, dtype=torch.float64)}
    widths, steps = [0.05, 0.1, 0.2, 0.25], [1, 2, 3, 10, 1000, 10**6]
    exponents = [numpy.roots([1, 7, 16 - width**-2, 12 - width**-2]).real.max() for width in widths]
    decays = [[(1 - 1 / step) ** (exponent + 1) for step in steps] for exponent in exponents]
    wide = lambda x: torch.tensor(x, dtype=torch.float64)
    numbers = {"widths": widths, "exponents": exponents, "steps": steps, "decays": decays}
    return tensors | {f"power/{name}": wide(x) for name, x in numbers.items()}


def learning_rates():
    tensors = {}
    for warmup, steps in ((0, 10), (3, 20), (20, 20), (30, 20), (1, 1)):
        for name, make in (
            ("constant", lambda o: get_constant_schedule_with_warmup(o, warmup)),
            ("cosine", lambda o: get_cosine_schedule_with_warmup(o, warmup, steps)),
        ):
            optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            schedule, shares = make(optimiser), []
            for _ in range(steps):
                shares.append(schedule.get_last_lr()[0])
                optimiser.step()
                schedule.step()
            tensors[f"learning-rate/{name} {warmup} {steps}"] = torch.tensor(shares, dtype=torch.float64)
    return tensors


NOISE = {
    "linear": {},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
    "zero snr": {"rescale_betas_zero_snr": True},
}


def min_snr(kind, scheduler, timesteps):
    """As diffusers' training scripts have it."""
    snr = compute_snr(scheduler, timesteps)
    most = torch.stack([snr, GAMMA * torch.ones_like(timesteps)], dim=1).min(dim=1)[0]
    return {"epsilon": most / snr, "sample": most, "v_prediction": most / (snr + 1)}[kind]


def targets(g):
    timesteps = torch.tensor([0, 1, 250, 500, 998, 999])
    x0, noise = normal(g, 6, 2, 3), normal(g, 6, 2, 3)
    tensors = {"targets/x0": x0, "targets/noise": noise, "targets/timesteps": timesteps}
    for name, config in NOISE.items():
        scheduler = DDPMScheduler(**config)
        with truth():
            exact = DDPMScheduler(**config)
            weights = {kind: min_snr(kind, exact, timesteps) for kind in ("epsilon", "sample", "v_prediction")}
        for key in ("add_noise", "get_velocity"):
            single = getattr(scheduler, key)(x0, noise, timesteps)
            double = getattr(exact, key)(x0.double(), noise.double(), timesteps)
            tensors |= store.both(f"targets/{name}/{key}", single, double)
        tensors |= {f"targets/{name}/{kind} weights": value for kind, value in weights.items()}
    return tensors


def make_formulas(folder):
    g = torch.Generator().manual_seed(SEED)
    of_adamw, listed = adamw(g)
    order = lambda n: torch.randperm(n, generator=torch.Generator().manual_seed(n))
    orders = {f"randperm/{n}": order(n) for n in (1, 2, 5, 26, 1000)}
    tensors = of_adamw | clipping(g) | averages(g) | learning_rates() | targets(g) | orders
    store.save(folder / "formulas.safetensors", tensors, adamw=listed, noise=NOISE)


RUNS = {
    "epsilon": {},
    "v, min-SNR, decay": {
        "prediction": "v_prediction",
        "min_snr": True,
        "weight_decay": 0.1,
        "clip": None,
        "scheduler": {"beta_schedule": "squaredcos_cap_v2"},
    },
    "sample, averaged": {"prediction": "sample", "warmup": 2, "betas": [0.95, 0.99], "ema": 0.5},
}


WATCHED = (
    "conv_in.weight",
    "mid_block.attentions.0.to_v.weight",
    "class_embedding.weight",
    "conv_norm_out.bias",
    "conv_out.weight",
)


def ten_steps(model, batches, run, dtype):
    kind, scheduler = run.get("prediction", "epsilon"), DDPMScheduler(**run.get("scheduler", {}))
    options = {"betas": run.get("betas", (0.9, 0.999)), "weight_decay": run.get("weight_decay", 0.01)}
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3, foreach=False, **options)
    schedule = get_cosine_schedule_with_warmup(optimiser, run.get("warmup", 0), 20)
    average = EMAModel(model.parameters(), decay=run.get("ema", 0.0))
    losses, norms = [], []
    for step in range(STEPS):
        x0, noise = (batches[key][step].to(dtype) for key in ("sample", "noise"))
        timesteps = batches["timestep"][step]
        noisy = scheduler.add_noise(x0, noise, timesteps)
        target = {"epsilon": noise, "sample": x0}.get(kind)
        if target is None:
            target = scheduler.get_velocity(x0, noise, timesteps)
        prediction = model(noisy, timesteps, batches["class_labels"][step]).sample
        if run.get("min_snr"):
            loss = F.mse_loss(prediction, target, reduction="none").mean((1, 2, 3))
            loss = (loss * min_snr(kind, scheduler, timesteps)).mean()
        else:
            loss = F.mse_loss(prediction, target)
        optimiser.zero_grad()
        loss.backward()
        most = run.get("clip", 1.0)
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1e30 if most is None else most).detach())
        optimiser.step()
        schedule.step()
        average.step(model.parameters())
        losses.append(loss.detach())
    average.copy_to(model.parameters())
    return torch.stack(losses), torch.stack(norms), {name: x.detach() for name, x in model.named_parameters()}


def make_steps(folder):
    g = torch.Generator().manual_seed(SEED + 1)
    batches = {
        "sample": normal(g, STEPS, BATCH, 1, 8, 8).clamp(-1, 1),
        "noise": normal(g, STEPS, BATCH, 1, 8, 8),
        "timestep": torch.randint(0, 1000, (STEPS, BATCH), generator=g),
        "class_labels": torch.randint(0, 4, (STEPS, BATCH), generator=g),
    }
    tensors = dict(batches)
    begin = UNet2DModel.from_pretrained(store.GOLDENS / "runs" / "conditional")
    for name, run in RUNS.items():
        single = ten_steps(copy.deepcopy(begin), batches, run, torch.float32)
        with truth():
            double = ten_steps(copy.deepcopy(begin).double(), batches, run, torch.float64)
        tensors |= store.both(f"{name}/losses", single[0], double[0])
        tensors |= store.both(f"{name}/norms", single[1], double[1])
        for weight in WATCHED:
            tensors |= store.both(f"{name}/average.{weight}", single[2][weight], double[2][weight])
    store.save(folder / "steps.safetensors", tensors, runs=RUNS)


def make():
    folder = store.fresh_folder("training")
    with torch.enable_grad():
        make_formulas(folder)
        make_steps(folder)
    store.write_provenance(folder, SEED)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make()
