"""Goldens of the gradients of UNet2DConditionModels, from torch autograd: fixtures/goldens/text/gradients.

The models and what they are given are those of condition_unets.py, the files as those of whole models in
scripts/goldens/gradients.py: the mean squared error of the prediction and `target` is derived for the sample, the text,
the pooled text where the model has one, and all parameters.
"""
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from safetensors import safe_open

import gradients
import store
from condition_unets import ADDED, in_double
from provenance import write_provenance

MODELS = ("sd-1", "sd-xl")
GIVEN = ("sample", "timestep", "encoder_hidden_states", "text_embeds", "time_ids")
DERIVED = ("sample", "encoder_hidden_states", "text_embeds")


def squared_error(model, inputs):
    added = {key: inputs[key] for key in ADDED if key in inputs}
    given = {key: x for key, x in inputs.items() if key not in (*ADDED, "target")}
    return F.mse_loss(model(**given, added_cond_kwargs=added).sample, inputs["target"])


def make():
    folder = store.fresh_folder("text/gradients")
    for name in MODELS:
        home = store.GOLDENS / "text" / "unets" / name
        with safe_open(home / "golden.safetensors", "pt") as file:
            inputs = {key: file.get_tensor(key) for key in GIVEN if key in file.keys()}
        model = UNet2DConditionModel.from_pretrained(home).eval()
        wanted = [key for key in DERIVED if key in inputs]
        with torch.enable_grad(), in_double():
            path = folder / f"{name}.safetensors"
            gradients.make_model(path, model, inputs, wanted, squared_error, whole=gradients.SAMPLES)
    write_provenance(folder, gradients.SEED)
