"""Goldens of the operations of perturbed cross-attention: fixtures/goldens/text/rows/rows.safetensors.

Sparse softmax by the definition, in float64 and float32: p = [(α − 1) x − τ]₊^(1/(α − 1)), where τ is found by
bisection, so that the shares sum to 1 (arXiv 1905.05702, definition 1 and the threshold form), and not by the sorting
of the closed forms. `limitNorm` is the normalisation of arXiv 2505.21179, algorithm 1.
"""
import torch

import regimes as r
import store
from guidance_attention import entmax
from operations import save_cases
from provenance import write_provenance

SEED = 53


def limit_norm(x, like, limit):
    ratio = x.abs().sum(dim=-1, keepdim=True) / like.abs().sum(dim=-1, keepdim=True)
    return torch.where(ratio > limit, limit / ratio, torch.ones_like(ratio)) * x


OPERATIONS = {"entmax": entmax, "limitNorm": limit_norm}


def cases(g):
    for alpha in (1.5, 2):
        for name, make in [
            ("normal", r.normal), ("flat", r.flat), ("large", lambda g, *shape: 8 * r.normal(g, *shape)),
            ("near", lambda g, *shape: r.normal(g, *shape) / 8),
        ]:
            yield f"entmax {alpha} {name}", "entmax", [make(g, 2, 5, 77)], [alpha]
        yield f"entmax {alpha}, one number", "entmax", [r.normal(g, 4, 1)], [alpha]
    for limit in (0.5, 1, 2.5):
        yield f"limitNorm {limit}", "limitNorm", [2 * r.normal(g, 2, 7, 48), r.normal(g, 2, 7, 48)], [limit]


def make():
    folder = store.fresh_folder("text/rows")
    save_cases(folder / "rows.safetensors", OPERATIONS, cases(torch.Generator().manual_seed(SEED)))
    write_provenance(folder, SEED)
