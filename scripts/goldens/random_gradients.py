"""Holds `pag gradient` to torch autograd on UNets that nobody has seen: random configs of UNet2DModel and
UNet2DConditionModel with random weights, all parameters and the sample, in f32 and f64.

Writes nothing that is kept; prints a line for each model: the largest error over all gradients, as a share of the
largest gradient of the model, ours and that of PyTorch's own float32, against PyTorch's float64. Ends with status 1
where a share is above 2e-5 in f32 or 1e-10 in f64.

Run: python scripts/goldens/random_gradients.py [--seed 0] [--models 6]
"""
import argparse
import copy
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel, UNet2DModel
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel

from truth import truth

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"f32": 2e-5, "f64": 1e-10}


def picture_config(r):
    levels = r.choice([2, 2, 3])
    width = r.choice([8, 16, 24])
    down = [r.choice(["DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"]) for _ in range(levels)]
    up = [r.choice(["UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"]) for _ in range(levels)]
    return dict(
        sample_size=r.choice([8, 12, 16]), in_channels=r.choice([1, 3]), out_channels=3,
        layers_per_block=r.choice([1, 2]), block_out_channels=tuple(width * r.choice([1, 2]) for _ in range(levels)),
        down_block_types=down, up_block_types=up,
        norm_num_groups=r.choice([4, 8]), attention_head_dim=r.choice([4, 8]), norm_eps=r.choice([1e-5, 1e-6]),
        act_fn=r.choice(["silu", "silu", "gelu", "mish", "relu"]),
        flip_sin_to_cos=r.random() < 0.5, freq_shift=r.choice([0, 1]),
        num_class_embeds=r.choice([None, 5]), resnet_time_scale_shift=r.choice(["default", "scale_shift"]),
        time_embedding_type=r.choice(["positional", "positional", "fourier"]), center_input_sample=r.random() < 0.3,
    )


def text_config(r):
    down = [r.choice(["DownBlock2D", "CrossAttnDownBlock2D"]), "CrossAttnDownBlock2D"]
    up = ["CrossAttnUpBlock2D", r.choice(["UpBlock2D", "CrossAttnUpBlock2D"])]
    return dict(
        sample_size=8, in_channels=4, out_channels=4,
        layers_per_block=r.choice([1, 2]), block_out_channels=(16, r.choice([16, 32])),
        down_block_types=down, up_block_types=up, norm_num_groups=r.choice([4, 8]), attention_head_dim=r.choice([2, 4]),
        cross_attention_dim=r.choice([8, 12]),
        use_linear_projection=r.random() < 0.5, only_cross_attention=r.random() < 0.3,
    )


def made(r):
    """A model with random weights, and what it is given."""
    torch.manual_seed(r.randrange(2**31))
    of_text = r.random() < 0.34
    config = text_config(r) if of_text else picture_config(r)
    model = (UNet2DConditionModel if of_text else UNet2DModel)(**config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.02 * torch.randn_like(p))
    batch, size = r.choice([1, 2, 3]), config["sample_size"]
    fourier = config.get("time_embedding_type") == "fourier"
    inputs = {
        "sample": torch.randn(batch, config["in_channels"], size, size),
        "timestep": torch.tensor([r.uniform(0.1, 5) if fourier else float(r.randrange(1000)) for _ in range(batch)]),
        "target": torch.randn(batch, config["in_channels"], size, size),
    }
    if of_text:
        inputs["encoder_hidden_states"] = torch.randn(batch, 7, config["cross_attention_dim"])
    elif config["num_class_embeds"]:
        inputs["class_labels"] = torch.tensor([r.randrange(5) for _ in range(batch)])
    return model, inputs


def gradients_of(model, inputs):
    given = {key: x for key, x in inputs.items() if key != "target"}
    told = [key for key in ("sample", "encoder_hidden_states") if key in given]
    given |= {key: given[key].clone().requires_grad_() for key in told}
    with sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
        prediction = model(**given).sample[:, : model.config.in_channels]
        F.mse_loss(prediction, inputs["target"]).backward()
    found = {f"grad.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {f"grad.{key}": given[key].grad for key in told} | found


def ours(folder, dtype):
    """What `pag gradient` gives."""
    out = folder / f"{dtype}.safetensors"
    command = ["npm", "run", "-s", "pag", "--", "gradient", "--dtype", dtype]
    files = ["--model", folder, "--input", folder / "in.safetensors", "--out", out]
    subprocess.run([*command, *map(str, files)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return load_file(out)


def share(found, exact):
    largest = max(x.abs().max() for x in exact.values())
    return max(((found[name].double() - x).abs().max() / largest).item() for name, x in exact.items())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--models", type=int, default=6)
    options = options.parse_args()
    torch.set_num_threads(1)
    r = random.Random(options.seed)
    failed = False
    for i in range(options.models):
        model, inputs = made(r)
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            model.save_pretrained(folder)
            save_file(inputs, folder / "in.safetensors")
            found = {dtype: ours(folder, dtype) for dtype in LIMITS}
        # A timestep stays what it is: PyTorch takes its logarithm in its own precision, as we do in float32.
        wide = {key: x.double() if key != "timestep" else x for key, x in inputs.items() if x.is_floating_point()}
        wide = inputs | wide
        with truth():
            exact = gradients_of(copy.deepcopy(model).double(), wide)
        learned = [name for name in exact if name in found["f64"]]
        missing = sorted(set(exact) ^ set(found["f64"]) - {"loss"})
        shares = {dtype: share(found[dtype], exact) for dtype in LIMITS}
        theirs = share(gradients_of(model, inputs), exact)
        failed |= bool(missing) or any(shares[dtype] > limit for dtype, limit in LIMITS.items())
        text = ", ".join(f"{dtype} {value:.1e}" for dtype, value in shares.items())
        kind = f"{type(model).__name__} {i}, {len(learned)} gradients"
        print(f"{kind}: {text}; PyTorch's f32 {theirs:.1e}{f'; not in both: {missing}' if missing else ''}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
