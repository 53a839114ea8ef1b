"""Goldens of the noise-aware classifier and of the guidance that follows it: fixtures/goldens/classifier.

The classifier is written here in plain PyTorch, a function of its weights, after its description: the way down and the
middle of the UNet of Dhariwal & Nichol 2021 (arXiv 2105.05233, appendix H), and attention pooling as in CLIP (arXiv
2103.00020, section 2.4). A folder of each configuration has config.json and its weights; `<name>.safetensors` has
`sample`, `timestep` and `labels`, and as /f32 and /f64: `logits`, `slope` (∂ Σ log p(y|x) / ∂x), `loss` (the mean
cross-entropy) and `grad.<parameter>` of the loss.

`ddim.safetensors` and `ddpm.safetensors` are three steps of the letters model, guided by the first classifier (of 16
× 16 pixels) in one form and in the other (algorithms 2 and 1), `pag.safetensors` the first together with PAG: `noise`,
`step.<i>.noise` and, after each step, `step.<i>.sample`. The steps are those of diffusers' schedulers.

Run: python scripts/goldens/classifier.py
"""
from unittest import mock

import diffusers.models.embeddings as embeddings
import diffusers.schedulers.scheduling_ddpm as ddpm_module
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from safetensors.torch import save_file

import store
from perturbation import perturbed
from runs import LETTERS, MID
from truth import truth

SEED = 2105
SIZE, CLASSES, STEPS, SCALE = 16, 26, 3, 2.5
CONFIGS = {
    "default": dict(block_out_channels=[4, 8], resnet_time_scale_shift="default", downsample_type="conv"),
    "scale-shift": dict(block_out_channels=[4, 4, 8], resnet_time_scale_shift="scale_shift", downsample_type="resnet"),
}
COMMON = dict(
    _class_name="UNet2DClassifierModel", sample_size=SIZE, in_channels=1, num_classes=CLASSES, layers_per_block=1,
    norm_num_groups=2, attention_head_dim=4,
)


def config_of(name):
    config = COMMON | CONFIGS[name]
    blocks = ["DownBlock2D"] + ["AttnDownBlock2D"] * (len(config["block_out_channels"]) - 1)
    return config | dict(down_block_types=blocks)


class Classifier:
    """Its weights are made the first time that they are asked for."""

    def __init__(self, config, weights, generator=None):
        self.config, self.weights, self.generator = config, weights, generator
        self.groups = config["norm_num_groups"]

    def weight(self, name, *shape):
        if name not in self.weights:
            fan_in = max(1, torch.Size(shape[1:]).numel())
            around = float(len(shape) == 1 and "norm" in name and name.endswith("weight"))
            self.weights[name] = around + (torch.rand(shape, generator=self.generator) - 0.4) * 1.5 / fan_in ** 0.5
        return self.weights[name]

    def linear(self, name, x, to):
        return F.linear(x, self.weight(f"{name}.weight", to, x.shape[-1]), self.weight(f"{name}.bias", to))

    def conv(self, name, x, to, kernel=3, stride=1):
        weight, bias = self.weight(f"{name}.weight", to, x.shape[1], kernel, kernel), self.weight(f"{name}.bias", to)
        return F.conv2d(x, weight, bias, stride=stride, padding=kernel // 2)

    def norm(self, name, x):
        channels = x.shape[1]
        return F.group_norm(
            x, self.groups, self.weight(f"{name}.weight", channels), self.weight(f"{name}.bias", channels)
        )

    def mix(self, q, k, v):
        heads = q.shape[-1] // self.config["attention_head_dim"]
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        return (torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v).transpose(1, 2).flatten(2)

    def residual(self, name, x, temb, to, halves=False):
        h = F.silu(self.norm(f"{name}.norm1", x))
        if halves:
            x, h = F.avg_pool2d(x, 2), F.avg_pool2d(h, 2)
        h = self.conv(f"{name}.conv1", h, to)
        scaled = self.config["resnet_time_scale_shift"] == "scale_shift"
        time = self.linear(f"{name}.time_emb_proj", F.silu(temb), 2 * to if scaled else to)[:, :, None, None]
        if scaled:
            scale, shift = time.chunk(2, 1)
            h = self.norm(f"{name}.norm2", h) * (1 + scale) + shift
        else:
            h = self.norm(f"{name}.norm2", h + time)
        h = self.conv(f"{name}.conv2", F.silu(h), to)
        return (x if x.shape[1] == to else self.conv(f"{name}.conv_shortcut", x, to, kernel=1)) + h

    def attend(self, name, x, normed=True):
        tokens = (self.norm(f"{name}.group_norm", x) if normed else x).flatten(2).mT
        q, k, v = (self.linear(f"{name}.to_{key}", tokens, x.shape[1]) for key in "qkv")
        return x + self.linear(f"{name}.to_out.0", self.mix(q, k, v), x.shape[1]).mT.unflatten(2, x.shape[2:])

    def pool(self, x):
        tokens = x.flatten(2).mT
        tokens = torch.cat([tokens.mean(1, keepdim=True), tokens], 1)
        tokens = tokens + self.weight("pool.positional_embedding", 1, *tokens.shape[1:])
        q, k, v = (self.linear(f"pool.{key}_proj", tokens, x.shape[1]) for key in "qkv")
        return self.linear("pool.c_proj", self.mix(q[:, :1], k, v)[:, 0], CLASSES)

    def __call__(self, x, timesteps):
        """Logits, [B,26]."""
        channels, blocks = self.config["block_out_channels"], self.config["down_block_types"]
        numbers = embeddings.get_timestep_embedding(
            timesteps, channels[0], flip_sin_to_cos=True, downscale_freq_shift=0
        )
        temb = F.silu(self.linear("time_embedding.linear_1", numbers.to(x), 4 * channels[0]))
        temb = self.linear("time_embedding.linear_2", temb, 4 * channels[0])
        h = self.conv("conv_in", x, channels[0])
        for i, to in enumerate(channels):
            h = self.residual(f"down_blocks.{i}.resnets.0", h, temb, to)
            if blocks[i].startswith("Attn"):
                h = self.attend(f"down_blocks.{i}.attentions.0", h)
            if i == len(channels) - 1:
                break
            name = f"down_blocks.{i}.downsamplers.0"
            if blocks[i].startswith("Attn") and self.config["downsample_type"] == "resnet":
                h = self.residual(name, h, temb, to, halves=True)
            else:
                h = self.conv(f"{name}.conv", h, to, stride=2)
        h = self.residual("mid_block.resnets.0", h, temb, channels[-1])
        # With scale and shift diffusers' middle attention has no norm.
        h = self.attend("mid_block.attentions.0", h, normed=self.config["resnet_time_scale_shift"] == "default")
        h = self.residual("mid_block.resnets.1", h, temb, channels[-1])
        return self.pool(F.silu(self.norm("norm_out", h)))

    def slope(self, x, timesteps, labels):
        """∂ Σ log p(y|x) / ∂x."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(-F.cross_entropy(self(x, timesteps), labels, reduction="sum"), x)[0]

    def to(self, dtype):
        return Classifier(self.config, {name: weight.to(dtype) for name, weight in self.weights.items()})

    def results(self, x, timesteps, labels):
        with torch.enable_grad():
            leaves = {name: weight.clone().requires_grad_() for name, weight in self.weights.items()}
            logits = Classifier(self.config, leaves)(x, timesteps)
            loss = F.cross_entropy(logits, labels)
            gradients = torch.autograd.grad(loss, list(leaves.values()))
        found = {"logits": logits.detach(), "loss": loss.detach()[None], "slope": self.slope(x, timesteps, labels)}
        return found | {f"grad.{name}": gradient for name, gradient in zip(leaves, gradients)}


def make_gradients(root, name):
    config, generator = config_of(name), torch.Generator().manual_seed(SEED)
    sample = torch.randn(3, 1, SIZE, SIZE, generator=generator)
    timesteps, labels = torch.tensor([901, 13, 402]), torch.tensor([4, 25, 0])
    single = Classifier(config, {}, generator)
    single(sample, timesteps)
    ours = single.results(sample, timesteps, labels)
    with truth():
        exact = single.to(torch.float64).results(sample.double(), timesteps, labels)
    tensors = {"sample": sample, "timestep": timesteps, "labels": labels}
    for key, value in ours.items():
        tensors |= store.both(key, value, exact[key])
    store.save(root / f"{name}.safetensors", tensors)
    folder = root / name
    folder.mkdir()
    store.save_json(folder / "config.json", config)
    save_file(single.weights, folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    return single


def run(form, unet, classifier, given, dtype, pag_scale=0):
    """Yields the sample after each step."""
    kind = DDIMScheduler if form == "ddim" else DDPMScheduler
    scheduler = kind.from_pretrained(LETTERS.parent / "scheduler", variance_type="fixed_small")
    scheduler.set_timesteps(STEPS)
    sample, labels = given["noise"].to(dtype), given["labels"]
    for i, t in enumerate(scheduler.timesteps):
        predicted = unet(sample, t, given["conditions"]).sample
        if pag_scale != 0:
            with perturbed(unet, [MID]):
                predicted = predicted + pag_scale * (predicted - unet(sample, t, given["conditions"]).sample)
        slope = SCALE * classifier.slope(sample, t[None].expand(len(labels)), labels)
        alpha = scheduler.alphas_cumprod[t]
        if form == "ddim":
            predicted = predicted - ((1 - alpha) ** 0.5).to(dtype) * slope
            sample = scheduler.step(predicted, t, sample).prev_sample
        else:
            noise = given[f"step.{i}.noise"].to(dtype)
            with mock.patch.object(ddpm_module, "randn_tensor", lambda *_, **__: noise):
                sample = scheduler.step(predicted, t, sample).prev_sample
            if t > 0:
                # The variance of the noise that the step has added: its deviation is a float32 number.
                sample = sample + (scheduler._get_variance(t) ** 0.5).to(dtype) ** 2 * slope
        yield sample


def make_runs(root, classifier):
    models = {dtype: UNet2DModel.from_pretrained(LETTERS).eval().to(dtype) for dtype in (torch.float32, torch.float64)}
    generator = torch.Generator().manual_seed(SEED)
    shape = (2, 1, SIZE, SIZE)
    given = {"noise": torch.randn(shape, generator=generator)}
    given |= {f"step.{i}.noise": torch.randn(shape, generator=generator) for i in range(STEPS)}
    given |= {"labels": torch.tensor([4, 17]), "conditions": torch.tensor([26, 17])}
    for name, form, pag_scale in (("ddim", "ddim", 0), ("ddpm", "ddpm", 0), ("pag", "ddim", 1.5)):
        single = list(run(form, models[torch.float32], classifier, given, torch.float32, pag_scale))
        with truth():
            wide = classifier.to(torch.float64)
            exact = list(run(form, models[torch.float64], wide, given, torch.float64, pag_scale))
        tensors = dict(given)
        for i in range(STEPS):
            tensors |= store.both(f"step.{i}.sample", single[i], exact[i])
        settings = dict(form=form, scale=SCALE, steps=STEPS, pag_scale=pag_scale, layer=MID)
        store.save(root / f"{name}.safetensors", tensors, run=settings)


def make():
    root = store.fresh_folder("classifier")
    made = {name: make_gradients(root, name) for name in CONFIGS}
    make_runs(root, made["default"])
    store.write_provenance(root, SEED, "python scripts/goldens/classifier.py")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make()
