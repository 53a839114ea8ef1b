/** The README's loop for a page that draws in its own thread, run as it stands there, and what it says of backends. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import * as library from '../../src/index.ts';
import { randomUNet, smallConfig } from '../models/unet2d/models.ts';

const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
const [loop = ''] = /^ {4}for \(const \{ denoised \} of sampleSteps[\s\S]+?^ {4}\}$/m.exec(readme) ?? [];
const backend = library.leanBackend();
const unet = randomUNet({ ...smallConfig, inChannels: 1, outChannels: 1 });

it('shows every step, and lets the page draw between two', async () => {
  const shown: number[] = [];
  let frames = 0;
  const { randn } = library.manualSeed(0);
  const given: Readonly<Record<string, unknown>> = {
    ...library,
    denoiser: library.unetDenoiser(unet, backend, { labels: [0] }),
    guidance: library.pag({ pagScale: 1, layers: ['mid'] }),
    scheduler: library.createScheduler({ _class_name: 'DDIMScheduler' }, 3),
    noise: randn([1, 1, 8, 8]),
    randn,
    canvas: { getContext: () => ({ putImageData: ({ width }: library.ImageDataLike) => shown.push(width) }) },
    requestAnimationFrame: (then: () => void) => {
      frames += 1;
      then();
    },
  };
  const names = [...new Set(loop.match(/[A-Za-z]+/g))].filter((name) => Object.hasOwn(given, name));
  const run = new Function(...names, `return (async () => {${loop}})();`) as (...all: unknown[]) => Promise<void>;
  await run(...names.map((name) => given[name]));
  expect(shown).toEqual([8, 8, 8]);
  expect(frames).toBe(3);
});

it('leanBackend draws with every guidance of a UNet2DModel but those that the README names', () => {
  const { randn } = library.manualSeed(0);
  const draw = (name: string) => {
    const context = { attentionLayers: unet.attentionLayers, hasNullCondition: true, hasWeakModel: false };
    return library.sampleToEnd({
      denoiser: library.unetDenoiser(unet, backend, { labels: [0], nullLabel: 2 }),
      guidance: library.createGuidance(name, name === 'swg' ? { windowShare: 0.5 } : {}, context),
      scheduler: library.createScheduler({ _class_name: 'DDIMScheduler' }, 1),
      noise: randn([1, 1, 8, 8]),
      noiseSource: randn,
    });
  };
  const others = library.guidanceNames.filter((name) => !/classifier|universal|nag|pladis/.test(name));
  const refused = others.filter((name) => {
    try {
      draw(name);
      return false;
    } catch (error) {
      expect((error as Error).message).toContain('take simdBackend(), which has all');
      return true;
    }
  });
  expect(refused).toEqual(['sag']);
  expect(readme).toMatch(/Of the guidances `sag` looks at them, and classifiers\s+that guide want gradients/);
});
