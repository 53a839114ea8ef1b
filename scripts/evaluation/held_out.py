"""Puts the held-out letters (faces with face % 10 == 0) on one sheet: fixtures/letters/held-out.png, and where they
come from beside it.

    python scripts/evaluation/held_out.py glyphs.npz

Each row is a face, each column a letter, 32 x 32 pixels each. The faces are shuffled, so that the first n rows are a
fair draw. glyphs.npz is made by scripts/train/render.py. Needs what scripts/train/requirements.txt lists.
"""
import hashlib
import json
import pathlib
import sys

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "letters"
SEED = 0


def main() -> None:
    source = pathlib.Path(sys.argv[1])
    data = np.load(source)
    faces = np.unique(data["face"])
    held_out = np.random.default_rng(SEED).permutation(faces[faces % 10 == 0])
    rows = []
    for face in held_out:
        letters = data["x"][data["face"] == face]
        assert letters.shape == (26, 32, 32) and (data["y"][data["face"] == face] == np.arange(26)).all()
        rows.append(np.concatenate(letters, axis=1))
    Image.fromarray(np.concatenate(rows)).save(OUT / "held-out.png", optimize=True)
    (OUT / "held-out.json").write_text(json.dumps({
        "command": "python scripts/evaluation/held_out.py glyphs.npz",
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "sha256": hashlib.sha256((OUT / "held-out.png").read_bytes()).hexdigest(),
        "seed": SEED,
        "rows": [str(data["names"][face]) for face in held_out],
    }, indent=1) + "\n")


if __name__ == "__main__":
    main()
