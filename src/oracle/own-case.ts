/** A case of somebody's own model: a short run with PAG, from tokens or noise to the picture, and what it shows. */
import { firstNotFinite } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { matchesAny } from '../models/taps.ts';
import { manualSeed } from '../tensor/random.ts';
import { sizeOf, zeros, type Tensor } from '../tensor/tensor.ts';
import type { Expected } from './case.ts';
import type { Format } from './honest/format.ts';
import { entryOf } from './lookup.ts';
import { sketchOf, type Sketch } from './outline.ts';
import { reference } from './implementation.ts';
import { bandsOf, tracesOf, type Band } from './tolerance.ts';
import { exact, traceCase } from './trace.ts';
import type { RunCase } from './write-case.ts';

/** What is known before anything is computed: a case without noise, taps and truth. */
export type Draft = Pick<RunCase, 'name' | 'title' | 'truth' | 'subject' | 'weights'>;

/** A case that is ready to be computed. */
export interface Plan {
  /** Its noise is drawn; nothing is expected yet. */
  readonly case: RunCase;
  /** The taps that are wanted. */
  readonly names: ReadonlySet<string>;
  /** Numbers of all taps that are wanted. */
  readonly numbers: number;
}

/**
 * What a port should show, unless it is asked for more: of the text what its layers make of it, of the first step the
 * blocks and the layers that PAG may perturb, in all passes, and of every step what comes out.
 */
export const usualTaps: readonly string[] = [
  'text_encoder*embeddings',
  'text_encoder*encoder.layers.?',
  'text_encoder*encoder.layers.??',
  'text_encoder*final_layer_norm',
  'text_encoder*pooled',
  'text_encoder*text_projection',
  '*encoder_hidden_states',
  '*text_embeds',
  ...['', 'unconditional.', 'perturbed.'].flatMap((pass) =>
    ['time_proj', 'time_embedding', 'class_embedding', 'add_embedding', 'conv_in', 'down_blocks.?', 'mid_block']
      .concat('mid_block.attentions.?', 'mid_block*attn1', 'mid_block*attn2', 'mid_block*ff')
      .concat('down_blocks.?.attentions.?', 'up_blocks.?.attentions.?', 'up_blocks.?', 'conv_out')
      .map((path) => `step.0.${pass}${path}`),
  ),
  'step.*prediction',
  'step.*.guided',
  'step.*.sample',
  'vae.decoder_input',
  'vae.decoder.mid_block',
  'vae.decoder.up_blocks.?',
  'vae.sample',
  'image',
];

/**
 * Draws the noise of a run, and finds its taps.
 * @param shape of the noise, [B,C,H,W]
 * @param globs of the taps that are wanted
 * @throws InputError for a glob that names none, and a run that does not fit together
 */
export function planOf(
  draft: Draft,
  shape: readonly number[],
  seed: bigint,
  globs: readonly string[] | undefined,
): Plan {
  const none = zeros('f32', shape);
  const { steps } = draft.subject;
  const blank = Array.from({ length: steps }, (_, i) => [`step.${i}.noise`, none] as const);
  const empty: RunCase = { ...draft, inputs: new Map([['noise', none], ...blank]), expected: new Map() };
  const sketch = sketchOf(empty);
  const names = wantedTaps(sketch, globs, draft.name);
  const { randn } = manualSeed(seed);
  const noise = randn([...shape]);
  const drawn = [...sketch.noisySteps]
    .sort((a, b) => a - b)
    .map((step) => [`step.${step}.noise`, randn([...shape])] as const);
  return {
    case: { ...empty, inputs: new Map([['noise', noise], ...drawn]) },
    names,
    numbers: [...names].reduce((sum, name) => sum + sizeOf(entryOf(sketch.taps, name).shape), 0),
  };
}

/**
 * Multiplications of all the computations behind a case.
 * @param ofOne those of one run
 */
export function productsOf(draft: Draft, format: Format, ofOne: number): number {
  // With noise every product is computed a second time, of the magnitudes.
  return ofOne * (1 + 2 * tracesOf(draft, format));
}

function wantedTaps({ taps }: Sketch, globs: readonly string[] | undefined, source: string): ReadonlySet<string> {
  const names = [...taps.keys()];
  for (const glob of globs ?? []) {
    if (!names.some((name) => matchesAny([glob], name)))
      throw new InputError(
        `{ taps: '${glob}' } names no tap of ${source}; there are ${names.slice(0, 12).join(', ')}, …`,
      );
  }
  return new Set(names.filter((name) => matchesAny(globs ?? usualTaps, name)));
}

/** A case with its truth, and how far ports may be from it. */
export interface Computed {
  readonly case: RunCase;
  readonly bands: ReadonlyMap<string, Band>;
}

/**
 * Computes a case: its truth in double precision, and the bands of a precision.
 * @param onProgress is told how many of the computations are done, of how many
 * @throws InputError where the model gives what is not finite
 */
export function compute(
  { case: planned, names }: Plan,
  format: Format,
  onProgress: (done: number, total: number) => void,
): Computed {
  const total = 1 + tracesOf(planned, format);
  onProgress(0, total);
  const truth = traceCase(planned, reference, exact, { names });
  refuseEndless(truth);
  const expected = new Map<string, Expected>([...truth].map(([name, f64]) => [name, { f64, f32: undefined }]));
  onProgress(1, total);
  const bands = bandsOf({ ...planned, expected }, format, names, {
    truth,
    onTrace: (done) => onProgress(1 + done, total),
  });
  return { case: { ...planned, expected }, bands };
}

function refuseEndless(truth: ReadonlyMap<string, Tensor>): void {
  for (const [name, value] of truth) {
    const wrong = firstNotFinite(value.data);
    if (wrong >= 0)
      throw new InputError(
        `the model gives ${value.data[wrong]} in ${name}, element ${wrong}; a case must have finite numbers`,
      );
  }
}
