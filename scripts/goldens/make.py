"""Makes the golden data of kernels, layers, UNets, schedulers, sampling runs, runs from pictures, guidances,
classifiers that guide, gradients, training, restoration, torch's default initialisation, reading pictures, and of
convolutions in two orders, from PyTorch, diffusers and Pillow.

Writes a folder of fixtures/goldens for each part, of its name, with a provenance.json. Every seed is fixed and
PyTorch runs on one thread, so a second run on the same machine gives the same bytes. (Other processors may differ in
the last bits of the float32 results: PyTorch picks its kernels by what the processor has. provenance.json says
which.)

What is stored: inputs and weights in float32, and for each result `<name>/f32`, PyTorch's own float32, and
`<name>/f64`, the truth: the same inputs and weights, exactly widened, computed in float64 (see truth.py for the one
thing that needs care).

arithmetic.py, elementary, evaluation.py, formats.py, letters_text.py, random_gradients.py, text and torch_random.py are
run by themselves, as each of them says.

Run: pip install -r scripts/goldens/requirements.txt && python scripts/goldens/make.py
"""
import torch

import brownian
import classifier
import configs
import folders
import gradients
import guidance
import img2img
import inpaint
import initialisation
import kernels
import layers
import pictures
import psld
import restoration
import runs
import schedulers
import steps
import training
import unets
import universal
import winograd

if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    runs_of_schedulers = (schedulers, steps, brownian, configs, folders, img2img, inpaint)
    for part in (
        kernels, layers, unets, *runs_of_schedulers, runs, restoration, initialisation, guidance, gradients, training,
        pictures, winograd, psld, classifier, universal,
    ):
        part.make()
        print(f"made {part.__name__}")
