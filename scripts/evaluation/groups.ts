/** Which points are compared with which: each group becomes a table and a chart. */
import type { Figure } from '../../src/evaluation/measure.ts';
import { layers, perturbations } from './points.ts';

/** Points that are compared. */
export interface Group {
  /** Also the name of its files. */
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  /** `curves` over the scale s, or `changes` against the first row of each section. */
  readonly chart: 'curves' | 'changes';
  readonly figures: readonly Figure[];
  /** The first row of a section is what the others are compared with. */
  readonly sections: readonly Section[];
}

/** Rows under a title. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A point in its place. */
export interface Row {
  readonly point: string;
  readonly label: string;
  /** Where it stands on the axis of a curve. */
  readonly scale?: number;
}

const scaleRow = (kind: string, scale: number): Row => ({
  point: scale === 0 ? `${kind} none` : `${kind} pag ${scale}`,
  label: `s = ${scale}`,
  scale,
});
const none: Row = { point: 'free none', label: 'no guidance' };

/** In the order of the tables. */
export const groups: readonly Group[] = [
  {
    name: 'scale',
    title: 'How much guidance',
    subtitle: 'PAG, the identity in the middle block, over its scale s',
    chart: 'curves',
    figures: ['frechetDistance', 'inceptionScore', 'confidence', 'asAsked', 'precision', 'recall'],
    sections: [
      { title: 'no letter asked for', rows: [0, 0.5, 1, 2, 4, 8].map((scale) => scaleRow('free', scale)) },
      { title: 'every letter asked for', rows: [0, 1, 2].map((scale) => scaleRow('asked', scale)) },
    ],
  },
  {
    name: 'clipping',
    title: 'What clipping does to it',
    subtitle:
      'PAG in the middle block, no letter asked for: ' +
      'x̂₀ as it is, and clipped to [−1, 1] while ε stays (the default of diffusers)',
    chart: 'changes',
    figures: ['frechetDistance', 'inceptionScore', 'confidence'],
    sections: [
      { title: 'not clipped', kind: '' },
      { title: 'clipped', kind: 'clipped ' },
    ].map(({ title, kind }) => ({
      title,
      rows: [
        { point: `${kind}free none`, label: 'no guidance' },
        { point: `${kind}free pag 4`, label: 'PAG, s = 4' },
      ],
    })),
  },
  {
    name: 'layers',
    title: 'Which layer',
    subtitle: 'PAG with s = 1, the identity in one attention layer at a time; no letter asked for',
    chart: 'changes',
    figures: ['frechetDistance', 'inceptionScore', 'confidence'],
    sections: [
      {
        title: '',
        rows: [
          none,
          ...layers.map((layer) => ({
            point: layer === 'mid_block.attentions.0' ? 'free pag 1' : `free layer ${layer}`,
            label: layer.replace('.attentions', ''),
          })),
        ],
      },
    ],
  },
  {
    name: 'perturbations',
    title: 'Which perturbation',
    subtitle: 'what takes the place of the attention map in the middle block, s = 1; no letter asked for',
    chart: 'changes',
    figures: ['frechetDistance', 'inceptionScore', 'confidence'],
    sections: [
      {
        title: '',
        rows: [
          none,
          { point: 'free pag 1', label: 'identity (PAG)' },
          ...perturbations.map((kind) => ({ point: `free perturbation ${kind}`, label: kind })),
        ],
      },
    ],
  },
  {
    name: 'guidances',
    title: 'Which guidance',
    subtitle: 'all in the middle block',
    chart: 'changes',
    figures: ['frechetDistance', 'inceptionScore', 'confidence', 'asAsked'],
    sections: [
      {
        title: 'no letter asked for',
        rows: [
          none,
          { point: 'free pag 1', label: 'PAG, s = 1' },
          { point: 'free seg 1', label: 'SEG, s = 1' },
          { point: 'free sag 1', label: 'SAG, s = 1' },
        ],
      },
      {
        title: 'every letter asked for',
        rows: [
          { point: 'asked none', label: 'no guidance' },
          { point: 'asked pag 1', label: 'PAG, s = 1' },
          { point: 'asked cfg 2', label: 'CFG, g = 2' },
          { point: 'asked cfg 4', label: 'CFG, g = 4' },
          { point: 'asked cfg+pag 2 1', label: 'CFG + PAG, g = 2, s = 1' },
        ],
      },
    ],
  },
  {
    name: 'classifier',
    title: 'A classifier, CFG and PAG',
    subtitle:
      'classifier guidance, alone and with PAG in the middle block; ' +
      'the classifier is asked for every letter equally often, the model for none, or for the same',
    chart: 'changes',
    figures: ['frechetDistance', 'inceptionScore', 'confidence', 'asAsked'],
    sections: [
      {
        title: 'no letter asked of the model',
        rows: [
          { point: 'by classifier, free none', label: 'no guidance' },
          ...[1, 2, 4, 8].map((s) => ({ point: `by classifier, free classifier ${s}`, label: `classifier, s = ${s}` })),
          { point: 'by classifier, free pag 1', label: 'PAG, s = 1' },
          ...[2, 4].map((s) => ({
            point: `by classifier, free classifier+pag ${s} 1`,
            label: `classifier + PAG, s = ${s} and 1`,
          })),
          ...[1, 2, 4].map((s) => ({ point: `by classifier, free universal ${s}`, label: `universal, s = ${s}` })),
          { point: 'by classifier, free universal+pag 2 1', label: 'universal + PAG, s = 2 and 1' },
        ],
      },
      {
        title: 'every letter asked of the model, too',
        rows: [
          { point: 'by classifier, asked none', label: 'no guidance' },
          { point: 'by classifier, asked cfg 2', label: 'CFG, g = 2' },
          { point: 'by classifier, asked cfg+pag 2 1', label: 'CFG + PAG, g = 2, s = 1' },
          { point: 'by classifier, asked classifier 2', label: 'classifier, s = 2' },
          { point: 'by classifier, asked classifier+pag 2 1', label: 'classifier + PAG, s = 2 and 1' },
          { point: 'by classifier, asked universal 2', label: 'universal, s = 2' },
        ],
      },
    ],
  },
  {
    name: 'steps',
    title: 'Steps and schedulers',
    subtitle: 'PAG with s = 1 against no guidance; no letter asked for',
    chart: 'changes',
    figures: ['frechetDistance', 'inceptionScore', 'confidence'],
    sections: [
      { title: 'DDIM, 5 steps', ending: ', 5 steps' },
      { title: 'DDIM, 10 steps', ending: '' },
      { title: 'DDIM, 20 steps', ending: ', 20 steps' },
      { title: 'DPM-Solver++, 10 steps', ending: ', dpm' },
    ].map(({ title, ending }) => ({
      title,
      rows: [
        { point: `free none${ending}`, label: 'no guidance' },
        { point: `free pag 1${ending}`, label: 'PAG, s = 1' },
      ],
    })),
  },
];
