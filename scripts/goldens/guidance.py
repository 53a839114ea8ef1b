"""Goldens of the guidances: fixtures/goldens/guidance.

- formulas.safetensors: each guidance on given predictions, from the papers' formulas in NumPy (guidance_formulas.py).
  Where diffusers has a guider that agrees, this script asserts so in float64, and `/f32` is the guider's; else NumPy's
  own.
- attention.safetensors: attention with each perturbation of its map, in PyTorch (guidance_attention.py).
- guiders.safetensors: diffusers' guiders run on the letters model, right or wrong (guidance_guiders.py).
- letters/<name>.safetensors: each guidance on the letters model, step by step (guidance_letters.py).

FrequencyDecoupledGuidance needs kornia. The metadata of each file are under one key: safetensors writes several in any
order.
"""
from types import SimpleNamespace

import numpy as np
import torch
from diffusers.guiders import (
    AdaptiveProjectedGuidance, AutoGuidance, ClassifierFreeGuidance, ClassifierFreeZeroStarGuidance,
    FrequencyDecoupledGuidance, MagnitudeAwareGuidance, PerturbedAttentionGuidance, SkipLayerGuidance,
    SmoothedEnergyGuidance, TangentialClassifierFreeGuidance,
)
from diffusers.hooks import LayerSkipConfig
from diffusers.pipelines.pag.pag_utils import PAGMixin

import guidance_attention as mixers
import guidance_formulas as formulas
import guidance_guiders
import guidance_letters
import store

SEED = 23
STEPS = 3
TIMESTEPS = [900, 500, 100]


def predictions(generator):
    """ε(c), ε(∅) and ε̂ of three samples in three steps. In the first sample all are near to one another, as they are
    at most steps; in the second they have nothing in common; the third is large, and ε(∅) turned against ε(c)."""
    draw = lambda: torch.randn(3, 2, 8, 8, generator=generator)
    steps = []
    for _ in range(STEPS):
        c = draw()
        spread = torch.tensor([0.1, 1.0, 1.0]).reshape(3, 1, 1, 1)
        mix = torch.tensor([1.0, 0.0, -0.8]).reshape(3, 1, 1, 1)
        size = torch.tensor([1.0, 0.6, 3.0]).reshape(3, 1, 1, 1)
        c, u, p = size * c, size * (mix * c + spread * draw()), size * (mix.abs() * c + spread * draw())
        steps.append({"given": c, "nothing": u, "perturbed": p})
    return steps


def with_diffusers_scale(s, a, t):
    """s(t) as the PAG pipelines of diffusers compute it."""
    return PAGMixin._get_pag_scale(SimpleNamespace(do_pag_adaptive_scaling=True, pag_scale=s, pag_adaptive_scale=a), t)


SKIP = dict(fqn="blocks", indices=[0])
ATTENTION_ONLY = LayerSkipConfig(**SKIP, skip_attention=False, skip_attention_scores=True, skip_ff=False)

# The level of the steps, whose picture is ε(c); the predictions are taken for x̂₀, so that ∂x̂₀/∂p is 1.
SIGNAL, NOISE = 0.6, 0.8
KAPPA = formulas.kappa(1, SIGNAL, NOISE)


def momentum(x, p, alpha, beta, mean):
    return formulas.momentum_guidance(p, formulas.velocity(x, p, SIGNAL, NOISE), KAPPA, alpha, beta, mean)


def corners(p, part, steps):
    """Every window shows the upper left corner of p, wherever it lies."""
    places = formulas.windows(p.shape[2], part, steps)
    return [(top, left, p[:, :, :part, :part]) for top in places for left in places]


# name: guidance, its parameters as our registry calls them, the formula from (c, u, p, step, what it remembers), the
# guider.
CASES = {
    "cfg": (
        "cfg", dict(guidanceScale=7.5), lambda c, u, p, i, m: formulas.cfg(c, u, 7.5),
        lambda: ClassifierFreeGuidance(7.5),
    ),
    "cfg, a scale for each": (
        "cfg", dict(guidanceScale=[0, 1, 3.5]), lambda c, u, p, i, m: formulas.cfg(c, u, [0, 1, 3.5]), None
    ),
    "pag": ("pag", dict(pagScale=3), lambda c, u, p, i, m: formulas.away(c, p, 3), None),
    "pag, a scale for each": (
        "pag", dict(pagScale=[0, 1, 2.5]), lambda c, u, p, i, m: formulas.away(c, p, [0, 1, 2.5]), None
    ),
    "pag, adaptive": (
        "pag", dict(pagScale=3, pagAdaptiveScale=0.004),
        lambda c, u, p, i, m: formulas.away(c, p, with_diffusers_scale(3, 0.004, TIMESTEPS[i])), None,
    ),
    "pag, adaptive as in ComfyUI": (
        "pag", dict(pagScale=[3, 1, 0.5], pagAdaptiveScale=0.2, pagAdaptiveRule="comfyui"),
        lambda c, u, p, i, m: formulas.away(c, p, formulas.adaptive([3, 1, 0.5], 0.2, TIMESTEPS[i], "comfyui")), None,
    ),
    "cfg+pag": (
        "cfg+pag", dict(guidanceScale=4, pagScale=2.8), lambda c, u, p, i, m: formulas.cfg_away(c, u, p, 4, 2.8),
        lambda: PerturbedAttentionGuidance(4.0, 2.8, -1.0, 1.0, perturbed_guidance_config=ATTENTION_ONLY),
    ),
    "cfg+pag, scales for each": (
        "cfg+pag", dict(guidanceScale=[1, 3, 1], pagScale=[0, 0, 2]),
        lambda c, u, p, i, m: formulas.cfg_away(c, u, p, [1, 3, 1], [0, 0, 2]), None,
    ),
    "seg": (
        "seg", dict(guidanceScale=4, segScale=2.5), lambda c, u, p, i, m: formulas.cfg_away(c, u, p, 4, 2.5),
        lambda: from_step_0(SmoothedEnergyGuidance(4.0, 2.5, seg_guidance_layers=[0]), "seg_guidance_start"),
    ),
    "slg": (
        "slg", dict(guidanceScale=4, slgScale=2.8), lambda c, u, p, i, m: formulas.cfg_away(c, u, p, 4, 2.8),
        lambda: from_step_0(
            SkipLayerGuidance(4.0, 2.8, skip_layer_guidance_stop=1.0, skip_layer_guidance_layers=[0]),
            "skip_layer_guidance_start",
        ),
    ),
    "auto-guidance": (
        "auto-guidance", dict(guidanceScale=2.2), lambda c, u, p, i, m: formulas.cfg(c, p, 2.2),
        lambda: AutoGuidance(2.2, auto_guidance_layers=[0], dropout=1.0),
    ),
    "rescale": (
        "cfg", dict(guidanceScale=7.5, guidanceRescale=0.7),
        lambda c, u, p, i, m: formulas.rescale(formulas.cfg(c, u, 7.5), c, 0.7),
        lambda: ClassifierFreeGuidance(7.5, guidance_rescale=0.7),
    ),
    "rescale, a share for each": (
        "pag", dict(pagScale=2, guidanceRescale=[0, 1, 0.3]),
        lambda c, u, p, i, m: formulas.rescale(formulas.away(c, p, 2), c, [0, 1, 0.3]), None,
    ),
    "apg": (
        "apg", dict(guidanceScale=7.5), lambda c, u, p, i, m: formulas.apg(c, u, 6.5, 1, 15, 0, None),
        lambda: AdaptiveProjectedGuidance(6.5, use_original_formulation=True),
    ),
    "apg, as in the paper": (
        "apg", dict(guidanceScale=5, apgEta=0, normThreshold=4, momentum=-0.5),
        lambda c, u, p, i, m: formulas.apg(c, u, 4, 0, 4, -0.5, m),
        lambda: AdaptiveProjectedGuidance(4.0, -0.5, 4.0, eta=0.0, use_original_formulation=True),
    ),
    "apg, not cut": (
        "apg", dict(guidanceScale=[1, 3, 3], apgEta=0.3, normThreshold=0, momentum=0.75),
        lambda c, u, p, i, m: formulas.apg(c, u, [0, 2, 2], 0.3, 0, 0.75, m), None,
    ),
    "pag+apg": (
        "pag+apg", dict(pagScale=[3, 0, 1], apgEta=0.2, normThreshold=2, momentum=0.4),
        lambda c, u, p, i, m: formulas.apg(c, p, [3, 0, 1], 0.2, 2, 0.4, m), None,
    ),
    "cfg-zero-star": (
        "cfg-zero-star", dict(guidanceScale=4, zeroInitSteps=1),
        lambda c, u, p, i, m: np.zeros_like(c) if i < 1 else formulas.cfg_zero_star(c, u, 4),
        lambda: ClassifierFreeZeroStarGuidance(4.0, 1),
    ),
    "tcfg": (
        "tcfg", dict(guidanceScale=7.5), lambda c, u, p, i, m: formulas.tcfg(c, u, 7.5),
        lambda: TangentialClassifierFreeGuidance(7.5),
    ),
    "fdg": (
        "fdg", dict(guidanceScales=[10, 5]), lambda c, u, p, i, m: formulas.fdg(c, u, [10, 5]),
        lambda: FrequencyDecoupledGuidance([10.0, 5.0]),
    ),
    "fdg of three levels": (
        "fdg", dict(guidanceScales=[3, 2, 7]), lambda c, u, p, i, m: formulas.fdg(c, u, [3, 2, 7]),
        lambda: FrequencyDecoupledGuidance([3.0, 2.0, 7.0]),
    ),
    "fdg, one level unguided": (
        "fdg", dict(guidanceScales=[4, 1]), lambda c, u, p, i, m: formulas.fdg(c, u, [4, 1]), None
    ),
    "mambo-g": (
        "mambo-g", dict(guidanceScale=10, alpha=8), lambda c, u, p, i, m: formulas.mambo_g(c, u, 10, 8),
        lambda: MagnitudeAwareGuidance(10.0, 8.0),
    ),
    "mambo-g, mild": (
        "mambo-g", dict(guidanceScale=[2, 4, 10], alpha=0.5),
        lambda c, u, p, i, m: formulas.mambo_g(c, u, [2, 4, 10], 0.5), None,
    ),
    "snf": ("snf", dict(guidanceScale=4, pagScale=2.5), lambda c, u, p, i, m: formulas.snf(c, u, p, 4, 2.5), None),
    "snf, scales for each": (
        "snf", dict(guidanceScale=[1, 3, 2], pagScale=[0, 2, 5]),
        lambda c, u, p, i, m: formulas.snf(c, u, p, [1, 3, 2], [0, 2, 5]), None,
    ),
    # What becomes of ε(c), and of ε(∅), is the model's affair: p stands for it.
    "nag": ("nag", dict(guidanceScale=[1, 3, 0]), lambda c, u, p, i, m: formulas.cfg(p, u, [1, 3, 0]), None),
    "pladis": ("pladis", dict(guidanceScale=3), lambda c, u, p, i, m: p, None),
    "tpg": ("tpg", dict(guidanceScale=3, tpgScale=2), lambda c, u, p, i, m: formulas.cfg_away(c, u, p, 3, 2), None),
    "swg": (
        "swg", dict(swgScale=[0.2, 1, 3]), lambda c, u, p, i, m: formulas.swg(c, corners(p, 5, 2), [0.2, 1, 3], True),
        None,
    ),
    "swg, not masked": (
        "swg", dict(swgScale=0.5, windowShare=0.5, windowSteps=3, windowMask="none", guidanceScale=2),
        lambda c, u, p, i, m: formulas.swg(c, corners(p, 4, 3), 0.5, False, formulas.cfg(c, u, 2)), None,
    ),
    "momentum-guidance": (
        "momentum-guidance", dict(momentumScale=[0.5, 1, 0.2], momentumDecay=0.6),
        lambda c, u, p, i, m: momentum(c, c, [0.5, 1, 0.2], 0.6, m), None,
    ),
    "momentum-guidance, with cfg": (
        "momentum-guidance", dict(momentumScale=0.7, momentumDecay=0.9, guidanceScale=3),
        lambda c, u, p, i, m: momentum(c, formulas.cfg(c, u, 3), 0.7, 0.9, m), None,
    ),
    "smc-cfg": (
        "smc-cfg", dict(guidanceScale=[1, 4, 7.5], smcLambda=5, smcGain=0.2),
        lambda c, u, p, i, m: formulas.smc_cfg(c, u, KAPPA, [1, 4, 7.5], 5, 0.2, "sign", m), None,
    ),
    "smc-cfg, of length 1": (
        "smc-cfg", dict(guidanceScale=3, smcLambda=2, smcGain=0.5, smcSwitching="unit"),
        lambda c, u, p, i, m: formulas.smc_cfg(c, u, KAPPA, 3, 2, 0.5, "unit", m), None,
    ),
}

# Of the others, one step says it all.
REMEMBERED = {"pagAdaptiveScale", "momentum", "zeroInitSteps", "momentumScale", "smcGain"}
STEPWISE = {name for name, (_, parameters, _, _) in CASES.items() if REMEMBERED & parameters.keys()}

# These two compute in float32 whatever they are given.
TOLERANCE = {"tcfg": 1e-5, "cfg-zero-star": 1e-6}


def from_step_0(guider, start):
    """The guider without its strict test, which leaves step 0 out (see guidance_guiders.py)."""
    setattr(guider, start, -1.0)
    return guider


def guided_by_formula(formula, steps, dtype):
    results, memory = [], None
    for i, step in enumerate(steps):
        found = formula(*(step[key].numpy().astype(dtype) for key in ("given", "nothing", "perturbed")), i, memory)
        if isinstance(found, tuple):
            found, memory = found
        results.append(torch.from_numpy(np.ascontiguousarray(found.astype(dtype))))
    return results


def guided_by_guider(guider, steps, dtype):
    results = []
    for i, step in enumerate(steps):
        guider.set_state(i, STEPS, torch.tensor(TIMESTEPS[i]))
        guider.prepare_inputs({})
        c, u, p = (step[key].to(dtype) for key in ("given", "nothing", "perturbed"))
        if isinstance(guider, (PerturbedAttentionGuidance, SkipLayerGuidance, SmoothedEnergyGuidance)):
            results.append(guider.forward(c, u, p).pred)
        elif isinstance(guider, AutoGuidance):
            results.append(guider.forward(c, p).pred)
        elif isinstance(guider, MagnitudeAwareGuidance):
            # It takes norms that PyTorch has for two dimensions only; of pictures it raises an error
            # (guidance_guiders.py).
            results.append(guider.forward(c.flatten(1)[:, None], u.flatten(1)[:, None]).pred.reshape(c.shape))
        else:
            results.append(guider.forward(c, u).pred)
    return results


def make_formulas(folder):
    steps = predictions(torch.Generator().manual_seed(SEED))
    tensors = {f"{i}.{what}": x for i, step in enumerate(steps) for what, x in step.items()}
    listed = []
    for name, (guidance, parameters, formula, guider) in CASES.items():
        exact = guided_by_formula(formula, steps, np.float64)
        single = guided_by_formula(formula, steps, np.float32)
        if guider is not None:
            for ours, theirs in zip(exact, guided_by_guider(guider(), steps, torch.float64)):
                torch.testing.assert_close(
                    theirs, ours, rtol=0, atol=TOLERANCE.get(name, 1e-12) * ours.abs().max().item(),
                    msg=lambda text: f"{name}: {text}",
                )
            single = guided_by_guider(guider(), steps, torch.float32)
        kept = STEPS if name in STEPWISE else 1
        listed.append({
            "name": name, "guidance": guidance, "parameters": parameters, "steps": kept, "guider": guider is not None
        })
        for i in range(kept):
            tensors |= store.both(f"{name}/{i}", single[i], exact[i])
    store.save(folder / "formulas.safetensors", tensors, formulas={"timesteps": TIMESTEPS, "cases": listed})


HEADS, CHANNELS = 2, 8
MIXERS = {
    "softmax": (mixers.softmax, [(4, 6)]),
    "identity": (mixers.identity, [(4, 6)]),
    "uniform": (mixers.uniform, [(4, 6)]),
    "off-diagonal mask": (mixers.off_diagonal_mask, [(4, 6)]),
    "random mask 0.4 5": (mixers.random_mask(0.4, 5), [(4, 6)]),
    "additive noise 2 5": (mixers.additive_noise(2, 5), [(4, 6)]),
    "token shuffle 5": (mixers.token_shuffle(5), [(4, 6)]),
    "sparse attention 2 1.5": (mixers.sparse_attention(2, 1.5), [(4, 6), (5, 5)]),
    "sparse attention 1 2": (mixers.sparse_attention(1, 2), [(4, 6)]),
    "normalized attention 4 1.5 0.25": (mixers.normalized_attention(4, 1.5, 0.25), [(4, 6), (5, 5)]),
    "normalized attention 0.5 2.5 1": (mixers.normalized_attention(0.5, 2.5, 1), [(4, 6)]),
    "soft identity 0.25 1": (mixers.soft_identity([0.25, 1]), [(4, 6)]),
    "query blur Infinity": (mixers.query_blur(float("inf")), [(4, 6)]),
    **{f"query blur {sigma}": (mixers.query_blur(sigma), [(4, 6), (5, 5), (2, 2)]) for sigma in (0.5, 1, 3, 100)},
}


def make_attention(folder):
    """Queries, keys and values of all tokens, [2,N,D], and what each perturbation makes of them."""
    generator = torch.Generator().manual_seed(SEED)
    tensors, listed = {}, []
    for grid in [(4, 6), (5, 5), (2, 2)]:
        name = f"{grid[0]}x{grid[1]}"
        q, k, v = (2 * torch.randn(2, grid[0] * grid[1], CHANNELS, generator=generator) for _ in range(3))
        tensors |= {f"{name}/{what}": x for what, x in (("q", q), ("k", k), ("v", v))}
        for mixer, (mix, grids) in MIXERS.items():
            if grid not in grids:
                continue
            heads = lambda x: x.unflatten(2, (HEADS, -1)).transpose(1, 2)
            run = lambda *xs: mix(*map(heads, xs), grid).transpose(1, 2).flatten(2)
            tensors |= store.both(f"{name}/{mixer}", run(q, k, v), run(q.double(), k.double(), v.double()))
            listed.append({"mixer": mixer, "grid": grid})
    store.save(folder / "attention.safetensors", tensors, attention={"heads": HEADS, "cases": listed})


def make():
    folder = store.fresh_folder("guidance")
    make_formulas(folder)
    make_attention(folder)
    guidance_guiders.make(folder)
    guidance_letters.make(folder)
    store.write_provenance(folder, SEED)


def make_further():
    """What needs no letters model, where letters/ is to be left as it is."""
    folder = store.GOLDENS / "guidance"
    make_formulas(folder)
    make_attention(folder)
    store.add_to_provenance(
        folder, ["attention.safetensors", "formulas.safetensors"], "python scripts/goldens/guidance.py"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make_further()
