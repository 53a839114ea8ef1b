"""Goldens of posterior sampling in latents (PSLD, Rout et al. 2023, arXiv 2307.00619): fixtures/goldens/psld/<name>
.safetensors, three steps each with the small pipeline in fixtures/letters-text, unconditionally (the empty prompt's
text is given as `text`).

The measurements are written by PyTorch's own operations, gradients are autograd's, through UNet, decoder and encoder;
the steps are those of diffusers' schedulers:

    z ← step(z, ε̃) − ∂/∂z ( ζ ‖y − A D(ẑ₀)‖ + γ ‖ẑ₀ − E(A⁺y + D(ẑ₀) − A⁺A D(ẑ₀))‖ )     per sample; ε̃ guided, ẑ₀ of ε

A file holds `text`, `measured`, `noise`, `step.<i>.noise`, `hidden` where there is a mask, and `step.<i>.sample` as
/f32 and /f64. The metadata key `run` has all settings.

Run: python scripts/goldens/psld.py [RUN ...]
"""
import sys
from unittest import mock

import diffusers.schedulers.scheduling_ddpm as ddpm_module
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, UNet2DConditionModel

import store
from perturbation import IdentityOfTokens, perturbed
from restoration import blur
from truth import truth

MODEL = store.GOLDENS.parent / "letters-text" / "model"
MID = "mid_block.attentions.0.transformer_blocks.0.attn1"
SEED, SIZE, BATCH, STEPS = 2307, 16, 2, 3
RUNS = {
    "sr4": dict(scheduler="DDPMScheduler", weight=2.0, gluing=0.3, pag_scale=1.5),
    "inpaint": dict(scheduler="DDIMScheduler", weight=1.0, gluing=0.1, hidden=[4, 3, 6, 8]),
    "motion-blur": dict(scheduler="DDIMScheduler", weight=1.2, gluing=0.2, pag_scale=0.8, length=5),
}


def transposed(measure, y):
    """Aᵀ y, of what measures pictures of the size of y."""
    zero = torch.zeros_like(y, requires_grad=True)
    return torch.autograd.grad(measure(zero), zero, y, create_graph=True)[0]


def measurement(run):
    """A, A⁺ and the mask, where there is one."""
    if "length" in run:
        measure = lambda x: blur(x, torch.eye(run["length"], dtype=torch.float64) / run["length"])
        return measure, lambda y: transposed(measure, y), None
    if "hidden" not in run:
        return lambda x: F.avg_pool2d(x, 4), lambda y: F.interpolate(y, scale_factor=4, mode="nearest"), None
    top, left, height, width = run["hidden"]
    hidden = torch.zeros(1, 1, SIZE, SIZE)
    hidden[:, :, top:top + height, left:left + width] = 1
    seen = lambda x: x * (1 - hidden.to(x))
    return seen, seen, hidden


def draw(unet, vae, run, given, dtype):
    """Yields the latents after each step."""
    measure, back, _ = measurement(run)
    scheduler = {"DDPMScheduler": DDPMScheduler, "DDIMScheduler": DDIMScheduler}[run["scheduler"]](
        num_train_timesteps=1000, clip_sample=False
    )
    scheduler.set_timesteps(STEPS)
    sample, measured, text = (given[key].to(dtype) for key in ("noise", "measured", "text"))
    text, factor = text.expand(BATCH, -1, -1), vae.config.scaling_factor
    length = lambda x: torch.linalg.vector_norm(x, dim=(1, 2, 3))
    for i, t in enumerate(scheduler.timesteps):
        with torch.enable_grad():
            z = sample.clone().requires_grad_()
            prediction = unet(z, t, text).sample
            alpha = scheduler.alphas_cumprod[t]
            original = (z - ((1 - alpha) ** 0.5).to(dtype) * prediction) / (alpha ** 0.5).to(dtype)
            decoded = vae.decode(original / factor).sample
            glued = back(measured) + decoded - back(measure(decoded))
            encoded = vae.encode(glued).latent_dist.mean * factor
            error = run["weight"] * length(measured - measure(decoded)) + run["gluing"] * length(original - encoded)
            slope = torch.autograd.grad(error.sum(), z)[0]
        guided = prediction.detach()
        if "pag_scale" in run:
            with perturbed(unet, [MID], IdentityOfTokens):
                guided = guided + run["pag_scale"] * (guided - unet(sample, t, text).sample)
        with mock.patch.object(ddpm_module, "randn_tensor", lambda *_, **__: given[f"step.{i}.noise"].to(dtype)):
            sample = scheduler.step(guided, t, sample).prev_sample - slope
        yield sample


def make_runs(root, names):
    models = {
        dtype: [
            kind.from_pretrained(MODEL / part, torch_dtype=dtype).eval().requires_grad_(False)
            for kind, part in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae"))
        ]
        for dtype in (torch.float32, torch.float64)
    }
    for name in names:
        run = RUNS[name]
        generator = torch.Generator().manual_seed(SEED)
        normal = lambda *shape: torch.randn(shape, generator=generator)
        measure, _, hidden = measurement(run)
        clean = measure(torch.tanh(2 * normal(BATCH, 1, SIZE, SIZE)))
        given = {"text": normal(1, 5, 96), "measured": clean + 0.05 * normal(*clean.shape)}
        latents = (BATCH, 4, SIZE // 2, SIZE // 2)
        given |= {"noise": normal(*latents)} | {f"step.{i}.noise": normal(*latents) for i in range(STEPS)}
        single = list(draw(*models[torch.float32], run, given, torch.float32))
        with truth():
            exact = list(draw(*models[torch.float64], run, given, torch.float64))
        tensors = given | ({} if hidden is None else {"hidden": hidden})
        for i in range(STEPS):
            tensors |= store.both(f"step.{i}.sample", single[i], exact[i])
        store.save(root / f"{name}.safetensors", tensors, run=run | dict(steps=STEPS, layer=MID))


def make_some(names):
    """Makes some runs anew, and says so in provenance.json."""
    folder = store.GOLDENS / "psld"
    make_runs(folder, names)
    files = [f"{name}.safetensors" for name in names]
    store.add_to_provenance(folder, files, f"python scripts/goldens/psld.py {' '.join(names)}")


def make():
    root = store.fresh_folder("psld")
    make_runs(root, RUNS)
    store.write_provenance(root, SEED, "python scripts/goldens/psld.py")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make_some(sys.argv[1:]) if sys.argv[1:] else make()
