/** What a case computes as formulas, for its guide: the definitions, in the symbols of the papers. */
import type { Case, OperationSubject, StagesSubject, Subject } from './case.ts';

/** The formula of an operation, and what its arguments are called: `tensors` those of a probe, then `numbers`. */
interface Explained {
  readonly tensors: readonly string[];
  readonly numbers?: readonly (string | readonly string[])[];
  readonly formula: readonly string[];
}

const two = ['a', 'b'];
const heads = ['heads', 'scale'];
const paddings = ['top', 'bottom', 'left', 'right'];

/** By operation. */
const operations: Readonly<Record<string, Explained>> = {
  conv2d: {
    tensors: ['x [B,C,H,W]', 'weight [O,C,kh,kw]', 'bias [O]'],
    numbers: ['stride', paddings],
    formula: [
      'y[b,o,r,s] = bias[o] + Σ over c, i, j of weight[o,c,i,j] · x[b, c, r·stride + i − top, s·stride + j − left]',
      'with 0 outside of the picture: no flipped kernel. H′ = ⌊(H + top + bottom − kh)/stride⌋ + 1, W′ likewise.',
    ],
  },
  linear: {
    tensors: ['x [..,C]', 'weight [O,C]', 'bias [O]'],
    formula: ['y[..,o] = bias[o] + Σ over c of x[..,c] · weight[o,c]'],
  },
  groupNorm: {
    tensors: ['x [B,C,..]', 'weight [C]', 'bias [C]'],
    numbers: ['groups', 'eps'],
    formula: [
      'y = weight[c] · (x − μ)/√(σ² + eps) + bias[c], μ and σ² (divided by n) of the C/groups channels of a group,',
      'all places of them, for each sample apart',
    ],
  },
  layerNorm: {
    tensors: ['x [..,C]', 'weight [C]', 'bias [C]'],
    numbers: ['eps'],
    formula: ['y = weight[c] · (x − μ)/√(σ² + eps) + bias[c], μ and σ² (divided by n) of each row of C numbers'],
  },
  softmax: { tensors: ['x [..,n]'], formula: ['y = exp(x − max x)/Σ exp(x − max x), row by row along the last axis'] },
  attention: {
    tensors: ['q [B,N,D]', 'k [B,M,D]', 'v [B,M,D]'],
    numbers: heads,
    formula: ['of each head of d = D/heads channels: softmax(scale · q kᵀ) v, the heads side by side again [B,N,D]'],
  },
  attentionMap: {
    tensors: ['q [B,N,D]', 'k [B,M,D]'],
    numbers: heads,
    formula: ['of each head: softmax(scale · q kᵀ), row by row: [B,heads,N,M]'],
  },
  applyAttentionMap: {
    tensors: ['map [B,h,N,M]', 'v [B,M,D]'],
    formula: ['of each head of d = D/h channels: map · v, the heads side by side again [B,N,D]'],
  },
  activation: {
    tensors: ['x'],
    numbers: ['kind'],
    formula: [
      'silu: x/(1 + e^−x); gelu: x/2 · (1 + erf(x/√2)), not the form with tanh; mish: x · tanh(ln(1 + e^x));',
      'relu: max(0, x); quick_gelu: x/(1 + e^(−1.702 x)); tanh',
    ],
  },
  averagePool2x: { tensors: ['x [B,C,H,W]'], formula: ['the mean of each 2 × 2 pixels: [B,C,H/2,W/2]'] },
  upsampleNearest2x: { tensors: ['x [B,C,H,W]'], formula: ['y[b,c,r,s] = x[b, c, ⌊r/2⌋, ⌊s/2⌋]: [B,C,2H,2W]'] },
  resizeNearest: {
    tensors: ['x [B,C,H,W]'],
    numbers: ['height', 'width'],
    formula: ['y[b,c,r,s] = x[b, c, ⌊r·H/height⌋, ⌊s·W/width⌋]'],
  },
  concatChannels: { tensors: two, formula: ['a and then b along the channels'] },
  concatBatch: { tensors: ['parts …'], formula: ['all parts, one after another along the batch'] },
  sliceChannels: { tensors: ['x'], numbers: ['start', 'end'], formula: ['the channels from start up to end, not end'] },
  sliceBatch: { tensors: ['x'], numbers: ['start', 'end'], formula: ['the samples from start up to end, not end'] },
  toTokens: { tensors: ['x [B,C,H,W]'], formula: ['y[b, r·W + s, c] = x[b,c,r,s]: [B,H·W,C]'] },
  fromTokens: {
    tensors: ['x [B,N,C]'],
    numbers: ['height', 'width'],
    formula: ['y[b,c,r,s] = x[b, r·width + s, c]: [B,C,height,width]'],
  },
  add: { tensors: two, formula: ['a + b; of a picture and [B,C] every place of a channel gets its number'] },
  subtract: { tensors: two, formula: ['a − b'] },
  multiply: { tensors: two, formula: ['a · b, element by element'] },
  affine: { tensors: ['x'], numbers: ['factor', 'offset'], formula: ['x · factor + offset'] },
  divide: { tensors: ['x'], numbers: ['divisor'], formula: ['x / divisor'] },
};

const pag = [
  'ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s(t) (ε(c) − ε̂(c)), with s(t) = max(0, s − a (1000 − t)); without labels ε(c) is ε',
  'and g = 1;',
  'then, where φ > 0, ε̃ · (φ std(ε(c))/std(ε̃) + 1 − φ), each std over all numbers of a sample.',
  'g: guidance_scale, s: pag_scale, a: pag_adaptive_scale, φ: guidance_rescale, perturbed: pag_layers',
];
const attends = 'y = (x + to_out(softmax(Q Kᵀ/√d) V))/rescale_output_factor; perturbed: the identity for the softmax';
const signal = 'x₀ = (x − √(1−ᾱ) ε)/√ᾱ (v: √ᾱ x − √(1−ᾱ) v), clipped where the config says so;';

/** The step of a scheduler, by its class in diffusers. α and σ are signal and noise of a level, ᾱ = α². */
const steps: Readonly<Record<string, readonly string[]>> = {
  DDIMScheduler: [
    signal,
    'x′ = √ᾱ′ x₀ + √(1 − ᾱ′ − σ²) ε + σ z, σ = η √((1−ᾱ′)/(1−ᾱ) · (1 − ᾱ/ᾱ′)), ᾱ′ that of the next timestep',
  ],
  DDPMScheduler: [
    signal,
    'x′ = √ᾱ′ β/(1−ᾱ) x₀ + √α (1−ᾱ′)/(1−ᾱ) x + √V z, α = ᾱ/ᾱ′, β = 1 − α, V = β (1−ᾱ′)/(1−ᾱ);',
    'no noise at the last step',
  ],
  EulerDiscreteScheduler: ['the input is x/√(σ²+1), σ² = (1−ᾱ)/ᾱ; x′ = x + (σ′ − σ) (x − x₀)/σ'],
  EulerAncestralDiscreteScheduler: [
    'the input is x/√(σ²+1); σ↑² = σ′² (σ² − σ′²)/σ², σ↓² = σ′² − σ↑²; x′ = x + (σ↓ − σ) (x − x₀)/σ + σ↑ z',
  ],
  HeunDiscreteScheduler: [
    'Euler to σ′, the direction d′ there, and then from x once more with (d + d′)/2: two calls of the model a step',
  ],
  PNDMScheduler: [
    'the step of DDIM with η = 0, of (55 ε₀ − 59 ε₁ + 37 ε₂ − 9 ε₃)/24 of the last four outputs; fewer at first',
  ],
  DPMSolverMultistepScheduler: [
    'λ = ln(α/σ), h = λ′ − λ: x′ = σ′/σ x − α′ (e^−h − 1) (x₀ + (x₀ − x₀ before)/(2 r)), r = h before/h (second order)',
  ],
  UniPCMultistepScheduler: [
    'the predictor and corrector of UniPC in x₀, B(h) = e^h − 1, second order: arXiv:2302.04867',
  ],
};

function ofScheduler(config: Readonly<Record<string, unknown>>): readonly string[] {
  const name = String(config['_class_name']);
  return steps[name] ?? [`a step as the class ${name} of diffusers makes it`];
}

/** The lines that say what a case computes. */
export function formulaOf({ subject }: Pick<Case, 'subject'>): readonly string[] {
  return 'guidance' in subject && subject.kind !== 'guidance' ? [...ofKind(subject), ...pag] : ofKind(subject);
}

function ofKind(subject: Subject): readonly string[] {
  switch (subject.kind) {
    case 'operation':
      return ofOperation(subject);
    case 'embedding':
      return [
        'fᵢ = exp(−ln(10000) · i/(half − freq_shift)), i < half = size/2: sin(t fᵢ), then cos(t fᵢ);',
        'with flip_sin_to_cos the cosines first',
      ];
    case 'stages':
      return ofStages(subject);
    case 'unet':
    case 'unet-condition':
      return ['ε = UNet(x, t), ε̂ the same with perturbed attention. Attention:', attends];
    case 'scheduler':
      return ofScheduler(subject.scheduler);
    case 'guidance':
      return pag;
    case 'run':
      return [
        `for each step ε̃ of the model's predictions, then the scheduler's step:`,
        ...ofScheduler(subject.scheduler),
      ];
    case 'text-encoder':
      return ['CLIP: embeddings of tokens and places, causal self-attention, the last hidden state normed'];
    case 'autoencoder':
      return [
        'encode: latents = (mean − shift_factor) · scaling_factor; decode: latents/scaling_factor + shift_factor first',
      ];
    case 'text-to-image':
      return [
        "token ids → embeddings → for each step ε̃, then the scheduler's step → decoder. The UNet is told the",
        'last hidden state, or hidden_states[-2] of each encoder side by side, unnormed (hidden_state: penultimate),',
        'and of SDXL text_embeds of the last encoder and time_ids = [original height, width, crop top, left,',
        'target height, width]; c is the prompt, ∅ the negative one, or all zeros (zero_negative).',
        'decoder: latents/scaling_factor + shift_factor first; image = y/2 + 1/2, clamped to [0, 1]. A step:',
        ...ofScheduler(subject.scheduler),
      ];
    case 'derivative':
      return [
        'the way back: of L = Σ gradient · result, ∂L/∂tensor for each tensor of a probe, `<probe>/grad.<i>`;',
        ...ofOperation({ ...subject, kind: 'operation' }),
      ];
    case 'gradient':
      return [
        'loss = Σ (prediction − target)²/N, N all numbers of all samples; grad.<parameter> = ∂loss/∂parameter,',
        'grad.sample = ∂loss/∂sample',
      ];
    case 'optimiser':
      return [
        'g ← g · min(1, max_grad_norm/(√Σ g² + 1e-6)), the sum over all gradients of a step; θ ← (1 − γλ) θ;',
        'm ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  θ ← θ − γ m/(1 − β₁ᵗ)/(√(v/(1 − β₂ᵗ)) + ε),',
        't from 1, m and v from 0;',
        'average ← average − (1 − ema_decay)(average − θ). γ learning_rate, λ weight_decay, ε eps',
      ];
  }
}

function ofStages({ family }: StagesSubject): readonly string[] {
  const resnet = [
    'a ResNet block: h = conv1(act(norm1(x))) + time_emb_proj(act(temb)),',
    'y = (shortcut(x) + conv2(act(norm2(h))))/output_scale_factor;',
  ];
  switch (family) {
    case 'UNet2DModel':
      return [...resnet, `attention: ${attends}`];
    case 'UNet2DConditionModel':
      return [
        'a transformer block: x ← x + attn1(norm1(x)); x ← x + attn2(norm2(x), text); x ← x + ff(norm3(x)),',
        'layer norms of ε = 1e-5. attn: to_out(softmax(Q Kᵀ/√d) V), of attn2 K and V from the text; perturbed: attn1',
        'with the identity for the softmax. ff: W₂ (a · gelu(b)), a and b the first and second half of W₁ x + bias.',
        'The transformer: x + proj_out(blocks(proj_in(norm(x)))), a group norm of ε = 1e-6, [B,C,H,W] as tokens',
        '[B,H·W,C]. attention_head_dim is the number of heads',
      ];
    case 'AutoencoderKL':
      return [
        ...resnet,
        'without time; every norm has ε = 1e-6; halving: zeros below and right, then a convolution of stride 2;',
        'attention of one head:',
        attends,
      ];
  }
}

/** So many probes are spelled out. */
const mostProbes = 4;

function ofOperation({ operation, probes }: OperationSubject): readonly string[] {
  const explained = operations[operation];
  if (!explained) return [`${operation}, as README.md says`];
  const { tensors, numbers = [], formula } = explained;
  const named = probes.slice(0, mostProbes).map(({ name, arguments: given }) => {
    const values = numbers.map((key, i) => shown(key, given[i]));
    return `"${name}": ${values.join(', ')}`;
  });
  const more = probes.length > mostProbes ? [`… ${probes.length} probes in all: case.json`] : [];
  return [
    ...formula,
    `"<probe>/0" and so on are ${tensors.join(', ')}`,
    ...(numbers.length > 0 ? [`arguments are ${numbers.flat().join(', ')}; of`, ...named, ...more] : []),
  ];
}

/** `stride 2`, or of a list `top 1, bottom 1, left 1, right 1`. */
function shown(key: string | readonly string[], value: unknown): string {
  if (typeof key === 'string') return `${key} ${String(value)}`;
  const values: readonly unknown[] = Array.isArray(value) ? value : [];
  return key.map((part, i) => `${part} ${String(values[i])}`).join(', ');
}
