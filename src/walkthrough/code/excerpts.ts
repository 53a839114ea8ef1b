/**
 * The functions that the page shows: the very ones that it runs. Their text is read from the source when the page is
 * built, and the build fails when a function or a line that a formula stands beside is no longer there.
 */

/** A function that the page shows. */
export interface Excerpt {
  /** The name of the excerpt, in the page. */
  readonly id: string;
  readonly title: string;
  readonly file: string;
  /** What is exported, or declared, under this name there. */
  readonly name: string;
  /** A formula for each line that holds this text. */
  readonly formulas: readonly (readonly [text: string, formula: string])[];
}

/** In the order in which a number passes through them. */
export const excerpts: readonly Excerpt[] = [
  {
    id: 'loop',
    title: 'the loop',
    file: 'src/sampling/sample.ts',
    name: 'samplingLoop',
    formulas: [
      ['let sample = run.start ?? scale(run.noise', 'x_T ~ N(0, 1)'],
      ['const timestep = at(scheduler.timesteps', 't'],
      ['const guided = guidance.guide', 'ε̃ = guide(x_t, t)'],
      ['toOriginal: (prediction)', 'x̂₀ = (x_t − σ ε) / α'],
      ['const result = scheduler.step', 'x_t → the next, less noisy x'],
    ],
  },
  {
    id: 'guidance',
    title: 'the guidance',
    file: 'src/guidance/away.ts',
    name: 'awayFrom',
    formulas: [
      ['const s = changes', 's'],
      ['const predictions = step.predict', 'ε(c), ε(∅), ε̂(c)'],
      ['const guided = classifierFree', 'ε(∅) + g (ε(c) − ε(∅))'],
      ['push(guided, s, subtract', '… + s (ε(c) − ε̂(c))'],
    ],
  },
  {
    id: 'passes',
    title: 'two passes, one beginning',
    file: 'src/models/passes.ts',
    name: 'forwardPasses',
    formulas: [
      ['const start = pass === 0', 'the first stage where they differ'],
      ['let state = at(states, start)', 'all before it is shared'],
      ['state = stage.run', 'h ← stage(h)'],
      ['return model.end(state)', 'ε, ε̂'],
    ],
  },
  {
    id: 'attention',
    title: 'the attention layer',
    file: 'src/nn/attention.ts',
    name: 'attention',
    formulas: [
      ['const query = once', 'Q = h W_Q'],
      ['const key = once', 'K = h W_K'],
      ['const value = linear', 'V = h W_V'],
      ['const scale = 1 / Math.sqrt', '1/√d'],
      ['mix(input)', 'A V, or I V; then W_O'],
    ],
  },
  {
    id: 'softmax',
    title: 'self-attention',
    file: 'src/nn/attention.ts',
    name: 'softmaxAttention',
    formulas: [['mix: (', 'softmax(Q Kᵀ/√d) V']],
  },
  {
    id: 'identity',
    title: 'the identity',
    file: 'src/nn/attention-perturbations/identity.ts',
    name: 'identity',
    formulas: [['mix: (', 'I V = V']],
  },
  {
    id: 'kernel',
    title: 'softmax attention, number by number',
    file: 'src/kernels/definition/attention.ts',
    name: 'attentionMap',
    formulas: [
      ['products[i] = q.data', 'q[n,i] · k[m,i]'],
      ['logits[m] = sumInRuns', 'Q Kᵀ · scale'],
      ['softmaxRow(logits)', 'A = softmax(…)'],
    ],
  },
  {
    id: 'scheduler',
    title: 'the step',
    file: 'src/schedulers/ddim.ts',
    name: 'ddimStep',
    formulas: [
      ['@param x0', 'x̂₀ = (x_t − √(1−ᾱ) ε̃) / √ᾱ'],
      ['const sigma =', 'σ = 0 here'],
      ['const mean = add', '√ᾱ′ x̂₀ + √(1−ᾱ′−σ²) ε̃'],
    ],
  },
];
