import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { check } from '../../src/oracle/check.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { residualFindings } from '../../src/oracle/residual.ts';
import { permuted } from '../../src/oracle/align.ts';
import { loadCase } from './cases.ts';
import { checkerOf, fileOf, heldOut, outputOf, port } from './ports.ts';

const honest = port(heldOut['runs of 16']);
const one = await loadCase('layers/attention');
const right = outputOf(one, honest);
const mid = 'mid_block.attentions.0';

function statuses(tensors: Readonly<Record<string, Tensor>>, only?: readonly string[]) {
  const { report } = check(one, fileOf(tensors), formats.f32, only);
  return { report, of: Object.fromEntries(report.taps.map(({ name, status }) => [name, status])) };
}

const changed = (x: Tensor, f: (value: number, i: number) => number): Tensor => ({ ...x, data: x.data.map(f) });

describe('a check', () => {
  it('tells the layer that is wrong from those whose input already was', () => {
    const bad = bank.find(({ name }) => name === 'attention-scale-missing')!;
    const { report, of } = statuses(outputOf(one, bad.apply(honest)));
    expect(report.first?.name).toBe(`${mid}.map`);
    expect(report.lastGood?.name).toBe(`${mid}.to_k`);
    expect(of).toMatchObject({
      [`${mid}.to_q`]: 'ok',
      [`${mid}.map`]: 'wrong',
      [`${mid}.to_out.0`]: 'wrong',
      [mid]: 'inherited',
      [`perturbed.${mid}`]: 'ok',
    });
    expect(report.passes).toBe(false);
  });

  it('holds each tap against what follows from their own input, be it wrong', () => {
    const { of } = statuses({
      ...right,
      [`${mid}.group_norm`]: changed(right[`${mid}.group_norm`], (value) => value + 0.01),
    });
    // The projections were computed from the right norm, which is not what the port says that it had.
    expect(of).toMatchObject({ [`${mid}.group_norm`]: 'wrong', [`${mid}.to_q`]: 'wrong', [`${mid}.map`]: 'ok' });
  });

  it('fails for what is missing, unless the port says which taps it has', () => {
    const { [`${mid}.to_q`]: _, ...partial } = right;
    expect(statuses(partial).report).toMatchObject({ passes: false, missing: [`${mid}.to_q`] });
    expect(statuses(partial, ['*.to_v', mid]).report.passes).toBe(true);
    expect(() => statuses(partial, ['nothing.*'])).toThrow(InputError);
  });

  it.each([NaN, Infinity, -Infinity])('fails for %s and says where it begins', (value) => {
    const { report, of } = statuses({
      ...right,
      [`${mid}.to_k`]: changed(right[`${mid}.to_k`], (old, i) => (i === 30 ? value : old)),
    });
    expect(of[`${mid}.to_k`]).toBe('not finite');
    expect(report.first?.measures.notFinite).toEqual({ count: 1, first: [0, 2, 6] });
    expect(report.passes).toBe(false);
  });

  it('measures: one element that is off', () => {
    const { report } = statuses({
      ...right,
      [`${mid}.to_v`]: changed(right[`${mid}.to_v`], (old, i) => (i === 30 ? old + 1 : old)),
    });
    const { measures } = report.taps.find(({ name }) => name === `${mid}.to_v`)!;
    expect(measures.maxAbs).toBeCloseTo(1, 5);
    expect(measures.worst).toEqual([0, 2, 6]);
    expect(measures.badShare).toBe(1 / right[`${mid}.to_v`].data.length);
    expect(measures.where).toBe('sample 0, token 2, channel 6');
    expect(measures.meanAbs).toBeCloseTo(1 / right[`${mid}.to_v`].data.length, 6);
  });
});

describe('what is wrong is described', () => {
  const checked = checkerOf(one);
  const say = (tensor: Tensor, name = `${mid}.to_v`): string =>
    residualFindings(checked(fileOf({ ...right, [name]: tensor }))).join(' ');
  const value = right[`${mid}.to_v`];
  const channels = value.shape[2];
  const shuffledBy = (order: (channel: number) => number): Tensor =>
    changed(value, (_, i) => value.data[i - (i % channels) + order(i % channels)]);

  it('as a factor', () => expect(say(changed(value, (x) => x * Math.SQRT2))).toMatch(/truth times 1\.4142\d \(√2\)/));
  it('as a number added', () => expect(say(changed(value, (x) => x + 0.5))).toMatch(/0\.5 is added everywhere/));
  it('as a bias', () => expect(say(changed(value, (x, i) => x + (i % channels)))).toMatch(/a bias is missing/));
  it('as reversed channels', () =>
    expect(say(shuffledBy((c) => channels - 1 - c))).toMatch(/channels are in reverse order/));
  it('as swapped halves', () =>
    expect(say(shuffledBy((c) => (c + channels / 2) % channels))).toMatch(/two halves of the channels are swapped/));
  it('as shuffled channels', () =>
    expect(say(shuffledBy((c) => (c * 5) % channels))).toMatch(/channels are in another order: yours are 0, 5, 10/));
  it('as a transposed map', () =>
    expect(say(permuted(right[`${mid}.map`], [0, 1, 3, 2]), `${mid}.map`)).toMatch(/height and width are swapped/));
  it('as channels last under a shape that says channels first', () => {
    const picture = right[mid];
    expect(say({ ...permuted(picture, [0, 2, 3, 1]), shape: picture.shape }, mid)).toMatch(
      /lie channels last \(NHWC\), but the shape says channels first/,
    );
  });
  it('as another tap', () =>
    expect(say(right[`${mid}.to_q`])).toMatch(/it is what mid_block.attentions.0.to_q should be/));
});
