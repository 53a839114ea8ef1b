"""Goldens of posterior sampling (Chung et al. 2023, arXiv 2209.14687): fixtures/goldens/restoration/<name>.safetensors,
of the class-conditional model in fixtures/goldens/runs/conditional, which runs.py makes before.

The measurements are written here as matrices or by PyTorch's own operations, the misfit's gradient is autograd's, the
steps are those of diffusers' schedulers:

    x_{t−1} ← step(x_t, ε̃) − ζ ∂/∂x_t ‖y − A x̂₀(x_t, ε)‖      per sample; ε̃ guided, ε not, x̂₀ not clipped

A file holds `picture`, `measured` (y: A of the picture, and noise), `noise`, `step.<i>.noise`, and `hidden` where there
is a mask; then, each as /f32 and /f64: `blank`, A of the picture alone; `back`, Aᵀ of y; and `step.<i>.sample`. The
metadata key `run` has all settings.
"""
from unittest import mock

import diffusers.schedulers.scheduling_ddpm as ddpm_module
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DModel

import store
from perturbation import perturbed
from runs import MID, SEED, scheduler_of
from truth import truth

MODEL = store.GOLDENS / "runs" / "conditional"
SIZE, LABELS, STEPS = 8, [2, 0], 4
DDPM = dict(_class_name="DDPMScheduler", clip_sample=False)
DDIM = dict(_class_name="DDIMScheduler", clip_sample=False)

RUNS = {
    "denoise": dict(scheduler=DDPM, weight=1.5),
    "inpaint": dict(scheduler=DDIM, eta=0.5, weight=2.0, hidden=[2, 1, 4, 3]),
    "sr4": dict(scheduler=DDPM, weight=3.0, pag_scale=1.3),
    "gaussian-blur": dict(scheduler=DDIM, eta=1.0, sigma=0.7, weight=0.6, pag_scale=0.8),
    "motion-blur": dict(scheduler=DDPM | dict(prediction_type="v_prediction"), length=5, weight=1.0),
}


def blur(x, kernel):
    """Every channel blurred; beyond its edges a picture mirrors itself."""
    radius = kernel.shape[-1] // 2
    channels = x.shape[1]
    padded = F.pad(x, (radius,) * 4, mode="reflect")
    return F.conv2d(padded, kernel.to(x).expand(channels, 1, -1, -1), groups=channels)


def measurement(name, run):
    """A, as a function of [B,C,H,W]; and the mask, where there is one."""
    if name == "denoise":
        return lambda x: x, None
    if name == "inpaint":
        top, left, height, width = run["hidden"]
        hidden = torch.zeros(1, 1, SIZE, SIZE)
        hidden[:, :, top:top + height, left:left + width] = 1
        return lambda x: x * (1 - hidden.to(x)), hidden
    if name == "sr4":
        return lambda x: F.avg_pool2d(x, 4), None
    if name == "gaussian-blur":
        radius = -int(-3 * run["sigma"] // 1)
        line = torch.exp(-torch.arange(-radius, radius + 1, dtype=torch.float64) ** 2 / (2 * run["sigma"] ** 2))
        line = line / line.sum()
        return lambda x: blur(x, line[:, None] * line), None
    return lambda x: blur(x, torch.eye(run["length"], dtype=torch.float64) / run["length"]), None


def draw(model, run, measure, given, dtype):
    """Yields the sample after each step."""
    scheduler = scheduler_of(run | dict(steps=STEPS))
    labels = torch.tensor(LABELS)
    measured, sample = given["measured"].to(dtype), given["noise"].to(dtype)
    for i, t in enumerate(scheduler.timesteps):
        with torch.enable_grad():
            x = sample.clone().requires_grad_()
            prediction = model(x, t, labels).sample
            alpha = scheduler.alphas_cumprod[t]
            a, s = (alpha ** 0.5).to(dtype), ((1 - alpha) ** 0.5).to(dtype)
            if run["scheduler"].get("prediction_type") == "v_prediction":
                original = a * x - s * prediction
            else:
                original = (x - s * prediction) / a
            misfit = torch.linalg.vector_norm(measured - measure(original), dim=(1, 2, 3))
            slope = torch.autograd.grad(misfit.sum(), x)[0]
        guided = prediction.detach()
        if "pag_scale" in run:
            with perturbed(model, [MID]):
                guided = guided + run["pag_scale"] * (guided - model(sample, t, labels).sample)
        noise = given.get(f"step.{i}.noise")
        if isinstance(scheduler, DDIMScheduler):
            stepped = scheduler.step(guided, t, sample, eta=run["eta"], variance_noise=noise.to(dtype)).prev_sample
        else:
            with mock.patch.object(ddpm_module, "randn_tensor", lambda *_, **__: noise.to(dtype)):
                stepped = scheduler.step(guided, t, sample).prev_sample
        sample = stepped - run["weight"] * slope
        yield sample


def make():
    root = store.fresh_folder("restoration")
    model = UNet2DModel.from_pretrained(MODEL).eval().requires_grad_(False)
    double = UNet2DModel.from_pretrained(MODEL).eval().double().requires_grad_(False)
    for name, run in RUNS.items():
        generator = torch.Generator().manual_seed(SEED)
        shape = (len(LABELS), 1, SIZE, SIZE)
        measure, hidden = measurement(name, run)
        picture = torch.rand(shape, generator=generator) * 2 - 1
        clean = measure(picture)
        given = {"picture": picture, "measured": clean + 0.05 * torch.randn(clean.shape, generator=generator)}
        given["noise"] = torch.randn(shape, generator=generator)
        given |= {f"step.{i}.noise": torch.randn(shape, generator=generator) for i in range(STEPS)}
        tensors = given | ({} if hidden is None else {"hidden": hidden})
        tensors |= store.both("blank", clean, measure(picture.double()))
        backs = []
        for dtype in (torch.float32, torch.float64):
            with torch.enable_grad():
                zero = torch.zeros(shape, dtype=dtype, requires_grad=True)
                backs.append(torch.autograd.grad(measure(zero), zero, given["measured"].to(dtype))[0])
        tensors |= store.both("back", *backs)
        with truth():
            exact = list(draw(double, run, measure, given, torch.float64))
        for i, single in enumerate(draw(model, run, measure, given, torch.float32)):
            tensors |= store.both(f"step.{i}.sample", single, exact[i])
        store.save(root / f"{name}.safetensors", tensors, run=run | dict(steps=STEPS, labels=LABELS, layer=MID))
    store.write_provenance(root, SEED)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
