"""Folders as diffusers writes them, with what they draw: fixtures/goldens/folders.

`pairs.safetensors`: for all pairs of schedulers `X.from_config(Y.config)`, saved and loaded again, the last sample of
a run of the model of schedulers.py (`<X>/<Y>/f32` and `/f64`, its first picture). The metadata key `refused` lists
the pairs that diffusers refuses, `shared` the settings that Y was given beside its defaults. A file of X has all keys
of X, with Y's values where Y has them, and Y's other keys.

`settings.safetensors`: the last sample, of the same model, with configs that people have, and with nulls.

`cases.safetensors`: what the model in fixtures/cases predicts (`unet`, `fp16`, `float8`), and what it draws in 4
steps with each scheduler there that took over another's config (`<class>`).

`random.json` and `random.safetensors`: random valid folders. Of each case `files` are the texts that diffusers saved,
word for word; weights are not stored: `weights` says which files hold them (all of the model's parameters, or those
that the index puts there), and in which precision. Parameters are uniform numbers, in the order of their names, from
torch.manual_seed(seed); the first noise and then that of each step are uniform, from seed + 1 (a uniform number has
the same bits in every implementation of torch's generator). `<case>/f32` and `/f64` are what PyTorch draws, and the
truth (truth.py, schedulers.py).

Run: python scripts/goldens/folders.py [--count N --seed S --out FOLDER]; with another release of diffusers installed
(tried: 0.30.3, 0.35.2, 0.40.0) --out makes folders as that one saves them, and what it draws.
PAG_FOLDERS=FOLDER npx vitest run test/formats/folders.slow.test.ts compares.
"""
import argparse
import importlib
import inspect
import json
import math
import random
import tempfile
import warnings
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import diffusers
import torch
from diffusers import UNet2DModel
from safetensors.torch import load_file

import schedulers
import store
import truth
from configs import keys_of

SEED = 21
COUNT = 40
# What Stable Diffusion's folders have, which takes part in every exchange.
SHARED = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, clip_sample=False,
    set_alpha_to_one=False,
    skip_prk_steps=True, trained_betas=None, prediction_type="epsilon",
)


def full_config(name):
    """All keys of a class, as a saved file has them, with the shared settings."""
    cls = getattr(diffusers, name)
    config = {**keys_of(name), **{key: value for key, value in SHARED.items() if key in keys_of(name)}}
    return dict(cls.from_config(config).config)


def exchanged(name, other):
    """The file that X has when it took over the config of Y."""
    scheduler = getattr(diffusers, name).from_config(full_config(other))
    return json.loads(scheduler.to_json_string())


def pairs(folder):
    given = load_file(store.GOLDENS / "schedulers" / "given.safetensors")
    tensors, refused = {}, []
    names = list(schedulers.CASES)
    for name in names:
        for other in names:
            try:
                config = exchanged(name, other)
                spec = dict(config=config, steps=5, choices={})
                single, _, _ = schedulers.run(name, spec, given, torch.float32)
                double, _, _ = schedulers.run(name, spec, given, torch.float64)
            except Exception as error:
                print(f"{name} refuses the config of {other}: {error!r}"[:200])
                refused.append(f"{name}/{other}")
                continue
            own = {key: value for key, value in config.items() if not key.startswith("_")}
            whole = {**full_config(other)}
            kept = {key: value for key, value in whole.items() if not key.startswith("_")}
            assert own.keys() == kept.keys() | keys_of(name).keys(), (name, other)
            # Names of another class's solvers become those of this one.
            assert all(
                own[key] == kept[key] for key in kept if key not in ("solver_type", "algorithm_type")
            ), (name, other)
            tensors |= store.both(f"{name}/{other}", single[-1, :1], double[-1, :1])
    store.save(folder / "pairs.safetensors", tensors, refused=refused, shared=SHARED)


SETTINGS = {
    "Kandinsky, thresholding without a bound": dict(
        _class_name="DDPMScheduler", clip_sample=True, clip_sample_range=2.0, sample_max_value=None,
        num_train_timesteps=1000, prediction_type="epsilon", variance_type="learned_range", thresholding=True,
        beta_schedule="linear", beta_start=0.00085, beta_end=0.012),
    "Stable Diffusion 1.5": dict(
        _class_name="PNDMScheduler", beta_end=0.012, beta_schedule="scaled_linear", beta_start=0.00085,
        num_train_timesteps=1000,
        set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1, trained_betas=None, clip_sample=False),
    "Stable Diffusion XL": dict(
        _class_name="EulerDiscreteScheduler", beta_end=0.012, beta_schedule="scaled_linear", beta_start=0.00085,
        clip_sample=False,
        interpolation_type="linear", num_train_timesteps=1000, prediction_type="epsilon", sample_max_value=1.0,
        set_alpha_to_one=False,
        skip_prk_steps=True, steps_offset=1, timestep_spacing="leading", trained_betas=None, use_karras_sigmas=False),
    "DDIM, no bound": dict(_class_name="DDIMScheduler", sample_max_value=None, thresholding=True),
    "DPM, no bound": dict(_class_name="DPMSolverMultistepScheduler", sample_max_value=None, thresholding=True),
    "DDIM, no clipping": dict(_class_name="DDIMScheduler", clip_sample=None),
    "DDPM, no clipping": dict(_class_name="DDPMScheduler", clip_sample=None),
    "DDIM, no last alpha": dict(_class_name="DDIMScheduler", set_alpha_to_one=None, clip_sample=False),
    "DPM, full order": dict(_class_name="DPMSolverMultistepScheduler", lower_order_final=None, solver_order=3),
    "DEIS, full order": dict(_class_name="DEISMultistepScheduler", lower_order_final=None, solver_order=3),
    "UniPC, full order": dict(
        _class_name="UniPCMultistepScheduler", lower_order_final=None, solver_order=3, final_sigmas_type="sigma_min"
    ),
    "UniPC, of the noise": dict(_class_name="UniPCMultistepScheduler", predict_x0=None, final_sigmas_type="sigma_min"),
    "singlestep, full order": dict(_class_name="DPMSolverSinglestepScheduler", lower_order_final=None),
    "DDPM, no variance type": dict(_class_name="DDPMScheduler", variance_type=None),
    "Euler, no timestep type": dict(_class_name="EulerDiscreteScheduler", timestep_type=None),
}
# diffusers spaces σ between sigma_min and sigma_max also in classes that do not have these keys, where they were left
# by another class.
for name in ("HeunDiscreteScheduler", "LMSDiscreteScheduler", "KDPM2DiscreteScheduler",
             "KDPM2AncestralDiscreteScheduler", "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler",
             "DEISMultistepScheduler", "SASolverScheduler", "DPMSolverSDEScheduler",
             "FlowMatchEulerDiscreteScheduler", "FlowMatchLCMScheduler"):
    for kind in ("karras", "exponential", "beta"):
        ends = dict(sigma_min=0.02, sigma_max=0.9) if name.startswith("Flow") else dict(sigma_min=0.05, sigma_max=20.0)
        title = f"{name}, {kind} between ends of another class"
        SETTINGS[title] = {"_class_name": name, f"use_{kind}_sigmas": True} | ends


def settings(folder):
    given = load_file(store.GOLDENS / "schedulers" / "given.safetensors")
    tensors = {}
    for title, config in SETTINGS.items():
        spec = dict(config=config, steps=6, choices={})
        runs = [
            schedulers.run(config["_class_name"], spec, given, dtype)[0][-1, :1]
            for dtype in (torch.float32, torch.float64)
        ]
        tensors |= store.both(title, *runs)
    store.save(folder / "settings.safetensors", tensors, settings=SETTINGS)


def uniform(generator, shape, low, high):
    return torch.empty(shape).uniform_(low, high, generator=generator)


def cases(folder):
    home = store.GOLDENS.parent / "cases"
    given, noise = load_file(home / "in.safetensors"), load_file(home / "noise.safetensors")["noise"]
    files = {
        "unet": "unet/diffusion_pytorch_model", "fp16": "variant-fp16/diffusion_pytorch_model.fp16",
        "float8": "float8/diffusion_pytorch_model",
    }
    config = json.loads((home / "unet" / "config.json").read_text())
    tensors, models = {}, {}
    for name, file in files.items():
        state = {key: value.float() for key, value in load_file(home / f"{file}.safetensors").items()}
        single, double = UNet2DModel.from_config(config).eval(), UNet2DModel.from_config(config).eval().double()
        single.load_state_dict(state)
        double.load_state_dict(state)
        models[name] = single, double
        with truth.truth():
            exact = double(given["sample"].double(), given["timestep"]).sample
        tensors |= store.both(name, single(given["sample"], given["timestep"]).sample, exact)
    for path in sorted((home / "schedulers").glob("*Scheduler.json")):
        generator = torch.Generator().manual_seed(SEED)
        draws = [noise, *(uniform(generator, noise.shape, -1, 1) for _ in range(8))]
        drawn = [draw(model, path.stem, json.loads(path.read_text()), 4, {}, draws, dtype, None)
                 for model, dtype in zip(models["unet"], (torch.float32, torch.float64))]
        tensors |= store.both(path.stem, *drawn)
    store.save(folder / "cases.safetensors", tensors)


# Random folders.

OLD_KEYS = [
    dict(timestep_values=None, tensor_format="pt"), dict(predict_epsilon=True),
    dict(clip_sample=True, skip_prk_steps=True), dict(solver_p=None), dict(set_alpha_to_one=False, steps_offset=1),
]
NULLS = [
    "clip_sample", "thresholding", "set_alpha_to_one", "lower_order_final", "sample_max_value", "trained_betas",
    "variance_type", "skip_prk_steps", "rescale_betas_zero_snr", "sigma_min", "sigma_max", "timestep_type",
    "euler_at_final", "flow_shift", "solver_p", "shift_terminal",
]
EMA = dict(
    decay=0.9999, inv_gamma=1.0, min_decay=0.0, optimization_step=7, power=0.75, update_after_step=0,
    use_ema_warmup=True,
)
LAYOUTS = ["pipeline", "flat", "bare", "ema", "fp16", "sharded", "sharded fp16", "cache", "class in index"]


def random_unet(pick):
    depth = pick([1, 2, 2, 3])
    channels = [pick([4, 8]) for _ in range(depth)]
    attends = [pick([True, False]) for _ in range(depth)]
    kind = pick(["plain", "plain", "resnet"])
    down = [
        "AttnDownBlock2D" if attends[i] else {"plain": "DownBlock2D", "resnet": "ResnetDownsampleBlock2D"}[kind]
        for i in range(depth)
    ]
    up = [
        "AttnUpBlock2D" if attends[i] else {"plain": "UpBlock2D", "resnet": "ResnetUpsampleBlock2D"}[kind]
        for i in reversed(range(depth))
    ]
    time = pick(["positional", "positional", "fourier", "learned"])
    config = dict(
        sample_size=8, in_channels=pick([1, 3]), center_input_sample=pick([False, False, True]),
        time_embedding_type=time,
        freq_shift=pick([0, 1]), flip_sin_to_cos=pick([True, False]), down_block_types=down, up_block_types=up,
        block_out_channels=channels,
        layers_per_block=pick([1, 1, 2]), mid_block_scale_factor=pick([1, 1.4142]), downsample_padding=pick([1, 1, 0]),
        downsample_type=pick(["conv", "resnet"]), upsample_type=pick(["conv", "resnet"]),
        act_fn=pick(["silu", "swish", "gelu", "mish", "relu"]),
        attention_head_dim=pick([None, 2, 4]), norm_num_groups=pick([1, 2, 4]),
        attn_norm_num_groups=pick([None, None, 2]), norm_eps=pick([1e-5, 1e-6]),
        resnet_time_scale_shift=pick(["default", "scale_shift"]), add_attention=pick([True, True, False]),
        mid_block_type=pick(["UNetMidBlock2D", "UNetMidBlock2D", None]),
        num_train_timesteps=1000 if time == "learned" else None,
        time_embedding_dim=pick([None, None, 12]),
    )
    config["out_channels"] = config["in_channels"]
    config |= pick([{}, {}, dict(num_class_embeds=5), dict(class_embed_type="timestep")])
    known = inspect.signature(UNet2DModel.__init__).parameters  # An older diffusers has fewer.
    return {key: value for key, value in config.items() if key in known}


def random_scheduler(pick, time):
    name = pick([
        name
        for name in schedulers.CASES if time == "positional" or name in (
            "DDPMScheduler", "DDIMScheduler", "DPMSolverMultistepScheduler"
        )
    ])
    if time == "positional" and pick([True, False]):
        config = exchanged(name, pick(list(schedulers.CASES)))
    else:
        config = dict(keys_of(name)) if pick([True, False]) else {}
    spec = pick([pick(schedulers.CASES[name]), dict(config={}, choices={})])
    config |= spec["config"]
    if "variance_type" in config and str(config["variance_type"]).startswith("learned"):
        del config["variance_type"]
    for key in NULLS:
        if key in keys_of(name) and pick([True] + 7 * [False]):
            config[key] = None
    config |= pick(5 * [{}] + OLD_KEYS)
    if time == "fourier":
        config["timestep_spacing"] = "trailing"  # It takes the logarithm of t, which must not be 0.
    config["_class_name"], config["_diffusers_version"] = name, pick(["0.2.2", "0.18.0.dev0", diffusers.__version__])
    return name, config, spec["choices"]


def files_of(pick, unet, config, scheduler_text, layout):
    """The texts that diffusers saves, by path, and what each file of weights holds."""
    name = json.loads(scheduler_text)["_class_name"]
    with tempfile.TemporaryDirectory() as place:
        half = "fp16" in layout
        unet.save_pretrained(
            place, **(dict(max_shard_size="12KB") if "sharded" in layout else {}),
            **(dict(variant="fp16") if half else {}),
        )
        texts, weights = {}, {}
        for path in sorted(Path(place).iterdir()):
            if path.suffix == ".json":
                texts[path.name] = path.read_text()
            else:
                weights[path.name] = "f16" if half else "f32"
    texts["config.json"] = config
    root = {"pipeline": "unet/", "class in index": "unet/", "cache": "snapshots/0123456789abcdef/unet/"}.get(layout, "")
    top = root.removesuffix("unet/")
    index = {
        "_class_name": "DDPMPipeline", "_diffusers_version": diffusers.__version__, "scheduler": ["diffusers", name],
        "unet": ["diffusers", "UNet2DModel"],
    }
    files = {root + path: text for path, text in texts.items()}
    if root or layout == "flat":
        files[top + "model_index.json"] = json.dumps(index, indent=2)
    if layout == "class in index":
        scheduler_text = json.dumps({
            key: value for key, value in json.loads(scheduler_text).items() if key != "_class_name"
        })
    files[top + ("scheduler/" if root else "") + "scheduler_config.json"] = scheduler_text
    if layout == "cache":
        files["refs/main"] = "0123456789abcdef"
    return files, {root + path: held for path, held in weights.items()}


def draw(unet, name, config, steps, choices, noise, dtype, labels):
    """The last sample of a run."""
    cls = getattr(diffusers, name)
    module = importlib.import_module(cls.__module__)
    choices = dict(choices)
    mu = choices.pop("mu", None)
    is_truth = dtype == torch.float64
    draws = iter(noise[1:])
    with ExitStack() as stack:
        if is_truth:
            stack.enter_context(truth.truth())
            stack.enter_context(schedulers.truth())
        scheduler = cls.from_config(config)
        if hasattr(module, "randn_tensor"):
            stack.enter_context(mock.patch.object(module, "randn_tensor", lambda *_, **__: next(draws).to(dtype)))
        if hasattr(module, "BrownianTreeNoiseSampler"):
            motion = schedulers.GivenMotion(lambda: next(draws).to(dtype))
            stack.enter_context(mock.patch.object(module, "BrownianTreeNoiseSampler", lambda *_, **__: motion))
        if is_truth and name.startswith("KDPM2"):
            stack.enter_context(
                mock.patch.object(torch, "from_numpy", lambda array: schedulers.plain_from_numpy(array).double())
            )
        scheduler.set_timesteps(steps, **({} if mu is None else {"mu": mu}))
        if name == "DPMSolverMultistepInverseScheduler" and len(scheduler.timesteps) != steps:
            raise ValueError("a step is left out, whose timestep is that of another")
        if name not in schedulers.BY_ALPHA:
            table, scheduler.sigmas = scheduler.sigmas, scheduler.sigmas.float()
        start = float(getattr(scheduler, "init_noise_sigma", 1.0))
        if name not in schedulers.BY_ALPHA:
            scheduler.sigmas = table.to(dtype)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(0)
        sample = noise[0].to(dtype) * start
        if is_truth:
            stack.enter_context(mock.patch.object(torch.Tensor, "to", schedulers.keep_double))
        for t in scheduler.timesteps:
            x = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
            output = unet(x, t, labels).sample
            sample = scheduler.step(output, t, sample, **choices).prev_sample
        assert sample.dtype == dtype and sample.isfinite().all()
    return sample


def random_case(seed):
    """A case and what is drawn; None where diffusers refuses it."""
    chance = random.Random(seed)
    pick = chance.choice
    unet_config = random_unet(pick)
    try:
        name, config, choices = random_scheduler(pick, unet_config["time_embedding_type"])
    except Exception as error:
        return None, repr(error)[:300]
    layout = pick(LAYOUTS)
    steps = pick([3, 4, 6])
    if name == "IPNDMScheduler" and config.get("trained_betas"):
        steps = len(config["trained_betas"]) - 1  # They are its σ, of which diffusers takes all, whatever is asked for.
    generator = torch.Generator().manual_seed(seed)
    try:
        unet = UNet2DModel(**unet_config).eval()
        scheduler_text = json.dumps(
            {key: value for key, value in config.items() if key != "kwargs"}, indent=2, sort_keys=True
        )
        state = {}
        for key, value in sorted(unet.state_dict().items()):
            size = 1.5 / math.sqrt(max(1, value[0].numel())) if value.dim() > 1 else 0.3
            around = 1 if value.dim() == 1 and key.endswith("weight") and "norm" in key else 0
            state[key] = uniform(generator, value.shape, around - size, around + size)
        if "fp16" in layout:
            state = {key: value.half().float() for key, value in state.items()}
        unet.load_state_dict(state)
        double = UNet2DModel(**unet_config).eval().double()
        double.load_state_dict(state)
        shape = (1, unet_config["in_channels"], 8, 8)
        generator = torch.Generator().manual_seed(seed + 1)
        noise = [uniform(generator, shape, -math.sqrt(3), math.sqrt(3)) for _ in range(17)]
        labels = torch.tensor([3]) if unet.class_embedding is not None else None
        loaded = json.loads(scheduler_text)
        single = draw(unet, name, loaded, steps, choices, noise, torch.float32, labels)
        exact = draw(double, name, loaded, steps, choices, noise, torch.float64, labels)
    except Exception as error:
        return None, f"{name}: {error!r}"[:300]
    text = json.dumps(json.loads(unet.to_json_string()) | (EMA if layout == "ema" else {}), indent=2, sort_keys=True)
    files, weights = files_of(pick, unet, text, scheduler_text, layout)
    case = dict(
        seed=seed, layout=layout, scheduler=name, steps=steps, choices=choices,
        labels=[3] if labels is not None else None, files=files, weights=weights,
    )
    return case, (single, exact)


def randoms(folder, count, seed):
    cases, tensors, refused = [], {}, 0
    while len(cases) < count:
        case, drawn = random_case(seed)
        seed += 2
        if case is None:
            refused += 1
            continue
        tensors |= store.both(str(case["seed"]), *drawn)
        cases.append(case)
    print(f"{refused} were refused by diffusers")
    (folder / "random.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    store.save(folder / "random.safetensors", tensors)


def make():
    folder = store.fresh_folder("folders")
    quiet()
    cases(folder)
    settings(folder)
    pairs(folder)
    randoms(folder, COUNT, SEED)
    store.write_provenance(folder, SEED)


def quiet():
    diffusers.utils.logging.set_verbosity_error()
    warnings.simplefilter("ignore")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int)
    options.add_argument("--seed", type=int, default=1001)
    options.add_argument("--out", type=Path)
    options = options.parse_args()
    if options.out is None:
        make()
    else:
        quiet()
        options.out.mkdir(parents=True, exist_ok=True)
        randoms(options.out, options.count or COUNT, options.seed)
