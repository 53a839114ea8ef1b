"""Goldens of the steps of a run: fixtures/goldens/steps/

own.safetensors        runs with timesteps, σ or churn (s_churn, …) of their own, stored as those of schedulers.py are
                       (`cases` of each class)
acceptance.json        which classes take timesteps and σ of one's own, and with which settings: "taken", or what
                       diffusers raises
tables.json            for 1000 training timesteps: where set_timesteps(n) makes another number of timesteps than n,
                       or one of them twice

The inputs are those of schedulers.py, which must have run before.

Run: pip install -r scripts/goldens/requirements.txt && python scripts/goldens/steps.py
"""
import json
import logging

import diffusers
import numpy
import torch
from safetensors.torch import load_file

import schedulers
import store
from schedulers import COSINE, FLOW_SIGMAS, KARRAS, LEADING, SCALED, SIGMA_MIN, TRAILING, V, X0, case

FALLING = [999, 800, 500, 200, 50]
CHURN = dict(s_churn=1.5, s_tmin=0.05, s_tmax=20.0, s_noise=1.007)
ANY_FLOW = dict(shift=3.0, use_dynamic_shifting=True)


def own(timesteps=None, sigmas=None, *configs, **choices):
    """A case whose number of steps is that of its lists."""
    lists = {key: value for key, value in {"timesteps": timesteps, "sigmas": sigmas}.items() if value is not None}
    return case(None, *configs, **lists, **choices)


# Not here: s_churn with a model of v or x₀ at σ, whose float64 truth is that of the same formula; one of each is
# enough.
CASES = {
    "DDPMScheduler": [
        own(FALLING), own([980, 500, 3], None, V, dict(clip_sample=False)), own([999, 300, 0], None, X0, LEADING)
    ],
    "EulerDiscreteScheduler": [
        own([999, 750.5, 300, 20.25]), own([999, 500, 0], None, V, SCALED),
        own([800, 300, 20], None, LEADING, SIGMA_MIN),
        own(None, [14.6, 7.0, 2.5, 0.8, 0.03, 0.0]), own(None, [10.0, 3.0, 1.0, 0.1], KARRAS, V),
        own(None, [5.0, 1.0, 0.0], LEADING),
        own([999, 600, 100], None, dict(interpolation_type="log_linear")),
        case(6, **CHURN), case(5, V, SCALED, KARRAS, s_churn=40.0), case(5, X0, **CHURN),
        own(None, [10.0, 2.0, 0.5, 0.0], s_churn=0.4),
    ],
    "HeunDiscreteScheduler": [own([999, 600, 250.5, 40]), own([900, 200], None, V, dict(clip_sample=True))],
    "DPMSolverMultistepScheduler": [
        own(FALLING), own([999, 900, 700, 500, 300, 100, 10], None, dict(solver_order=3), V),
        own([990, 600, 20], None, COSINE, SIGMA_MIN),
        own(FALLING, None, dict(algorithm_type="sde-dpmsolver++")), own([999, 400], None, TRAILING, X0),
    ],
    "DPMSolverSinglestepScheduler": [
        own(FALLING), own([999, 900, 700, 500, 300, 100], None, dict(solver_order=3), V),
        own([999, 400, 30], None, SIGMA_MIN),
    ],
    "UniPCMultistepScheduler": [
        own(None, [1.0, 0.8, 0.5, 0.2], FLOW_SIGMAS),
        own(None, [0.95, 0.6, 0.3], FLOW_SIGMAS, dict(shift_terminal=0.1)),
        own(None, [1.0, 0.7, 0.4, 0.2, 0.05], FLOW_SIGMAS, SIGMA_MIN, dict(use_dynamic_shifting=True), mu=0.7),
    ],
    "LCMScheduler": [own([999, 759, 499, 259]), own([990, 500, 10], None, V)],
    "TCDScheduler": [own([999, 759, 499, 259]), own([990, 500, 10], None, X0, eta=0.6)],
    "EDMEulerScheduler": [
        case(6, **CHURN), case(5, V, s_churn=40.0),
        case(7, dict(sigma_schedule="exponential"), s_churn=1.0, s_noise=1.01),
    ],
    "FlowMatchEulerDiscreteScheduler": [
        own([1000, 800, 400, 100]), own([1000, 801, 402.5, 103], None, dict(shift=3.0)),
        own(None, [1.0, 0.75, 0.5, 0.25], dict(shift=3.0)),
        own([1000, 700, 200], [0.9, 0.6, 0.3], dict(shift=2.0)), own([999, 600, 200], None, ANY_FLOW, mu=0.7),
        own(None, [0.95, 0.6, 0.3], ANY_FLOW, dict(time_shift_type="linear"), mu=1.8),
        own(None, [1.0, 0.7, 0.3], dict(shift_terminal=0.1)),
        own([950, 700, 300, 80], None, KARRAS), own([1000, 700, 300], None, dict(invert_sigmas=True)),
    ],
    "DPMSolverSDEScheduler": [case(5, s_noise=0.9), case(4, KARRAS, V, s_noise=1.1)],
    "FlowMatchHeunDiscreteScheduler": [case(4, **CHURN), case(3, dict(shift=3.0), s_churn=0.6, s_noise=0.9)],
    "FlowMatchLCMScheduler": [
        own([1000, 801, 402.5, 103], None, dict(shift=3.0)), own(None, [1.0, 0.75, 0.5, 0.25], dict(shift=3.0))
    ],
    "CMStochasticIterativeScheduler": [own([39, 22, 7]), own([30, 0], None, dict(clip_denoised=False))],
}

SPACED = {
    f"use_{kind}": True for kind in ("karras_sigmas", "exponential_sigmas", "beta_sigmas", "lu_lambdas", "flow_sigmas")
}
# Settings that may have a say in whether steps of one's own are taken; of a class those of which it has the keys.
SETTINGS = [
    {}, *[{key: True} for key in SPACED], dict(timestep_type="continuous", prediction_type="v_prediction"),
    dict(use_flow_sigmas=True, use_karras_sigmas=True),
]
ASKED = {
    "timesteps": dict(timesteps=[999, 500, 20]), "rising": dict(timesteps=[20, 500, 999]),
    "beyond": dict(timesteps=[1000, 500]),
    "sigmas": dict(sigmas=[0.9, 0.5, 0.1]), "both": dict(timesteps=[999, 500, 20], sigmas=[0.9, 0.5, 0.1]),
    "with steps": dict(num_inference_steps=5, timesteps=[999, 500, 20]),
}


def taken(name, config, asked):
    """ "taken", or the name of what is raised."""
    scheduler = getattr(diffusers, name).from_config(config)
    try:
        scheduler.set_timesteps(
            **{key: numpy.array(value) if key == "sigmas" else value for key, value in asked.items()}
        )
        return "taken"
    except Exception as error:
        return type(error).__name__


def acceptance():
    rows = []
    for name in schedulers.CASES:
        keys = getattr(diffusers, name)().config.keys()
        for config in SETTINGS:
            if all(key in keys for key in config):
                rows.append({
                    "class": name, "config": config,
                    **{what: taken(name, config, asked) for what, asked in ASKED.items()},
                })
    return rows


def table(name, config):
    """The numbers of steps n for which there are not n timesteps, or not n different ones."""
    scheduler = getattr(diffusers, name).from_config(config)
    others, twice, last = [], [], set()
    for n in range(1, 1001):
        try:
            scheduler.set_timesteps(n)
        except Exception:
            continue
        timesteps = [float(t) for t in scheduler.timesteps]
        if name == "PNDMScheduler":
            timesteps = [float(t) for t in scheduler._timesteps]
        calls = len(timesteps)
        steps = (calls + 1) // 2 if name in (
            "HeunDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
            "DPMSolverSDEScheduler",
        ) else calls
        if steps != n:
            others.append(n)
            last.add(min(timesteps))
        elif calls == n and len(set(timesteps)) != n:
            twice.append(n)
    return {"class": name, "config": config, "other number": others, "their last": sorted(last), "one twice": twice}


def tables():
    rows = []
    for name in schedulers.CASES:
        keys = getattr(diffusers, name)().config.keys()
        if "timestep_spacing" not in keys or name in (
            "LCMScheduler", "TCDScheduler", "DPMSolverMultistepInverseScheduler"
        ):
            continue
        # Elsewhere the other spacings make n different timesteps.
        for spacing in ("trailing", "linspace", "leading") if "solver_order" in keys else ("trailing",):
            skipping = {"skip_prk_steps": True} if name == "PNDMScheduler" else {}
            rows.append(table(name, dict(timestep_spacing=spacing) | skipping))
    return rows


def make():
    folder = store.fresh_folder("steps")
    given = load_file(store.GOLDENS / "schedulers" / "given.safetensors")
    tensors, listed = {}, []
    for name, specs in CASES.items():
        for index, spec in enumerate(specs):
            single, _, _ = schedulers.run(name, spec, given, torch.float32)
            double, scheduler, start = schedulers.run(name, spec, given, torch.float64)
            case_name = f"{name} {schedulers.title(index, spec)}"
            tensors |= store.both(case_name, single, double)
            listed.append({
                "class": name, "name": case_name, **spec, "timesteps": [float(t) for t in scheduler.timesteps],
                "levels": schedulers.levels(name, scheduler), "init_noise_sigma": start,
            })
    store.save(folder / "own.safetensors", tensors, cases=listed)
    store.save_json(folder / "acceptance.json", acceptance())
    (folder / "tables.json").write_text(json.dumps(tables()) + "\n")
    store.write_provenance(folder, schedulers.SEED)


if __name__ == "__main__":
    logging.disable()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
