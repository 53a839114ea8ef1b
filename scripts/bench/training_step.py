"""One process of training.ts: steps of PyTorch's eager mode. Argument: how many threads."""
import json
import resource
import statistics
import sys
import time
from pathlib import Path

import torch
from diffusers import UNet2DModel

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
model = UNet2DModel.from_pretrained(Path(__file__).parents[2] / "fixtures" / "letters" / "model" / "unet").train()
sample, target = torch.randn(16, 1, 32, 32), torch.randn(16, 1, 32, 32)
labels, timesteps = torch.arange(16), 50 * torch.arange(16)


def step():
    model.zero_grad()
    torch.nn.functional.mse_loss(model(sample, timesteps, class_labels=labels).sample, target).backward()


wall, processor = [], []
for _ in range(13):
    clock, used = time.perf_counter(), time.process_time()
    step()
    wall.append(1000 * (time.perf_counter() - clock))
    processor.append(1000 * (time.process_time() - used))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
medians = {"processor": statistics.median(processor[3:]), "wall": statistics.median(wall[3:])}
print(json.dumps(medians | {"memory": memory}))
