"""Draws what figures.py measures: many pictures by the trained model, point by point.

    python draw.py MODEL pictures.npz [--seconds 100] [--only REGEX] [--count 2080]

A point is a rule for prompts, and a guidance. Picture i starts from torch.manual_seed(i) on a CPU at every point, so
points are compared in pairs; its letter is the i-th of A-Z in turn. DDIM as the model's folder has it, 20 steps
unless the point says otherwise. The weights are the float16 that ship, computed with in float32 (on a GPU with TF32
products). Points that pictures.npz has already are kept, so it can be drawn in parts.
"""
import argparse
import dataclasses
import itertools
import json
import pathlib
import random
import re
import time

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import PAGCFGIdentitySelfAttnProcessor2_0, PAGIdentitySelfAttnProcessor2_0
from transformers import CLIPTextModel, CLIPTokenizer

from captions import HELD_OUT, LETTERS

STYLES = (
    "",
    "thin",
    "light",
    "regular",
    "semibold",
    "bold",
    "black",
    "upright",
    "italic",
    "condensed",
    "wide",
    "serif",
    "sans serif",
    "monospaced",
    "light italic",
    "bold italic",
)


@dataclasses.dataclass(frozen=True)
class Point:
    prompts: str  # a style, or the name of a rule: "" (letters alone), "none", "held out", "combinations"
    guidance: float = 1.0        # g of classifier-free guidance; 1 is none
    pag: float = 0.0             # s of PAG; 0 is none
    layers: str = "mid_block"    # a prefix of the self-attention layers that are perturbed
    steps: int = 20
    share: int = 1               # the point has count / share pictures

    def name(self) -> str:
        parts = [f"prompts {self.prompts or 'letter'}", f"g {self.guidance:g}", f"s {self.pag:g}"]
        parts += [self.layers] if self.pag and self.layers != "mid_block" else []
        return ", ".join(parts + ([f"{self.steps} steps"] if self.steps != 20 else []))


def points() -> list[Point]:
    """In the order of their importance."""
    found = [
        Point("", 1),
        Point("", 3),
        Point("none"),
        Point("none", pag=1),
        Point("combinations", 3),
        Point("held out", 3),
    ]
    found += [Point(style, 3, share=4) for style in STYLES[1:]]
    found += [Point("none", pag=s) for s in (0.5, 2, 3, 4)]
    found += [
        Point("", 2),
        Point("", 5),
        Point("", 7.5),
        Point("combinations", 1),
        Point("combinations", 5),
        Point("held out", 5),
        Point("", 1, 1),
        Point("", 3, 1),
        Point("", 3, 2),
    ]
    found += [
        Point("none", pag=1, layers=layer) for layer in ("down_blocks.0", "down_blocks.1", "up_blocks.0", "up_blocks.1")
    ]
    found += [Point("none", pag=s, steps=steps, share=2) for steps in (5, 10) for s in (0, 0.5, 1)]
    return found


def prompts_of(rule: str, count: int) -> list[str]:
    """The prompts of `count` pictures, the letters in turn."""
    letters = [LETTERS[i % 26] for i in range(count)]
    if rule == "none":
        return [""] * count
    if rule == "held out":
        unseen = [(sorted(words), letter) for words, some in HELD_OUT for letter in some]
        return [phrase(unseen[i % len(unseen)][0], unseen[i % len(unseen)][1]) for i in range(count)]
    if rule == "combinations":
        rng = random.Random(0)
        grid = list(
            itertools.product(
                ("", "light", "bold"), ("", "italic"), ("", "condensed"), ("", "mono"), ("", "serif", "sans serif")
            )
        )
        return [
            phrase(rng.sample(words, len(words)), letter)
            for letter, words in ((letter, [word for word in rng.choice(grid) if word]) for letter in letters)
        ]
    return [phrase(rule.split(" ") if rule != "sans serif" else [rule], letter) for letter in letters]


def phrase(words: list[str], letter: str) -> str:
    text = " ".join([*(word for word in words if word), "letter", letter])
    return ("an " if text[0] in "aeiou" else "a ") + text


class Artist:
    """The models of a folder, and a sampler."""

    def __init__(self, folder: pathlib.Path, device: torch.device) -> None:
        single = lambda kind, name: kind.from_pretrained(folder / name).float().eval().requires_grad_(False).to(device)
        self.vae, self.unet = single(AutoencoderKL, "vae"), single(UNet2DConditionModel, "unet")
        self.text_encoder = single(CLIPTextModel, "text_encoder")
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
        self.processors, self.device = dict(self.unet.attn_processors), device

    @torch.no_grad()
    def embed(self, prompts: list[str]) -> torch.Tensor:
        ids = self.tokenizer(
            prompts,
            padding="max_length",
            truncation=True,
            max_length=self.tokenizer.model_max_length,
            return_tensors="pt",
        ).input_ids
        return self.text_encoder(ids.to(self.device)).last_hidden_state

    def perturb(self, point: Point) -> None:
        """diffusers' own processors, which expect the passes in the batch: (unconditional,) conditional, perturbed."""
        identity = PAGCFGIdentitySelfAttnProcessor2_0 if point.guidance != 1 else PAGIdentitySelfAttnProcessor2_0
        chosen = lambda path: point.pag and path.startswith(point.layers) and ".attn1." in path
        self.unet.set_attn_processor(
            {path: identity() if chosen(path) else processor for path, processor in self.processors.items()}
        )

    @torch.no_grad()
    def draw(self, point: Point, prompts: list[str], noise: torch.Tensor) -> np.ndarray:
        """uint8 [n, 32, 32]."""
        self.perturb(point)
        given, empty = self.embed(prompts), self.embed([""]).expand(len(prompts), -1, -1)
        contexts = ([empty] if point.guidance != 1 else []) + [given] + ([given] if point.pag else [])
        x = noise.to(self.device)
        self.scheduler.set_timesteps(point.steps)
        for t in self.scheduler.timesteps:
            parts = list(self.unet(torch.cat([x] * len(contexts)), t, torch.cat(contexts)).sample.chunk(len(contexts)))
            perturbed = parts.pop() if point.pag else None
            guided = given_noise = parts.pop()
            if parts:
                guided = parts[0] + point.guidance * (given_noise - parts[0])
            if perturbed is not None:
                guided = guided + point.pag * (given_noise - perturbed)
            x = self.scheduler.step(guided, t, x).prev_sample
        decoded = self.vae.decode(x / self.vae.config.scaling_factor).sample[:, 0]
        return decoded.clamp(-1, 1).add(1).mul(127.5).round().to("cpu", torch.uint8).numpy()


def noise_of(count: int) -> torch.Tensor:
    return torch.stack([torch.randn(4, 16, 16, generator=torch.manual_seed(i)) for i in range(count)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--count", type=int, default=2080)
    parser.add_argument("--batch", type=int, default=1040)
    parser.add_argument("--only", default="", help="a regular expression that the names of points match")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    artist, noise, started = Artist(args.model, torch.device(args.device)), noise_of(args.count), time.monotonic()
    drawn = dict(np.load(args.out)) if args.out.exists() else {}
    settings = json.loads(str(drawn.pop("settings"))) if drawn else {}
    where = {"torch": torch.__version__, "device": torch.cuda.get_device_name() if args.device == "cuda" else "CPU"}
    for point in points():
        if (
            point.name() in settings
            or not re.search(args.only, point.name())
            or time.monotonic() - started > args.seconds
        ):
            continue
        count = args.count // point.share
        prompts = prompts_of(point.prompts, count)
        parts = [slice(at, at + args.batch) for at in range(0, count, args.batch)]
        drawn[point.name()] = np.concatenate([artist.draw(point, prompts[part], noise[:count][part]) for part in parts])
        settings[point.name()] = dataclasses.asdict(point) | where | {"prompts_of": prompts}
        print(f"{time.monotonic() - started:6.1f} s  {point.name()}", flush=True)
        np.savez_compressed(args.out, settings=json.dumps(settings), **drawn)


if __name__ == "__main__":
    main()
