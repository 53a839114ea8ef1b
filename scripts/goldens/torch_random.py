"""Random numbers of PyTorch's CPU generator, for test/tensor/random.test.ts.

Writes fixtures/goldens/random/random.safetensors. Its metadata key `draws` is JSON: for each generator the seed and
the draws made one after another from it, each with the name of the tensor that holds the result. `hashes` has the
SHA-256 of longer draws, and of draws of every size from 1 to 70, as little-endian float32; doubles are rounded to it
first, since their last bits are the C library's.

Run: pip install torch==2.13.0 safetensors==0.8.0 && python scripts/goldens/torch_random.py
(Run on a processor with AVX2 or AVX-512: PyTorch's vectorised code is what users meet.)
"""
import hashlib
import json
import math
import os
import sys

import safetensors
import torch
from safetensors.torch import save_file

SEEDS = [0, 1, 42, 2**32 + 5, 2**53 - 1]
SIZES = [1, 2, 3, 15, 16, 17, 31, 32, 33, 100, 1000]
DTYPES = {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16}
MILLION = 1_000_005  # no multiple of 16

tensors = {}
sequences = []


def run(seed, draws):
    """draws: [kind, shape, dtype] or ["uniform", shape, dtype, low, high] or ["linear" | "conv", out, in, kernel]."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    recorded = []
    for draw in draws:
        name = f"{len(tensors):03d}"
        kind = draw[0]
        if kind in ("rand", "randn"):
            make = torch.rand if kind == "rand" else torch.randn
            drawn = make(draw[1], dtype=DTYPES[draw[2]], generator=generator)
            tensors[name] = drawn if draw[2] == "f64" else drawn.float()
        elif kind == "uniform":
            tensors[name] = torch.empty(draw[1]).uniform_(draw[3], draw[4], generator=generator)
        elif kind == "layer":
            # The default initialisation draws from the global generator, which has been given the same seed.
            _, outputs, inputs, kernel = draw
            layer = torch.nn.Conv2d(inputs, outputs, kernel) if kernel else torch.nn.Linear(inputs, outputs)
            tensors[name + ".weight"] = layer.weight.detach().clone()
            tensors[name + ".bias"] = layer.bias.detach().clone()
        recorded.append({"name": name, "draw": draw})
    sequences.append({"seed": seed, "draws": recorded})


for seed in SEEDS:
    for dtype in DTYPES:
        for kind in ("rand", "randn"):
            for size in SIZES:
                if (size < 1000 and dtype in ("f32", "f64")) or seed in (0, 2**53 - 1):
                    run(seed, [[kind, [size], dtype]])

# Several draws in a row: the spare normal number of a short draw survives longer draws, and is shared by both dtypes.
run(0, [
    ["randn", [3], "f32"], ["randn", [40], "f32"], ["rand", [5], "f64"], ["randn", [2], "f64"],
    ["randn", [1], "f32"], ["randn", [17], "f64"], ["randn", [15], "f32"],
])
run(7, [
    ["rand", [700], "f32"], ["randn", [2, 3, 4, 4], "f32"], ["rand", [3], "f32"], ["randn", [1, 1], "f64"],
    ["randn", [2, 3, 5, 5], "f32"], ["randn", [1, 3, 8, 8], "f32"],
])
run(3, [
    ["uniform", [257], "f32", -0.1234, 0.1234], ["uniform", [33], "f32", -1 / math.sqrt(3), 1 / math.sqrt(3)],
    ["uniform", [16], "f32", 2.5, 3.75],
])
run(0, [["layer", 16, 27, 0], ["layer", 5, 7, 0], ["layer", 8, 3, 3], ["layer", 4, 8, 1]])



def digest(kind, dtype, sizes, seed):
    sha = hashlib.sha256()
    make = torch.rand if kind == "rand" else torch.randn
    generator = torch.Generator().manual_seed(seed)
    for size in sizes:
        sha.update(make(size, dtype=DTYPES[dtype], generator=generator).to(torch.float32).numpy().tobytes())
    return {"kind": kind, "dtype": dtype, "sizes": sizes, "seed": seed, "sha256": sha.hexdigest()}


hashes = [
    digest(kind, dtype, sizes, seed)
    for dtype in DTYPES
    for kind in ("rand", "randn")
    for sizes, seed in ((list(range(1, 71)), 3), ([MILLION], 5), ([7], -1), ([33], -(2**63)), ([16], 2**64 - 2))
]

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "../../fixtures/goldens/random")
os.makedirs(folder, exist_ok=True)
save_file(
    tensors, os.path.join(folder, "random.safetensors"),
    metadata={
        "draws": json.dumps(sequences), "hashes": json.dumps([{**one, "seed": str(one["seed"])} for one in hashes])
    },
)
with open(os.path.join(folder, "provenance.json"), "w") as file:
    json.dump(
        {
            "command": "python scripts/goldens/torch_random.py",
            "torch": torch.__version__,
            "safetensors": safetensors.__version__,
            "python": sys.version.split()[0],
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "seeds": SEEDS + [7, 3, 5, -1, -(2**63), 2**64 - 2],
        },
        file,
        indent=2,
    )
    file.write("\n")
