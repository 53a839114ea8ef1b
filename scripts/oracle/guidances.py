"""Guidance, from given predictions: the formulas of runs.py, on their own."""
import torch

import folders
import runs

SEED = 59
SHAPE = (2, 2, 3, 4)
MID = ["mid_block.attentions.0"]

CASES = {
    "cfg": ("classifier-free guidance", 600, dict(guidance_scale=3.5)),
    "pag": ("PAG", 600, dict(pag_scale=2.5)),
    "pag-one": ("PAG with s = 1", 600, dict(pag_scale=1.0)),
    "cfg-pag": ("classifier-free guidance and PAG", 600, dict(guidance_scale=3.0, pag_scale=1.5)),
    "adaptive": ("PAG with a scale that falls", 700, dict(pag_scale=3.0, pag_adaptive_scale=0.004)),
    "adaptive-off": ("PAG with a scale that has fallen to 0", 100, dict(pag_scale=3.0, pag_adaptive_scale=0.004)),
    "cfg-pag-adaptive": (
        "classifier-free guidance and PAG with a scale that falls",
        800,
        dict(guidance_scale=2.0, pag_scale=2.0, pag_adaptive_scale=0.003),
    ),
    "rescaled": (
        "classifier-free guidance and PAG, rescaled",
        600,
        dict(guidance_scale=4.0, pag_scale=2.0, guidance_rescale=0.7),
    ),
    "pag-rescaled": ("PAG, rescaled", 600, dict(pag_scale=3.0, guidance_rescale=0.5)),
    "none": ("no guidance", 600, {}),
}


def guide(inputs, timestep, run, dtype):
    wide = {key: value.to(dtype) for key, value in inputs.items()}

    def predict(labels=None, layers=()):
        return wide["perturbed"] if layers else wide["unconditional"] if labels else wide["conditional"]

    return runs.guide(predict, timestep, run | {"labels": [0, 0], "null_label": 1, "pag_layers": MID})[0]


def make():
    generator = torch.Generator().manual_seed(SEED)
    for name, (title, timestep, run) in CASES.items():
        # What two passes predict is alike.
        inputs = {
            "sample": torch.randn(SHAPE, generator=generator),
            "conditional": torch.randn(SHAPE, generator=generator),
        }
        inputs |= {
            key: inputs["conditional"] + 0.3 * torch.randn(SHAPE, generator=generator)
            for key in ("unconditional", "perturbed")
        }
        # Samples of unlike variance: whoever takes one standard deviation for all of them shows.
        inputs = {key: value * torch.tensor([1.0, 0.4])[:, None, None, None] for key, value in inputs.items()}
        setting = setting_of(run | {"pag_layers": MID})
        subject = {"kind": "guidance", "guidance": setting, "timestep": timestep}
        truth = f"the formula in PyTorch {torch.__version__.split('+')[0]}, float64"
        expected = {
            "guided": (guide(inputs, timestep, run, torch.float32), guide(inputs, timestep, run, torch.float64))
        }
        folders.write(f"guidances/{name}", title, subject, inputs, {}, expected, truth=truth)


def setting_of(run):
    return {
        "guidance_scale": run.get("guidance_scale", 1.0),
        "pag_scale": run.get("pag_scale", 0.0),
        "pag_adaptive_scale": run.get("pag_adaptive_scale", 0.0),
        "pag_layers": run.get("pag_layers", []),
        "guidance_rescale": run.get("guidance_rescale", 0.0),
    }
