"""Trains the letters model that obeys words, and writes it as a StableDiffusionPipeline folder.

    python train.py glyphs.npz OUT [--minutes-autoencoder 1.2] [--minutes 5.5]

First the autoencoder, then the text encoder and the UNet together, each until its time is up: the learning rate
follows the clock and ends at zero. OUT/checkpoint.pt is written every --save-every seconds, with OUT/model beside it;
after an interruption the same command goes on. What is stored is an exponential moving average of the weights.
Without a GPU it runs, too, but wants hours.
"""
import argparse
import copy
import json
import math
import pathlib
import random
import time

import numpy as np
import torch
from torch.nn import functional as F
from transformers import CLIPTokenizer

import models
from captions import caption, is_held_out
from faces import style_of
from tokenizer import LENGTH

CAPTIONS = 64          # for each style and letter
EMPTY = 0.1            # how often a caption is left out
# Weight of the divergence of a latent number beside the squared error of a pixel: what costs less than KL / 2 is not
# kept.
KL = 1e-3
DECAY = 0.9995


class Clock:
    """How much of its time a phase has used, over interruptions."""

    def __init__(self, minutes: float, used: float) -> None:
        self.limit, self.used, self.last = 60 * minutes, used, time.monotonic()

    def part(self) -> float:
        now = time.monotonic()
        self.used, self.last = self.used + now - self.last, now
        return self.used / self.limit if self.limit > 0 else 1.0


class Trainer:
    """Weights, their average, and the optimizer. On a GPU a step is recorded once and replayed: launching its kernels
    one by one takes longer than they do."""

    def __init__(self, modules: dict[str, torch.nn.Module], rate: float, minutes: float, device: torch.device) -> None:
        self.modules = {name: module.to(device).train() for name, module in modules.items()}
        self.averages = {
            name: copy.deepcopy(module).eval().requires_grad_(False) for name, module in self.modules.items()
        }
        self.weights = [weight for module in self.modules.values() for weight in module.parameters()]
        self.kept = [weight for module in self.averages.values() for weight in module.parameters()]
        on_gpu = device.type == "cuda"
        self.rate_now = torch.zeros((), device=device)
        self.optimizer = torch.optim.AdamW(
            self.weights,
            lr=self.rate_now,
            betas=(0.9, 0.99),
            weight_decay=1e-4,
            fused=on_gpu,
            capturable=on_gpu,
            foreach=False,
        )
        self.rate, self.step, self.clock, self.device = rate, 0, Clock(minutes, 0), device

    def train(self, name: str, loss_of, args: argparse.Namespace, save) -> None:
        """Steps of `loss_of` until the time is up; `save` is called now and then, and at the end."""
        saved, step = time.monotonic(), None
        while (part := self.clock.part()) < 1:
            self.rate_now.fill_(self.rate * min(1, (self.step + 1) / 300) * 0.5 * (1 + math.cos(math.pi * part)))
            step = step or (self.recorded(loss_of) if self.device.type == "cuda" else lambda: self.once(loss_of))
            loss = step()
            self.step += 1
            torch._foreach_lerp_(
                self.kept,
                [weight.detach() for weight in self.weights],
                1 - min(DECAY, (1 + self.step) / (10 + self.step)),
            )
            if self.step % 250 == 0:
                print(f"{name} {self.step}  {part:.0%}  loss {loss.item():.5f}", flush=True)
            if time.monotonic() - saved > args.save_every:
                save()
                saved = time.monotonic()
        save()

    def once(self, loss_of) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        return loss.detach()

    def recorded(self, loss_of):
        """A few steps to warm up, then one that is recorded and not run."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.once(loss_of)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = self.once(loss_of)

        def replay() -> torch.Tensor:
            graph.replay()
            return loss

        return replay

    def state(self) -> dict:
        named = lambda modules: {name: module.state_dict() for name, module in modules.items()}
        return {
            "modules": named(self.modules),
            "averages": named(self.averages),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "used": self.clock.used,
        }

    def restore(self, state: dict) -> None:
        for name in self.modules:
            self.modules[name].load_state_dict(state["modules"][name])
            self.averages[name].load_state_dict(state["averages"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate_now
        self.step, self.clock = state["step"], Clock(self.clock.limit / 60, state["used"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glyphs", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes-autoencoder", type=float, default=1.2)
    parser.add_argument("--minutes", type=float, default=5.5)
    parser.add_argument("--batch-autoencoder", type=int, default=256)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--save-every", type=float, default=60, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    args.device = torch.device(args.device)
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True

    data = np.load(args.glyphs)
    styles = [style_of(str(name)) for name in data["names"]]
    of_picture = [styles[face] for face in data["face"]]
    shown = data["face"] % 10 != 0
    taught = np.array([not is_held_out(style, int(letter)) for style, letter in zip(of_picture, data["y"])]) & shown
    pictures = torch.from_numpy(data["x"]).to(args.device)
    print(
        f"{shown.sum()} pictures for the autoencoder, {taught.sum()} for the model, {(~shown).sum()} of held-out faces",
        flush=True,
    )

    checkpoint = args.out / "checkpoint.pt"
    stored = torch.load(checkpoint, map_location=args.device, weights_only=False) if checkpoint.exists() else {}
    keep = lambda **parts: replace(checkpoint, parts)

    autoencoder = Trainer({"vae": models.new_autoencoder()}, 2e-3, args.minutes_autoencoder, args.device)
    if "autoencoder" in stored:
        autoencoder.restore(stored["autoencoder"])
    train_autoencoder(autoencoder, pictures[torch.from_numpy(shown)], pictures[torch.from_numpy(~shown)], args, keep)
    vae = autoencoder.averages["vae"]
    means, deviations = encode(vae, pictures)
    chosen = torch.from_numpy(taught).to(args.device)
    factor = 1 / (means[chosen].float().var() + deviations[chosen].float().square().mean()).sqrt().item()
    vae.register_to_config(scaling_factor=round(factor, 5))
    print(
        f"scaling factor {vae.config.scaling_factor}, "
        f"posterior deviation {deviations.float().mean() * factor:.3f} of the latents'",
        flush=True,
    )

    models.write_tokenizer(args.out / "model" / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(args.out / "model" / "tokenizer")
    words = Words(tokenizer, of_picture, data["y"], args)
    model = Trainer(
        {"text_encoder": models.new_text_encoder(len(tokenizer)), "unet": models.new_unet()},
        args.rate,
        args.minutes,
        args.device,
    )
    if "model" in stored:
        model.restore(stored["model"])
    print(f"{models.size_of(vae, *model.modules.values())} parameters", flush=True)
    finished = {"autoencoder": autoencoder.state()}
    train_model(
        model,
        vae,
        means,
        deviations,
        words,
        chosen,
        torch.from_numpy(~shown).to(args.device),
        args,
        lambda **parts: keep(**finished, **parts),
    )


def replace(path: pathlib.Path, value: dict) -> None:
    """A file is written whole or not at all."""
    torch.save(value, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def autocast(device: torch.device):
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda", cache_enabled=False)


def scaled(pictures: torch.Tensor) -> torch.Tensor:
    return pictures[:, None].float().div(127.5).sub(1)


def train_autoencoder(
    trainer: Trainer, pictures: torch.Tensor, unseen: torch.Tensor, args: argparse.Namespace, keep
) -> None:
    vae = trainer.modules["vae"]

    def loss_of() -> torch.Tensor:
        x = scaled(pictures[torch.randint(len(pictures), (args.batch_autoencoder,), device=args.device)])
        with autocast(args.device):
            posterior = vae.encode(x).latent_dist
            again = vae.decode(posterior.sample()).sample
        divergence = 0.5 * (posterior.mean.float() ** 2 + posterior.var.float() - 1 - posterior.logvar.float()).mean()
        return F.mse_loss(again.float(), x) + KL * divergence

    trainer.train("autoencoder", loss_of, args, lambda: keep(autoencoder=trainer.state()))
    with torch.no_grad():
        average = trainer.averages["vae"]
        errors = [
            F.mse_loss(average.decode(average.encode(scaled(part)).latent_dist.mode()).sample, scaled(part)).item()
            for part in unseen[:2048].split(256)
        ]
    print(f"autoencoder: {trainer.step} steps, squared error {np.mean(errors):.5f} of 4 on unseen faces", flush=True)


@torch.no_grad()
def encode(vae, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    found = [vae.encode(scaled(part)).latent_dist for part in pictures.split(512)]
    return torch.cat([posterior.mean.half() for posterior in found]), torch.cat(
        [posterior.std.half() for posterior in found]
    )


def latents_of(means: torch.Tensor, deviations: torch.Tensor) -> torch.Tensor:
    return means.float() + deviations.float() * torch.randn(means.shape, device=means.device)


class Words:
    """Token ids of captions: for each style and letter CAPTIONS of them, drawn beforehand."""

    def __init__(self, tokenizer: CLIPTokenizer, styles: list, letters: np.ndarray, args: argparse.Namespace) -> None:
        rng = random.Random(args.seed)
        pairs = [(style, int(letter)) for style, letter in zip(styles, letters)]
        rows = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
        texts = [caption(style, letter, rng) for style, letter in rows for _ in range(CAPTIONS)]
        ids = tokenizer(texts, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt").input_ids
        self.table = ids.view(len(rows), CAPTIONS, LENGTH).to(args.device)
        self.rows = torch.tensor([rows[pair] for pair in pairs], device=args.device)
        self.empty = tokenizer("", padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids.to(
            args.device
        )
        print(f"{len(rows)} styles of letters; for example: " + "; ".join(rng.sample(texts, 5)), flush=True)

    def draw(self, pictures: torch.Tensor) -> torch.Tensor:
        count, device = len(pictures), pictures.device
        ids = self.table[self.rows[pictures], torch.randint(CAPTIONS, (count,), device=device)]
        return torch.where(torch.rand(count, 1, device=device) < EMPTY, self.empty, ids)


def train_model(
    trainer: Trainer,
    vae,
    means: torch.Tensor,
    deviations: torch.Tensor,
    words: Words,
    taught: torch.Tensor,
    unseen: torch.Tensor,
    args: argparse.Namespace,
    keep,
) -> None:
    device, count = args.device, args.batch
    levels = models.new_scheduler().alphas_cumprod.to(device)
    taught, unseen = taught.nonzero()[:, 0], unseen.nonzero()[:, 0]

    def loss_of(text_encoder, unet, chosen: torch.Tensor) -> torch.Tensor:
        x = latents_of(means[chosen], deviations[chosen]) * vae.config.scaling_factor
        # Stratified: one timestep from each of as many equal parts of the range as there are pictures.
        t = (
            ((torch.arange(len(x), device=device) + torch.rand(len(x), device=device)) * (1000 / len(x)))
            .long()
            .clamp(max=999)
        )
        noise, level = torch.randn_like(x), levels[t].view(-1, 1, 1, 1)
        with autocast(device):
            context = text_encoder(words.draw(chosen)).last_hidden_state
            predicted = unet(level.sqrt() * x + (1 - level).sqrt() * noise, t, context).sample
        return F.mse_loss(predicted.float(), noise)

    def step_loss() -> torch.Tensor:
        return loss_of(*trainer.modules.values(), taught[torch.randint(len(taught), (count,), device=device)])

    trainer.train("model", step_loss, args, lambda: store(trainer, vae, args, keep))
    with torch.no_grad():
        unseen_loss, taught_loss = (
            np.mean(
                [
                    loss_of(*trainer.averages.values(), some[torch.randint(len(some), (count,), device=device)]).item()
                    for _ in range(16)
                ]
            )
            for some in (unseen, taught)
        )
    print(
        f"model: {trainer.step} steps of {count}, "
        f"loss {taught_loss:.4f} on what it saw, {unseen_loss:.4f} on unseen faces",
        flush=True,
    )
    (args.out / "training.json").write_text(
        json.dumps(
            {
                "torch": torch.__version__,
                "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
                "seed": args.seed,
                "batch": count,
                "rate": args.rate,
                "steps": trainer.step,
                "minutes": round(trainer.clock.used / 60, 2),
                "parameters": models.size_of(vae, *trainer.averages.values()),
                "scaling_factor": vae.config.scaling_factor,
                "loss": round(float(taught_loss), 5),
                "loss_on_unseen_faces": round(float(unseen_loss), 5),
            },
            indent=1,
        )
        + "\n"
    )


def store(trainer: Trainer, vae, args: argparse.Namespace, keep) -> None:
    models.save(args.out / "model", vae, trainer.averages["text_encoder"], trainer.averages["unet"])
    keep(model=trainer.state())


if __name__ == "__main__":
    main()
