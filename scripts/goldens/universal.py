"""Goldens of universal guidance (Bansal et al. 2023, arXiv 2302.07121, equation 6): fixtures/goldens/universal.

Three steps of the letters model, pulled by the classifier of fixtures/letters/classifier.safetensors, which has never
seen noise: it looks at x̂₀, and autograd goes back through the UNet. `ddim.safetensors`: diffusers' DDIMScheduler, a
letter asked of the classifier alone; `euler-pag.safetensors`: its EulerDiscreteScheduler, whose samples are scaled for
the model, together with PAG. Each has `noise`, `labels` (of the classifier), `conditions` (of the model) and, as /f32
and /f64, `slope` (∇ log p(y|x̂₀(x_t)) by x_t, of the first step) and `step.<i>.sample` (after each step).

Run: python scripts/goldens/universal.py
"""
import sys
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, EulerDiscreteScheduler, UNet2DModel
from safetensors.torch import load_file

import store
from perturbation import perturbed
from runs import LETTERS, MID
from schedulers import keep_double
from truth import truth

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
from train_classifier import Classifier  # noqa: E402

SEED, STEPS, SCALE = 2302, 3, 3.0
RUNS = {
    "ddim": dict(scheduler="DDIMScheduler", pag_scale=0.0, labels=[4, 17], conditions=[26, 26]),
    "euler-pag": dict(scheduler="EulerDiscreteScheduler", pag_scale=1.5, labels=[0, 9], conditions=[26, 9]),
}
KINDS = {"DDIMScheduler": DDIMScheduler, "EulerDiscreteScheduler": EulerDiscreteScheduler}


def log_probability(classifier, pictures, labels):
    """Σ log p(y|x)."""
    logits, _ = classifier(pictures)
    return -F.cross_entropy(logits, labels, reduction="sum")


def levels(scheduler, index, t):
    """α and σ of x_t = α x₀ + σ ε, as the schedulers' steps compute them."""
    if isinstance(scheduler, EulerDiscreteScheduler):
        return 1.0, scheduler.sigmas[index]
    alpha = scheduler.alphas_cumprod[t]
    return alpha**0.5, (1 - alpha) ** 0.5


def run(settings, unet, classifier, given, dtype):
    """Yields slope and sample of each step."""
    scheduler = KINDS[settings["scheduler"]].from_pretrained(LETTERS.parent / "scheduler")
    scheduler.set_timesteps(STEPS)
    sample = given["noise"].to(dtype) * scheduler.init_noise_sigma
    if isinstance(scheduler, EulerDiscreteScheduler):
        scheduler.sigmas = scheduler.sigmas.to(dtype)  # The table is float32; what is computed of it is not.
    conditions, labels = given["conditions"], given["labels"]
    for i, t in enumerate(scheduler.timesteps):
        signal, noise = levels(scheduler, i, t)
        with torch.enable_grad():
            leaf = sample.detach().requires_grad_()
            predicted = unet(scheduler.scale_model_input(leaf, t), t, conditions).sample
            original = (leaf - noise * predicted) / signal
            slope = torch.autograd.grad(log_probability(classifier, original, labels), leaf)[0]
        guided = predicted = predicted.detach()
        if settings["pag_scale"] != 0:
            with perturbed(unet, [MID]):
                spoilt = unet(scheduler.scale_model_input(sample, t), t, conditions).sample
            guided = predicted + settings["pag_scale"] * (predicted - spoilt)
        guided = guided - SCALE * (noise * slope)
        with mock.patch.object(torch.Tensor, "to", keep_double) if dtype == torch.float64 else nullcontext():
            sample = scheduler.step(guided, t, sample).prev_sample
        yield slope, sample


def make():
    root = store.fresh_folder("universal")
    stored = load_file(LETTERS.parent.parent / "classifier.safetensors")
    models = {}
    for dtype in (torch.float32, torch.float64):
        classifier = Classifier()
        classifier.load_state_dict(stored)
        models[dtype] = UNet2DModel.from_pretrained(LETTERS).eval().to(dtype), classifier.to(dtype)
    generator = torch.Generator().manual_seed(SEED)
    for name, settings in RUNS.items():
        given = {
            "noise": torch.randn(2, 1, 32, 32, generator=generator),
            "labels": torch.tensor(settings["labels"]),
            "conditions": torch.tensor(settings["conditions"]),
        }
        single = list(run(settings, *models[torch.float32], given, torch.float32))
        with truth():
            exact = list(run(settings, *models[torch.float64], given, torch.float64))
        tensors = dict(given)
        for i, (found, true) in enumerate(zip(single, exact)):
            tensors |= store.both(f"step.{i}.sample", found[1], true[1])
        tensors |= store.both("slope", single[0][0], exact[0][0])
        run_settings = dict(
            scheduler=settings["scheduler"], scale=SCALE, steps=STEPS, pag_scale=settings["pag_scale"], layer=MID
        )
        store.save(root / f"{name}.safetensors", tensors, run=run_settings)
    store.write_provenance(root, SEED, "python scripts/goldens/universal.py")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
