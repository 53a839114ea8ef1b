"""Makes the golden data of the models of text-to-picture, from PyTorch, diffusers and transformers:
fixtures/goldens/text.

As scripts/goldens/make.py, whose stores, truth and taps it uses; the versions of the packages are those of
requirements.txt here.

Run: pip install -r scripts/goldens/text/requirements.txt && python scripts/goldens/text/make.py [PART …]
"""
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

import torch

import autoencoders
import clip_text
import condition_gradients
import condition_unets
import cross_attention
import lora
import operations
import pipelines
import rows
import tokens

PARTS = {
    part.__name__: part
    for part in (
        *(operations, condition_unets, condition_gradients, clip_text, autoencoders, tokens, pipelines, lora, rows),
        cross_attention,
    )
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for name in sys.argv[1:] or PARTS:
        PARTS[name].make()
        print(f"made {name}")
