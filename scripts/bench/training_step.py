"""One process of training.ts: steps of PyTorch's eager mode. Arguments: threads, warm steps, and steps that count."""
import sys
from pathlib import Path

import torch
from diffusers import UNet2DModel

from processes.task import tell, timed

threads, warm, passes = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(0)
model = UNet2DModel.from_pretrained(Path(__file__).parents[2] / "fixtures" / "letters" / "model" / "unet").train()
sample, target = torch.randn(16, 1, 32, 32), torch.randn(16, 1, 32, 32)
labels, timesteps = torch.arange(16), 50 * torch.arange(16)


def step():
    model.zero_grad()
    torch.nn.functional.mse_loss(model(sample, timesteps, class_labels=labels).sample, target).backward()


times, _ = timed(warm + passes, step)
tell(torch.__version__, warm, times)
