"""Element-wise arithmetic and quantiles of PyTorch in four precisions, for test/tensor/arithmetic.test.ts.

Writes fixtures/goldens/arithmetic/arithmetic.safetensors: tensors `<dtype>.<operation>`; 16-bit results are widened to
float32, exactly.

Run: pip install torch==2.13.0 safetensors==0.8.0 && python scripts/goldens/arithmetic.py
"""
import json
import os
import sys

import safetensors
import torch
from safetensors.torch import save_file

SEED = 0
FACTOR, OTHER = 0.7071067811865476, -1.3
QUANTILES = [0.0, 0.123, 0.25, 0.361, 0.5, 0.66, 0.717, 0.775, 0.87, 0.9, 0.93, 0.995, 1.0]
DTYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

torch.manual_seed(SEED)
base_a = torch.randn(2, 3, 5, 7, dtype=torch.float64) * 3
base_b = torch.randn(2, 3, 5, 7, dtype=torch.float64)
tensors = {}
for name, dtype in DTYPES.items():
    a, b = base_a.to(dtype), base_b.to(dtype)
    results = {
        "a": a, "b": b,
        "add": a + b, "subtract": a - b, "multiply": a * b, "divide": a / b,
        "scale": a * FACTOR, "divideBy": a / 0.3, "shift": a + 0.1,
        "combine": FACTOR * a + OTHER * b, "clamp": a.clamp(-0.9, 1.1),
    }
    if dtype in (torch.float32, torch.float64):
        for i, q in enumerate(QUANTILES):
            results[f"quantile{i}"] = torch.quantile(a.reshape(21, 10).abs(), q, dim=1)
        flat = a.double().reshape(2, -1)
        results |= {
            "mean": flat.mean(1), "std": flat.std(1), "norm": flat.norm(dim=1),
            "dot": (flat * b.double().reshape(2, -1)).sum(1),
        }
    for key, value in results.items():
        tensors[f"{name}.{key}"] = (value if value.dtype == torch.float64 else value.float()).contiguous()

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "../../fixtures/goldens/arithmetic")
os.makedirs(folder, exist_ok=True)
constants = {
    "factor": FACTOR, "other": OTHER, "divisor": 0.3, "offset": 0.1, "low": -0.9, "high": 1.1, "quantiles": QUANTILES
}
save_file(tensors, os.path.join(folder, "arithmetic.safetensors"), metadata={"constants": json.dumps(constants)})
with open(os.path.join(folder, "provenance.json"), "w") as file:
    versions = {"torch": torch.__version__, "safetensors": safetensors.__version__, "python": sys.version.split()[0]}
    json.dump({"command": "python scripts/goldens/arithmetic.py", "seed": SEED, **versions}, file, indent=2)
    file.write("\n")
