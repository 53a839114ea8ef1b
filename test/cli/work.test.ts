/** What takes long is said before it begins, and what cannot be held is refused. */
import { describe, expect, it, vi } from 'vitest';
import { announceWork } from '../../src/cli/work.ts';
import { samplerHint } from '../../src/cli/sampler-names.ts';
import { InputError } from '../../src/tensor/errors.ts';

function said(products: number, bytes: number, speed?: number): string {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    announceWork({ products, bytes }, { memory: 8e9, ...(speed && { speed: () => speed }) });
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

describe('work', () => {
  it('of more than 10¹² multiply-adds is said, and no other', () => {
    expect(said(1e12, 1e9)).toBe('');
    expect(said(3.24e15, 1.26e9)).toBe('pag: this takes 3.2 · 10¹⁵ multiply-adds and at least 1.3 GB\n');
    expect(said(3.24e15, 2.1e6)).toBe('pag: this takes 3.2 · 10¹⁵ multiply-adds and at least 3 MB\n');
  });

  it.each([
    [4e12, '1 second'],
    [2e11, '5 seconds'],
    [1.02e10, '98 seconds'],
    [5e9, '3 minutes'],
    [1e8, '2.8 hours'],
  ])('that is done at %f multiply-adds a second is said with its time', (speed, time) => {
    const expected = `pag: this takes 1.0 · 10¹² multiply-adds, about ${time}, and at least 1.0 GB\n`;
    expect(said(1.001e12, 1e9, speed)).toBe(expected);
  });

  it('that the machine cannot hold is refused, with what it has', () => {
    expect(said(1, 8e9)).toBe('');
    for (const [bytes, size] of [
      [8.1e9, '8.1 GB'],
      [2.72e15, '2720 TB'],
    ] as const)
      expect(() => said(1, bytes)).toThrow(
        new InputError(
          `there is not enough memory: this takes at least ${size}, but the machine has 8.0 GB; ` +
            'ask for fewer or smaller samples at a time',
        ),
      );
  });
});

describe('the names that other programs have for samplers', () => {
  it.each([
    ['Euler a', '; that is "euler-ancestral"'],
    ['euler_ancestral', '; that is "euler-ancestral"'],
    ['k_euler_a', '; that is "euler-ancestral"'],
    ['sample_euler_ancestral', '; that is "euler-ancestral"'],
    ['DPM++ 2M Karras', '; that is "dpm" with "use_karras_sigmas": true in a --scheduler-config'],
    ['dpmpp_2m', '; that is "dpm"'],
    [
      'DPM++ 3M SDE Exponential',
      '; that is "dpm" with "algorithm_type": "sde-dpmsolver++", "solver_order": 3, "use_expo',
    ],
    ['DPM++ SDE Karras', '; that is "dpm-singlestep" with "algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": t'],
    ['DPM2 a Karras', '; that is "kdpm2-ancestral" with "use_karras_sigmas": true'],
    ['k_dpm_2', '; that is "kdpm2"'],
    ['LMS Karras', '; that is "lms" with "use_karras_sigmas": true'],
    ['PLMS', '; that is "pndm" with "skip_prk_steps": true in a --scheduler-config'],
    ['uni_pc_bh2', '; that is "unipc"'],
    ['Heun', '; that is "heun"'],
  ])('%s', (name, hint) => {
    expect(samplerHint(name)?.slice(0, hint.length)).toBe(hint);
  });

  it.each(['ddmi', 'karras', '', 'toString', 'k', 'DPM adaptive'])('%j is none', (name) => {
    expect(samplerHint(name)).toBeUndefined();
  });
});
