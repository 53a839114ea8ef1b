/** Operations that move numbers and change none, and the two that resize a picture. */
import { sameShape, shapeText, sizeOf } from '../../tensor/tensor.ts';
import { dimensions, expect } from './checks.ts';
import type { Attributes, Rows } from './operation.ts';

/** What is about places and not about numbers; the mean of four pixels alone computes. */
export const arrangement: Rows<
  | 'upsampleNearest2x'
  | 'resizeNearest'
  | 'averagePool2x'
  | 'concatChannels'
  | 'sliceChannels'
  | 'concatBatch'
  | 'sliceBatch'
  | 'reshape'
  | 'toTokens'
  | 'fromTokens'
> = {
  upsampleNearest2x: {
    read: (x) => ({ tensors: [x], attributes: {} }),
    shape(_, [x]) {
      const [batch, channels, height, width] = dimensions('upsampleNearest2x', x, 'B,C,H,W');
      return [batch, channels, 2 * height, 2 * width];
    },
    apply: (kernels, _, [x]) => kernels.upsampleNearest2x(x),
  },
  resizeNearest: {
    read: (x, height, width) => ({ tensors: [x], attributes: { height, width } }),
    shape({ height, width }, [x]) {
      const [batch, channels, ...picture] = dimensions('resizeNearest', x, 'B,C,H,W');
      const fits = [height, width].every((extent) => Number.isInteger(extent) && extent >= 1) && sizeOf(picture) > 0;
      expect('resizeNearest', fits, `a picture of ${picture.join(' × ')} cannot become one of ${height} × ${width}`);
      return [batch, channels, height, width];
    },
    apply: (kernels, { height, width }, [x]) => kernels.resizeNearest(x, height, width),
  },
  averagePool2x: {
    read: (x) => ({ tensors: [x], attributes: {} }),
    shape(_, [x]) {
      const [batch, channels, height, width] = dimensions('averagePool2x', x, 'B,C,H,W');
      return [batch, channels, Math.floor(height / 2), Math.floor(width / 2)];
    },
    apply: (kernels, _, [x]) => kernels.averagePool2x(x),
  },
  concatChannels: {
    read: (a, b) => ({ tensors: [a, b], attributes: {} }),
    shape(_, [a, b]) {
      const fits = a.length >= 2 && a[0] === b[0] && sameShape(a.slice(2), b.slice(2));
      expect('concatChannels', fits, `${shapeText(a)} and ${shapeText(b)} differ in more than their channels`);
      return [a[0], a[1] + b[1], ...a.slice(2)];
    },
    apply: (kernels, _, [a, b]) => kernels.concatChannels(a, b),
  },
  sliceChannels: {
    read: (x, start, end) => ({ tensors: [x], attributes: { start, end } }),
    shape({ start, end }, [x]) {
      const what = `channels ${start} to ${end} of ${shapeText(x)}`;
      expect('sliceChannels', x.length >= 2 && isWithin({ start, end }, x[1]), what);
      return [x[0], end - start, ...x.slice(2)];
    },
    apply: (kernels, { start, end }, [x]) => kernels.sliceChannels(x, start, end),
  },
  concatBatch: {
    read: (parts) => ({ tensors: parts, attributes: {} }),
    shape(_, parts) {
      expect('concatBatch', parts.length > 0, 'there is nothing to join');
      const [first, ...others] = parts;
      expect('concatBatch', first.length >= 1, 'a tensor without dimensions has no batch');
      for (const part of others) {
        const fits = sameShape(part.slice(1), first.slice(1));
        expect('concatBatch', fits, `${shapeText(first)} and ${shapeText(part)} differ in more than their batch`);
      }
      return [parts.reduce((batch, [size]) => batch + size, 0), ...first.slice(1)];
    },
    apply: (kernels, _, parts) => kernels.concatBatch(parts),
  },
  sliceBatch: {
    read: (x, start, end) => ({ tensors: [x], attributes: { start, end } }),
    shape({ start, end }, [x]) {
      const what = `samples ${start} to ${end} of ${shapeText(x)}`;
      expect('sliceBatch', x.length >= 1 && isWithin({ start, end }, x[0]), what);
      return [end - start, ...x.slice(1)];
    },
    apply: (kernels, { start, end }, [x]) => kernels.sliceBatch(x, start, end),
  },
  reshape: {
    read: (x, sample) => ({ tensors: [x], attributes: { sample } }),
    shape({ sample }, [x]) {
      const fits =
        x.length >= 1 &&
        sample.every((extent) => Number.isInteger(extent) && extent >= 0) &&
        sizeOf(sample) === sizeOf(x.slice(1));
      expect('reshape', fits, `samples of ${shapeText(x)} have other numbers than ${shapeText(sample)}`);
      return [x[0], ...sample];
    },
    apply: (kernels, { sample }, [x]) => kernels.reshape(x, sample),
  },
  toTokens: {
    read: (x) => ({ tensors: [x], attributes: {} }),
    shape(_, [x]) {
      const [batch, channels, height, width] = dimensions('toTokens', x, 'B,C,H,W');
      return [batch, height * width, channels];
    },
    apply: (kernels, _, [x]) => kernels.toTokens(x),
  },
  fromTokens: {
    read: (x, height, width) => ({
      tensors: [x],
      attributes: { height, width },
    }),
    shape({ height, width }, [x]) {
      const [batch, tokens, channels] = dimensions('fromTokens', x, 'B,N,C');
      const fits = Number.isInteger(height) && Number.isInteger(width) && height >= 0 && tokens === height * width;
      expect('fromTokens', fits, `${tokens} tokens are not ${height} × ${width} pixels`);
      return [batch, channels, height, width];
    },
    apply: (kernels, { height, width }, [x]) => kernels.fromTokens(x, height, width),
  },
};

function isWithin({ start, end }: Attributes['sliceBatch'], extent: number): boolean {
  return Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= extent;
}
