/**
 * Where something new must appear although no type says so (CONTRIBUTING.md): in the tests that hold its kind to their
 * laws, in the README's figures, among the rooms. Whoever forgets one of these places is told here, by name.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { taskHelp, tasks } from '../src/cli/restoration-task.ts';
import { guidanceNames, guidances } from '../src/guidance/registry/index.ts';
import { referenceKernels } from '../src/kernels/plain/index.ts';
import { kinds, operations, type Kind } from '../src/kernels/operations/index.ts';
import * as perturbations from '../src/nn/attention-perturbations/index.ts';
import * as measurements from '../src/restoration/measurements.ts';
import { schedulerNames } from '../src/schedulers/registry.ts';
import { withoutComments } from './comments.ts';

/** A text; of a source what is no comment, for a comment may name what the code forgets. */
const textOf = (file: string): string => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  return file.endsWith('.ts') ? withoutComments(text) : text;
};
const missingFrom = (text: string, names: readonly string[], shownAs: (name: string) => RegExp): readonly string[] =>
  names.filter((name) => !shownAs(name).test(text));

describe('an operation', () => {
  it('is held to its definition on random inputs', () => {
    const laws = textOf('test/kernels/laws/held-to-definition.ts');
    expect(missingFrom(laws, Object.keys(referenceKernels), (name) => new RegExp(`\\b\\w+\\.${name}\\(`))).toEqual([]);
  });

  it('obeys the laws of every kernel; products that are others put together obey them through those', () => {
    const laws = textOf('test/kernels/laws/every-kernel.ts');
    const own = kinds.filter((kind) => kind !== 'upsampleConv2d');
    expect(missingFrom(laws, own, (name) => new RegExp(`\\b\\w+\\.${name}\\(`))).toEqual([]);
  });

  it('says how many products it has, if its definition adds them in runs', () => {
    const folder = 'src/kernels/definition';
    const summing = readdirSync(new URL(`../${folder}`, import.meta.url))
      .map((file) => textOf(`${folder}/${file}`))
      .filter((text) => text.includes("from './sums.ts'"))
      .flatMap((text) => [...text.matchAll(/export function (\w+)/g)].map(([, name]) => name));
    const own = kinds.filter((kind) => summing.includes(kind));
    expect(own).toEqual(expect.arrayContaining(['conv2d', 'linear', 'attentionMap']));
    // Softmax adds up what is no product.
    expect(own.filter((kind) => operations[kind].products === undefined)).toEqual(['softmax']);
  });

  it('is one that a joined convolution is traced back through, or is known to end the trace', () => {
    const traced = [...textOf('src/kernels/joined.ts').matchAll(/case '(\w+)'/g)].map(([, kind]) => kind);
    expect([...traced, ...endsTrace].sort()).toEqual([...kinds].sort());
    const tests = textOf('test/kernels/trace.test.ts');
    const rows = tests.slice(tests.indexOf('const between'), tests.indexOf('};', tests.indexOf('const between')));
    expect(missingFrom(rows, traced, (kind) => new RegExp(`^    ${kind}: `, 'm'))).toEqual([]);
  });

  it('has values by hand, or at its borders: goldens cannot see the order of a sum', () => {
    const tests = ['by-hand', 'borders'].map((name) => textOf(`test/kernels/${name}.test.ts`)).join('\n');
    expect(missingFrom(tests, kinds, (name) => new RegExp(`\\b\\w+\\.${name}\\(`))).toEqual([]);
  });
});

/** They mix channels, have none, or never stand between joining and convolution in a model that is here. */
const endsTrace: readonly Kind[] = [
  ...(['conv2d', 'winogradConv2d', 'upsampleConv2d', 'linear', 'layerNorm', 'softmax'] as const),
  ...(['toTokens', 'fromTokens', 'reshape'] as const),
  ...(['attentionScores', 'attentionMap', 'applyAttentionMap', 'attention', 'concatBatch', 'sliceBatch'] as const),
  ...(['upsampleNearest2x', 'resizeNearest', 'averagePool2x', 'sliceChannels', 'add', 'subtract', 'multiply'] as const),
  ...(['conv2dWeightGradient', 'transposeWeight', 'transposeMap', 'placePixels'] as const),
  ...(['activationDerivative', 'groupNormGradient', 'groupNormSums', 'entmax', 'limitNorm'] as const),
];

describe('a perturbation of attention', () => {
  const names = Object.keys(perturbations);
  const all: Readonly<Record<string, unknown>> = { ...perturbations };
  const used = (name: string): RegExp => new RegExp(`\\b${name}\\b`);

  it('is held to the laws of all', () => {
    const tests = textOf('test/nn/attention-perturbations.test.ts');
    const table = tests.slice(tests.indexOf('const all'), tests.indexOf('];', tests.indexOf('const all')));
    // Leaving the layer out mixes nothing; what it does stands in a test of its own.
    expect(missingFrom(table, names, used)).toEqual(['skip']);
    expect(tests).toMatch(/\bskip\b/);
  });

  it('has a key of its own for each of its parameters, and goldens', () => {
    const tests = textOf('test/nn/attention-perturbations.test.ts');
    const keys = tests.slice(tests.indexOf('the keys name the mixers'));
    const goldens = tests.slice(tests.indexOf('makers: Readonly'), tests.indexOf('return makers'));
    const made = names.filter((name) => {
      const perturbation = all[name];
      return typeof perturbation === 'function' && perturbation.length > 0;
    });
    expect(made).toContain('randomMask');
    expect(missingFrom(keys, made, used)).toEqual([]);
    expect(missingFrom(goldens, names, used)).toEqual(['skip']);
  });

  it('can be asked for: by --perturbation, or by a guidance of its own', () => {
    const asked = [
      'src/guidance/registry/perturbed.ts',
      'src/guidance/soft-pag.ts',
      'src/guidance/seg.ts',
      'src/guidance/tpg.ts',
      'src/guidance/nag.ts',
      'src/guidance/pladis.ts',
    ];
    expect(missingFrom(asked.map(textOf).join('\n'), names, used)).toEqual([]);
  });
});

describe('a guidance', () => {
  const folder = new URL('../src/guidance/', import.meta.url);
  const text = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n');

  it('has a row of checks for its options, and refuses those that it does not know', () => {
    const options = [...text.matchAll(/export (?:interface|type) (\w+Options|Interval)\b/g)].map(([, name]) => name);
    expect(options.length).toBeGreaterThan(10);
    expect(missingFrom(text, options, (name) => new RegExp(`: Checks<${name}> = `))).toEqual([]);
    const makers = [...text.matchAll(/export function \w+\([^)]*?(\w+)\??: (?:\w+Options|Interval)[,)].*?^}/gms)];
    expect(makers.length).toBeGreaterThan(10);
    const unchecked = makers.filter(([body, given]) => !new RegExp(`checkOptions\\('\\w+', ${given}, `).test(body));
    expect(unchecked.map(([body]) => body.split('\n')[0])).toEqual([]);
  });

  const laws = textOf('test/guidance/laws.test.ts');
  const perSample = laws.slice(laws.indexOf('const perSample'), laws.indexOf('const further'));
  const refusals = textOf('test/guidance/refusals.test.ts');
  const camel = (name: string): string =>
    name
      .split(/[-+]/)
      .map((part, i) => (i === 0 ? part : part.charAt(0).toUpperCase() + part.slice(1)))
      .join('');

  it('with a scale for each sample is its samples one by one', () => {
    const scaled = guidanceNames.filter((name) => guidances[name].parameters.some(({ kind }) => kind === 'scale'));
    // Those of PAG's kind are one function, away.ts, which pag and cfg+pag hold to it.
    expect(missingFrom(perSample, scaled, (name) => new RegExp(`['\\s]${name.replace('+', '\\+')}'?:`))).toEqual([
      'soft-pag',
      'tpg',
      'seg',
      'slg',
    ]);
  });

  it('refuses what is no scale', () => {
    const table = refusals.slice(refusals.indexOf('const given'), refusals.indexOf('describe.each'));
    const scales = guidanceNames.flatMap((name) =>
      guidances[name].parameters.filter(({ kind }) => kind === 'scale').map((one) => `'${camel(name)}', '${one.name}'`),
    );
    expect(scales.length).toBeGreaterThan(20);
    // λ of each head is no scale for each sample.
    expect(scales.filter((row) => !table.includes(row))).toEqual(["'softPag', 'headLambda'"]);
  });

  it('refuses layers that are none', () => {
    const table = refusals.slice(refusals.indexOf('const perturbing'));
    const layered = guidanceNames.filter((name) => guidances[name].parameters.some(({ kind }) => kind === 'layers'));
    // SAG has one layer; these of a weak model, and of cross-attention, have refusals of their own.
    const others = ['sag', 'auto-guidance', 'nag', 'pladis'];
    expect(missingFrom(table, layered, (name) => new RegExp(`'${camel(name)}'`))).toEqual(others);
  });
});

describe('a measurement', () => {
  const names = Object.keys(measurements);
  const between = (file: string, begin: string, end: string): string => {
    const text = textOf(file);
    return text.slice(text.indexOf(begin), text.indexOf(end, text.indexOf(begin)));
  };
  const used = (name: string): RegExp => new RegExp(`\\b${name}\\b`);

  it('is held to the laws of all, and has goldens', () => {
    expect(names).toContain('superResolution');
    expect(missingFrom(between('test/restoration/measurements.test.ts', 'const all', '];'), names, used)).toEqual([]);
    expect(missingFrom(between('test/restoration/goldens.test.ts', 'const tasks', '};'), names, used)).toEqual([]);
  });

  it('is a task of pag restore, which its help explains', () => {
    expect(missingFrom(between('src/cli/restoration-task.ts', 'switch (task)', '\n}'), names, used)).toEqual([]);
    for (const task of tasks) expect(taskHelp).toContain(task);
  });
});

describe('a scheduler', () => {
  const shown = (name: string): RegExp => new RegExp(`'${name.replace('Scheduler', '')}(?:Scheduler)?'`);

  it('has an order of convergence, unless it adds noise, or goes the other way', () => {
    expect(missingFrom(textOf('test/schedulers/convergence.test.ts'), schedulerNames, shown)).toEqual([
      'DDPMScheduler',
      'DDIMInverseScheduler',
      'EulerAncestralDiscreteScheduler',
      'KDPM2AncestralDiscreteScheduler',
      'DPMSolverSDEScheduler',
      'SASolverScheduler',
      'LCMScheduler',
      'TCDScheduler',
      'CMStochasticIterativeScheduler',
      'ScoreSdeVeScheduler',
      'CosineDPMSolverMultistepScheduler',
      'FlowMatchLCMScheduler',
    ]);
  });
});

describe('a scheduler without noise', () => {
  it('obeys the laws of all of them', () => {
    const variants = textOf('test/schedulers/variants.ts');
    const begin = variants.indexOf('deterministic:');
    const table = variants.slice(begin, variants.indexOf('\n];', begin));
    const named = (name: string): RegExp => new RegExp(`'${name.replace('Scheduler', '')}(?:Scheduler)?'`);
    // Those that draw noise whatever their η.
    expect(missingFrom(table, schedulerNames, named)).toEqual([
      'DDPMScheduler',
      'DPMSolverSDEScheduler',
      'SASolverScheduler',
      'LCMScheduler',
      'CMStochasticIterativeScheduler',
      'ScoreSdeVeScheduler',
      'CosineDPMSolverMultistepScheduler',
      'FlowMatchLCMScheduler',
    ]);
  });
});

describe('the README', () => {
  it('says how many schedulers and guidances there are', () => {
    const said = /(\d+) schedulers over\s+\d+ runs, (\d+) guidances/.exec(textOf('README.md'));
    expect(said?.slice(1).map(Number)).toEqual([schedulerNames.length, guidanceNames.length]);
  });
});

describe('a family of models', () => {
  const families = readdirSync(new URL('../src/models', import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

  it('can be read from a folder', () => {
    const readers = ['diffusers', 'components', 'classifier-folder']
      .map((file) => textOf(`src/formats/${file}.ts`))
      .join('\n');
    expect(missingFrom(readers, families, (name) => new RegExp(`/models/${name}/config\\.ts'`))).toEqual([]);
  });

  it('is a room of its own, with goldens and laws', () => {
    const rooms = textOf('test/rooms.test.ts');
    for (const family of families) {
      expect(rooms).toContain(`'models/${family}'`);
      for (const kind of ['goldens', 'laws']) {
        const lanes = ['', '.slow'].map((lane) => `test/models/${family}/${kind}${lane}.test.ts`);
        const found = lanes.find((test) => existsSync(new URL(`../${test}`, import.meta.url)));
        expect(found, lanes.join(' or ')).toBeDefined();
        const text = textOf(found ?? '');
        expect(text, `${found} asserts nothing`).toMatch(/\bexpect(\(|\w)|agreesWithGoldens\(/);
        expect(text, `${found} is about another family`).toMatch(new RegExp(`models/${family}/|'\\./models\\.ts'`));
        if (kind === 'goldens') expect(text, `${found} opens no goldens`).toMatch(/openGoldens\(|goldenModels\b/);
      }
    }
  });
});
