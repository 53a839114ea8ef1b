"""Goldens of whole sampling runs, step by step: fixtures/goldens/runs/<name>.safetensors, of the model in fixtures/goldens/runs/<model>/
or of the letters model.

diffusers has no pipeline with guidance for UNet2DModel, so the loop is written out here, from the formulas:

    ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s(t) (ε(c) − ε̂(c)),   s(t) = max(0, s − a (1000 − t))
    rescaled: φ · ε̃ · std(ε(c)) / std(ε̃) + (1 − φ) · ε̃

A file holds `noise` and, for steps that add noise, `step.<i>.noise` (drawn in float32 from one generator, the float64 run is given the same),
then for each step `step.<i>.<what>/f32` and `/f64`: epsilon (of the conditional pass), unconditional, perturbed, guided and
sample (after the step). The metadata key `run` has all settings.
"""
from unittest import mock

import diffusers.schedulers.scheduling_ddpm as ddpm_module
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel

import store
from layers import vary
from perturbation import perturbed
from truth import truth

SEED = 5
LETTERS = store.GOLDENS.parent / "letters" / "model" / "unet"

CONDITIONAL = dict(
    sample_size=8, in_channels=2, out_channels=2, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, attention_head_dim=4,
    num_class_embeds=4, down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
)
MODELS = {"conditional": CONDITIONAL, "learned-variance": CONDITIONAL | dict(out_channels=4, num_class_embeds=None)}

MID, UP = "mid_block.attentions.0", "up_blocks.0.attentions.1"
DDIM = dict(_class_name="DDIMScheduler", clip_sample=False)
DDPM = dict(_class_name="DDPMScheduler")
LABELS = dict(labels=[2, 0], null_label=3)

RUNS = {
    "ddim": dict(scheduler=DDIM, steps=5, **LABELS),
    "ddim-clip": dict(scheduler=dict(_class_name="DDIMScheduler", clip_sample=True, timestep_spacing="trailing", beta_schedule="scaled_linear"), steps=4, **LABELS),
    "ddim-eta": dict(scheduler=DDIM, steps=5, eta=0.7, **LABELS),
    "ddpm": dict(scheduler=DDPM, steps=6, **LABELS),
    "cfg": dict(scheduler=DDIM, steps=4, guidance_scale=3.5, **LABELS),
    "pag": dict(scheduler=DDIM, steps=4, pag_scale=2.5, pag_layers=[MID], **LABELS),
    "pag-layers": dict(scheduler=DDIM, steps=3, pag_scale=1.3, pag_layers=[MID, UP], **LABELS),
    "cfg-pag": dict(scheduler=DDIM, steps=4, guidance_scale=2.2, pag_scale=1.7, pag_layers=[MID], **LABELS),
    "cfg-pag-ddpm": dict(scheduler=DDPM, steps=5, guidance_scale=2.2, pag_scale=1.7, pag_layers=[UP], **LABELS),
    "adaptive": dict(scheduler=DDIM, steps=5, pag_scale=3.0, pag_adaptive_scale=0.004, pag_layers=[MID], **LABELS),
    "rescale": dict(scheduler=DDIM, steps=4, guidance_scale=4.0, pag_scale=2.0, pag_layers=[MID], guidance_rescale=0.6, **LABELS),
    "learned-variance": dict(
        model="learned-variance", scheduler=dict(_class_name="DDPMScheduler", variance_type="learned_range"), steps=4, pag_scale=1.5, pag_layers=[MID],
    ),
    "letters": dict(model="letters", scheduler=DDIM, steps=3, guidance_scale=2.0, pag_scale=1.5, pag_layers=[MID], labels=[7], null_label=26),
}


def guide(predict, t, run):
    """The guided prediction, and every pass's."""
    conditional = predict()
    passes = {"epsilon": conditional}
    g, s, rescale = run.get("guidance_scale", 1.0), run.get("pag_scale", 0.0), run.get("guidance_rescale", 0.0)
    s = max(0.0, s - run.get("pag_adaptive_scale", 0.0) * (1000 - t))
    guided = conditional
    if g != 1:
        passes["unconditional"] = predict(labels=[run["null_label"]] * len(run["labels"]))
        guided = passes["unconditional"] + g * (conditional - passes["unconditional"])
    if s > 0:
        passes["perturbed"] = predict(layers=run["pag_layers"])
        guided = guided + s * (conditional - passes["perturbed"])
    if rescale:
        deviation = lambda x: x.std(dim=(1, 2, 3), keepdim=True)
        rescaled = guided * (deviation(conditional) / deviation(guided))
        guided = rescale * rescaled + (1 - rescale) * guided
    return guided, passes


def draw(model, run, noises, dtype):
    """Yields what happens, step by step: a dictionary of tensors. `noises` gives the noise of step i in float32."""
    scheduler = {"DDIMScheduler": DDIMScheduler, "DDPMScheduler": DDPMScheduler}[run["scheduler"]["_class_name"]].from_config(run["scheduler"])
    scheduler.set_timesteps(run["steps"])
    sample = noises["noise"].to(dtype)
    channels = sample.shape[1]
    for i, t in enumerate(scheduler.timesteps):
        variances = []

        def predict(labels=run.get("labels"), layers=()):
            with perturbed(model, layers):
                output = model(sample, t, None if labels is None else torch.tensor(labels)).sample
            variances.append(output[:, channels:])
            return output[:, :channels]

        guided, passes = guide(predict, t.item(), run)
        # Guidance is for the picture; the variance is that of the plain pass, which comes first.
        output = torch.cat([guided, variances[0]], dim=1)
        noise = noises.get(f"step.{i}.noise")
        if run["scheduler"]["_class_name"] == "DDIMScheduler":
            eta = run.get("eta", 0.0)
            sample = scheduler.step(output, t, sample, eta=eta, variance_noise=noise.to(dtype) if eta else None).prev_sample
        else:
            # What the scheduler would draw from the generator, but the same for both precisions.
            with mock.patch.object(ddpm_module, "randn_tensor", lambda *_, **__: noise.to(dtype)):
                sample = scheduler.step(output, t, sample).prev_sample
        yield passes | {"guided": guided, "sample": sample}


def noises_of(model, run):
    """All noise of a run, from one generator, in the order in which a run draws it."""
    generator = torch.Generator().manual_seed(SEED)
    shape = (len(run.get("labels", [0, 0])), model.config.in_channels, model.config.sample_size, model.config.sample_size)
    noises = {"noise": torch.randn(shape, generator=generator)}
    draws = run["steps"] if run.get("eta") else run["steps"] - 1 if run["scheduler"]["_class_name"] == "DDPMScheduler" else 0
    return noises | {f"step.{i}.noise": torch.randn(shape, generator=generator) for i in range(draws)}


def make():
    root = store.fresh_folder("runs")
    torch.manual_seed(SEED)
    models = {"letters": UNet2DModel.from_pretrained(LETTERS).eval()}
    for name, config in MODELS.items():
        models[name] = UNet2DModel(**config).eval()
        vary(models[name], torch.Generator().manual_seed(SEED))
        models[name].save_pretrained(root / name)
    for name, run in RUNS.items():
        run = {"model": "conditional"} | run
        model = models[run["model"]]
        double = UNet2DModel.from_config(model.config).eval().double()
        double.load_state_dict(model.state_dict())
        noises = noises_of(model, run)
        tensors = dict(noises)
        with truth():
            exact = list(draw(double, run, noises, torch.float64))
        for i, single in enumerate(draw(model, run, noises, torch.float32)):
            assert single.keys() == exact[i].keys()
            for what, value in single.items():
                tensors |= store.both(f"step.{i}.{what}", value, exact[i][what])
        store.save(root / f"{name}.safetensors", tensors, run=run | {"seed": SEED})
    store.write_provenance(root, SEED)
