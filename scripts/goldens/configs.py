"""What diffusers makes of a config in which a key is null, or of the wrong kind:
fixtures/goldens/configs/schedulers.json, of all classes of schedulers, and unet.json, of UNet2DModel, whose table is
like that of a scheduler.

Every key of every class is tried, alone and in the contexts in which it matters (sample_max_value does nothing
without thresholding). What is stored is the *meaning*: another value of the same key with which the run gives the
same numbers, bit for bit.

    {"<class>": {"compatible": […], "keys": {"<key>": {"<context>": {"<value as JSON>": meaning}}}}}

meaning: {"as": value}, or "missing" (as if the key were not there), "refused" (diffusers raises, or the numbers are
not finite), or "other" (numbers of its own, which no value of the right kind gives). `compatible` lists the keys of
other classes that the class ignores without a word; any other key that it does not have brings a warning.

Run: python scripts/goldens/configs.py
"""
import importlib
import inspect
import json
import logging
import math
import warnings
from functools import lru_cache
from unittest import mock

import diffusers
import torch

import store

STEPS = 6
MU = 0.4
CLASSES = """DDPMScheduler DDIMScheduler DDIMInverseScheduler PNDMScheduler EulerDiscreteScheduler
EulerAncestralDiscreteScheduler HeunDiscreteScheduler LMSDiscreteScheduler KDPM2DiscreteScheduler
KDPM2AncestralDiscreteScheduler DPMSolverMultistepScheduler DPMSolverSinglestepScheduler UniPCMultistepScheduler
DEISMultistepScheduler LCMScheduler TCDScheduler EDMEulerScheduler EDMDPMSolverMultistepScheduler
FlowMatchEulerDiscreteScheduler CMStochasticIterativeScheduler SASolverScheduler IPNDMScheduler
FlowMatchHeunDiscreteScheduler FlowMatchLCMScheduler DPMSolverMultistepInverseScheduler
CosineDPMSolverMultistepScheduler DPMSolverSDEScheduler ScoreSdeVeScheduler""".split()
# Their runs are of another kind, or draw from a Brownian tree, slowly: only their keys are listed.
NOT_RUN = ("ScoreSdeVeScheduler", "CosineDPMSolverMultistepScheduler", "DPMSolverSDEScheduler")

# Settings in which keys matter that do nothing otherwise. A class has those whose keys it has.
CONTEXTS = {
    "plain": {},
    "thresholding": {"thresholding": True, "clip_sample": True},
    "solver thresholding": {"thresholding": True, "solver_order": 2},
    "clipped": {"clip_sample": True},
    "leading": {"timestep_spacing": "leading"},
    "karras": {"use_karras_sigmas": True},
    "trained": {"trained_betas": [0.001 * (i + 1) for i in range(20)], "num_train_timesteps": 20},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
    "third order": {"solver_order": 3, "final_sigmas_type": "sigma_min"},
    "log-linear": {"interpolation_type": "log_linear"},
    "continuous v": {"timestep_type": "continuous", "prediction_type": "v_prediction"},
    "flow": {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
    "dynamic": {"use_dynamic_shifting": True},
    "dynamic flow": {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "use_dynamic_shifting": True},
    "sde": {"algorithm_type": "sde-dpmsolver++"},
}

WRONG = {
    bool: [0, 1, "false", [], {"odd": True}],
    int: [True, 2.5, "1", [1], {"odd": True}],
    float: [True, "0.5", [1], {"odd": True}],
    str: [True, 5, "", "other", [1], {"odd": True}],
    list: [5, "other", {"odd": True}],
}
KINDS = {
    "trained_betas": list, "disable_corrector": list, "sigma_min": float, "sigma_max": float, "shift_terminal": float,
    "variance_type": str, "solver_p": str, "noise_sampler_seed": int, "scale_factors": list, "tau_func": str,
}
CANDIDATES = {
    bool: [False, True], int: [0, 1, 2], float: [math.inf, 0.0, 1.0, 0.5],
    str: ["fixed_small", "fixed_large", "linear", "discrete", "zero", "sigma_min"],
    list: [[], [5]],
}


def keys_of(name):
    """The keys of a class with their defaults."""
    parameters = inspect.signature(getattr(diffusers, name).__init__).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key not in ("self", "kwargs")}


def ignored_by(name):
    """The keys of other classes that a class ignores without a word."""
    keys = {key for other in getattr(diffusers, name)._compatibles for key in keys_of(other)}
    return sorted(keys - set(keys_of(name)))


def model(x, t):
    return 0.7 * x.sin() + 0.02 * x + float(t) / 5000


@lru_cache(maxsize=None)
def outcome(name, text):
    """The last sample of a run, or None where diffusers raises or the numbers are not finite."""
    config = json.loads(text)
    cls = getattr(diffusers, name)
    module = importlib.import_module(cls.__module__)
    generators = iter(range(1000))

    def noise(shape, **_):
        return torch.randn(shape, generator=torch.Generator().manual_seed(7 + next(generators)), dtype=torch.float64)

    try:
        draws = hasattr(module, "randn_tensor")
        with mock.patch.object(module, "randn_tensor", noise) if draws else warnings.catch_warnings():
            scheduler = cls.from_config(config)
            scheduler.set_timesteps(STEPS, **({"mu": MU} if config.get("use_dynamic_shifting") else {}))
            sample = torch.tensor([2.5, -3.2, 1.7, 0.1], dtype=torch.float64).reshape(1, 1, 2, 2)
            sample = sample * float(getattr(scheduler, "init_noise_sigma", 1))
            for t in scheduler.timesteps:
                scaled = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
                sample = scheduler.step(model(scaled, t), t, sample).prev_sample
    except Exception:
        return None
    return tuple(sample.flatten().tolist()) if sample.isfinite().all() else None


def run(name, config):
    return outcome(name, json.dumps(config, sort_keys=True))


def meaning(name, context, key, kind, value):
    found = run(name, {**context, key: value})
    if found is None:
        # What ends in NaN with a flag set by its own name says nothing of other ways to set it.
        fails_anyway = kind is bool and value in (None, 0, 1) and run(name, {**context, key: bool(value)}) is None
        return {"as": bool(value)} if fails_anyway else "refused"
    if found == run(name, context):
        return "missing"
    for candidate in CANDIDATES[kind]:
        if found == run(name, {**context, key: candidate}):
            return {"as": "Infinity" if candidate == math.inf else candidate}
    return "other"


def table(name):
    keys = keys_of(name)
    rows = {}
    for key, default in keys.items():
        kind = KINDS.get(key, type(default))
        contexts = {
            title: context for title, context in CONTEXTS.items() if set(context) <= set(keys) and key not in context
        }
        if name in NOT_RUN:
            contexts = {}
        rows[key] = {}
        for title, context in contexts.items():
            if run(name, context) is None:
                continue
            values = [None] + (WRONG[kind] if title in ("plain", "thresholding", "karras", "flow") else [])
            rows[key][title] = {json.dumps(value): meaning(name, context, key, kind, value) for value in values}
    return {"compatible": ignored_by(name), "keys": rows}


TINY = dict(
    sample_size=8, in_channels=1, out_channels=1, block_out_channels=[4, 8], layers_per_block=1, norm_num_groups=2,
    attention_head_dim=4, down_block_types=["DownBlock2D", "AttnDownBlock2D"],
    up_block_types=["AttnUpBlock2D", "UpBlock2D"],
)
UNET_CONTEXTS = {
    "plain": {},
    "scale shift": {"resnet_time_scale_shift": "scale_shift"},
    "no middle": {"mid_block_type": None},
    "no attention": {"add_attention": False},
    "ResNet": {"downsample_type": "resnet", "upsample_type": "resnet"},
    "plain blocks": {"down_block_types": ["DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D"]},
    "learned": {"time_embedding_type": "learned", "num_train_timesteps": 20},
    "fourier": {"time_embedding_type": "fourier"},
    "classes": {"num_class_embeds": 3},
    "class as time": {"class_embed_type": "timestep"},
}
UNET_KINDS = {
    "sample_size": int, "time_embedding_dim": int, "attention_head_dim": int, "attn_norm_num_groups": int,
    "class_embed_type": str, "num_class_embeds": int, "num_train_timesteps": int, "mid_block_type": str,
}


@lru_cache(maxsize=None)
def unet_outcome(text):
    """The shapes of the weights and the output of a freshly made UNet, or None where diffusers raises."""
    config = TINY | json.loads(text)
    torch.manual_seed(0)
    try:
        unet = diffusers.UNet2DModel.from_config(config).eval()
        sample = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
        labels = torch.tensor([1]) if unet.class_embedding is not None else None
        output = unet(sample, torch.tensor(5), labels).sample
    except Exception:
        return None
    shapes = tuple((name, tuple(value.shape)) for name, value in unet.state_dict().items())
    return shapes, tuple(output.flatten().tolist())


def unet_table():
    parameters = inspect.signature(diffusers.UNet2DModel.__init__).parameters
    rows = {}
    for key, parameter in parameters.items():
        if key == "self":
            continue
        kind = {tuple: list}.get(type(parameter.default), UNET_KINDS.get(key, type(parameter.default)))
        rows[key] = {}
        for title, context in UNET_CONTEXTS.items():
            if key in context or unet_outcome(json.dumps(context)) is None:
                continue
            values = [None] + (
                WRONG[kind] + ([0] if key in UNET_KINDS and kind is int else []) if title == "plain" else []
            )
            rows[key][title] = {json.dumps(value): unet_meaning(context, key, kind, value) for value in values}
    return rows


def unet_meaning(context, key, kind, value):
    run = lambda **more: unet_outcome(json.dumps({**context, **more}))
    found = run(**{key: value})
    if found is None:
        return "refused"
    if found == run():
        return "missing"
    candidates = {
        bool: [False, True], int: [0, 1, 2, 8, 16, 32], float: [0.0, 1.0], str: ["default", "silu"], list: []
    }[kind]
    for candidate in candidates:
        if found == run(**{key: candidate}):
            return {"as": candidate}
    return "other"


def make():
    folder = store.fresh_folder("configs")
    diffusers.utils.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    tables = {}
    for name in CLASSES:
        tables[name] = table(name)
        outcome.cache_clear()
        print(f"made {name}", flush=True)
    contexts = json.dumps({
        title: {**context, **({"mu": MU} if "dynamic" in title else {})} for title, context in CONTEXTS.items()
    })
    lines = [f'"{name}": {{\n "compatible": {json.dumps(found["compatible"])},\n "keys": {{\n' + ",\n".join(
        f'  {json.dumps(key)}: {json.dumps(row)}' for key, row in found["keys"].items()) + "\n }}"
        for name, found in tables.items()]
    text = f'{{"steps": {STEPS},\n"contexts": {contexts},\n"classes": {{\n' + ",\n".join(lines) + "\n}}\n"
    json.loads(text)
    (folder / "schedulers.json").write_text(text)
    rows = ",\n".join(f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in unet_table().items())
    text = f'{{"config": {json.dumps(TINY)},\n"contexts": {json.dumps(UNET_CONTEXTS)},\n"keys": {{\n{rows}\n}}}}\n'
    json.loads(text)
    (folder / "unet.json").write_text(text)
    store.write_provenance(folder, 7)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
