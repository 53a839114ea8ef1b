#!/usr/bin/env bash
# PyTorch's exact gelu is infinite above half of the largest float32, of a contiguous tensor on a processor with
# AVX-512; of the same numbers with a stride, or without AVX-512, it is what it should be.
#
# Seen with torch 2.13.0 on a CPU (oneDNN 3.12.0): gelu(x) = x for large x, and x itself is a number. oneDNN's kernels
# for AVX-512 take contiguous tensors and multiply x by 1 + erf(x/√2) before they halve it; PyTorch's own loop halves
# first. So the result depends on the processor and on how the tensor lies in memory.
# Output seen: gelu(1.8e+38): contiguous inf, with a stride 1.8e+38, ONEDNN_MAX_CPU_ISA=AVX2 1.8e+38
set -euo pipefail
grep -q avx512f /proc/cpuinfo || { echo 'this processor has no AVX-512: nothing to be seen'; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet torch==2.13.0 numpy==2.3.5
cat > "$folder/gelu.py" <<'PY'
import torch

x = torch.tensor([1.8e38] * 4)
strided = torch.stack([x, x], 1)[:, 0]
print(*(f"{torch.nn.functional.gelu(given)[0].item():.2g}" for given in (x, strided)))
PY
read -r contiguous strided < <("$folder/bin/python" "$folder/gelu.py")
read -r without _ < <(ONEDNN_MAX_CPU_ISA=AVX2 "$folder/bin/python" "$folder/gelu.py")
echo "gelu(1.8e+38): contiguous $contiguous, with a stride $strided, ONEDNN_MAX_CPU_ISA=AVX2 $without"
[ "$contiguous" = inf ] && [ "$strided" = 1.8e+38 ] && [ "$without" = 1.8e+38 ] || { echo 'this has changed'; exit 1; }
