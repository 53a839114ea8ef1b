"""Goldens of the Brownian motion of torchsde, from which diffusers' DPMSolverSDE and CosineDPMSolverMultistep take
their noise: fixtures/goldens/brownian/brownian.safetensors.

`states` in the metadata: what numpy.random.SeedSequence generates. `motions`: seeds, ends of σ, shape and steps of
diffusers' BrownianTreeNoiseSampler; its noise for step k of motion i is `<i>.<k>/f32`, drawn in float32, and
`<i>.<k>/f64`, drawn in float64, which are other numbers. `runs`: whole runs, whose samples after each call are
`run.<i>`, drawn and computed in float64, with the tables of schedulers.py.
"""
import numpy
import torch
from diffusers.schedulers.scheduling_dpmsolver_sde import BrownianTreeNoiseSampler
from safetensors.torch import load_file

import schedulers
import store

SEQUENCES = [
    (0, (), 24, 3), (7, (), 24, 3), (2**64 - 1, (), 24, 4), (1234567, (0, 0), 24, 4), (5, (13, 4), 24, 4),
    (2**40 + 3, (2**33 + 1, 34), 24, 4), (3, (1, 2, 3), 4, 9),
]
# Steps within the ends, over several intervals, beyond an end, and with ties of the sixth decimal. (Of a step of less
# than 1e-6 torchsde's recursion finds no end.)
MOTIONS = [
    dict(
        seed=0, ends=(0.0292, 14.6146), shape=(2, 2, 4, 4),
        steps=[(14.6146, 8.3), (8.3, 3.0), (8.3, 1.2), (3.0, 0.4), (0.4, 0.0292), (0.4, 0.0)],
    ),
    dict(
        seed=2**63 + 11, ends=(0.3, 500.0), shape=(1, 3, 5),
        steps=[(500.0, 0.3), (250.0, 249.9999), (0.300002, 0.3), (100.0078125, 2.0234375)],
    ),
    dict(seed=[3, 2**40, 0], ends=(0.1, 80.0), shape=(3, 2, 3, 3), steps=[(80.0, 12.5), (12.5, 0.7), (0.700002, 0.7)]),
]
RUNS = [
    ("DPMSolverSDEScheduler", schedulers.case(5, dict(noise_sampler_seed=41)), None),
    ("DPMSolverSDEScheduler", schedulers.case(4, schedulers.KARRAS, schedulers.V, dict(noise_sampler_seed=0)), None),
    ("CosineDPMSolverMultistepScheduler", schedulers.case(6), 9),
]


def make():
    folder = store.fresh_folder("brownian")
    states = [
        dict(
            entropy=str(entropy), spawn_key=list(key), pool_size=size,
            states=numpy.random.SeedSequence(entropy, spawn_key=key, pool_size=size).generate_state(count).tolist(),
        )
        for entropy, key, size, count in SEQUENCES
    ]
    tensors = {}
    for i, motion in enumerate(MOTIONS):
        for dtype, suffix in ((torch.float32, "f32"), (torch.float64, "f64")):
            sampler = BrownianTreeNoiseSampler(
                torch.zeros(motion["shape"], dtype=dtype), *motion["ends"], motion["seed"]
            )
            for k, (sigma, following) in enumerate(motion["steps"]):
                tensors[f"{i}.{k}/{suffix}"] = sampler(
                    torch.tensor(sigma, dtype=dtype), torch.tensor(following, dtype=dtype)
                )
    given = load_file(store.GOLDENS / "schedulers" / "given.safetensors")
    for i, (name, spec, seed) in enumerate(RUNS):
        tensors[f"run.{i}"] = schedulers.run(name, spec, given, torch.float64, noise_seed=seed, given_noise=False)[0]
    motions = [
        motion | {
            "seed": [str(seed) for seed in motion["seed"]] if isinstance(motion["seed"], list) else str(motion["seed"])
        }
        for motion in MOTIONS
    ]
    runs = [dict(name=name, **spec, noise_seed=seed) for name, spec, seed in RUNS]
    store.save(folder / "brownian.safetensors", tensors, states=states, motions=motions, runs=runs)
    store.write_provenance(folder, 0)
