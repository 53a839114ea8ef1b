import { describe, expect, it } from 'vitest';
import { openBands } from '../../src/cli/oracle-files.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { check } from '../../src/oracle/check.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { filled, inSetting, inWeights } from '../../src/oracle/faults/fault.ts';
import { findingsOf } from '../../src/oracle/findings.ts';
import { formats, type FormatName } from '../../src/oracle/honest/format.ts';
import { variants } from '../../src/oracle/honest/variants.ts';
import type { Implementation } from '../../src/oracle/implementation.ts';
import { loadCase } from './cases.ts';
import { fileOf, heldOut, outputOf, port } from './ports.ts';
import { firstOf, thorough } from '../thorough.ts';

const honest = port(heldOut['runs of 16']);
const toTf32 = variants.tf32[0].implementation;

/** What is said of a port that computes in one precision and is checked in another. */
async function said(name: string, implementation: Implementation, dtype: DType, format: FormatName): Promise<string> {
  const one = await loadCase(name);
  const tensors = Object.entries(outputOf(one, implementation, dtype)).map(([tap, value]): [string, Tensor] => [
    tap,
    cast(value, 'f32'),
  ]);
  const file = fileOf(Object.fromEntries(tensors));
  const known = format === 'f32' ? await openBands(name, one, 'f32') : undefined;
  const checked = check(one, file, formats[format], undefined, known);
  expect(checked.report.passes).toBe(false);
  return findingsOf(checked, file).sentences.join(' ');
}

describe('a port in another precision is told so', () => {
  it.each(firstOf(['operations/averagePool2x', 'operations/groupNorm', 'unets/tiny'], 2))(
    '16 bits as float32: %s',
    async (name) => {
      expect(await said(name, honest, 'bf16', 'f32')).toMatch(/^Every number of yours .* try formats\.bf16\.$/);
      expect(await said(name, honest, 'f16', 'f32')).toMatch(
        /^Every number of yours .* try formats\.mixed .* or formats\.f16/,
      );
    },
  );

  it.each(firstOf(['operations/linear', 'unets/tiny']))('TF32 as float32: %s', async (name) => {
    expect(await said(name, toTf32, 'f32', 'f32')).toMatch(/looks like TF32; switch it off, or try formats\.tf32/);
  });

  it('inputs and weights that were not rounded to 16 bits', async () => {
    expect(await said('operations/activation', honest, 'f32', 'bf16')).toMatch(
      /pag export --dtype bf16 writes them so/,
    );
    expect(await said('layers/resnet', honest, 'f32', 'mixed')).toMatch(/pag export --dtype f16 writes them so/);
  });

  it('and a mistake is no other precision, however small it is', async () => {
    for (const name of firstOf(['norm-eps-1e-6', 'norm-eps-outside-root', 'softmax-denominator-eps'])) {
      const fault = bank.find((candidate) => candidate.name === name);
      expect(await said('unets/tiny', fault?.apply(honest) ?? honest, 'f32', 'f32'), name).not.toMatch(/dtype|formats/);
    }
  });

  // Every format is tried on whole runs; other mistakes are asked of a UNet above.
  it.runIf(thorough)('nor one that fits into the wide budgets of another', async () => {
    for (const factor of [1.01, 0.5]) {
      const weaker = inSetting('weaker', '', ({ pagScale }) => ({ pagScale: factor * pagScale })).apply(honest);
      expect(await said('runs/pag', weaker, 'f32', 'f32'), `s times ${factor}`).not.toMatch(/dtype|formats/);
    }
    const bytes = inWeights('bytes', '', (_, weight) => {
      const step = Math.max(...weight.data.map(Math.abs)) / 127;
      return filled(weight, (i) => Math.round(weight.data[i] / step) * step);
    });
    expect(await said('unets/tiny', bytes.apply(honest), 'f32', 'f32')).not.toMatch(/dtype|formats/);
  });
});
