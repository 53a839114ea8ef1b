/** What the evaluation measures: every point is a run of `pag evaluate` with these options beside the common ones. */

/** A run of `pag evaluate`. */
export interface Point {
  /** Also the name of its record. */
  readonly name: string;
  /** How much it matters: points of class 1 are finished first. */
  readonly class: 1 | 2 | 3;
  readonly options: readonly string[];
}

/** The name of a point's record, without its ending. */
export function recordName({ name }: Point): string {
  return name.replaceAll(/[ ,+]+/g, '_');
}

const pag = (scale: number, ...more: readonly string[]): readonly string[] => [
  '--guidance',
  'pag',
  '--pag-scale',
  String(scale),
  ...more,
];
const cfg = (scale: number): readonly string[] => ['--guidance', 'cfg', '--guidance-scale', String(scale)];
const both = (g: number, s: number): readonly string[] => [
  '--guidance',
  'cfg+pag',
  '--guidance-scale',
  String(g),
  '--pag-scale',
  String(s),
];

/** A classifier asks for every letter; with PAG, where that has a scale. */
const pulling =
  (guidance: string, ...chosen: readonly string[]) =>
  (scale: number, pagScale?: number): readonly string[] => [
    '--guidance',
    pagScale === undefined ? guidance : `${guidance}+pag`,
    '--classifier-scale',
    String(scale),
    ...chosen,
    '--classifier-labels',
    '0-25',
    ...(pagScale === undefined ? [] : ['--pag-scale', String(pagScale)]),
  ];
const classifier = pulling('classifier', '--noise-classifier', 'fixtures/letters/noise-classifier');
/** By a classifier that sees x̂₀. */
const universal = pulling('universal', '--clean-classifier', 'fixtures/letters/classifier.safetensors');

/** Nothing is asked for: the label that means "no letter". */
const free = (name: string, rank: Point['class'], ...options: readonly string[]): Point => ({
  name: `free ${name}`,
  class: rank,
  options,
});
/** Every letter is asked for equally often. */
const asked = (name: string, rank: Point['class'], ...options: readonly string[]): Point => ({
  name: `asked ${name}`,
  class: rank,
  options: ['--labels', '0-25', ...options],
});

/** The self-attention layers of the letters model. */
export const layers = [
  'down_blocks.1.attentions.0',
  'down_blocks.2.attentions.0',
  'mid_block.attentions.0',
  'up_blocks.0.attentions.0',
  'up_blocks.0.attentions.1',
  'up_blocks.1.attentions.0',
  'up_blocks.1.attentions.1',
];
/** The perturbations beside the identity. */
export const perturbations = ['off-diagonal-mask', 'random-mask', 'noise', 'blur', 'uniform', 'skip'];

/**
 * The model's scheduler but for one key: x̂₀ is clipped to [−1, 1], and ε is not made to fit, as is diffusers' default.
 */
const clipped = ({ name, options }: Point): Point => ({
  name: `clipped ${name}`,
  class: 3,
  options: [...options, '--scheduler-config', 'scripts/evaluation/clipped.json'],
});

/** In order of importance within their class. */
const unclippedPoints: readonly Point[] = [
  free('none', 1),
  free('pag 1', 1, ...pag(1)),
  free('pag 2', 1, ...pag(2)),
  free('pag 4', 1, ...pag(4)),
  asked('none', 1),
  asked('pag 1', 1, ...pag(1)),
  asked('cfg 2', 1, ...cfg(2)),
  asked('cfg+pag 2 1', 1, ...both(2, 1)),
  free('pag 8', 1, ...pag(8)),
  free('pag 0.5', 1, ...pag(0.5)),
  ...layers
    .filter((layer) => layer !== 'mid_block.attentions.0')
    .map((layer) => free(`layer ${layer}`, 2, ...pag(1, '--pag-layers', layer))),
  ...perturbations.map((kind) => free(`perturbation ${kind}`, 2, ...pag(1, '--perturbation', kind))),
  free('seg 1', 2, '--guidance', 'seg', '--seg-scale', '1'),
  free('sag 1', 2, '--guidance', 'sag', '--sag-scale', '1'),
  free('none, 5 steps', 2, '--steps', '5'),
  free('pag 1, 5 steps', 2, ...pag(1), '--steps', '5'),
  free('none, dpm', 2, '--scheduler', 'dpm'),
  free('pag 1, dpm', 2, ...pag(1), '--scheduler', 'dpm'),
  asked('pag 2', 2, ...pag(2)),
  asked('cfg 4', 2, ...cfg(4)),
  free('none, 20 steps', 2, '--steps', '20'),
  free('pag 1, 20 steps', 2, ...pag(1), '--steps', '20'),
];

/** Classifier guidance beside the others: of the model only what is named is asked, of the classifier every letter. */
const classifierPoints: readonly Point[] = [
  free('none', 2),
  ...[1, 2, 4, 8].map((s) => free(`classifier ${s}`, 2, ...classifier(s))),
  free('pag 1', 2, ...pag(1)),
  ...[2, 4].map((s) => free(`classifier+pag ${s} 1`, 2, ...classifier(s, 1))),
  ...[1, 2, 4].map((s) => free(`universal ${s}`, 2, ...universal(s))),
  free('universal+pag 2 1', 2, ...universal(2, 1)),
  asked('none', 2),
  asked('cfg 2', 2, ...cfg(2)),
  asked('cfg+pag 2 1', 2, ...both(2, 1)),
  asked('classifier 2', 2, ...classifier(2)),
  asked('classifier+pag 2 1', 2, ...classifier(2, 1)),
  asked('universal 2', 2, ...universal(2)),
].map((point) => ({ ...point, name: `by classifier, ${point.name}` }));

const alsoClipped = ['free none', 'free pag 4'];

/** All points, the more important first within their class. */
export const points: readonly Point[] = [
  ...unclippedPoints,
  ...unclippedPoints.filter(({ name }) => alsoClipped.includes(name)).map(clipped),
  ...classifierPoints,
];

/**
 * All options of a point beside --out: the model's own scheduler, which is DDIM, 10 steps, 2,080 pictures, unless it
 * says otherwise.
 */
export function allOptions({ options }: Point): readonly string[] {
  const byDefault = [
    ['--model', 'fixtures/letters/model'],
    ['--null-label', '26'],
    ['--count', '2080'],
    ['--threads', '1'],
    ['--steps', '10'],
  ] as const;
  return [...byDefault.filter(([name]) => !options.includes(name)).flat(), ...options];
}
