"""Makes the cases of the golden oracle, fixtures/oracle/<group>/<case>, from PyTorch and diffusers.

Every case is a folder: case.json (schema 1: what is computed, and the SHA-256 of every tensor), inputs.safetensors,
weights.safetensors, expected.safetensors (`f64/<tap>`, the truth, and `f32/<tap>`, PyTorch's own float32) and a README.
What scripts/goldens computes for the tests of this library is computed here by the same code, for those who port it.

Run: pip install -r scripts/goldens/requirements.txt && python scripts/oracle/make.py
"""
import sys
from pathlib import Path

import torch

# Behind this folder: some of theirs have the names of ours.
sys.path.append(str(Path(__file__).resolve().parents[1] / "goldens"))

import folders
import guidances
import operations
import runs_with_pag
import schedules
import stages
import torch_ports
import whole_unets

if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    folders.begin(("operations", "layers", "blocks", "unets", "schedulers", "guidances", "runs", "ports"))
    for part in (operations, stages, whole_unets, schedules, guidances, runs_with_pag, torch_ports):
        part.make()
        print(f"made {part.__name__}")
    folders.finish("scripts/oracle/make.py")
