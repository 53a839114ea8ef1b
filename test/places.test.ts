/**
 * Where something new must appear although no type says so (CONTRIBUTING.md): in the tests that hold its kind to their
 * laws, in the README's figures, among the rooms. Whoever forgets one of these places is told here, by name.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../src/cli/commands.ts';
import { taskHelp, tasks } from '../src/cli/restoration-task.ts';
import { guidanceNames, guidances } from '../src/guidance/registry/index.ts';
import { referenceKernels } from '../src/kernels/plain/index.ts';
import { kinds, operations, type Kind } from '../src/kernels/operations/index.ts';
import * as perturbations from '../src/nn/attention-perturbations/index.ts';
import * as measurements from '../src/restoration/measurements.ts';
import { schedulerNames } from '../src/schedulers/registry.ts';
import { sections } from '../src/walkthrough/sections/all.ts';
import { withoutComments } from './comments.ts';

/** A text; of a source what is no comment, for a comment may name what the code forgets. */
const textOf = (file: string): string => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  return file.endsWith('.ts') ? withoutComments(text) : text;
};
/** Those of the sources in a folder, but not in folders of it. */
const textsIn = (folder: string): readonly string[] =>
  readdirSync(new URL(`../${folder}`, import.meta.url))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => textOf(`${folder}/${file}`));
/** A part of a text, as a table: from its beginning to what ends it. */
const between = (text: string, begin: string, end: string): string => {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`there is no "${begin}", or no "${end}" behind it`);
  return text.slice(from, to);
};
const missingFrom = (text: string, names: readonly string[], shownAs: (name: string) => RegExp): readonly string[] =>
  names.filter((name) => !shownAs(name).test(text));
/** A name as a word. */
const used = (name: string): RegExp => new RegExp(`\\b${name}\\b`);
/** As a kernel that is called. */
const called = (name: string): RegExp => new RegExp(`\\b\\w+\\.${name}\\(`);
/** As the key of a row, in a table of a `describe`. */
const rowOf = (name: string): RegExp => new RegExp(`^    ${name}: `, 'm');

describe('an operation', () => {
  it('is held to its definition on random inputs', () => {
    const laws = textOf('test/kernels/laws/held-to-definition.ts');
    const missing = missingFrom(laws, Object.keys(referenceKernels), called);
    expect(missing, 'call it in test/kernels/laws/held-to-definition.ts').toEqual([]);
  });

  it('obeys the laws of every kernel; products that are others put together obey them through those', () => {
    const laws = textOf('test/kernels/laws/every-kernel.ts');
    const own = kinds.filter((kind) => kind !== 'upsampleConv2d');
    const missing = missingFrom(laws, own, called);
    expect(missing, 'call it in test/kernels/laws/every-kernel.ts').toEqual([]);
  });

  it('says how many products it has, if its definition adds them in runs', () => {
    const summing = textsIn('src/kernels/definition')
      .filter((text) => text.includes("from './sums.ts'"))
      .flatMap((text) => [...text.matchAll(/export function (\w+)/g)].map(([, name]) => name));
    const own = kinds.filter((kind) => summing.includes(kind));
    expect(own).toEqual(expect.arrayContaining(['conv2d', 'linear', 'attentionMap']));
    // Softmax adds up what is no product.
    const silent = own.filter((kind) => operations[kind].products === undefined);
    expect(silent, 'say in its row in src/kernels/operations how many `products` it has').toEqual(['softmax']);
  });

  it('is one that a joined convolution is traced back through, or is known to end the trace', () => {
    const traced = [...textOf('src/kernels/joined.ts').matchAll(/case '(\w+)'/g)].map(([, kind]) => kind);
    const unknown = kinds.filter((kind) => !traced.includes(kind) && !endsTrace.includes(kind));
    expect(unknown, 'add it to channelsOf in src/kernels/joined.ts, or to endsTrace here').toEqual([]);
    expect([...traced, ...endsTrace].sort()).toEqual([...kinds].sort());
    const rows = between(textOf('test/kernels/trace.test.ts'), 'const between', '};');
    const untried = missingFrom(rows, traced, rowOf);
    expect(untried, 'add a row to `between` in test/kernels/trace.test.ts').toEqual([]);
  });

  it('has values by hand, or at its borders: goldens cannot see the order of a sum', () => {
    const tests = ['by-hand', 'borders'].map((name) => textOf(`test/kernels/${name}.test.ts`)).join('\n');
    const missing = missingFrom(tests, kinds, called);
    expect(missing, 'call it in test/kernels/by-hand.test.ts or borders.test.ts').toEqual([]);
  });

  it('has a formula for the guides of cases, or is known to have no case', () => {
    const formulas = textOf('src/oracle/formulas.ts');
    const missing = missingFrom(formulas, kinds, (kind) => new RegExp(`^  ${kind}: \\{`, 'm'));
    expect(missing, 'add its formula to src/oracle/formulas.ts, or the operation to noFormula here').toEqual(noFormula);
  });

  it('has mistakes that ports make with it, unless there is nothing about it to mistake', () => {
    const missing = missingFrom(textsIn('src/oracle/faults').join('\n'), kinds, used);
    expect(missing, 'add its mistakes to src/oracle/faults, or the operation to noFault here').toEqual(noFault);
  });
});

/** Ports are checked with no case of them alone: they are of the fast order, of perturbed passes, or of gradients. */
const noFormula: readonly Kind[] = [
  ...(['winogradConv2d', 'upsampleConv2d', 'entmax', 'limitNorm', 'attentionScores', 'reshape'] as const),
  ...(['conv2dWeightGradient', 'transposeWeight', 'transposeMap', 'placePixels'] as const),
  ...(['activationDerivative', 'groupNormGradient', 'groupNormSums'] as const),
];

/** No port of a case calls them by themselves, or they move numbers as nobody mistakes. */
const noFault: readonly Kind[] = [
  ...(['winogradConv2d', 'entmax', 'limitNorm', 'resizeNearest', 'concatBatch', 'sliceBatch', 'toTokens'] as const),
  ...(['transposeWeight', 'transposeMap', 'placePixels', 'activationDerivative', 'groupNormSums'] as const),
];

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
  const file = 'test/nn/attention-perturbations.test.ts';
  const tests = textOf(file);

  it('is held to the laws of all', () => {
    // Leaving the layer out mixes nothing; what it does stands in a test of its own.
    const missing = missingFrom(between(tests, 'const all', '];'), names, used);
    expect(missing, `add a row to \`all\` in ${file}`).toEqual(['skip']);
    expect(tests).toMatch(/\bskip\b/);
  });

  it('has a key of its own for each of its parameters, and goldens', () => {
    const keys = between(tests, 'the keys name the mixers', '\n  });');
    const goldens = between(tests, 'makers: Readonly', 'function mixerOf');
    const made = names.filter((name) => {
      const perturbation = all[name];
      return typeof perturbation === 'function' && perturbation.length > 0;
    });
    expect(made).toContain('randomMask');
    const alike = missingFrom(keys, made, used);
    expect(alike, `add it with other parameters to "the keys name the mixers" in ${file}`).toEqual([]);
    const without = missingFrom(goldens, names, used);
    expect(without, `add it to scripts/goldens/guidance_attention.py, and to \`makers\` in ${file}`).toEqual(['skip']);
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
    const missing = missingFrom(asked.map(textOf).join('\n'), names, used);
    expect(missing, `add a row to \`mixers\` in ${asked[0]}, or name its guidance here`).toEqual([]);
  });
});

describe('a guidance', () => {
  const text = textsIn('src/guidance').join('\n');

  it('has a row of checks for its options, and refuses those that it does not know', () => {
    const options = [...text.matchAll(/export (?:interface|type) (\w+Options|Interval)\b/g)].map(([, name]) => name);
    expect(options.length).toBeGreaterThan(10);
    const missing = missingFrom(text, options, (name) => new RegExp(`: Checks<${name}> = `));
    expect(missing, 'declare `const checks: Checks<…>` beside the options').toEqual([]);
    const makers = [...text.matchAll(/export function \w+\([^)]*?(\w+)\??: (?:\w+Options|Interval)[,)].*?^}/gms)];
    expect(makers.length).toBeGreaterThan(10);
    const unchecked = makers.filter(([body, given]) => !new RegExp(`checkOptions\\('\\w+', ${given}, `).test(body));
    expect(
      unchecked.map(([body]) => body.split('\n')[0]),
      'begin with checkOptions(name, options, checks)',
    ).toEqual([]);
  });

  const perSample = between(textOf('test/guidance/laws.test.ts'), 'const perSample', 'const further');
  const refusals = textOf('test/guidance/refusals.test.ts');
  const camel = (name: string): string =>
    name
      .split(/[-+]/)
      .map((part, i) => (i === 0 ? part : part.charAt(0).toUpperCase() + part.slice(1)))
      .join('');

  it('with a scale for each sample is its samples one by one', () => {
    const scaled = guidanceNames.filter((name) => guidances[name].parameters.some(({ kind }) => kind === 'scale'));
    // Those of PAG's kind are one function, away.ts, which pag and cfg+pag hold to it.
    const missing = missingFrom(perSample, scaled, (name) => new RegExp(`['\\s]${name.replace('+', '\\+')}'?:`));
    const place = 'add its scales to `perSample` in test/guidance/laws.test.ts';
    expect(missing, place).toEqual(['soft-pag', 'tpg', 'seg', 'slg']);
  });

  it('refuses what is no scale', () => {
    const table = between(refusals, 'const given', 'describe.each');
    const scales = guidanceNames.flatMap((name) =>
      guidances[name].parameters.filter(({ kind }) => kind === 'scale').map((one) => `'${camel(name)}', '${one.name}'`),
    );
    expect(scales.length).toBeGreaterThan(20);
    // λ of each head is no scale for each sample.
    const missing = scales.filter((row) => !table.includes(row));
    const place = 'add a row for each scale to `given` in test/guidance/refusals.test.ts';
    expect(missing, place).toEqual(["'softPag', 'headLambda'"]);
  });

  it('refuses layers that are none', () => {
    const table = between(refusals, 'const perturbing', 'describe.each');
    const layered = guidanceNames.filter((name) => guidances[name].parameters.some(({ kind }) => kind === 'layers'));
    // SAG has one layer; these of a weak model, and of cross-attention, have refusals of their own.
    const others = ['sag', 'auto-guidance', 'nag', 'pladis'];
    const missing = missingFrom(table, layered, (name) => new RegExp(`'${camel(name)}'`));
    expect(missing, 'add a row to `perturbing` in test/guidance/refusals.test.ts').toEqual(others);
  });
});

describe('a measurement', () => {
  const names = Object.keys(measurements);

  it('is held to the laws of all, and has goldens', () => {
    expect(names).toContain('superResolution');
    const tests = textOf('test/restoration/measurements.test.ts');
    const laws = missingFrom(between(tests, 'const all', '];'), names, used);
    expect(laws, 'add a row to `all` in test/restoration/measurements.test.ts').toEqual([]);
    const goldens = missingFrom(between(textOf('test/restoration/goldens.test.ts'), 'const tasks', '};'), names, used);
    const place = 'add it to scripts/goldens/restoration.py, and to `tasks` in test/restoration/goldens.test.ts';
    expect(goldens, place).toEqual([]);
  });

  it('is a task of pag restore, which its help explains', () => {
    const missing = missingFrom(between(textOf('src/cli/restoration-task.ts'), 'switch (task)', '\n}'), names, used);
    expect(missing, 'add it to `tasks` and measurementOf in src/cli/restoration-task.ts').toEqual([]);
    const unexplained = tasks.filter((task) => !taskHelp.includes(task));
    expect(unexplained, 'explain it in taskHelp of src/cli/restoration-task.ts').toEqual([]);
  });
});

/** As the name of a scheduler, with what all of them end with or without. */
const named = (name: string): RegExp => new RegExp(`'${name.replace('Scheduler', '')}(?:Scheduler)?'`);

describe('a scheduler', () => {
  it('has an order of convergence, unless it adds noise, or goes the other way', () => {
    const missing = missingFrom(textOf('test/schedulers/convergence.test.ts'), schedulerNames, named);
    expect(missing, 'add its order to test/schedulers/convergence.test.ts').toEqual([
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
    const table = between(textOf('test/schedulers/variants.ts'), 'deterministic:', '\n];');
    // Those that draw noise whatever their η.
    const missing = missingFrom(table, schedulerNames, named);
    expect(missing, 'add it to `deterministic` in test/schedulers/variants.ts').toEqual([
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

describe('a command', () => {
  const names = Object.keys(commands);

  it('has a row in the README', () => {
    const missing = missingFrom(textOf('README.md'), names, (name) => new RegExp(`^\\|.*\`pag ${name}\`.*\\|$`, 'm'));
    expect(missing, 'add a row to the table of commands in README.md').toEqual([]);
  });

  it('has a result that is one value with --json', () => {
    const calls = between(textOf('test/cli/common.slow.test.ts'), 'const calls', '};');
    const missing = missingFrom(calls, names, rowOf);
    // They measure, train, draw or serve for long, and are tried in tests of their own.
    const others = ['again', 'restore', 'train', 'walkthrough', 'evaluate', 'bench'];
    expect(missing, 'add a call to `calls` in test/cli/common.slow.test.ts').toEqual(others);
  });
});

describe('a section of the page', () => {
  it('fits a phone', () => {
    const listed = between(textOf('test/walkthrough/page.browser.test.ts'), 'fits a phone', 'await show(name)');
    const names = sections.map(({ name }) => name);
    expect(names).toContain('hero');
    const missing = missingFrom(listed, names, (name) => new RegExp(`'${name}'`));
    // The first two are lines above all others, and the last two are those of ports.html.
    const others = ['engine', 'bar', 'break', 'oracle'];
    expect(missing, 'add it to "fits a phone" in test/walkthrough/page.browser.test.ts').toEqual(others);
  });
});

describe('CONTRIBUTING.md', () => {
  const book = textOf('CONTRIBUTING.md').replace(/\s+/g, ' ');
  const files = ['src', 'test', 'scripts', 'fixtures'].flatMap((folder) =>
    readdirSync(new URL(`../${folder}`, import.meta.url), { recursive: true, encoding: 'utf8' }).map(
      (file) => `${folder}/${file}`,
    ),
  );

  it('names files that there are', () => {
    const written = [...book.matchAll(/`([\w./-]+\.(?:ts|py|json|html))`/g)].map(([, name]) => name);
    const named = written.filter((name) => !/NAME|FAMILY/.test(name));
    expect(named).toContain('src/kernels/joined.ts');
    const missing = named.filter((name) => !files.some((file) => file === name || file.endsWith(`/${name}`)));
    expect(missing).toEqual([]);
  });

  it('quotes tests that there are', () => {
    const tests = files
      .filter((file) => file.endsWith('.test.ts'))
      .map(textOf)
      .join('\n');
    const begun = [...tests.matchAll(/'([^'%\n]{8,})%s/g)].map(([, words]) => words);
    const quoted = [...book.matchAll(/"([^"]+)"/g)].map(([, words]) => words.replace(/ ?…$/, ''));
    expect(quoted).toContain('fits a phone');
    const isTitle = (words: string): boolean =>
      tests.includes(words) || begun.some((beginning) => words.startsWith(beginning));
    expect(quoted.filter((words) => !isTitle(words))).toEqual([]);
  });
});

describe('the README', () => {
  it('says how many schedulers and guidances there are', () => {
    const said = /(\d+) schedulers over\s+\d+ runs, (\d+) guidances/.exec(textOf('README.md'));
    const place = 'README.md says "… schedulers over … runs, … guidances"';
    expect(said?.slice(1).map(Number), place).toEqual([schedulerNames.length, guidanceNames.length]);
  });
});

describe('a family of models', () => {
  const families = readdirSync(new URL('../src/models', import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const imported = (name: string): RegExp => new RegExp(`/models/${name}/`);

  it('can be read from a folder', () => {
    const readers = ['diffusers', 'components', 'classifier-folder']
      .map((file) => textOf(`src/formats/${file}.ts`))
      .join('\n');
    const missing = missingFrom(readers, families, (name) => new RegExp(`/models/${name}/config\\.ts'`));
    expect(missing, 'add a row to src/formats/components.ts, or read it in diffusers.ts').toEqual([]);
  });

  it('can be run by the command', () => {
    const missing = missingFrom(textsIn('src/cli').join('\n'), families, imported);
    expect(missing, 'load it in src/cli/model.ts, or as a part of a pipeline in src/cli/component.ts').toEqual([]);
  });

  it('says how it is derived and trained, or is known not to be', () => {
    const silent = families.filter((name) => !/\blearning\b/.test(textsIn(`src/models/${name}`).join('\n')));
    const place = 'give its architecture `learning`, or name it here';
    expect(silent, place).toEqual(['autoencoder-kl', 'autoencoder-tiny', 'clip-text']);
  });

  it('is one that ports are checked with, or is known not to be', () => {
    const missing = missingFrom(textsIn('src/oracle/recipes').join('\n'), families, imported);
    const place = 'make it in src/oracle/recipes/build.ts, with a case, or name it here';
    expect(missing, place).toEqual(['autoencoder-tiny', 'unet2d-classifier']);
  });

  it('is a room of its own, with goldens and laws', () => {
    const rooms = textOf('test/rooms.test.ts');
    for (const family of families) {
      expect(rooms.includes(`'models/${family}'`), `name models/${family} in test/rooms.test.ts`).toBe(true);
      for (const kind of ['goldens', 'laws']) {
        const lanes = ['', '.slow'].map((lane) => `test/models/${family}/${kind}${lane}.test.ts`);
        const found = lanes.find((test) => existsSync(new URL(`../${test}`, import.meta.url)));
        expect(found, `there is no ${lanes.join(' or ')}`).toBeDefined();
        const text = textOf(found ?? '');
        expect(text, `${found} asserts nothing`).toMatch(/\bexpect(\(|\w)|agreesWithGoldens\(/);
        expect(text, `${found} is about another family`).toMatch(new RegExp(`models/${family}/|'\\./models\\.ts'`));
        if (kind === 'goldens') expect(text, `${found} opens no goldens`).toMatch(/openGoldens\(|goldenModels\b/);
      }
    }
  });
});
