#!/usr/bin/env bash
# torch.rand in bfloat16 and float16 draws an exact 0 thousands of times too often.
#
# Seen with PyTorch 2.13.0 on a CPU. The half types take the float32 draw and round it. What rounds up to 1, which
# lies outside of [0, 1), is not rounded down but becomes 0: in bfloat16 one number in 512 (float32: one in 16,777,216),
# in float16 one in 4,096. So `torch.rand(n, dtype=torch.bfloat16) < p` is true with probability p + 1/512: three times
# too often for p = 0.001; log(u) is -inf as often. bernoulli_, dropout and exponential_ are right.
# Output seen: bfloat16 zeros 1.971e-03, below 0.001: 2.972e-03; float16 zeros 2.384e-04, below 0.001: 1.244e-03;
#              float32 zeros 2.384e-07, below 0.001: 1.005e-03
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch

count = 1 << 22
expected = {torch.bfloat16: (8268, 12467), torch.float16: (1000, 5216), torch.float32: (1, 4217)}
for dtype, counts in expected.items():
    u = torch.rand(count, dtype=dtype, generator=torch.Generator().manual_seed(1))
    zeros, below = (u == 0).sum().item(), (u < 0.001).sum().item()
    print(f"{dtype}: zeros {zeros / count:.3e}, below 0.001: {below / count:.3e}, ones {(u == 1).sum().item()}")
    assert (zeros, below) == counts, (zeros, below)
single = torch.rand(count, generator=torch.Generator().manual_seed(1))
half = torch.rand(count, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(1))
wrapped = half != single.bfloat16()
assert (half[wrapped] == 0).all() and (single.bfloat16()[wrapped] == 1).all()
print("as seen")
PY
