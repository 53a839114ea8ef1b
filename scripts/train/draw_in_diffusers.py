"""Loads what pag train has written with diffusers, draws what pag sample has drawn, and says how far apart they are.

    pag train --data ... --config ... --out MODEL
    pag sample --model MODEL --labels 0,1,2 --count 3 --scheduler ddim --steps 20 --latents drawn.safetensors
    python draw_in_diffusers.py MODEL drawn.safetensors 0,1,2

Then it takes a step of AdamW from there, to see that the model goes on learning in PyTorch, too. Needs torch, diffusers
and safetensors (scripts/goldens/requirements.txt).
"""
import sys

import torch
from diffusers import DDIMScheduler, UNet2DModel
from safetensors.torch import load_file


def draw(model, scheduler, noise, labels, steps):
    scheduler.set_timesteps(steps)
    sample, kept = noise, []
    with torch.no_grad():
        for timestep in scheduler.timesteps:
            prediction = model(sample, timestep, class_labels=labels).sample
            sample = scheduler.step(prediction, timestep, sample).prev_sample
            kept.append(sample)
    return kept


if __name__ == "__main__":
    folder, file = sys.argv[1], load_file(sys.argv[2])
    labels = torch.tensor([int(label) for label in sys.argv[3].split(",")]) if len(sys.argv) > 3 else None
    model = UNet2DModel.from_pretrained(folder)
    scheduler = DDIMScheduler.from_pretrained(folder)
    steps = sum(name.startswith("step.") for name in file)
    drawn = draw(model, scheduler, file["noise"], labels, steps)
    apart = [(ours - file[f"step.{i}"]).abs().max().item() for i, ours in enumerate(drawn)]
    print(f"{sum(p.numel() for p in model.parameters())} parameters; {steps} steps, at most {max(apart):.2e} apart")
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    for _ in range(2):
        noise = torch.randn(file["sample"].shape, generator=torch.Generator().manual_seed(0))
        timesteps = torch.full((noise.shape[0],), 500)
        prediction = model(scheduler.add_noise(file["sample"], noise, timesteps), timesteps, class_labels=labels).sample
        loss = torch.nn.functional.mse_loss(prediction, noise)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    print(f"a step of AdamW: the loss goes from {losses[0]:.5f} to {losses[1]:.5f}")
    sys.exit(0 if max(apart) < 1e-3 and losses[1] < losses[0] else 1)
