"""Measures what draw.py drew: does the model do as it is told?

    python figures.py pictures.npz glyphs.npz training.json OUT      # OUT/figures.json, OUT/sheet.png

Letters are read by the classifier that ships (fixtures/letters/classifier.safetensors), which has seen nothing of
this model. Ink is the mean brightness (0 to 1), slant the slope dx/dy that makes a letter's columns most unequal
(faces.py), of letters with upright stems. Real letters are those of the faces that neither the classifier nor this
model has seen. Figures of a style are beside those of real faces whose names say so. Three numbers are a value and
its 95 % bootstrap interval over the pictures.
"""
import argparse
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F

from captions import HELD_OUT, LETTERS, is_held_out
from faces import STEMS, slant, style_of

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROUNDS = 200
TRUE_OF = {  # what a face's style must be for the words of a prompt
    "thin": lambda s: s.weight == "thin",
    "light": lambda s: s.weight == "light",
    "regular": lambda s: s.weight == "regular",
    "semibold": lambda s: s.weight == "semibold",
    "bold": lambda s: s.weight == "bold",
    "black": lambda s: s.weight == "black",
    "upright": lambda s: s.slant == "upright",
    "italic": lambda s: s.slant == "italic",
    "condensed": lambda s: s.width == "condensed",
    "wide": lambda s: s.width == "wide",
    "serif": lambda s: s.family == "serif",
    "sans serif": lambda s: s.family == "sans",
    "monospaced": lambda s: s.mono is True,
    "light italic": lambda s: s.weight == "light" and s.slant == "italic",
    "bold italic": lambda s: s.weight == "bold" and s.slant == "italic",
}


class Reader:
    """The classifier of scripts/train/train_classifier.py: uint8 pictures to probabilities and features."""

    def __init__(self) -> None:
        self.weights = load_file(ROOT / "fixtures" / "letters" / "classifier.safetensors")

    @torch.no_grad()
    def __call__(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w, outs = self.weights, []
        for part in torch.from_numpy(pictures).split(512):
            x = part[:, None].float().div(127.5).sub(1)
            for name, stride in (("a", 1), ("b", 2), ("c", 2), ("d", 2)):
                x = F.silu(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, 1))
            features = F.silu(F.linear(x.flatten(1), w["f.weight"], w["f.bias"]))
            outs.append((F.linear(features, w["o.weight"], w["o.bias"]).softmax(1), features))
        return tuple(torch.cat(parts).double().numpy() for parts in zip(*outs))


def frechet(features: np.ndarray, mean: np.ndarray, root: np.ndarray, trace: float) -> float:
    """To the Gaussian of this mean and root of the covariance."""
    gap, covariance = features.mean(axis=0) - mean, np.cov(features, rowvar=False)
    values = np.linalg.eigvalsh(root @ covariance @ root)
    return float(gap @ gap + trace + np.trace(covariance) - 2 * np.sqrt(np.clip(values, 0, None)).sum())


def inception_score(probabilities: np.ndarray) -> float:
    mean = probabilities.mean(axis=0)
    return float(np.exp((probabilities * (np.log(probabilities + 1e-300) - np.log(mean + 1e-300))).sum(axis=1).mean()))


def interval(values: np.ndarray, of=np.mean) -> list[float]:
    rng = np.random.default_rng(0)
    return spread(float(of(values)), [of(values[rng.integers(0, len(values), len(values))]) for _ in range(ROUNDS)])


def spread(value: float, found: list[float]) -> list[float]:
    """The value and its 95 % interval, moved back by the bootstrap's own bias (a Fréchet distance grows when pictures
    repeat)."""
    return [round(value, 4), *(round(float(q - np.mean(found) + value), 4) for q in np.quantile(found, (0.025, 0.975)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("pictures", "glyphs", "training", "out"):
        parser.add_argument(name, type=pathlib.Path)
    args = parser.parse_args()
    drawn, data, read = np.load(args.pictures), np.load(args.glyphs), Reader()
    settings = json.loads(str(drawn["settings"]))
    styles = [style_of(str(name)) for name in data["names"]]
    unseen = data["face"] % 10 == 0
    real = read(data["x"][unseen])[1]
    values, vectors = np.linalg.eigh(np.cov(real, rowvar=False))
    reference = (real.mean(axis=0), (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T, float(values.sum()))

    seen = {name: read(drawn[name]) for name in settings}
    # Slants are of letters with stems alone; of the others, and without a prompt, they are not computed.
    lean = {name: leaning(drawn[name], asked(point)) for name, point in settings.items()}
    real_lean = leaning(data["x"], data["y"])
    rows = [measured(name, settings[name], drawn[name], *seen[name], lean[name], reference) for name in settings]
    figures = {
        "training": json.loads(args.training.read_text()),
        "held_out": [{"words": sorted(words), "letters": letters} for words, letters in HELD_OUT],
        "real_letters": {
            "ink": round(float(data["x"][unseen].mean() / 255), 4),
            "read_right": round(float((read(data["x"][unseen])[0].argmax(1) == data["y"][unseen]).mean()), 4),
        },
        "styles": {
            words: of_style(words, rows, drawn, data, styles, real_lean)
            for words in TRUE_OF
            if any(row["prompts"] == words for row in rows)
        },
        "words_followed": followed(settings, drawn, lean),
        "pag_without_a_prompt": without_prompt(rows, seen, reference),
        "points": rows,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "figures.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    sheet(drawn, args.out / "sheet.png")
    print(json.dumps({key: figures[key] for key in ("styles", "words_followed", "pag_without_a_prompt")}, indent=1))


def asked(point: dict) -> np.ndarray | None:
    """The letters that the prompts ask for."""
    return (
        None if point["prompts"] == "none" else np.array([LETTERS.index(prompt[-1]) for prompt in point["prompts_of"]])
    )


def measured(name: str, point: dict, pictures, probabilities, features, lean, reference) -> dict:
    letters = asked(point)
    row = {key: point[key] for key in ("prompts", "guidance", "pag", "layers", "steps", "torch", "device")} | {
        "pictures": len(pictures)
    }
    if letters is not None:
        row["read_as_asked"] = interval(probabilities.argmax(1) == letters)
    row |= {
        "confidence": interval(probabilities.max(1)),
        "inception_score": interval(probabilities, inception_score),
        "ink": interval(pictures.mean(axis=(1, 2)) / 255),
    }
    if len(pictures) >= 1000:
        row["frechet_distance"] = interval(features, lambda some: frechet(some, *reference))
    if letters is not None:
        row["slant"] = interval(lean[stemmed(letters)])
    return row


def leaning(pictures: np.ndarray, letters: np.ndarray | None) -> np.ndarray:
    """The slants of pictures of letters with stems; nan for the others."""
    found = np.full(len(pictures), np.nan)
    if letters is not None:
        found[stemmed(letters)] = slant(pictures[stemmed(letters)] / 255)
    return found


def stemmed(letters: np.ndarray) -> np.ndarray:
    return np.isin(letters, [LETTERS.index(letter) for letter in STEMS])


def of_style(words: str, rows, drawn, data, styles, real_lean) -> dict:
    """A style's row beside real faces whose names say so."""
    row = next(row for row in rows if row["prompts"] == words)
    real = np.array([TRUE_OF[words](styles[face]) for face in data["face"]])
    wide = lambda pictures: float((pictures.max(axis=1) > 64).sum(axis=1).mean())
    tall = lambda pictures: float((pictures.max(axis=2) > 64).sum(axis=1).mean())
    pictures = drawn[next(name for name in drawn.files if name.startswith(f"prompts {words},"))]
    return {
        "read_as_asked": row["read_as_asked"],
        "ink": row["ink"],
        "ink_of_real_faces": round(float(data["x"][real].mean() / 255), 4),
        "slant": row["slant"],
        "slant_of_real_faces": round(float(real_lean[real & stemmed(data["y"])].mean()), 4),
        "width_over_height": round(wide(pictures) / tall(pictures), 3),
        "width_over_height_of_real_faces": round(wide(data["x"][real]) / tall(data["x"][real]), 3),
        "real_faces": int(real.sum() // 26),
    }


def followed(points: dict, drawn, lean) -> dict:
    """Within prompts that combine words: ink and slant of the pictures whose prompt has a word, by word."""
    out = {}
    for name, point in points.items():
        if point["prompts"] not in ("combinations", "held out"):
            continue
        ink, letters = drawn[name].mean(axis=(1, 2)) / 255, asked(point)
        has = lambda word: np.array([word in prompt.split() for prompt in point["prompts_of"]])
        plain = ~has("light") & ~has("bold")
        out[name] = {
            "ink": {
                "light": interval(ink[has("light")]),
                "neither": interval(ink[plain]) if plain.any() else None,
                "bold": interval(ink[has("bold")]),
            },
            "slant": {
                "italic": interval(lean[name][has("italic") & stemmed(letters)]),
                "not italic": interval(lean[name][~has("italic") & stemmed(letters)]),
            },
        }
        if point["prompts"] == "combinations":
            kept_back = np.array([held_out_prompt(prompt) for prompt in point["prompts_of"]])
            out[name]["of_these_held_out"] = int(kept_back.sum())
    return out


def held_out_prompt(prompt: str) -> bool:
    words = set(prompt.split())
    return any(combination <= words and prompt[-1] in letters for combination, letters in HELD_OUT)


def without_prompt(rows, seen, reference) -> list[dict]:
    """PAG against none without a prompt: what changes, picture by picture from the same noise, and as many of them."""
    out, rng = [], np.random.default_rng(0)
    plain = {
        row["steps"]: found for row, found in zip(rows, seen.values()) if row["prompts"] == "none" and row["pag"] == 0
    }
    for found, row in zip(seen.values(), rows):
        if row["prompts"] != "none" or row["pag"] == 0:
            continue
        base = plain[row["steps"]]
        chosen = [rng.integers(0, row["pictures"], row["pictures"]) for _ in range(ROUNDS)]
        change = lambda of, part: spread(
            float(of(found[part]) - of(base[part])), [of(found[part][some]) - of(base[part][some]) for some in chosen]
        )
        out.append(
            {
                "steps": row["steps"],
                "pag": row["pag"],
                "layers": row["layers"],
                "pictures": row["pictures"],
                "frechet_distance": row["frechet_distance"][0],
                "frechet_distance_change": change(lambda some: frechet(some, *reference), 1),
                "inception_score": row["inception_score"][0],
                "inception_score_change": change(inception_score, 0),
                "confidence": row["confidence"][0],
                "confidence_change": change(lambda some: some.max(axis=1).mean(), 0),
            }
        )
    return out


# The rule of the contact sheet: these points, the first 26 pictures of each, in order. Nothing is picked.
SHEET = (
    "prompts letter, g 1, s 0",
    "prompts letter, g 3, s 0",
    "prompts light, g 3, s 0",
    "prompts bold, g 3, s 0",
    "prompts italic, g 3, s 0",
    "prompts bold italic, g 3, s 0",
    "prompts condensed, g 3, s 0",
    "prompts monospaced, g 3, s 0",
    "prompts serif, g 3, s 0",
    "prompts sans serif, g 3, s 0",
    "prompts combinations, g 3, s 0",
    "prompts held out, g 3, s 0",
    "prompts none, g 1, s 0",
    "prompts none, g 1, s 1",
)


def sheet(drawn, path: pathlib.Path) -> None:
    rows = [
        np.concatenate([np.pad(picture, 1, constant_values=64) for picture in drawn[name][:26]], axis=1)
        for name in SHEET
        if name in drawn.files
    ]
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


if __name__ == "__main__":
    main()
