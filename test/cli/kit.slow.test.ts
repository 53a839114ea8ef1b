import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { writeSafetensors } from '../../src/formats/safetensors.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import type { Implementation } from '../../src/oracle/implementation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { loadCase } from '../oracle/cases.ts';
import { heldOut, outputOf, port } from '../oracle/ports.ts';
import { capturePrinted } from './console.ts';
import { temporaryFolder } from './models.ts';
import { python } from './python.ts';

const { path } = temporaryFolder();
const printed = capturePrinted();
const hasTar = spawnSync('tar', ['--version']).status === 0;

const honest = port(heldOut['even terms first, fused']!);
const faulty = (name: string): Implementation => bank.find((fault) => fault.name === name)!.apply(honest);

async function writePort(folder: string, name: string, one: Implementation, dtype?: 'bf16'): Promise<void> {
  const file = path(`${folder}/${name}.safetensors`);
  mkdirSync(dirname(file), { recursive: true });
  const tensors: Record<string, Tensor> = outputOf(await loadCase(name), one, dtype);
  writeFileSync(file, writeSafetensors(tensors));
}

/** What `pag check` and the checker in Python say of the same files: verdict and shares of budgets, by case and tap. */
function bothReports(kit: string, theirs: string, ...more: readonly string[]) {
  const { stdout } = spawnSync(python ?? '', [`${kit}/pag_oracle.py`, kit, theirs, '--json', ...more]);
  const [ours, other] = [printed.at(-1) ?? '', stdout.toString()].map((text) => JSON.parse(text));
  type Tap = { name: string; share?: number | null; chained?: { share: number | string } };
  const summary = ({ cases }: { cases: readonly { case: string; passes: boolean; taps: readonly Tap[] }[] }) =>
    Object.fromEntries(
      cases.map(({ case: name, passes, taps }) => {
        const shares = taps.map(({ name: tap, share, chained }) => {
          const value = Number(chained ? chained.share : (share ?? Infinity));
          return [tap, Number.isFinite(value) ? value.toPrecision(9) : 'endless'] as const;
        });
        return [name, { passes, shares: Object.fromEntries(shares) }];
      }),
    );
  return [summary(ours), summary(other)] as const;
}

describe.runIf(hasTar && python !== undefined)('a kit in an archive', () => {
  it('is checked in Python with the budgets of pag check', async () => {
    expect(await runCommand(['export', '--all', path('kit.tar.gz')])).toBe(0);
    execFileSync('tar', ['xzf', path('kit.tar.gz'), '-C', path('.')]);
    const kit = path('pag-kit');
    const cases = ['operations/conv2d', 'operations/softmax', 'layers/attention', 'unets/tiny', 'schedulers/euler'];
    for (const name of cases) await writePort('right', name, honest);
    for (const name of cases) await writePort('wrong', name, faulty('attention-scale-missing'));
    for (const [folder, status] of [
      ['right', 0],
      ['wrong', 1],
    ] as const) {
      expect(await runCommand(['check', kit, path(folder), '--json', '--no-diagnosis'])).toBe(status);
      const [ours, theirs] = bothReports(kit, path(folder));
      expect(theirs).toEqual(ours);
      expect(Object.keys(ours).sort()).toEqual([...cases].sort());
    }
  });

  it('of 16 bits, too', async () => {
    const kit = path('kit-bf16');
    expect(await runCommand(['export', 'layers/attention', `${kit}/layers/attention`, '--dtype', 'bf16'])).toBe(0);
    writeFileSync(`${kit}/pag_oracle.py`, execFileSync('cat', [path('pag-kit/pag_oracle.py')]));
    await writePort('right-bf16', 'layers/attention', honest, 'bf16');
    expect(await runCommand(['check', kit, path('right-bf16'), '--json', '--dtype', 'bf16'])).toBe(0);
    const [ours, theirs] = bothReports(kit, path('right-bf16'), '--dtype', 'bf16');
    expect(theirs).toEqual(ours);
  });

  it('refuses in one line what it cannot use', () => {
    const kit = path('pag-kit');
    const said = (...args: readonly string[]) => {
      const { status, stderr } = spawnSync(python ?? '', [`${kit}/pag_oracle.py`, ...args]);
      expect(status).toBe(2);
      expect(stderr.toString().trim()).not.toMatch(/\n/);
      return stderr.toString();
    };
    const tiny = `${kit}/unets/tiny`;
    expect(said(tiny, path('nothing'))).toMatch(/nothing is no safetensors file that can be read/);
    expect(said(tiny, path('right/operations/conv2d.safetensors'))).toMatch(/nothing is a tap of unets\/tiny; found/);
    expect(said(tiny, path('right/unets/tiny.safetensors'), '--only', 'x.*')).toMatch(/--only x\.\* names no tap/);
    expect(said(tiny, path('right/unets/tiny.safetensors'), '--dtype', 'f16')).toMatch(
      /pag export --all KIT --dtype f16/,
    );
    expect(said(path('.'), path('nothing'))).toMatch(/holds no file for a case/);
  });
});
