"""What diffusers' guiders make of the letters model, where they do what the papers say and where they do not.

fixtures/goldens/guidance/guiders.safetensors: `sample` [2,1,16,16], and for each case `<case>`, the guided prediction
in float64 at the step `step` of `count` steps. The metadata say what else was found: the steps that PAG's guider
guides, and the errors that guiders raise.
"""
import torch
from diffusers import UNet2DModel
from diffusers.guiders import (
    FrequencyDecoupledGuidance, MagnitudeAwareGuidance, PerturbedAttentionGuidance, SkipLayerGuidance,
    SmoothedEnergyGuidance,
)
from diffusers.hooks import LayerSkipConfig
from diffusers.hooks.smoothed_energy_guidance_utils import SmoothedEnergyGuidanceConfig, _gaussian_blur_2d

import store
from runs import LETTERS
from truth import truth

SEED = 29
TIMESTEP, STEP, COUNT = 500, 5, 50
LABELS, NULL_LABEL = [7, 18], 26
LAYERS = "mid_block.attentions"


def layers(**what):
    return LayerSkipConfig(indices=[0], fqn=LAYERS, **what)


def pag(g, s, **options):
    return PerturbedAttentionGuidance(
        g, s, perturbed_guidance_config=layers(skip_attention=False, skip_attention_scores=True, skip_ff=False),
        **options,
    )


def slg(g, s, **options):
    return SkipLayerGuidance(g, s, skip_layer_config=layers(skip_attention=True, skip_ff=False), **options)


def seg(g, s, sigma):
    return SmoothedEnergyGuidance(g, s, sigma, seg_guidance_config=SmoothedEnergyGuidanceConfig([0], LAYERS))


CASES = {
    "pag with cfg": lambda: pag(3.0, 2.0),
    "pag without cfg": lambda: pag(1.0, 2.0),
    "slg with cfg": lambda: slg(3.0, 2.0),
    "slg without cfg": lambda: slg(1.0, 2.0),
    "seg with cfg": lambda: seg(3.0, 2.0, 1.0),
    "seg without cfg": lambda: seg(1.0, 2.0, 1.0),
}


def guided(guider, model, sample, step=STEP):
    """One step, as the modular pipelines take it: a pass for each condition, the model prepared before and cleaned up
    after."""
    guider.set_state(step, COUNT, torch.tensor(TIMESTEP))
    batches = guider.prepare_inputs({"labels": (torch.tensor(LABELS), torch.tensor([NULL_LABEL] * len(LABELS)))})
    for batch in batches:
        guider.prepare_models(model)
        batch.noise_pred = model(sample, TIMESTEP, batch.labels).sample
        guider.cleanup_models(model)
    return guider(batches).pred


def guided_steps(guider):
    """The steps in which the guider asks for the perturbed pass."""
    steps = []
    for step in range(COUNT):
        guider.set_state(step, COUNT, torch.tensor(TIMESTEP))
        if guider.num_conditions > 1:
            steps.append(step)
    return steps


def raised(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("no error was raised")


def make(folder):
    model = UNet2DModel.from_pretrained(LETTERS).eval().double()
    generator = torch.Generator().manual_seed(SEED)
    sample = torch.randn(2, 1, 16, 16, generator=generator)
    tensors = {"sample": sample}
    with truth():
        for name, guider in CASES.items():
            tensors[name] = guided(guider(), model, sample.double())

    # PAG alone, its passes as they should be: what `forward` makes of them.
    c, p = (torch.randn(2, 1, 16, 16, generator=generator) for _ in range(2))
    guider = pag(1.0, 3.0)
    guider.set_state(STEP, COUNT, torch.tensor(TIMESTEP))
    tensors |= {
        "pag alone/given": c, "pag alone/perturbed": p, "pag alone": guider.forward(c.double(), None, p.double()).pred
    }

    query = torch.randn(2, 16, 4, generator=generator)
    tensors["blur/query"] = query
    for sigma, window in ((1.0, 7), (1e6, 99)):
        tensors[f"blur/{sigma:g}"] = _gaussian_blur_2d(query.double(), window, sigma, 9999.0)

    def fdg(scales):
        guider = FrequencyDecoupledGuidance(scales)
        guider.set_state(STEP, COUNT, torch.tensor(TIMESTEP))
        return guider.forward(c, p)

    store.save(folder / "guiders.safetensors", tensors, found={
        "labels": LABELS, "nullLabel": NULL_LABEL, "timestep": TIMESTEP, "step": STEP, "count": COUNT,
        "guidedSteps": {
            "default": guided_steps(pag(1.0, 2.0)), "from 0": guided_steps(pag(1.0, 2.0, perturbed_guidance_start=0.0))
        },
        "errors": {
            "mambo-g": raised(lambda: MagnitudeAwareGuidance().forward(c, p)),
            "fdg, first level unguided": raised(lambda: fdg([1.0, 5.0])),
            "fdg, second level unguided": raised(lambda: fdg([5.0, 1.0])),
        },
    })
