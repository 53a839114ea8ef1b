import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openBands } from '../../src/cli/oracle-files.ts';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import type { Implementation } from '../../src/oracle/implementation.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { check, type Checked, type Report } from '../../src/oracle/check.ts';
import { formats, type FormatName } from '../../src/oracle/honest/format.ts';
import { deviation, shareOf } from '../../src/oracle/tolerance.ts';
import { loadCase, oracle, smallCases } from './cases.ts';
import type { sinusoid } from '../../src/nn/embeddings.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { checkerOf, fileOf, furtherPorts, heldOut, outputOf, ownFunctions, port } from './ports.ts';
import { firstOf } from '../thorough.ts';

/** Some cases take seconds; scripts/oracle/certificate.ts checks them all, and writes down what it found. */
const quick = smallCases.filter(
  (name) =>
    /^(layers|guidances|schedulers)\/|blocks\/middle$/.test(name) ||
    /^operations\/(activation|groupNorm|linear|softmax|timeEmbedding)/.test(name),
);

/**
 * A case in a format, and what checks files of it: by the bands that ship where there are some, which
 * bands-file.slow.test.ts holds to what is computed.
 */
const subject = remembered(async (name: string, format: FormatName) => {
  const one = await loadCase(name);
  return { one, checked: checkerOf(one, format, await openBands(name, one, format)) };
});

/** The check of what a port computes. */
async function checkedPort(name: string, implementation: Implementation, format: FormatName = 'f32'): Promise<Report> {
  const { one, checked } = await subject(name, format);
  return checked(fileOf(outputOf(one, implementation, formats[format].storage))).report;
}

/** The check of the truth itself, rounded to float32, and the bands that belong to the case: computed once. */
const checkedTruth = remembered(async (name: string): Promise<Checked> => {
  const { one, checked } = await subject(name, 'f32');
  return checked(fileOf(Object.fromEntries([...one.expected].map(([tap, { f64 }]) => [tap, cast(f64, 'f32')]))));
});

/** A function that computes once for the same arguments. */
function remembered<Names extends readonly string[], Value>(
  compute: (...names: Names) => Promise<Value>,
): (...names: Names) => Promise<Value> {
  const known = new Map<string, Promise<Value>>();
  return (...names) => {
    const value = known.get(names.join()) ?? compute(...names);
    known.set(names.join(), value);
    return value;
  };
}

describe('PyTorch in float32, which nobody here has tuned, is within budget', () => {
  it.each(quick)('%s', async (name) => {
    const one = await loadCase(name);
    const { bands } = await checkedTruth(name);
    for (const [tap, { f32 }] of one.expected) {
      const band = bands.get(tap)!;
      expect(shareOf(deviation(cast(f32!, 'f64'), band.truth, band.scale), band), tap).toBeLessThanOrEqual(1);
    }
  });
});

const representative = [
  'operations/linear',
  'operations/softmax',
  'layers/attention',
  'layers/resnet-up',
  'blocks/middle',
  'guidances/cfg-pag',
  'schedulers/ddim',
];

/** The taps that are not within budget, and how far they are off. */
function offOf({ taps }: Report): readonly (readonly [tap: string, chained: number, local: number])[] {
  return taps.filter(({ status }) => status !== 'ok').map((tap) => [tap.name, tap.chained.share, tap.local.share]);
}

describe('the truth itself, rounded to float32, passes, against the truth and from its own input', () => {
  it.each(quick)('%s', async (name) => {
    const { report } = await checkedTruth(name);
    expect(offOf(report)).toEqual([]);
    expect(report.passes).toBe(true);
  });
});

describe('honest ports that the tolerances do not know pass, against the truth and from their own input', () => {
  for (const [what, arithmetic] of Object.entries(heldOut)) {
    for (const name of representative) {
      it(`${what}: ${name}`, async () => {
        const report = await checkedPort(name, port(arithmetic));
        expect(offOf(report)).toEqual([]);
        expect(report.passes).toBe(true);
      });
    }
  }

  const everywhere = [...representative, 'operations/conv2d', 'unets/tiny', 'runs/pag', 'autoencoders/decode'];
  it.each(firstOf(Object.entries(furtherPorts)))('%s', async (_, arithmetic) => {
    for (const name of [...everywhere, 'text-encoders/clip', 'gradients/conv2d', 'gradients/attention']) {
      const report = await checkedPort(name, port(arithmetic));
      expect(offOf(report), name).toEqual([]);
      expect(report.passes, name).toBe(true);
    }
  });

  const winograds = ['operations/conv2d', 'layers/resnet', 'layers/resnet-up', 'blocks/middle', 'unets/tiny'];
  it.each(firstOf([4, 2] as const))('Winograd convolutions, F(2×%i), as the fast order has them', async (winograd) => {
    const arithmetic = { ...heldOut['runs of 16'], winograd };
    for (const name of firstOf(winograds, 3)) {
      const report = await checkedPort(name, port(arithmetic));
      expect(offOf(report), name).toEqual([]);
    }
  });

  for (const format of ['bf16', 'mixed', 'f16'] as const) {
    it(`in ${format}`, async () => {
      for (const name of ['layers/attention', 'layers/resnet', 'operations/linear']) {
        const report = await checkedPort(name, port(heldOut['runs of 16']), format);
        expect(offOf(report), name).toEqual([]);
      }
    });
  }
});

describe('PyTorch in 16 bits, of the tiny UNet, is within budget tap by tap, by truth and by its own input', () => {
  const stored = [
    ['bf16', 'bf16'],
    ['f16', 'f16'],
    ['f16', 'mixed'],
  ] as const;
  it.each(firstOf(stored, 2))('%s as %s', async (dtype, format) => {
    const bytes = readFileSync(new URL(`ports/tiny.${dtype}.safetensors`, oracle));
    const { report } = check(await loadCase('unets/tiny'), parseSafetensors(bytes, dtype), formats[format]);
    expect(offOf(report)).toEqual([]);
    expect(report.passes).toBe(true);
  });
});

describe('rounding as noise is of the right size', () => {
  it.each([
    'operations/conv2d',
    'operations/linear',
    'operations/groupNorm',
    'operations/softmax',
    'operations/applyAttentionMap',
    'layers/resnet',
    'schedulers/ddim',
  ])('%s', async (name) => {
    const { bands } = await checkedTruth(name);
    const spreads = [...bands.values()].map(({ honest: [, most] }) => most);
    expect(Math.max(...spreads), 'no honest port errs more than the analysis allows').toBeLessThanOrEqual(1);
    expect(Math.max(...spreads), 'nor does it allow ten times what they need').toBeGreaterThanOrEqual(0.1);
  });
});

describe('precision is seen', () => {
  it('bf16 is no float32, and TF32 is no float32', async () => {
    const { one, checked } = await subject('layers/resnet', 'f32');
    for (const dtype of ['bf16', 'f16'] as const) {
      const tensors = Object.fromEntries(
        Object.entries(outputOf(one, port(heldOut['runs of 16']), dtype)).map(([name, value]) => [
          name,
          cast(value, 'f32'),
        ]),
      );
      expect(checked(fileOf(tensors)).report.passes, dtype).toBe(false);
    }
  });
});

/** The embedding of time in double precision from end to end, and with powers for exponentials, in single. */
const embeddings: Readonly<Record<string, (t: number, i: number, half: number) => number>> = {
  exact: (t, i, half) => t * Math.exp((-Math.log(10000) * i) / half),
  'frequencies as powers': (t, i, half) => {
    const f = Math.fround;
    return f(t * f(1 / f(10000 ** f(i / half))));
  },
};

describe.each(Object.keys(formats) as FormatName[])('honest in %s', (format) => {
  const dtype = formats[format].storage;
  it.each(Object.entries(embeddings))('time is embedded: %s', async (_, angleOf) => {
    const embed: typeof sinusoid = (timesteps, size, cosineFirst, shift) => {
      const half = Math.floor(size / 2);
      const data = new Float64Array(timesteps.length * size);
      timesteps.forEach((t, b) => {
        for (let i = 0; i < half; i++) {
          const angle = angleOf(t, i, half - shift);
          data[b * size + i] = cosineFirst ? Math.cos(angle) : Math.sin(angle);
          data[b * size + half + i] = cosineFirst ? Math.sin(angle) : Math.cos(angle);
        }
      });
      return cast(cast(tensor('f64', [timesteps.length, size], data), 'f32'), dtype);
    };
    const implementation = { ...port(heldOut['runs of 16']), sinusoid: embed };
    const report = await checkedPort('operations/timeEmbedding', implementation, format);
    expect(report.taps.map(({ chained }) => chained.share).filter((share) => share > 1)).toEqual([]);
    expect(report.passes).toBe(true);
  });

  const own = [
    'operations/activation',
    'operations/softmax',
    'operations/linear',
    'operations/conv2d',
    'operations/attention',
    'layers/attention',
    'layers/resnet-mish',
  ];
  it.each(format === 'f32' ? own : firstOf(own, 3))('functions and biases are its own: %s', async (name) => {
    const report = await checkedPort(name, port(ownFunctions), format);
    // What float16 cannot hold before the bias is added is out of range, and is found to be.
    const outOfRange = dtype === 'f16' && name === 'operations/conv2d' ? ['cancelling'] : [];
    expect(offOf(report).filter(([tap]) => !outOfRange.includes(tap))).toEqual([]);
    const off = report.taps.filter(({ status }) => status !== 'ok');
    expect(off.map(({ status }) => status)).toEqual(outOfRange.map(() => 'not finite'));
  });
});
