/** The probes of an operation are computed each by itself, and so are they judged. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { check } from '../../src/oracle/check.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { diagnosesOf } from '../../src/oracle/findings.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { divergence } from '../../src/oracle/report/sentences.ts';
import { residualFindings } from '../../src/oracle/residual.ts';
import { caseNames, loadCase } from './cases.ts';
import { fileOf, heldOut, outputOf, port } from './ports.ts';

const honest = port(heldOut['runs of 16']);
const activation = await loadCase('operations/activation');
const faulty = (name: string) => bank.find((fault) => fault.name === name)?.apply(honest) ?? honest;
const mapped = (x: Tensor, f: (value: number) => number): Tensor => ({ ...x, data: x.data.map(f) });

describe('probes', () => {
  it('that are off for reasons of their own have diagnoses of their own', () => {
    const theirs = outputOf(activation, faulty('gelu-tanh'));
    const [first] = Object.keys(theirs);
    expect(first).toMatch(/silu/);
    const checked = check(activation, fileOf({ ...theirs, [first]: mapped(theirs[first], (x) => 2 * x) }), formats.f32);
    const off = checked.report.taps.filter(({ status }) => status !== 'ok').map(({ name }) => name);
    expect(new Set(checked.report.taps.map(({ status }) => status))).toEqual(new Set(['ok', 'wrong']));
    const named = Object.fromEntries(
      diagnosesOf(checked).map(({ best, about }) => [best?.faults.map(({ name }) => name).join() ?? '', about]),
    );
    const gelu = off.filter((name) => name.startsWith('gelu'));
    expect(gelu.length).toBeGreaterThan(0);
    expect(named).toEqual({ '': [first], 'gelu-tanh': gelu });
    expect(residualFindings(checked)).toContain(`${first}: it is the truth times 2 (2).`);
    expect(divergence(checked.report)).toMatch(/^Off: silu.* No probe is computed from another: each is judged by/);
  });

  it('say how many tensors they have', async () => {
    for (const name of caseNames.filter((candidate) => candidate.startsWith('operations/'))) {
      const { subject, inputs } = await loadCase(name);
      if (subject.kind !== 'operation') continue;
      for (const probe of subject.probes) {
        const given = [...inputs.keys()].filter((key) => key.slice(0, key.lastIndexOf('/')) === probe.name);
        expect(given, `${name}: ${probe.name}`).toHaveLength(probe.tensors);
      }
    }
  });

  it('have no name for what no fault of the bank touches', async () => {
    const pool = await loadCase('operations/averagePool2x');
    const theirs = Object.entries(outputOf(pool, honest)).map(([name, x]) => [name, mapped(x, (v) => v * (1 + 3e-7))]);
    const checked = check(pool, fileOf(Object.fromEntries(theirs)), formats.f32);
    expect(checked.report.passes).toBe(false);
    expect(diagnosesOf(checked).map(({ best }) => best)).toEqual([undefined]);
  });
});
