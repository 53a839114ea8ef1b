"""Trains the letters UNet (PyTorch, diffusers) and writes a diffusers pipeline folder.

    python train_unet.py glyphs.npz MODEL_FOLDER [--steps 6357] [--minutes 90] [--device cuda]

The model that ships was trained by this recipe on two CPU cores in 90 minutes. The seed draws other noise on a GPU.
"""
import argparse
import copy
import math
import pathlib
import time

import numpy as np
import torch
from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel

NO_LETTER = 26


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glyphs", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=6357)
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop early; the learning rate then has not reached zero"
    )
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--channels", type=int, nargs=3, default=[32, 64, 96], help="of the blocks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def main() -> None:
    args = read_options()
    torch.manual_seed(args.seed)

    data = np.load(args.glyphs)
    pictures = torch.from_numpy(data["x"]).float().div(127.5).sub(1)[:, None].to(args.device)
    labels = torch.from_numpy(data["y"]).long().to(args.device)
    unet = UNet2DModel(
        sample_size=32, in_channels=1, out_channels=1, block_out_channels=tuple(args.channels), layers_per_block=1,
        norm_num_groups=8, attention_head_dim=16, num_class_embeds=27,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D")).to(args.device)
    average = copy.deepcopy(unet).eval().requires_grad_(False)
    scheduler = DDIMScheduler(
        num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False
    )
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    warm_up = 200
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min(1, (k + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * min(1, k / args.steps))))

    started = time.monotonic()
    for step in range(args.steps):
        chosen = torch.randint(len(pictures), (args.batch,)).to(args.device)
        x, y = pictures[chosen], labels[chosen].clone()
        y[(torch.rand(args.batch) < 0.15).to(args.device)] = NO_LETTER
        # Stratified: one timestep from each of `batch` equal parts of the range.
        t = ((torch.arange(args.batch) + torch.rand(args.batch)) * (1000 / args.batch)).long().clamp(max=999)
        t = t.to(args.device)
        noise = torch.randn_like(x)
        with torch.autocast(args.device, dtype=torch.bfloat16):
            predicted = unet(scheduler.add_noise(x, noise, t), t, class_labels=y).sample
        loss = torch.nn.functional.mse_loss(predicted.float(), noise)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        rate.step()
        decay = min(0.9995, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, current in zip(average.parameters(), unet.parameters()):
                kept.lerp_(current, 1 - decay)
        if step % 50 == 0:
            print(
                f"step {step}/{args.steps}  loss {loss.item():.4f}  {(time.monotonic() - started) / 60:.1f} min",
                flush=True,
            )
        if time.monotonic() - started > args.minutes * 60:
            print(f"stopped at step {step} after {args.minutes} minutes")
            break
    DDIMPipeline(average.cpu(), scheduler).save_pretrained(args.out)


if __name__ == "__main__":
    main()
