"""Trains the letter classifier whose 64 features the evaluation uses, and writes it as safetensors.

    python train_classifier.py glyphs.npz classifier.safetensors [--epochs 12]

Faces with face % 10 == 0 are held out; the accuracy on them is printed.
"""
import argparse
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F


class Classifier(nn.Module):
    """Four convolutions, 64 features, 26 letters; SiLU between them."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(1, 16, 3, padding=1)
        self.b = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.c = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        self.d = nn.Conv2d(64, 64, 3, stride=2, padding=1)
        self.f = nn.Linear(1024, 64)
        self.o = nn.Linear(64, 26)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        for layer in (self.a, self.b, self.c, self.d):
            x = F.silu(layer(x))
        features = F.silu(self.f(x.flatten(1)))
        return self.o(features), features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glyphs", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    data = np.load(args.glyphs)
    pictures = torch.from_numpy(data["x"]).float().div(127.5).sub(1)[:, None]
    labels = torch.from_numpy(data["y"])
    held_out = torch.from_numpy(data["face"] % 10 == 0)
    train_x, train_y = pictures[~held_out], labels[~held_out]

    model = Classifier()
    batch = 128
    steps = args.epochs * (len(train_x) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    for step in range(steps):
        chosen = torch.randint(len(train_x), (batch,))
        shift = [int(value) for value in torch.randint(-2, 3, (2,))]
        x = torch.roll(train_x[chosen], shift, (2, 3))
        logits, _ = model(x + 0.1 * torch.rand(batch, 1, 1, 1) * torch.randn_like(x))
        loss = F.cross_entropy(logits, train_y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        if step % 200 == 0:
            print(f"step {step}/{steps}  loss {loss.item():.4f}", flush=True)

    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part)[0] for part in pictures[held_out].split(512)])
    print(f"held-out accuracy {(logits.argmax(1) == labels[held_out]).float().mean():.4f}")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, args.out)


if __name__ == "__main__":
    main()
