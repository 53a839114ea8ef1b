"""The order in which diffusers' UNet2DModel constructs its modules, and with it draws its initial weights:
fixtures/goldens/initialisation/<name>.json, a config and its parameters as [name, shape, module], in order of
construction.

Also `<name>.safetensors`, the weights that torch.manual_seed(0) gives.
"""
import torch
from diffusers import UNet2DModel
from diffusers.models.embeddings import GaussianFourierProjection
from torch import nn

import store

SEED = 0

KINDS = {
    nn.Conv2d: "convolution", nn.Linear: "linear", nn.GroupNorm: "norm", nn.Embedding: "embedding",
    GaussianFourierProjection: "fourier",
}

SMALL = dict(block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=4, sample_size=8)
MODELS = {
    # The model of diffusers' own pipeline tests.
    "pipeline": dict(
        **SMALL, in_channels=3, out_channels=3, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ),
    "scale-shift": dict(
        **SMALL, time_embedding_type="fourier", num_class_embeds=3, resnet_time_scale_shift="scale_shift",
        down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "ResnetUpsampleBlock2D"),
    ),
    "learned-time": dict(
        **SMALL | dict(layers_per_block=2, attention_head_dim=None), time_embedding_type="learned",
        num_train_timesteps=10, class_embed_type="timestep",
        down_block_types=("AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D"),
        downsample_type="resnet", upsample_type="resnet",
    ),
}


def construct(config):
    """The model, and its modules that have parameters of their own, in the order in which they were constructed."""
    constructed = []
    original = nn.Module.__init__

    def recording(self, *arguments, **options):
        original(self, *arguments, **options)
        if type(self) in KINDS:
            constructed.append(self)

    nn.Module.__init__ = recording
    try:
        model = UNet2DModel(**config)
    finally:
        nn.Module.__init__ = original
    return model, constructed


def make():
    folder = store.fresh_folder("initialisation")
    for name, config in MODELS.items():
        torch.manual_seed(SEED)
        model, constructed = construct(config)
        paths = {module: path for path, module in model.named_modules()}
        # nn.Linear and the like call Module.__init__ before anything is drawn, so the order of construction is that of
        # drawing.
        parameters = [
            [f"{paths[module]}.{key}", list(value.shape), KINDS[type(module)]]
            for module in constructed if module in paths
            for key, value in module.named_parameters(recurse=False)
        ]
        assert {key for key, *_ in parameters} == model.state_dict().keys()
        store.save_json(folder / f"{name}.json", {"seed": SEED, "config": config, "parameters": parameters})
        store.save(folder / f"{name}.safetensors", dict(model.state_dict()))
    store.write_provenance(folder, SEED)
