/** What ports wrote that nobody made with this library, and what is said of them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import { diagnosesOf } from '../../src/oracle/findings.ts';
import { loadCase } from './cases.ts';
import { checkerOf } from './ports.ts';

const check = checkerOf(await loadCase('unets/tiny'));

function checked(name: string, only?: readonly string[]) {
  const bytes = readFileSync(new URL(`data/${name}.safetensors`, import.meta.url));
  const found = check(parseSafetensors(bytes, name), only);
  const [{ best, complete }] = diagnosesOf(found);
  return { report: found.report, names: best?.faults.map((fault) => fault.name), complete };
}

describe('a port of the tiny UNet', () => {
  it('whose perturbed pass is the plain one, and that writes every tap of it', () => {
    const { report, names, complete } = checked('pag-does-nothing');
    expect(report.first?.name).toBe('perturbed.mid_block.attentions.0.to_out.0');
    expect(names).toEqual(['pag-off']);
    expect(complete).toBe(true);
  });

  it('the same, of which only some taps are checked', () => {
    const { report, names } = checked('pag-does-nothing', ['perturbed.conv_out,perturbed.up_blocks.*', '*.to_v']);
    expect(report.passes).toBe(false);
    expect(names).toEqual(['pag-off']);
  });

  it('with ε = 1e-6 in the norms of its attention layers alone', () => {
    const { report, names, complete } = checked('attn-eps-1e-6');
    expect(report.first?.name).toBe('down_blocks.1.attentions.0.group_norm');
    expect(names).toEqual(['attention-norm-eps-1e-6']);
    expect(complete).toBe(true);
  });

  it('that writes integers beside its taps, which nobody asks for', () => {
    const file = parseSafetensors(readFileSync(new URL('data/extra-u32.safetensors', import.meta.url)), 'extra');
    const taps = [...file.entries.keys()].filter((name) => name !== 'ids');
    const { report } = check(file, taps);
    expect(report.unknown).toEqual(['ids']);
    expect(report.taps.map(({ name }) => name).sort()).toEqual(taps.sort());
    expect(report.passes).toBe(true);
  });
});
