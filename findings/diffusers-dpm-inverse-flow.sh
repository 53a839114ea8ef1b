#!/usr/bin/env bash
# DPMSolverMultistepInverseScheduler with use_flow_sigmas does not invert: it runs from noise to picture.
#
# Seen with diffusers 0.42.1. The inverse scheduler goes from the picture up to the noise (50 steps: timesteps 0 to
# 979). With use_flow_sigmas=True its timesteps are those of the forward DPMSolverMultistepScheduler, 999 down to 19,
# the last level twice, so a picture that is given to it is taken for noise and denoised. No warning. With the exact
# model of Gaussian data (deviation 0.5) an inversion turns 0.5 into about 1 (the deviation of noise).
# Output seen (50 steps): epsilon 0.5 -> 0.980; flow 0.5 -> 0.247, timesteps 999 ... 19 both inverse and forward
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch
from diffusers import DPMSolverMultistepInverseScheduler, DPMSolverMultistepScheduler

DEVIATION = 0.5
FLOW = dict(use_flow_sigmas=True, prediction_type="flow_prediction")


def run(scheduler, flow):
    """From a picture of one deviation (0.5), with the exact model of Gaussian data."""
    scheduler.set_timesteps(50)
    x = torch.full((1,), DEVIATION, dtype=torch.float64)
    for index, t in enumerate(scheduler.timesteps):
        s = scheduler.sigmas[index].double()
        if flow:
            slope = s - (1 - s) * DEVIATION**2
            output = slope / ((1 - s) ** 2 * DEVIATION**2 + s**2) * x
        else:
            kept = 1 / (1 + s**2)
            output = (1 - kept).sqrt() / (kept * DEVIATION**2 + 1 - kept) * x
        x = scheduler.step(output, t, x).prev_sample
    return x.item(), scheduler.timesteps.tolist()


usual, up = run(DPMSolverMultistepInverseScheduler(), False)
flow, down = run(DPMSolverMultistepInverseScheduler(**FLOW), True)
forward = DPMSolverMultistepScheduler(**FLOW)
forward.set_timesteps(50)
print(f"epsilon: 0.5 -> {usual:.4f}, timesteps {up[0]} ... {up[-1]}")
print(f"flow: 0.5 -> {flow:.4f}, timesteps {down[0]} ... {down[-1]}")
print(f"forward scheduler: {forward.timesteps[0]} ... {forward.timesteps[-1]}")
assert up == sorted(up) and abs(usual - 0.980) < 2e-3
assert down == forward.timesteps.tolist() and abs(flow - 0.2465) < 1e-3
print("as seen")
PY
