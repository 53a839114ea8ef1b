/**
 * The picture that is shown beside a link to the page: its first figure, from the first noises of the first seed.
 *
 *     npx tsx scripts/walkthrough/share-picture.ts            (writes fixtures/readme/page.png)
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { grid } from '../../src/formats/grid.ts';
import type { Picture } from '../../src/formats/picture.ts';
import { encodePng } from '../../src/formats/png.ts';
import { present } from '../../src/walkthrough/checked.ts';
import type { GuidanceChoice } from '../../src/walkthrough/protocol.ts';
import { freeCfg, freeRun, middlePag, usualScale } from '../../src/walkthrough/requests.ts';
import { initialState } from '../../src/walkthrough/state.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { loadPageModel } from './page-model.ts';

/** What those who show links ask for, in pixels. */
export const [shareWidth, shareHeight] = [1200, 630];
const paper = 250;

/** The rows of the first figure, on paper of that size. */
export function sharePicture(model: Model): Picture {
  const kinds: readonly (readonly [title: string, guidance: GuidanceChoice])[] = [
    ['the model alone', { kind: 'none' }],
    [`with Perturbed-Attention Guidance, s = ${usualScale}`, middlePag(model.unet.attentionLayers)],
    ['with classifier-free guidance: the first row again', freeCfg],
  ];
  const rows = kinds.map(([title, guidance]) => {
    const steps = [...sampleRun(model, freeRun(initialState, guidance))];
    return { title, samples: present(steps.at(-1), 'last step').sample };
  });
  return centred(grid(rows, 5));
}

/** A grey picture in the middle of a sheet of paper. */
function centred({ width, height, channels, pixels }: Picture): Picture {
  const [left, top] = [Math.floor((shareWidth - width) / 2), Math.floor((shareHeight - height) / 2)];
  const sheet = new Uint8Array(shareWidth * shareHeight * channels).fill(paper);
  for (let y = 0; y < height; y++) {
    const line = pixels.subarray(y * width * channels, (y + 1) * width * channels);
    sheet.set(line, ((top + y) * shareWidth + left) * channels);
  }
  return { width: shareWidth, height: shareHeight, channels, pixels: sheet };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = fileURLToPath(new URL('../../fixtures/readme/page.png', import.meta.url));
  await writeFile(target, encodePng(sharePicture(await loadPageModel())));
}
