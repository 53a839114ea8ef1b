"""Each guidance on the letters model, step by step: fixtures/goldens/guidance/letters/<name>.safetensors.

The pictures are of 16 × 16 pixels, half the size that the model was trained for, so that the tests are quick in
float64.

`trajectory.safetensors` holds `sample.<i>`, the pictures of an unguided run of DDIM at each step, in float32. Every
file has, for each step, `guided.<i>`, the guided prediction for that picture: so each step is seen by itself. And from
a run of its own, guided all the way, `chain.<i>`, the pictures after the last two steps.

`python scripts/goldens/guidance_letters.py NAME…` makes the files of some cases, and leaves the others as they are.

The network is diffusers', its attention written out (guidance_attention.py); the formulas are in NumPy
(guidance_formulas.py).
"""
import math
import sys

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel
from safetensors.torch import load_file

import guidance_attention as mixers
import guidance_formulas as formulas
import store
from runs import LETTERS
from truth import truth

SEED = 31
STEPS, SIZE = 4, 16
LABELS, NULL_LABEL = [4, 17], 26
MID, UP, FINE = "mid_block.attentions.0", "up_blocks.0.attentions.1", "up_blocks.1.attentions.0"
LAMBDAS = [0, 0.2, 0.4, 0.6, 0.8, 1]


class Step:
    """One step of one run: the predictions that a guidance may ask for, as NumPy arrays."""

    def __init__(self, models, scheduler, sample, index, memory):
        self.models, self.scheduler, self.sample, self.index, self.memory = models, scheduler, sample, index, memory
        self.timestep = scheduler.timesteps[index]

    def predict(self, given=True, mixing={}, weak=False, sample=None, watch=None):
        labels = torch.tensor(LABELS if given else [NULL_LABEL] * len(LABELS))
        model = self.models["weak" if weak else "main"]
        chosen = mixing | ({watch: mixers.softmax} if watch else {})
        with mixers.mixing(model, chosen) as processors:
            found = model(self.sample if sample is None else sample, self.timestep, labels).sample.numpy()
        return (found, processors[watch].map) if watch else found

    @property
    def c(self):
        return self.predict()

    @property
    def u(self):
        return self.predict(given=False)

    def signal_and_noise(self):
        """√ᾱ and √(1−ᾱ) as DDIM computes them: in float32."""
        alpha = self.scheduler.alphas_cumprod[self.timestep]
        return alpha**0.5, (1 - alpha) ** 0.5

    def noise_level(self):
        signal, noise = self.signal_and_noise()
        return noise / signal


def away(step, s, mixing, g=None):
    c, p = step.c, step.predict(mixing=mixing)
    return formulas.away(c, p, s) if g is None else formulas.cfg_away(c, step.u, p, g, s)


def apg(step, p, *options):
    guided, step.memory["before"] = formulas.apg(step.c, p, *options, step.memory.get("before"))
    return guided


def sag(step, s, layer, sigma, window, g=None):
    """arXiv 2210.00939, algorithm 1. x̄ = α x̃₀ + σ ε is written as x_t + α (x̃₀ − x̂₀)."""
    given = g is None
    prediction, weights = step.predict(given=given, watch=layer)
    alpha, sigma_t = step.signal_and_noise()
    original = (step.sample - sigma_t * torch.from_numpy(prediction)) / alpha
    received = weights.mean(dim=1).sum(dim=1)
    # A pixel on the edge would be blurred in one precision and not in the other.
    assert (received - 1).abs().min() > 1e-5, received
    size = math.isqrt(received.shape[1])
    mask = torch.nn.functional.interpolate(
        (received > 1).to(original.dtype).reshape(-1, 1, size, size), original.shape[2:]
    )
    loss = mask * (mixers.gaussian_blur(original, sigma, [window, window]) - original)
    worse = step.predict(given=given, sample=step.sample + alpha * loss)
    guided = prediction if g is None else formulas.cfg(step.c, prediction, g)
    return guided + np.asarray(s, dtype=guided.dtype) * (prediction - worse)


def swg(step, s, part, steps, masked, g=None):
    places = formulas.windows(SIZE, part, steps)
    cut = lambda top, left: step.sample[:, :, top:top + part, left:left + part]
    parts = [(top, left, step.predict(sample=cut(top, left))) for top in places for left in places]
    return formulas.swg(step.c, parts, s, masked, None if g is None else formulas.cfg(step.c, step.u, g))


def slope(step):
    """∂x̂₀/∂ε, and κ."""
    alpha, sigma = map(float, step.signal_and_noise())
    return formulas.kappa(-sigma / alpha, alpha, sigma)


def momentum(step, alpha, beta, g=None):
    p = step.c if g is None else formulas.cfg(step.c, step.u, g)
    signal, noise = step.signal_and_noise()
    original = (step.sample - noise * torch.from_numpy(p)) / signal
    u = formulas.velocity(step.sample.numpy(), original.numpy(), float(signal), float(noise))
    guided, step.memory["mean"] = formulas.momentum_guidance(p, u, slope(step), alpha, beta, step.memory.get("mean"))
    return guided


def smc(step, w, lam, gain, switching):
    guided, step.memory["error"] = formulas.smc_cfg(
        step.c, step.u, slope(step), w, lam, gain, switching, step.memory.get("error")
    )
    return guided


def adaptive(s, a, rule):
    return lambda step: away(step, formulas.adaptive(s, a, step.timestep.item(), rule), {MID: mixers.identity})


# name: guidance, its parameters as our registry calls them, and the guided prediction of a step.
CASES = {
    "none": ("none", {}, lambda step: step.c),
    "cfg": ("cfg", dict(guidanceScale=3), lambda step: formulas.cfg(step.c, step.u, 3)),
    "pag": ("pag", dict(pagScale=2), lambda step: away(step, 2, {MID: mixers.identity})),
    "pag-layers": (
        "pag", dict(pagScale=1.5, pagLayers=[MID, UP]),
        lambda step: away(step, 1.5, {MID: mixers.identity, UP: mixers.identity}),
    ),
    "pag-adaptive": ("pag", dict(pagScale=3, pagAdaptiveScale=0.004), adaptive(3, 0.004, "diffusers")),
    "pag-comfyui": (
        "pag", dict(pagScale=2, pagAdaptiveScale=0.2, pagAdaptiveRule="comfyui"), adaptive(2, 0.2, "comfyui")
    ),
    "cfg-pag": (
        "cfg+pag", dict(guidanceScale=2, pagScale=1.5), lambda step: away(step, 1.5, {MID: mixers.identity}, 2)
    ),
    "cfg-pag-per-sample": (
        "cfg+pag", dict(guidanceScale=[1, 3], pagScale=[2, 0.5]),
        lambda step: away(step, [2, 0.5], {MID: mixers.identity}, [1, 3]),
    ),
    "cfg-pag-rescaled": (
        "cfg+pag", dict(guidanceScale=3, pagScale=2, guidanceRescale=0.7),
        lambda step: formulas.rescale(away(step, 2, {MID: mixers.identity}, 3), step.c, 0.7),
    ),
    "off-diagonal-mask": (
        "pag", dict(pagScale=2, perturbation="off-diagonal-mask"),
        lambda step: away(step, 2, {MID: mixers.off_diagonal_mask}),
    ),
    "random-mask": (
        "pag",
        dict(pagScale=2, perturbation="random-mask", maskProbability=0.4, perturbationSeed=3, pagLayers=[MID, UP]),
        lambda step: away(step, 2, {MID: mixers.random_mask(0.4, 3), UP: mixers.random_mask(0.4, 4)}),
    ),
    "noise": (
        "pag", dict(pagScale=2, perturbation="noise", attentionNoise=2, perturbationSeed=5),
        lambda step: away(step, 2, {MID: mixers.additive_noise(2, 5)}),
    ),
    "uniform": ("pag", dict(pagScale=2, perturbation="uniform"), lambda step: away(step, 2, {MID: mixers.uniform})),
    "soft-pag": (
        "soft-pag", dict(pagScale=2, headLambda=LAMBDAS),
        lambda step: away(step, 2, {MID: mixers.soft_identity(LAMBDAS)}),
    ),
    "seg": (
        "seg", dict(segScale=2, blurSigma=1, segLayers=[FINE]), lambda step: away(step, 2, {FINE: mixers.query_blur(1)})
    ),
    "seg-infinite": (
        "seg", dict(segScale=2, guidanceScale=2), lambda step: away(step, 2, {MID: mixers.query_blur(math.inf)}, 2)
    ),
    "slg": ("slg", dict(slgScale=2, slgLayers=[UP]), lambda step: away(step, 2, {UP: None})),
    "sag": ("sag", dict(sagScale=1.5), lambda step: sag(step, 1.5, MID, 9, 31)),
    "sag-cfg": (
        "sag", dict(sagScale=0.75, sagLayer=[FINE], blurSigma=1, blurWindow=9, guidanceScale=2),
        lambda step: sag(step, 0.75, FINE, 1, 9, 2),
    ),
    "auto-guidance": (
        "auto-guidance", dict(guidanceScale=2), lambda step: formulas.cfg(step.c, step.predict(weak=True), 2)
    ),
    "auto-guidance-layers": (
        "auto-guidance", dict(guidanceScale=2.5, weakLayers=[MID]),
        lambda step: formulas.cfg(step.c, step.predict(mixing={MID: None}), 2.5),
    ),
    "apg": (
        "apg", dict(guidanceScale=5, apgEta=0.2, normThreshold=2.5, momentum=-0.5),
        lambda step: apg(step, step.u, 4, 0.2, 2.5, -0.5),
    ),
    "pag-apg": (
        "pag+apg", dict(pagScale=3, apgEta=0, normThreshold=2.5, momentum=0.3),
        lambda step: apg(step, step.predict(mixing={MID: mixers.identity}), 3, 0, 2.5, 0.3),
    ),
    "cfg-zero-star": (
        "cfg-zero-star", dict(guidanceScale=4, zeroInitSteps=1),
        lambda step: np.zeros_like(step.c) if step.index < 1 else formulas.cfg_zero_star(step.c, step.u, 4),
    ),
    "tcfg": ("tcfg", dict(guidanceScale=4), lambda step: formulas.tcfg(step.c, step.u, 4)),
    "fdg": ("fdg", dict(guidanceScales=[6, 3]), lambda step: formulas.fdg(step.c, step.u, [6, 3])),
    "snf": (
        "snf", dict(guidanceScale=5, pagScale=2),
        lambda step: formulas.snf(step.c, step.u, step.predict(mixing={MID: mixers.identity}), 5, 2, 1e-5),
    ),
    "tpg": (
        "tpg", dict(tpgScale=2, tpgLayers=[MID, UP], perturbationSeed=7),
        lambda step: away(step, 2, {MID: mixers.Shuffled(7), UP: mixers.Shuffled(8)}),
    ),
    "swg": ("swg", dict(swgScale=0.5, windowShare=0.75), lambda step: swg(step, 0.5, 12, 2, True)),
    "swg-cfg": (
        "swg", dict(swgScale=0.3, windowShare=0.5, windowSteps=3, windowMask="none", guidanceScale=2),
        lambda step: swg(step, 0.3, 8, 3, False, 2),
    ),
    "momentum-guidance": ("momentum-guidance", dict(momentumScale=0.5), lambda step: momentum(step, 0.5, 0.6)),
    "momentum-guidance-cfg": (
        "momentum-guidance", dict(momentumScale=0.3, momentumDecay=0.8, guidanceScale=2),
        lambda step: momentum(step, 0.3, 0.8, 2),
    ),
    "smc-cfg": (
        "smc-cfg", dict(guidanceScale=3, smcLambda=5, smcGain=0.02, smcSwitching="unit"),
        lambda step: smc(step, 3, 5, 0.02, "unit"),
    ),
    "mambo-g": ("mambo-g", dict(guidanceScale=8, alpha=3), lambda step: formulas.mambo_g(step.c, step.u, 8, 3)),
    "cfg-interval": (
        "cfg", dict(guidanceScale=3, guidanceStart=0.25, guidanceStop=0.75),
        lambda step: formulas.cfg(step.c, step.u, 3) if step.index in (1, 2) else step.c,
    ),
    "pag-sigma-interval": (
        "pag", dict(pagScale=2, guidanceSigmaAbove=0.5, guidanceSigmaUpTo=5),
        lambda step: away(step, 2, {MID: mixers.identity}) if 0.5 < step.noise_level() <= 5 else step.c,
    ),
}


def weakened(state):
    """The weak model: of every tensor, each seventh weight is 0."""
    weak = {name: weights.clone() for name, weights in state.items()}
    for weights in weak.values():
        weights.view(-1)[::7] = 0
    return weak


def models_in(dtype):
    models = {}
    for name in ("main", "weak"):
        model = UNet2DModel.from_pretrained(LETTERS).eval()
        if name == "weak":
            model.load_state_dict(weakened(model.state_dict()))
        models[name] = model.to(dtype)
    return models


def make_scheduler():
    scheduler = DDIMScheduler.from_pretrained(LETTERS.parent / "scheduler")
    scheduler.set_timesteps(STEPS)
    return scheduler


def local_steps(guide, models, trajectory, dtype):
    """The guided prediction for each picture of the trajectory."""
    memory = {}
    return [
        torch.from_numpy(guide(Step(models, make_scheduler(), sample.to(dtype), i, memory)))
        for i, sample in enumerate(trajectory)
    ]


def chained(guide, models, noise, dtype):
    """The picture after each step."""
    scheduler, sample, memory, samples = make_scheduler(), noise.to(dtype), {}, []
    for i, t in enumerate(scheduler.timesteps):
        guided = torch.from_numpy(guide(Step(models, scheduler, sample, i, memory)))
        assert guided.dtype == dtype
        sample = scheduler.step(guided, t, sample).prev_sample
        samples.append(sample)
    return samples


def make(folder):
    noise = torch.randn(len(LABELS), 1, SIZE, SIZE, generator=torch.Generator().manual_seed(SEED))
    single, double = models_in(torch.float32), models_in(torch.float64)
    none = CASES["none"][2]
    trajectory = [noise, *chained(none, single, noise, torch.float32)[:-1]]
    store.save(
        folder / "letters" / "trajectory.safetensors", {f"sample.{i}": sample for i, sample in enumerate(trajectory)},
        labels={"labels": LABELS, "nullLabel": NULL_LABEL},
    )
    make_cases(folder, CASES, trajectory, single, double)


def make_cases(folder, names, trajectory, single, double):
    noise = trajectory[0]
    for name in names:
        guidance, parameters, guide = CASES[name]
        tensors = {}
        with truth():
            exact = local_steps(guide, double, trajectory, torch.float64), chained(guide, double, noise, torch.float64)
        rounded = local_steps(guide, single, trajectory, torch.float32), chained(guide, single, noise, torch.float32)
        for i in range(STEPS):
            tensors |= store.both(f"guided.{i}", rounded[0][i], exact[0][i])
        for i in (STEPS - 2, STEPS - 1):
            tensors |= store.both(f"chain.{i}", rounded[1][i], exact[1][i])
        store.save(
            folder / "letters" / f"{name}.safetensors", tensors, case={"guidance": guidance, "parameters": parameters}
        )


def make_further(names):
    """Cases that came later, on the trajectory that is there: on another processor its last bits would be others."""
    folder = store.GOLDENS / "guidance"
    kept = load_file(folder / "letters" / "trajectory.safetensors")
    make_cases(
        folder, names, [kept[f"sample.{i}"] for i in range(STEPS)], models_in(torch.float32), models_in(torch.float64)
    )
    store.add_to_provenance(
        folder, [f"letters/{name}.safetensors" for name in names],
        f"python scripts/goldens/guidance_letters.py {' '.join(names)}",
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make_further(sys.argv[1:])
