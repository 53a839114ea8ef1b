"""Goldens of the evaluation: the letter classifier by PyTorch, the metrics by NumPy and SciPy. Writes
fixtures/goldens/evaluation.

    pip install -r scripts/goldens/requirements.txt scipy==1.17.1 pillow==13.0.0
    python scripts/goldens/evaluation.py

What is stored: `pictures`, some held-out letters and some pictures that are none, and of each result of the classifier
`<name>/f32`, PyTorch's own float32, and `<name>/f64`, the truth. Then cases of the metrics, `<case>/a` and `<case>/b`
or `<case>/probabilities`; their results are float64 in the metadata key `cases`.
"""
import copy
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import PIL
import scipy.linalg
import scipy.special
import torch
from PIL import Image
from safetensors.torch import load_file

import store

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
from train_classifier import Classifier  # noqa: E402

SEED = 11
LETTERS = store.GOLDENS.parent / "letters"


def held_out(count):
    """The first letters of the sheet, [count, 1, 32, 32] in [-1, 1]."""
    sheet = torch.from_numpy(np.asarray(Image.open(LETTERS / "held-out.png")).copy())
    letters = sheet.reshape(-1, 32, 26, 32).permute(0, 2, 1, 3).reshape(-1, 1, 32, 32)
    return letters[:count].float().div(127.5).sub(1)


def frechet(a, b):
    """Heusel et al. 2017, with SciPy's matrix square root of the product."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    gap = a.mean(0) - b.mean(0)
    one, other = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(one @ other)
    return float(gap @ gap + np.trace(one) + np.trace(other) - 2 * np.trace(root.real))


def distances(a, b):
    return ((a[:, None].astype(np.float64) - b[None].astype(np.float64)) ** 2).sum(2)


def inside(points, support, k):
    """Which points lie in the ball of some point of the support, as wide as to its k-th neighbour (Kynkaanniemi et al.
    2019)."""
    radii = np.sort(distances(support, support), axis=1)[:, k]  # the nearest is the point itself
    return (distances(points, support) <= radii[None]).any(1)


def entropy(p, axis=-1):
    """Not scipy.stats.entropy, which first makes the sum exactly 1: that of float32 probabilities is not."""
    return -scipy.special.xlogy(p, p).sum(axis)


def inception_score(p):
    p, mean = p.astype(np.float64), p.astype(np.float64).mean(0, keepdims=True)
    return float(np.exp((scipy.special.xlogy(p, p) - p * np.log(mean)).sum(1).mean()))


def variance_within(features, letters):
    features = features.astype(np.float64)
    groups = [features[letters == letter] for letter in np.unique(letters)]
    return float(sum(((group - group.mean(0)) ** 2).sum() for group in groups) / (len(features) - len(groups)))


def make():
    folder = store.fresh_folder("evaluation")
    generator = torch.Generator().manual_seed(SEED)
    rng = np.random.default_rng(SEED)

    model = Classifier().eval()
    model.load_state_dict(load_file(LETTERS / "classifier.safetensors"))
    double = copy.deepcopy(model).double()
    letters = held_out(520)
    flat = torch.stack([torch.full((1, 32, 32), value) for value in (-1.0, 0.0, 1.0)])
    noise = torch.randn((5, 1, 32, 32), generator=generator).clamp(-1, 1)
    pictures = torch.cat([letters[::65], flat, noise])
    tensors = {"pictures": pictures}
    logits, features = model(pictures)
    exact_logits, exact_features = double(pictures.double())
    tensors |= store.both("features", features, exact_features) | store.both("logits", logits, exact_logits)
    tensors |= store.both("probabilities", logits.softmax(1), exact_logits.softmax(1))

    seen = [model(part) for part in letters.split(260)]
    cases = []

    def add(name, figures, **inputs):
        cases.append({"name": name, **figures})
        for key, value in inputs.items():
            tensors[f"{name}/{key}"] = torch.as_tensor(value)

    sets = {
        "small": (rng.normal(size=(50, 6)), rng.normal(size=(70, 6)) * [1, 2, 0.5, 1, 3, 1] + 0.4),
        "far": (rng.normal(size=(40, 3)), rng.normal(size=(30, 3)) + 20),
        "correlated": (
            rng.normal(size=(200, 8)) @ rng.normal(size=(8, 8)), rng.normal(size=(150, 8)) @ rng.normal(size=(8, 8))
        ),
        "letters": tuple(part[1].numpy() for part in seen),
    }
    for name, (a, b) in sets.items():
        a, b = a.astype(np.float32), b.astype(np.float32)
        neighbours = {str(k): [float(inside(b, a, k).mean()), float(inside(a, b, k).mean())] for k in (1, 3, 5)}
        add(name, {"frechet": frechet(a, b), "precisionRecall": neighbours}, a=a, b=b)

    for name, p in {
        "sure": np.eye(5)[rng.integers(0, 5, 40)],
        "unsure": rng.dirichlet(np.full(7, 0.3), 60),
        "letters read": torch.cat([part[0].softmax(1) for part in seen]).numpy()[:260],
    }.items():
        p = p.astype(np.float32)
        mean = p.astype(np.float64).mean(0)
        add(
            name, {"inceptionScore": inception_score(p), "effectiveLetters": float(np.exp(entropy(mean)))},
            probabilities=p,
        )

    labels = rng.integers(0, 4, 60)
    table = (rng.normal(size=(60, 5)) + labels[:, None]).astype(np.float32)
    add("groups", {"letters": labels.tolist(), "varianceWithin": variance_within(table, labels)}, features=table)

    draws = np.sort(rng.normal(size=37))
    add(
        "quantiles",
        {
            "sorted": draws.tolist(),
            "quantiles": {str(q): float(np.quantile(draws, q)) for q in (0.0, 0.025, 0.5, 0.9, 0.975, 1.0)},
        },
    )

    sheet = np.asarray(Image.open(LETTERS / "held-out.png"))
    add("sheet", {"shape": list(sheet.shape), "pixels": hashlib.sha256(sheet.tobytes()).hexdigest()})

    store.save(folder / "evaluation.safetensors", tensors, cases=cases)
    store.save_json(folder / "provenance.json", {
        "command": "python scripts/goldens/evaluation.py", "seed": SEED, "threads": 1,
        "python": sys.version.split()[0], "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "numpy": np.__version__, "scipy": scipy.__version__, "pillow": PIL.__version__,
        "sha256": {
            "evaluation.safetensors": hashlib.sha256((folder / "evaluation.safetensors").read_bytes()).hexdigest()
        },
    })


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
    print(json.dumps({"made": "evaluation"}))
