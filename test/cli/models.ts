/** Models and inputs for the tests of the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { writeSafetensors } from '../../src/formats/safetensors.ts';
import { thorough } from '../thorough.ts';

const fixture = (path: string): string => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));

/** A UNet of 8 × 8 pixels, 3 channels, without classes and without a scheduler: a step takes a millisecond. */
export const tiny = fixture('goldens/formats/sharded');
/** Its attention layers. */
export const tinyLayers = [
  'down_blocks.1.attentions.0',
  'mid_block.attentions.0',
  'up_blocks.0.attentions.0',
  'up_blocks.0.attentions.1',
];

/** A UNet of 8 × 8 pixels, 1 channel, the classes 0 to 2, and 3 for none, without a scheduler. */
export const conditional = fixture('goldens/runs/conditional');

/** A pipeline of 32 × 32 pixels, 1 channel, the classes 0 to 25, and 26 for none. */
export const letters = fixture('letters/model');

/**
 * The kernels of commands that are about something else: the loops have drawn with a small model before the fast
 * kernels, which have their bits, are compiled for it.
 */
export const smallKernels: readonly string[] = thorough ? [] : ['--kernels', 'reference'];

/** A folder for the tests of one file, removed after them. */
export function temporaryFolder(): {
  path: (name: string) => string;
  save: (name: string, content: Parameters<typeof writeSafetensors>[0] | string) => string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'pag-cli-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    save(name, content) {
      writeFileSync(path(name), typeof content === 'string' ? content : writeSafetensors(content));
      return path(name);
    },
  };
}
