"""Whole sampling runs of a small model and of the letters model, step by step; the loop is that of
scripts/goldens/runs.py."""

import json

import torch
from diffusers import UNet2DModel

import folders
import runs
from guidances import setting_of
from layers import vary
from truth import truth

SEED = 5
CONDITIONAL = dict(
    sample_size=4,
    in_channels=1,
    out_channels=1,
    block_out_channels=(4, 8),
    layers_per_block=1,
    norm_num_groups=2,
    attention_head_dim=4,
    num_class_embeds=4,
    down_block_types=("DownBlock2D", "AttnDownBlock2D"),
    up_block_types=("AttnUpBlock2D", "UpBlock2D"),
)
MODELS = {"conditional": CONDITIONAL, "variance": CONDITIONAL | dict(out_channels=2, num_class_embeds=None)}
MID, UP = "mid_block.attentions.0", "up_blocks.0.attentions.1"
DDIM, CLIPPED, DDPM = (
    dict(_class_name="DDIMScheduler", clip_sample=False),
    dict(_class_name="DDIMScheduler"),
    dict(_class_name="DDPMScheduler"),
)
LABELS = dict(model="conditional", labels=[2, 0], null_label=3)

RUNS = {
    "pag": ("DDIM, PAG", dict(scheduler=DDIM, steps=4, pag_scale=2.5, pag_layers=[MID], **LABELS)),
    "pag-clipped": (
        "DDIM, PAG, x̂₀ clipped",
        dict(scheduler=CLIPPED, steps=3, pag_scale=2.5, pag_layers=[MID], **LABELS),
    ),
    "pag-layers": (
        "DDIM, PAG on two layers",
        dict(scheduler=DDIM, steps=3, pag_scale=1.3, pag_layers=[MID, UP], **LABELS),
    ),
    "adaptive": (
        "DDIM, PAG with a scale that falls",
        dict(scheduler=DDIM, steps=5, pag_scale=3.0, pag_adaptive_scale=0.004, pag_layers=[MID], **LABELS),
    ),
    "cfg": ("DDIM, classifier-free guidance", dict(scheduler=DDIM, steps=3, guidance_scale=3.5, **LABELS)),
    "cfg-pag": (
        "DDIM, classifier-free guidance and PAG",
        dict(scheduler=DDIM, steps=4, guidance_scale=2.2, pag_scale=1.7, pag_layers=[MID], **LABELS),
    ),
    "cfg-pag-ddpm": (
        "DDPM, classifier-free guidance and PAG",
        dict(scheduler=DDPM, steps=4, guidance_scale=2.2, pag_scale=1.7, pag_layers=[UP], **LABELS),
    ),
    "rescaled": (
        "DDIM, classifier-free guidance and PAG, rescaled",
        dict(
            scheduler=DDIM, steps=3, guidance_scale=4.0, pag_scale=2.0, pag_layers=[MID], guidance_rescale=0.6, **LABELS
        ),
    ),
    "ddim-eta": ("DDIM with noise, without guidance", dict(scheduler=DDIM, steps=4, eta=0.7, **LABELS)),
    "ddpm": ("DDPM without guidance", dict(scheduler=DDPM, steps=4, **LABELS)),
    "learned-variance": (
        "DDPM with a learned variance, PAG",
        dict(
            model="variance",
            scheduler=DDPM | dict(variance_type="learned_range"),
            steps=3,
            pag_scale=1.5,
            pag_layers=[MID],
        ),
    ),
    "letters": (
        "the letters model: DDIM, classifier-free guidance and PAG",
        dict(
            model="letters",
            scheduler=DDIM,
            steps=2,
            guidance_scale=2.0,
            pag_scale=1.5,
            pag_layers=[MID],
            labels=[7],
            null_label=26,
        ),
    ),
}
NAMES = {"epsilon": "prediction", "unconditional": "unconditional.prediction", "perturbed": "perturbed.prediction"}


def make():
    torch.manual_seed(SEED)
    models = {"letters": UNet2DModel.from_pretrained(runs.LETTERS).eval()}
    for name, config in MODELS.items():
        models[name] = UNet2DModel(**config).eval()
        vary(models[name], torch.Generator().manual_seed(SEED))
    configs = MODELS | {
        "letters": {
            key: value
            for key, value in json.loads((runs.LETTERS / "config.json").read_text()).items()
            if not key.startswith("_")
        }
    }
    for name, (title, run) in RUNS.items():
        model = models[run["model"]]
        double = UNet2DModel.from_config(model.config).eval().double()
        double.load_state_dict(model.state_dict())
        noises = runs.noises_of(model, run)
        single = list(runs.draw(model, run, noises, torch.float32))
        with truth():
            exact = list(runs.draw(double, run, noises, torch.float64))
        # A model of picture and variance predicts more channels than runs.py keeps.
        kept = {key for key in single[0] if not (run["model"] == "variance" and key in NAMES)}
        expected = {
            f"step.{i}.{NAMES.get(key, key)}": (single[i][key], exact[i][key])
            for i in range(run["steps"])
            for key in single[i]
            if key in kept
        }
        # The weights are stored once for each model.
        holder = {"letters": "letters", "conditional": "runs/pag", "variance": "runs/learned-variance"}[run["model"]]
        own = holder == f"runs/{name}"
        subject = {
            "kind": "run",
            "config": {
                key: list(value) if isinstance(value, tuple) else value for key, value in configs[run["model"]].items()
            },
            "scheduler": run["scheduler"],
            "steps": run["steps"],
            "eta": run.get("eta", 0.0),
            "guidance": setting_of(run),
            "labels": run.get("labels"),
            "null_label": run.get("null_label"),
        }
        folders.write(
            f"runs/{name}",
            title,
            subject,
            noises,
            dict(model.state_dict()) if own else {},
            expected,
            model=None if own else holder,
        )
