import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { shareHeight, sharePicture, shareWidth } from '../../scripts/walkthrough/share-picture.ts';
import { decodePng } from '../../src/formats/png-reader.ts';
import { lettersModel } from './library.ts';

describe('the picture beside a link to the page', () => {
  it('is what the page shows first, of the size that it promises', async () => {
    const drawn = sharePicture(await lettersModel());
    const shipped = decodePng(readFileSync(new URL('../../fixtures/readme/page.png', import.meta.url)), 'page.png');
    expect([drawn.width, drawn.height]).toEqual([shareWidth, shareHeight]);
    expect([shipped.width, shipped.height]).toEqual([shareWidth, shareHeight]);
    expect(Buffer.compare(shipped.pixels, drawn.pixels)).toBe(0);
    const html = readFileSync(new URL('../../src/walkthrough/index.html', import.meta.url), 'utf8');
    for (const [name, size] of Object.entries({ width: shareWidth, height: shareHeight }))
      expect(html).toContain(`<meta property="og:image:${name}" content="${size}">`);
  });
});
