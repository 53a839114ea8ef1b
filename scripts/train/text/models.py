"""The three models, and the folder that holds them: a StableDiffusionPipeline as diffusers' save_pretrained writes
it."""
import json
import pathlib

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from tokenizer import LENGTH, write_tokenizer

CONTEXT = 96
SIZE, LATENT_CHANNELS = 32, 4


def new_autoencoder() -> AutoencoderKL:
    """32² × 1 to 16² × 4 and back."""
    return AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(24, 48),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=SIZE,
        force_upcast=False,
    )


def new_text_encoder(vocabulary: int) -> CLIPTextModel:
    """Two layers of 96 channels over 32 tokens; the last two ids are the start and the end."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=CONTEXT,
            intermediate_size=4 * CONTEXT,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            projection_dim=CONTEXT,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
    )


def new_unet() -> UNet2DConditionModel:
    """Stable Diffusion's shape at 16²: two resolutions, self- and cross-attention of four heads in both and in the
    middle."""
    return UNet2DConditionModel(
        sample_size=SIZE // 2,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(64, 128),
        layers_per_block=1,
        norm_num_groups=16,
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        cross_attention_dim=CONTEXT,
        attention_head_dim=4,
    )


def new_scheduler() -> DDIMScheduler:
    """Linear β to 0.02: at the last timestep nothing of a picture of 16² is left, its mean included. Spacing and
    offset as Stable Diffusion has them."""
    return DDIMScheduler(
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule="linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def size_of(*models: torch.nn.Module) -> int:
    return sum(weight.numel() for model in models for weight in model.parameters())


def save(
    folder: pathlib.Path, autoencoder: AutoencoderKL, text_encoder: CLIPTextModel, unet: UNet2DConditionModel
) -> None:
    """The pipeline's folder, weights as float16. The models stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer")
    new_scheduler().save_pretrained(folder / "scheduler")
    for name, model, file in (
        ("vae", autoencoder, "diffusion_pytorch_model"),
        ("unet", unet, "diffusion_pytorch_model"),
        ("text_encoder", text_encoder, "model"),
    ):
        (folder / name).mkdir(exist_ok=True)
        # Stable Diffusion's releases have the prefix; whether a model in memory has it differs from version to
        # version of transformers.
        named = lambda key: key if name != "text_encoder" or key.startswith("text_model.") else f"text_model.{key}"
        halves = {
            named(key): value.detach().to("cpu", torch.float16).contiguous()
            for key, value in model.state_dict().items()
        }
        save_file(halves, folder / name / f"{file}.safetensors", metadata={"format": "pt"})
        if name == "text_encoder":
            model.config.architectures = ["CLIPTextModel"]
            (folder / name / "config.json").write_text(model.config.to_json_string(use_diff=True))
        else:
            model.save_config(folder / name)
    (folder / "model_index.json").write_text(
        json.dumps(
            {
                "_class_name": "StableDiffusionPipeline",
                "_diffusers_version": "0.42.1",
                "feature_extractor": [None, None],
                "image_encoder": [None, None],
                "requires_safety_checker": False,
                "safety_checker": [None, None],
                "scheduler": ["diffusers", "DDIMScheduler"],
                "text_encoder": ["transformers", "CLIPTextModel"],
                "tokenizer": ["transformers", "CLIPTokenizer"],
                "unet": ["diffusers", "UNet2DConditionModel"],
                "vae": ["diffusers", "AutoencoderKL"],
            },
            indent=2,
        )
        + "\n"
    )
