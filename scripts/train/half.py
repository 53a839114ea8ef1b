"""Rounds the weights of a model's folder to float16, in place: half the size.

Run: python half.py FOLDER
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

if __name__ == "__main__":
    path = Path(sys.argv[1]) / "diffusion_pytorch_model.safetensors"
    weights = {name: weight.to(torch.float16) for name, weight in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    print(path.stat().st_size, "bytes")
