"""PyTorch as a port that computes in bfloat16 and float16, of the tiny UNet:
fixtures/oracle/ports/tiny.<dtype>.safetensors.

Nobody has tuned these numbers to the tolerances: test/oracle/honest.slow.test.ts checks that they are within budget.
"""
import json

import torch
from diffusers import UNet2DModel
from safetensors.torch import load_file, save_file

import folders
import unets
from taps import tapped


def make():
    folder = folders.ORACLE / "unets" / "tiny"
    case = json.loads((folder / "case.json").read_text())["subject"]
    out = folders.ORACLE / "ports"
    out.mkdir(exist_ok=True)
    for name, dtype in (("bf16", torch.bfloat16), ("f16", torch.float16)):
        model = UNet2DModel(**case["config"]).eval()
        model.load_state_dict(load_file(folder / "weights.safetensors"))
        model = model.to(dtype)
        inputs = {
            "sample": load_file(folder / "inputs.safetensors")["sample"],
            "timestep": torch.tensor(case["timesteps"]),
        }
        tensors = {}
        for prefix, layers in (("", []), ("perturbed.", case["perturbed"])):
            seen = unets.forward(model, inputs, layers)
            tensors |= {prefix + path: value.clone() for path, value in seen.items()}
        expected = load_file(folder / "expected.safetensors")
        save_file(
            {tap: value.contiguous() for tap, value in tensors.items() if f"f64/{tap}" in expected},
            out / f"tiny.{name}.safetensors",
        )
