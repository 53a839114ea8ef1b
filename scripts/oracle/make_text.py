"""Makes the cases of text-to-picture: transformers, text encoders, autoencoders, UNets with text, whole runs from
tokens to pictures.

As make.py, but with the versions of scripts/goldens/text, whose models these are.

Run: pip install -r scripts/goldens/text/requirements.txt && python scripts/oracle/make_text.py
"""
import sys
from pathlib import Path

import torch
import transformers

GOLDENS = Path(__file__).resolve().parents[1] / "goldens"
# Behind this folder: some of theirs have the names of ours.
sys.path += [str(GOLDENS), str(GOLDENS / "text")]

import folders
import from_tokens
import text_parts

if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    folders.begin(("transformers", "text-encoders", "autoencoders", "condition-unets", "text-to-image"))
    for part in (text_parts, from_tokens):
        part.make()
        print(f"made {part.__name__}")
    folders.finish("scripts/oracle/make_text.py", transformers=transformers.__version__)
