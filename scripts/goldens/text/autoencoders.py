"""Goldens of autoencoders: fixtures/goldens/text/autoencoders/<name>, a folder as save_pretrained writes it, with
golden.safetensors.

golden.safetensors holds `sample`, a picture, and `latents`, and for either way the output of every module,
`<way>/<module path>/f32` and `/f64`, `encode` with the modules of the encoder and `decode` with those of the decoder.
Beside these of the way `encode` there are `mean` and `logvar`, of `decode` `sample`.
"""
import json

import torch
from diffusers import AutoencoderKL, AutoencoderTiny

import store
from provenance import write_provenance
from taps import tapped
from truth import truth

SEED = 61

TINY = dict(
    block_out_channels=(4, 8), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    norm_num_groups=2, sample_size=8,
)

# The class, its config, the size of a picture and of latents.
MODELS = {
    "kl": (AutoencoderKL, TINY, (8, 8), (3, 4)),
    # Halving drops the last row of an odd picture.
    "kl-odd": (AutoencoderKL, TINY | dict(
        layers_per_block=2, latent_channels=2, in_channels=1, out_channels=2, act_fn="mish", scaling_factor=0.13025,
        use_quant_conv=False,
        use_post_quant_conv=False, mid_block_add_attention=False, latents_mean=[0.25, -1.0], latents_std=[2.0, 0.5],
        force_upcast=False,
    ), (7, 6), (3, 2)),
    "kl-attention": (AutoencoderKL, TINY | dict(
        block_out_channels=(4, 4, 8),
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"), shift_factor=0.5,
        scaling_factor=1.5,
    ), (8, 12), (2, 3)),
    "tiny": (AutoencoderTiny, dict(
        encoder_block_out_channels=(4, 4, 4), decoder_block_out_channels=(6, 6), num_encoder_blocks=(1, 2, 1),
        num_decoder_blocks=(2, 1),
    ), (9, 8), (3, 4)),
    "tiny-mish": (AutoencoderTiny, dict(
        encoder_block_out_channels=(4,), decoder_block_out_channels=(4, 4), num_encoder_blocks=(1,),
        num_decoder_blocks=(1, 1), act_fn="mish", latent_channels=3,
        in_channels=1, out_channels=1, latent_magnitude=2, scaling_factor=0.5, shift_factor=0.25,
    ), (5, 4), (3, 4)),
}
BATCH = 2


def vary(module, generator):
    """Norms start as the identity, and attention maps nearly flat; this moves every parameter to where a mistake
    shows."""
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:
            parameter.add_(0.25 * torch.randn(parameter.shape, generator=generator))
        elif any(part in name for part in ("to_q", "to_k")):
            parameter.mul_(2)


def both_ways(model, picture, latents):
    """All taps and outputs of either way."""
    with tapped(model) as of_encoder:
        encoded = model.encode(picture.to(model.dtype))
    with tapped(model) as of_decoder:
        decoded = model.decode(latents.to(model.dtype)).sample
    if isinstance(model, AutoencoderKL):
        distribution = encoded.latent_dist
        outputs = {"mean": distribution.mean, "logvar": distribution.logvar}
    else:
        outputs = {"mean": encoded.latents}
    taps = {f"encode/{path}": x for path, x in (of_encoder | outputs).items()} | {
        f"decode/{path}": x for path, x in (of_decoder | {"sample": decoded}).items()
    }
    return {path: x.to(model.dtype) for path, x in taps.items()}


def make():
    root = store.fresh_folder("text/autoencoders")
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    for name, (kind, config, size, latent_size) in MODELS.items():
        folder = root / name
        model = kind(**config).eval()
        vary(model, generator)
        model.save_pretrained(folder)
        double = kind.from_config(model.config).eval().double()
        double.load_state_dict(model.state_dict())
        # Beyond what the tiny ones clamp, too.
        picture = 2 * torch.rand(BATCH, model.config.in_channels, *size, generator=generator) - 1
        latents = 2 * torch.randn(BATCH, model.config.latent_channels, *latent_size, generator=generator)
        single = both_ways(model, picture, latents)
        with truth():
            exact = both_ways(double, picture, latents)
        tensors = {"sample": picture, "latents": latents}
        for path in single:
            tensors |= store.both(path, single[path], exact[path])
        store.save(folder / "golden.safetensors", tensors)
        config_file = folder / "config.json"
        config_file.write_text(json.dumps(json.loads(config_file.read_text()), indent=2) + "\n")
    write_provenance(root, SEED)
