/** What a port says of its perturbed pass before the first perturbed layer must be what it says of the plain one. */
import { describe, expect, it } from 'vitest';
import { loadCase } from './cases.ts';
import { checkerOf, fileOf, heldOut, outputOf, port } from './ports.ts';

const one = await loadCase('unets/tiny');
const right = outputOf(one, port(heldOut['runs of 16']));
const [first, second] = ['conv_in', 'time_embedding'] as const;
const twice = { [`perturbed.${first}`]: right[first], [`perturbed.${second}`]: right[second] };
const moved = (name: string) => ({ ...right[name], data: right[name].data.map((value) => value + 0.01) });
const only = [first, second, `perturbed.${first}`, `perturbed.${second}`];

const checked = checkerOf(one);

function problemsOf(tensors: Record<string, (typeof right)[string]>) {
  const { report } = checked(fileOf(tensors), only);
  return { passes: report.passes, problems: [...report.problems] };
}

describe('taps that both passes share', () => {
  const given = { [first]: right[first], [second]: right[second], ...twice };

  it('may be given twice', () => {
    expect(problemsOf(given)).toEqual({ passes: true, problems: [] });
  });

  it.each([first, second])('are a problem where %s departs from the plain pass', (name) => {
    const { passes, problems } = problemsOf({ ...given, [`perturbed.${name}`]: moved(name) });
    expect(passes).toBe(false);
    expect(problems).toEqual([
      [`perturbed.${name}`, `is not what ${name} is; before the first perturbed layer the two passes are the same`],
    ]);
  });

  it('are compared with theirs, not with the truth, where they give both', () => {
    const { problems } = problemsOf({ ...given, [first]: moved(first), [`perturbed.${first}`]: moved(first) });
    expect(problems).toEqual([]);
  });
});
