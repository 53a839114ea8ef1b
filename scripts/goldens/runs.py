"""Goldens of whole sampling runs, step by step: fixtures/goldens/runs/<name>.safetensors, of the model in
fixtures/goldens/runs/<model>/, of the letters model, or of one of the UNets (made before them).

diffusers has no pipeline with guidance for UNet2DModel, so the loop is written out here, from the formulas:

    ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s(t) (ε(c) − ε̂(c)),   s(t) = max(0, s − a (1000 − t))
    rescaled: φ · ε̃ · std(ε(c)) / std(ε̃) + (1 − φ) · ε̃

A file holds `noise` and, for steps that add noise, `step.<i>.noise` (drawn in float32 from one generator, the float64
run is given the same), then for each step `step.<i>.<what>/f32` and `/f64`: epsilon (of the conditional pass),
unconditional, perturbed, guided and sample (after the step). The metadata key `run` has all settings.
"""
from unittest import mock

import diffusers
import diffusers.schedulers.scheduling_ddpm as ddpm_module
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel

import store
from layers import vary
from perturbation import perturbed
from truth import truth

SEED = 5
LETTERS = store.GOLDENS.parent / "letters" / "model" / "unet"
FOURIER = store.GOLDENS / "unets" / "fourier"

CONDITIONAL = dict(
    sample_size=8, in_channels=1, out_channels=1, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
    attention_head_dim=4,
    num_class_embeds=4, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
    up_block_types=("AttnUpBlock2D", "UpBlock2D"),
)
MODELS = {"conditional": CONDITIONAL, "variance": CONDITIONAL | dict(out_channels=2, num_class_embeds=None)}

MID, UP = "mid_block.attentions.0", "up_blocks.0.attentions.1"
PAG = dict(pag_scale=2.5, pag_layers=[MID])
LABELS = dict(model="conditional", labels=[2, 0], null_label=3)


def ddim(**config):
    return dict(scheduler=dict(_class_name="DDIMScheduler", **dict(clip_sample=False) | config), **LABELS)


def ddpm(**config):
    return dict(scheduler=dict(_class_name="DDPMScheduler", **config), **LABELS)


def variance(kind):
    return dict(model="variance", scheduler=dict(_class_name="DDPMScheduler", variance_type=kind))


# Together these cover every key of the two schedulers' configs, and every guidance of issue 2.
RUNS = {
    "ddim": dict(ddim(), steps=5),
    "ddim-clip": dict(ddim(clip_sample=True, timestep_spacing="trailing", beta_schedule="scaled_linear"), steps=3),
    "ddim-eta": dict(ddim(), steps=4, eta=0.7),
    "ddim-v-zero-snr": dict(
        ddim(prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing"), steps=4, **PAG
    ),
    "ddim-sample": dict(
        ddim(
            prediction_type="sample", clip_sample=True, clip_sample_range=0.8, beta_schedule="squaredcos_cap_v2",
            timestep_spacing="linspace",
        ),
        steps=3, eta=1.0,
    ),
    "ddim-threshold": dict(
        ddim(
            thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=1.5, steps_offset=1,
            set_alpha_to_one=False,
        ),
        steps=3,
    ),
    "ddim-trained-betas": dict(
        ddim(num_train_timesteps=8, trained_betas=[0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5]), steps=4
    ),
    "ddpm": dict(ddpm(), steps=5),
    "ddpm-large": dict(
        ddpm(
            variance_type="fixed_large", prediction_type="v_prediction", timestep_spacing="linspace",
            beta_schedule="sigmoid",
        ),
        steps=3,
    ),
    "ddpm-small-log": dict(
        ddpm(
            variance_type="fixed_small_log", prediction_type="sample", timestep_spacing="trailing", thresholding=True,
            sample_max_value=2.0,
            beta_schedule="squaredcos_cap_v2",
        ), steps=3,
    ),
    "ddpm-offset": dict(
        ddpm(
            steps_offset=1, clip_sample=False, beta_start=0.001, beta_end=0.01, num_train_timesteps=600,
            rescale_betas_zero_snr=True,
        ),
        steps=3,
    ),
    "ddpm-learned": dict(variance("learned"), steps=3),
    "ddpm-learned-range": dict(variance("learned_range"), steps=4, **PAG),
    "cfg": dict(ddim(), steps=4, guidance_scale=3.5),
    "pag": dict(ddim(), steps=4, **PAG),
    "pag-layers": dict(ddim(), steps=3, pag_scale=1.3, pag_layers=[MID, UP]),
    "cfg-pag": dict(ddim(), steps=4, guidance_scale=2.2, pag_scale=1.7, pag_layers=[MID]),
    "cfg-pag-ddpm": dict(ddpm(), steps=4, guidance_scale=2.2, pag_scale=1.7, pag_layers=[UP]),
    "adaptive": dict(ddim(), steps=5, pag_scale=3.0, pag_adaptive_scale=0.004, pag_layers=[MID]),
    "rescale": dict(ddim(), steps=3, guidance_scale=4.0, pag_scale=2.0, pag_layers=[MID], guidance_rescale=0.6),
    # Its embedding and its scaling want timesteps above 0.
    "fourier": dict(
        model="fourier", scheduler=dict(_class_name="DDIMScheduler", timestep_spacing="trailing", clip_sample=False),
        steps=3, **PAG,
    ),
    "letters": dict(
        ddim(timestep_spacing="trailing"), steps=1, guidance_scale=2.0, pag_scale=1.5, pag_layers=[MID]
    ) | dict(
        model="letters", labels=[7], null_label=26,
    ),
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


def scheduler_of(run):
    scheduler = getattr(diffusers, run["scheduler"]["_class_name"]).from_config(run["scheduler"])
    scheduler.set_timesteps(run["steps"])
    return scheduler


def draw(model, run, noises, dtype):
    """Yields what happens, step by step: a dictionary of tensors. `noises` gives the noise of step i in float32."""
    scheduler = scheduler_of(run)
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
        noise = noises.get(f"step.{i}.noise")
        if isinstance(scheduler, DDIMScheduler):
            eta = run.get("eta", 0.0)
            sample = scheduler.step(
                guided, t, sample, eta=eta, variance_noise=noise.to(dtype) if eta else None
            ).prev_sample
        else:
            # Guidance is for the picture; the variance is that of the plain pass, which comes first.
            output = torch.cat([guided, variances[0]], dim=1)
            # What the scheduler would draw from the generator, but the same for both precisions.
            with mock.patch.object(ddpm_module, "randn_tensor", lambda *_, **__: noise.to(dtype)):
                sample = scheduler.step(output, t, sample).prev_sample
        yield passes | {"guided": guided, "sample": sample}


def noises_of(model, run):
    """All noise of a run, from one generator, in the order in which a run draws it."""
    generator = torch.Generator().manual_seed(SEED)
    shape = (
        len(run.get("labels", [0, 0])), model.config.in_channels, model.config.sample_size, model.config.sample_size
    )
    noises = {"noise": torch.randn(shape, generator=generator)}
    scheduler = scheduler_of(run)
    for i, t in enumerate(scheduler.timesteps):
        if run.get("eta") or (isinstance(scheduler, DDPMScheduler) and t > 0):
            noises[f"step.{i}.noise"] = torch.randn(shape, generator=generator)
    return noises


def create(name, config):
    model = UNet2DModel(**config).eval()
    vary(model, torch.Generator().manual_seed(SEED))
    if name == "variance":
        # For the type `learned` it must be positive.
        model.conv_out.weight[1].mul_(0.2)
        model.conv_out.bias[1] = 0.6
    return model


def make():
    root = store.fresh_folder("runs")
    torch.manual_seed(SEED)
    models = {"letters": UNet2DModel.from_pretrained(LETTERS).eval()}
    for name, config in MODELS.items():
        models[name] = create(name, config)
        models[name].save_pretrained(root / name)
    models["fourier"] = UNet2DModel.from_pretrained(FOURIER).eval()
    for name, run in RUNS.items():
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
