#!/usr/bin/env bash
# DPMSolverMultistepInverseScheduler with Karras sigmas stops before the noise, and names wrong timesteps on the way.
#
# Seen with diffusers 0.42.1. set_timesteps rounds the timestep of each sigma, and then keeps every timestep once, but
# leaves the sigmas as they are. Where two sigmas round to one timestep, each later call has the sigma of one place and
# the timestep of the next, and the run ends as many steps early as timesteps were left out. With the betas of Stable
# Diffusion that begins below 50 steps; with the cosine schedule at 6. No warning.
# Output seen: SD's betas, 100 steps: 95 calls, up to sigma 12.35 of 14.61; call 11 tells the model timestep 16, its
# sigma is that of 6.73. Cosine, 50 steps: 26 calls, up to sigma 481 of 20291
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy
from diffusers import DPMSolverMultistepInverseScheduler

SD = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
COSINE = dict(beta_schedule="squaredcos_cap_v2")


def table(steps, config):
    scheduler = DPMSolverMultistepInverseScheduler(use_karras_sigmas=True, **config)
    scheduler.set_timesteps(steps)
    calls = len(scheduler.timesteps)
    ends, whole = float(scheduler.sigmas[calls]), float(scheduler.sigmas[-1])
    logs = numpy.log((((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod) ** 0.5).numpy())
    own = [float(scheduler._sigma_to_t(sigma.numpy(), logs)) for sigma in scheduler.sigmas[:calls]]
    print(f"{config['beta_schedule']}, {steps} steps: {calls} calls, up to sigma {ends:.2f} of {whole:.2f}; "
          f"call 11: timestep {int(scheduler.timesteps[11])}, its sigma is that of {own[11]:.2f}")
    return calls, ends / whole, int(scheduler.timesteps[11]) - own[11]


calls, reached, off = table(100, SD)
assert calls == 95 and abs(reached - 0.845) < 2e-3 and off > 9
assert table(50, SD)[0] == 49
calls, reached, _ = table(50, COSINE)
assert calls == 26 and reached < 0.03
print("as seen")
PY
