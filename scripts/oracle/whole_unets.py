"""Whole UNets, from tiny ones that cover every key of the config to the letters model."""
import json

import torch
from diffusers import UNet2DModel

import folders
import unets
from perturbation import attention_layers
from store import GOLDENS
from truth import truth

SEED = 41
MID = "mid_block.attentions.0"

# name: (title, config, layers of the perturbed pass, batch)
TINY = unets.TINY | dict(in_channels=1, out_channels=1, sample_size=8)
# Small pictures: a port is wrong on few pixels, too.
SIZES = {"rectangular": (4, 6), "two-layers": (8, 8)}
SELECTED = {
    "classic": "frequencies shifted, sines first, ε 1e-6, zeros below and right",
    "learned-variance": "picture and variance, class labels, residual resampling, time as scale and shift",
    "fourier": "Fourier time embedding, centred input, GELU, one head",
    "rectangular": "a picture that is not square, classes as timesteps, ReLU",
    "two-layers": "three resolutions with two layers each, the middle over √2",
    "no-middle": "without a middle block",
}
PREFIX = dict(
    sample_size=4,
    in_channels=1,
    out_channels=1,
    block_out_channels=(4,),
    layers_per_block=10,
    norm_num_groups=2,
    attention_head_dim=2,
    down_block_types=("DownBlock2D",),
    up_block_types=("AttnUpBlock2D",),
    mid_block_type=None,
)
LETTERS_TAPS = (MID, "prediction")


def make():
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    tiny = dict(
        **TINY, down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")
    )
    one("tiny", "the smallest UNet with everything that PAG needs; start here", tiny, [MID], generator, 1)
    for name, title in SELECTED.items():
        layers = [MID] if name not in ("no-middle",) else ["up_blocks.1.attentions.0"]
        one(
            name,
            title,
            unets.MODELS[name],
            layers,
            generator,
            2 if name == "classic" else 1,
            parts_only=name == "two-layers",
        )
    one(
        "prefix",
        "eleven attention layers in one block: up_blocks.0.attentions.1 is not up_blocks.0.attentions.10",
        PREFIX,
        ["up_blocks.0.attentions.1"],
        generator,
        1,
        parts_only=True,
    )
    letters(generator)


def one(name, title, config, layers, generator, batch, parts_only=False):
    model = unets.build(config, generator)
    inputs = {key: value[:batch] for key, value in unets.inputs_of(name, model.config, generator).items()}
    height, width = SIZES.get(name, (4, 4)) if name in SELECTED else inputs["sample"].shape[2:]
    inputs["sample"] = inputs["sample"][:, :, :height, :width]
    expected = compute(model, inputs, layers, (lambda path: unets.is_part(path)) if parts_only else (lambda path: True))
    write(name, title, config, inputs, dict(model.state_dict()), expected, layers)


def letters(generator):
    folder = GOLDENS.parent / "letters" / "model" / "unet"
    model = UNet2DModel.from_pretrained(folder).eval()
    config = {
        key: value for key, value in json.loads((folder / "config.json").read_text()).items() if not key.startswith("_")
    }
    inputs = {
        "sample": torch.randn(1, 1, 32, 32, generator=generator),
        "timestep": torch.tensor([500]),
        "class_labels": torch.tensor([7]),
    }
    expected = compute(model, inputs, [MID], lambda path: path in LETTERS_TAPS)
    write(
        "letters",
        "the letters model that ships, 1.8 million weights",
        config,
        inputs,
        {},
        expected,
        [MID],
        model="letters",
    )


def compute(model, inputs, layers, wanted):
    assert set(layers) <= set(attention_layers(model))
    double = UNet2DModel.from_config(model.config).eval().double()
    double.load_state_dict(model.state_dict())
    # A table of classes is no module that computes.
    is_table = isinstance(getattr(model, "class_embedding", None), (torch.nn.Embedding, torch.nn.Identity))
    expected, plain = {}, {}
    for prefix, chosen in (("", []), ("perturbed.", layers)):
        single = unets.forward(model, inputs, chosen)
        with truth():
            exact = unets.forward(double, inputs, chosen)
        for path in single:
            if (
                not wanted(path)
                or is_table
                and path == "class_embedding"
                or prefix
                and torch.equal(exact[path], plain.get(path, torch.tensor(0.0)))
            ):
                continue
            expected[prefix + path] = single[path], exact[path]
        plain = plain or exact
    return expected


def write(name, title, config, inputs, weights, expected, layers, model=None):
    labels = inputs.get("class_labels")
    subject = {
        "kind": "unet",
        "config": {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()},
        "timesteps": inputs["timestep"].tolist(),
        "labels": None if labels is None else labels.tolist(),
        "perturbed": layers,
    }
    folders.write(f"unets/{name}", title, subject, {"sample": inputs["sample"]}, weights, expected, model=model)
