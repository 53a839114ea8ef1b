"""Goldens of the letters model that obeys words: fixtures/goldens/letters-text/golden.safetensors, by
StableDiffusionPAGPipeline itself.

    python scripts/goldens/letters_text.py      # diffusers 0.42.1 and transformers 5.24.0; the rest as in
    requirements.txt

`ids/<i>` are the token ids of prompt i, `text/<i>/f32` and `/f64` the text encoder's output (for those with
`embedded` in the metadata key `prompts`). A run has `<run>/noise` (the latents it starts from), `<run>/step.<i>/…`
(the latents after step i) and `<run>/picture/…`, 0 to 1, as the pipeline returns it; the metadata key `runs` has the
settings. The float64 run has the float32 run's noise, and the timestep's embedding of truth.py.
"""
import copy

import torch
import transformers
from diffusers import StableDiffusionPAGPipeline

import store
from truth import truth

MODEL = store.GOLDENS.parent / "letters-text" / "model"
SEED = 20
PROMPTS = {
    "a bold italic letter A, sans serif": True, "": True, "Light Condensed  Q": True,
    "the letter z in a typewriter's font": False, "¿Schön? naïve ✓ & 100%": False,
    "a very long sentence that names the letter K only after so many words that nothing can be left of it in the end, "
    "K K K": False,
}
RUNS = {
    "cfg-pag": dict(
        prompt="a bold italic letter A, sans serif", guidance_scale=3.0, pag_scale=1.5, num_inference_steps=4
    ),
    "pag-without-prompt": dict(prompt="", guidance_scale=1.0, pag_scale=1.0, num_inference_steps=4),
}
LAYERS = ["mid"]


def draw(pipeline, setting, noise):
    """The latents after each step, and the picture."""
    seen = []

    def remember(pipe, step, timestep, values):
        seen.append(values["latents"].clone())
        return values

    picture = pipeline(**setting, latents=noise.clone(), output_type="pt", callback_on_step_end=remember).images
    return seen, picture


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    folder = store.fresh_folder("letters-text")
    single = StableDiffusionPAGPipeline.from_pretrained(MODEL, pag_applied_layers=LAYERS, dtype=torch.float32)
    single.set_progress_bar_config(disable=True)
    double = StableDiffusionPAGPipeline(
        **copy.deepcopy(single.components), pag_applied_layers=LAYERS, requires_safety_checker=False
    ).to(torch.float64)
    double.set_progress_bar_config(disable=True)
    tensors, prompts = {}, []
    for i, (prompt, embedded) in enumerate(PROMPTS.items()):
        ids = single.tokenizer(
            prompt, padding="max_length", max_length=single.tokenizer.model_max_length, truncation=True,
            return_tensors="pt",
        ).input_ids
        prompts.append({"prompt": prompt, "embedded": embedded})
        tensors[f"ids/{i}"] = ids[0].int()
        if embedded:
            embed = lambda pipeline: pipeline.text_encoder(ids)[0]
            tensors |= store.both(f"text/{i}", embed(single), embed(double))
    generator = torch.Generator().manual_seed(SEED)
    for name, setting in RUNS.items():
        noise = torch.randn(1, 4, 16, 16, generator=generator)
        steps, picture = draw(single, setting, noise)
        with truth():
            exact_steps, exact_picture = draw(double, setting, noise.double())
        tensors[f"{name}/noise"] = noise
        for i, (one, exact) in enumerate(zip(steps, exact_steps)):
            tensors |= store.both(f"{name}/step.{i}", one, exact)
        tensors |= store.both(f"{name}/picture", picture, exact_picture)
    runs = {
        name: setting | {"pag_layers": LAYERS, "timesteps": timesteps_of(single, setting)}
        for name, setting in RUNS.items()
    }
    store.save(folder / "golden.safetensors", tensors, prompts=prompts, runs=runs)
    store.write_provenance(folder, SEED)
    provenance = folder / "provenance.json"

    text = provenance.read_text().replace("scripts/goldens/make.py", "scripts/goldens/letters_text.py")
    provenance.write_text(text.replace(' "numpy"', f' "transformers": "{transformers.__version__}",\n "numpy"'))


def timesteps_of(pipeline, setting):
    pipeline.scheduler.set_timesteps(setting["num_inference_steps"])
    return pipeline.scheduler.timesteps.tolist()


if __name__ == "__main__":
    main()
