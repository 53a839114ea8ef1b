/** The README of a case of somebody's own model: what to compute, from what, and what should come out. */
import { createScheduler } from '../schedulers/registry.ts';
import { shapeText, type Tensor } from '../tensor/tensor.ts';
import type { GuidanceSetting, RunSubject, TextToImageSubject } from './case.ts';
import type { RunCase } from './write-case.ts';

/** The text, as Markdown. @param folder where the case lies, for the command that checks a port */
export function readmeOf({ name, title, truth, subject, inputs, weights, expected }: RunCase, folder: string): string {
  const taps = new Map([...expected].map(([tap, { f64 }]) => [tap, f64]));
  const prefixed = subject.kind === 'run' ? '' : ', with the part before their names: `unet.conv_in.weight`';
  return `${[
    `# ${name}: ${title}`,
    ...(subject.kind === 'run' ? ofRun(subject) : ofText(subject)),
    `Inputs (inputs.safetensors, float32, row by row):\n\n${table(inputs)}`,
    `Weights: ${weights.size} tensors in weights.safetensors, float32, named as diffusers and transformers name ` +
      `them${prefixed}.`,
    `Taps that are expected (expected.safetensors, \`f64/<tap>\`):\n\n${table(taps)}`,
    'A tap is the output of the module of its path, as diffusers names modules; `attn1` is what to_out gives, before ' +
      'it is added; a block or a transformer is what comes out of its last module. Any other module is welcome ' +
      'under its path.',
    `Truth: ${truth}. Write your tensors under the names of the taps into one safetensors file, in float32 or wider, ` +
      `then \`pag check ${folder} yours.safetensors\`, or, with NumPy and without Node, ` +
      `\`python ${folder}/pag_oracle.py ${folder} yours.safetensors\`; \`--only 'step.0.*'\` if you have some of the ` +
      'taps only.',
  ].join('\n\n')}\n`;
}

function table(tensors: ReadonlyMap<string, Tensor>): string {
  const rows = [...tensors].map(([name, { shape }]) => `| \`${name}\` | ${shapeText(shape)} |`);
  return ['| tensor | shape |', '| --- | --- |', ...rows].join('\n');
}

function ofRun(subject: RunSubject): readonly string[] {
  const { labels, nullLabel } = subject;
  const told = labels ? `, told the class ${labels.join(', ')}` : '';
  const nothing = nullLabel === undefined ? '' : ` ∅ is the class ${nullLabel}.`;
  return [
    `Draw from \`noise\` with the UNet2DModel of case.json (\`config\`)${told}.${nothing}`,
    ...ofSteps(subject, 'x'),
    `Taps of a step: ${passTaps('class')}; \`step.<i>.guided\` ε̃, \`step.<i>.sample\` x after the step.`,
  ];
}

/** What the taps of passes are called. @param told what the plain pass is told */
function passTaps(told: string): string {
  return (
    `\`step.<i>.<path>\` of the plain pass (with the ${told}), \`step.<i>.unconditional.<path>\`, ` +
    '`step.<i>.perturbed.<path>`, `prediction` what the UNet gives'
  );
}

function ofText(subject: TextToImageSubject): readonly string[] {
  const { textEncoders, hiddenState, zeroNegative, sizes } = subject;
  const hidden =
    hiddenState === 'last'
      ? 'the last hidden state, behind final_layer_norm'
      : 'hidden_states[-2] of each encoder, without final_layer_norm, side by side in the last dimension';
  const ids = sizes && [...sizes.original, ...sizes.crop, ...sizes.target].join(', ');
  return [
    'Nothing is tokenized: `input_ids` and `negative_input_ids` of `text_encoders` in case.json are the tokens.',
    `1. Run ${textEncoders.length === 1 ? 'the text encoder' : 'both text encoders'} on \`input_ids\`` +
      `${zeroNegative ? '; ∅ is all zeros' : ', and on `negative_input_ids` for ∅'}. ` +
      `What the UNet is told, \`encoder_hidden_states\`, is ${hidden}.`,
    ...(ids === undefined ? [] : [toldBesides(ids)]),
    '2. Draw latents from `noise` with the UNet2DConditionModel of case.json (`unet`).',
    ...ofSteps(subject, 'the latents'),
    '3. `vae.decoder_input` = latents / scaling_factor (+ shift_factor), `vae.sample` what post_quant_conv and the ' +
      'decoder make of it, and `image` = vae.sample / 2 + 1/2, clamped to [0, 1].',
    'Taps: `text_encoder.<path>` (`text_encoder.negative.<path>` of ∅; module paths without `text_model.`; `pooled` ' +
      "is the last hidden state at the text's end, the first eos_token_id, or, where that is the legacy 2, the " +
      `highest token id); ${passTaps('prompt')}; \`step.<i>.guided\` ε̃, \`step.<i>.sample\` the latents after the ` +
      'step; `vae.<path>`.',
  ];
}

function toldBesides(ids: string): string {
  return (
    `It is also told \`text_embeds\`, the second encoder's, and time_ids = [${ids}] (original height, width, crop ` +
    'top, left, target height, width).'
  );
}

/** The loop, with the formula of the guidance. @param x what is drawn */
function ofSteps(subject: RunSubject | TextToImageSubject, x: string): readonly string[] {
  const { scheduler: config, steps, eta, guidance } = subject;
  const { timesteps, initNoiseSigma, name } = createScheduler(config, steps, { eta });
  const scaled = initNoiseSigma === 1 ? '' : `, times ${initNoiseSigma} at first`;
  const noisy = eta === 0 ? '' : `, η = ${eta}`;
  return [
    `${name}, ${steps} steps, at the timesteps ${timesteps.join(', ')}${noisy} (\`scheduler\` in case.json has its ` +
      `config): the noise${scaled} becomes ${x}. Fresh noise, where a step adds any, is \`step.<i>.noise\`.`,
    `At each step ${formulaOf(guidance)}. ε̂ is the prediction with the identity in place of the attention maps ` +
      '(map · V becomes V) of these self-attention layers, all else alike: ' +
      `${guidance.pagLayers.join(', ')}.`,
  ];
}

function formulaOf({
  guidanceScale: g,
  pagScale: s,
  pagAdaptiveScale: a,
  guidanceRescale: phi,
}: GuidanceSetting): string {
  const base = g === 1 ? 'ε(c)' : `ε(∅) + ${g} (ε(c) − ε(∅))`;
  const scale = a === 0 ? `${s}` : `max(0, ${s} − ${a} (1000 − t))`;
  const rescaled = phi === 0 ? '' : `, and then ε̃ (${phi} std(ε(c)) / std(ε̃) + ${1 - phi}), sample by sample`;
  return `ε̃ = ${base} + ${scale} (ε(c) − ε̂(c))${rescaled}`;
}
