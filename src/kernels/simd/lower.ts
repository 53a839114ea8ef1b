/**
 * From a graph to steps: which kernel runs on which memory. Here it is decided
 * - how each tensor lies in memory (tokens as planes, so that a linear layer on them is a convolution),
 * - which operations are done on the way by the step before them (bias, residual, division, SiLU, borders of zeros),
 * - what is never copied because it is written or read in place (concatenation, slices, tokens ↔ picture).
 * None of it changes a rounding.
 */
import { sizeOf } from '../../tensor/tensor.ts';
import type { Padding } from '../kernels.ts';
import { phases, phaseWeight } from '../plain/upsample-conv2d.ts';
import type { Func } from './assembler.ts';
import { areaScratch, type InputLayout } from './area.ts';
import {
  applyMapKernel,
  attentionKernel,
  attentionMapKernel,
  attentionScratch,
  packKeysKernel,
  type AttentionSpec,
} from './attention.ts';
import {
  constantTensor,
  hasBorder,
  isCrowded,
  isPointwise,
  NO_PADDING,
  packs,
  pictureOf,
  planesOf,
  weightOf,
  planeSize,
  UPSAMPLE_PADDING,
  wantedBorder,
} from './borders.ts';
import { convKernel } from './conv.ts';
import { mapKernel, type MapOperation } from './elementwise.ts';
import { hasOperand, type EpilogueOp } from './epilogue.ts';
import type { Library } from './library.ts';
import { keyOf } from '../key.ts';
import { linearKernel, packPanels } from './linear.ts';
import type { WeightStore } from './memory.ts';
import { groupNormKernel } from './norm.ts';
import { placement } from './placement.ts';
import { borderedPlanes, densePlanes, type PlaneLayout } from './planes.ts';
import { averagePoolKernel, borderKernel, transposeKernel, upsampleKernel } from './resample.ts';
import { layerNormKernel, softmaxKernel, type RowsSpec } from './rows.ts';
import { batchOf, sampleBytes, type Layout, type Lowered, type Place, type Step } from './steps.ts';
import { constantOf, type Graph, type Node, type Value } from '../graph.ts';
import type { OperationOf } from '../operations/index.ts';

type Convolution = OperationOf<'conv2d'>;
type GroupNorm = OperationOf<'groupNorm'>;

export function lower(
  graph: Graph,
  { threads, panel }: Pick<Library, 'threads' | 'panel'>,
  store: WeightStore,
): Lowered {
  const steps: Step[] = [];
  const { buffers, weights, use, newPlace, placeFor, packed, storedOf, isStored, finish } = placement(
    graph,
    store,
    () => steps.length,
  );
  const converted = new Map<string, Place>();
  const bordered = new Map<string, { place: Place; layout: PlaneLayout }>();
  const done = new Set<Node>();
  const users = consumersOf(graph);
  const outputs = new Set(graph.outputs.values());

  // Steps -----------------------------------------------------------------------------------------------------------

  const emit = (name: string, operands: readonly Place[], make: (lib: Library) => Func, products = 0): void => {
    operands.forEach(use);
    steps.push({ kind: 'kernel', name, products, make, operands });
  };
  const stride = (place: Place, batch: number): number => (batch === 1 ? 0 : place.batchStride);

  /** The value in the given layout; transposed if it lies otherwise. */
  const inLayout = (value: Value, layout: Layout): Place => {
    const found = storedOf(value);
    if (found.layout === layout) return found.place;
    const key = keyOf([value.id, layout]);
    const known = converted.get(key);
    if (known) return known;
    const [batch, tokens, channels] = value.shape as [number, number, number];
    const place = newPlace(4 * sizeOf(value.shape), sampleBytes(value.shape));
    const [rows, columns] = layout === 'planar' ? [tokens, channels] : [channels, tokens];
    emit('transpose', [found.place, place], (lib) =>
      transposeKernel(lib, {
        batch,
        rows,
        columns,
        inBatchStride: stride(found.place, batch),
        outBatchStride: stride(place, batch),
      }),
    );
    converted.set(key, place);
    return place;
  };
  const dense = (value: Value): Place => inLayout(value, 'dense');
  /** A picture, or tokens, as planes without gaps. */
  const asPlanes = (value: Value): Place => inLayout(value, value.shape.length === 3 ? 'planar' : 'dense');

  const copy = (shape: readonly number[], from: Place, to: Place): void => {
    const batch = batchOf(shape);
    emit('copy', [from, to], (lib) =>
      mapKernel(lib, {
        operation: { kind: 'copy' },
        batch,
        planes: 1,
        size: sampleBytes(shape) / 4,
        aStride: stride(from, batch),
        outStride: stride(to, batch),
      }),
    );
  };
  /** The value, dense and with its samples one after another. */
  const contiguous = (value: Value): Place => {
    const place = dense(value);
    if (batchOf(value.shape) === 1 || place.batchStride === sampleBytes(value.shape)) return place;
    const key = keyOf([value.id, 'contiguous']);
    const known = converted.get(key);
    if (known) return known;
    const made = newPlace(4 * sizeOf(value.shape), sampleBytes(value.shape));
    copy(value.shape, place, made);
    converted.set(key, made);
    return made;
  };

  // Products and what follows them ----------------------------------------------------------------------------------

  /** The element-wise operations after `node` that its step can do before it stores; the value that it then stores. */
  const following = (
    node: Node,
    layout: Layout,
  ): { ops: EpilogueOp[]; operands: Place[]; final: Value; layout: Layout } => {
    const result = {
      ops: [] as EpilogueOp[],
      operands: [] as Place[],
      final: node.output,
      layout,
    };
    for (;;) {
      const value = result.final;
      const next = users.get(value) ?? [];
      if (outputs.has(value) || next.length !== 1) return result;
      const user = next[0]!;
      const { operation } = user;
      if (operation.kind === 'fromTokens' && result.layout === 'planar') {
        result.layout = 'dense';
      } else if (operation.kind === 'divide') {
        result.ops.push({ kind: 'divide', divisor: operation.divisor });
      } else if (operation.kind === 'add' && user.output.shape.length === value.shape.length) {
        const other = user.inputs[0] === value ? user.inputs[1]! : user.inputs[0]!;
        const spread = other.shape.length === 2 && value.shape.length === 4;
        const ready = spread ? readyEarly(other) : other.source.kind === 'constant' || isStored(other);
        // The outputs of a phase are not neighbours, which a vector of another picture is.
        if (node.operation.kind === 'upsampleConv2d' && !spread) return result;
        if (other === value || !ready || (!spread && other.shape.length !== value.shape.length)) return result;
        const { place, layout: otherLayout } = storedOf(other);
        if (otherLayout !== (spread ? 'dense' : result.layout)) return result;
        const batchStride = stride(place, batchOf(value.shape));
        // A linear layer on rows sees the whole tensor as one sample, and its channels last.
        const gaps = batchOf(value.shape) > 1 && place.batchStride !== sampleBytes(value.shape);
        if (node.operation.kind === 'linear' && layout === 'dense' && (spread || gaps)) return result;
        result.ops.push({ kind: spread ? 'spread' : 'residual', batchStride });
        result.operands.push(place);
      } else return result;
      done.add(user);
      result.final = user.output;
    }
  };

  /**
   * Computes a value of rows before its turn, where that needs no picture still to come; says whether it is there. So
   * the embedding of time, which is next to no work, does not come too late to be added before a convolution stores its
   * sums.
   */
  const readyEarly = (value: Value): boolean => {
    if (value.source.kind === 'constant' || isStored(value)) return true;
    if (value.source.kind !== 'node' || value.shape.length > 2) return false;
    const { node } = value.source;
    if (!node.inputs.every(readyEarly)) return false;
    lowerNode(node);
    done.add(node);
    return true;
  };

  /** A product whose weight packs. Returns false where the weight is no constant: then the plain loops do it. */
  const conv2d = (node: Node, { stride: strideBy, padding }: Convolution): boolean => {
    if (!packs(node)) return false;
    const [x, weight] = node.inputs as [Value, Value];
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    const [outChannels, , kernelHeight, kernelWidth] = weight.shape as [number, number, number, number];
    const [outHeight, outWidth] = node.output.shape.slice(2) as [number, number];
    const { place, layout, ...out } = isPointwise(node)
      ? pointwiseInput(x)
      : hasBorder(padding)
        ? { ...borderedInput(x, padding), outHeight, outWidth }
        : {
            place: dense(x),
            layout: densePlanes(height, width, 0),
            outHeight,
            outWidth,
          };
    const terms = channels * kernelHeight * kernelWidth;
    product(
      node,
      'dense',
      {
        batch,
        channels,
        outChannels,
        ...out,
        kernelHeight,
        kernelWidth,
        stride: strideBy,
        phases: 1,
        input: layout,
      },
      place,
      packedPanels(weight, terms),
    );
    return true;
  };

  const upsampleConv2d = (node: Node): boolean => {
    if (!packs(node)) return false;
    const [x, weightValue] = node.inputs as [Value, Value];
    const weight = constantTensor(weightValue)!;
    const [batch, channels, outHeight, outWidth] = x.shape as [number, number, number, number];
    const outChannels = weight.shape[0]!;
    const { place, layout } = borderedInput(x, UPSAMPLE_PADDING);
    const panels = packed(weight, keyOf(['phases', outChannels, channels]), () =>
      joined(phases.map((phase) => packPanels(panel, phaseWeight(weight, phase).data, outChannels, 4 * channels))),
    );
    product(
      node,
      'dense',
      {
        batch,
        channels,
        outChannels,
        outHeight,
        outWidth,
        kernelHeight: 2,
        kernelWidth: 2,
        stride: 1,
        phases: 2,
        input: layout,
      },
      place,
      panels,
    );
    return true;
  };

  /** The weights of a product in panels: of each output `terms` numbers. */
  const packedPanels = (value: Value, terms: number): Place => {
    const { tensor, first } = weightOf(value)!;
    const [outChannels, channels] = value.shape as [number, number];
    const from = (first * terms) / channels;
    return packed(tensor, keyOf(['panels', outChannels, terms, from]), () =>
      packPanels(panel, tensor.data, outChannels, terms, from),
    );
  };

  const product = (
    node: Node,
    layout: Layout,
    spec: Omit<Parameters<typeof convKernel>[1], 'outBatchStride' | 'epilogue'>,
    input: Place,
    panels: Place,
  ): void => {
    const chain = following(node, layout);
    const bias = node.inputs[2] && constantTensor(node.inputs[2]);
    const epilogue: EpilogueOp[] = [...(bias ? [{ kind: 'bias' } as const] : []), ...chain.ops];
    const k = spec.channels * spec.kernelHeight * spec.kernelWidth;
    const out = placeFor(chain.final);
    const operands = [
      input,
      panels,
      out,
      newPlace(threads * areaScratch(panel), 0),
      ...(bias ? [packed(bias, 'plain', () => bias.data)] : []),
      ...chain.operands,
    ];
    const strides = {
      input: { ...spec.input, batchStride: stride(input, spec.batch) },
      outBatchStride: stride(out, spec.batch),
    };
    const [height, width] = [spec.phases * spec.outHeight, spec.phases * spec.outWidth];
    emit(
      `conv ${spec.kernelHeight}×${spec.kernelWidth}${spec.stride > 1 ? `/${spec.stride}` : ''} ${spec.channels}→${spec.outChannels} @${height}×${width}`,
      operands,
      (lib) => convKernel(lib, { ...spec, ...strides, epilogue }),
      spec.batch * spec.outChannels * k * height * width,
    );
    finish(chain.final, chain.layout, out);
  };

  const linear = (node: Node): boolean => {
    const [x, weight, biasValue] = node.inputs as [Value, Value, Value | undefined];
    if (!packs(node)) return false;
    const bias = biasValue && constantTensor(biasValue);
    const [outChannels, channels] = weight.shape as [number, number];
    if (
      x.shape.length === 3 &&
      (bordered.has(borderKey(pictureOf(x), NO_PADDING)) || storedOf(x).layout === 'planar')
    ) {
      const batch = batchOf(x.shape);
      const { place, layout, ...out } = pointwiseInput(x);
      product(
        node,
        'planar',
        {
          batch,
          channels,
          outChannels,
          ...out,
          kernelHeight: 1,
          kernelWidth: 1,
          stride: 1,
          phases: 1,
          input: layout,
        },
        place,
        packedPanels(weight, channels),
      );
      return true;
    }
    const input = contiguous(x);
    const chain = following(node, 'dense');
    const placed = placeFor(chain.final);
    const apart = batchOf(x.shape) > 1 && placed.batchStride !== sampleBytes(chain.final.shape);
    const out = apart ? newPlace(4 * sizeOf(chain.final.shape), sampleBytes(chain.final.shape)) : placed;
    const epilogue: EpilogueOp[] = [...(bias ? [{ kind: 'bias' } as const] : []), ...chain.ops];
    const rows = sizeOf(x.shape) / channels;
    emit(
      `linear ${rows}×${channels}→${outChannels}`,
      [
        input,
        packedPanels(weight, channels),
        out,
        ...(bias ? [packed(bias, 'plain', () => bias.data)] : []),
        ...chain.operands,
      ],
      (lib) =>
        linearKernel(lib, {
          rows,
          channels,
          outChannels,
          epilogue: epilogue.map((op) => (hasOperand(op) && 'batchStride' in op ? { ...op, batchStride: 0 } : op)),
        }),
      rows * channels * outChannels,
    );
    finish(chain.final, 'dense', out);
    return true;
  };

  // Pictures with borders, or with their planes apart ---------------------------------------------------------------

  const borderKey = (value: Value, { top, bottom, left, right }: Padding): string =>
    keyOf([value.id, top, bottom, left, right]);

  const wanted = (value: Value): Padding | undefined =>
    wantedBorder(
      value,
      (used) => users.get(used) ?? [],
      (used) => outputs.has(used),
    );
  const newBordered = (value: Value, { top, bottom, left, right }: Padding): { place: Place; layout: PlaneLayout } => {
    const { batch, channels, height, width } = planesOf(value.shape);
    const layout = borderedPlanes(channels, height, width, {
      top,
      bottom,
      left,
      right,
    });
    const made = {
      place: newPlace(batch * layout.batchStride, layout.batchStride),
      layout,
    };
    bordered.set(borderKey(value, { top, bottom, left, right }), made);
    return made;
  };
  const borderedInput = (value: Value, padding: Padding): { place: Place; layout: PlaneLayout } => {
    const known = bordered.get(borderKey(value, padding));
    if (known) return known;
    const source = asPlanes(value);
    const made = newBordered(value, padding);
    const planes = planesOf(value.shape);
    emit(hasBorder(padding) ? 'border' : 'apart', [source, made.place], (lib) =>
      borderKernel(lib, {
        ...planes,
        inBatchStride: stride(source, planes.batch),
        out: made.layout,
      }),
    );
    return made;
  };
  /** The input of a pointwise product, as rows that suit the tiles. */
  const pointwiseInput = (
    value: Value,
  ): {
    place: Place;
    layout: InputLayout;
    outHeight: number;
    outWidth: number;
  } => {
    const { height, width } = planesOf(value.shape);
    const [outHeight, outWidth] = flatRows(height * width);
    const flat = densePlanes(outHeight, outWidth, 0);
    if (!isCrowded(value)) return { place: asPlanes(value), layout: flat, outHeight, outWidth };
    const { place, layout } = borderedInput(pictureOf(value), NO_PADDING);
    return {
      place,
      layout: { ...flat, planeStride: layout.planeStride },
      outHeight,
      outWidth,
    };
  };
  /** Where a kernel that can write borders puts `value`. */
  const target = (value: Value, height: number, width: number): { place: Place; layout: PlaneLayout } => {
    const border = value.shape.length === 4 ? wanted(value) : undefined;
    if (border) return newBordered(value, border);
    const place = placeFor(value);
    finish(value, 'dense', place);
    return {
      place,
      layout: densePlanes(height, width, stride(place, batchOf(value.shape))),
    };
  };

  // The other operations --------------------------------------------------------------------------------------------

  const host = (node: Node): void => {
    const inputs = node.inputs.map((value) => ({
      shape: value.shape,
      place: contiguous(value),
    }));
    const out = newPlace(4 * sizeOf(node.output.shape), sampleBytes(node.output.shape));
    inputs.forEach(({ place }) => use(place));
    use(out);
    steps.push({
      kind: 'host',
      name: `plain ${node.operation.kind}`,
      products: 0,
      operation: node.operation,
      inputs,
      output: { shape: node.output.shape, place: out },
    });
    finish(node.output, 'dense', out);
  };

  const map = (node: Node, operation: MapOperation): void => {
    const [a, b] = node.inputs as [Value, Value | undefined];
    const { layout, place } = storedOf(a);
    const spread = b !== undefined && b.shape.length !== a.shape.length;
    // A spread operand of tokens would run along the wrong dimension of planes.
    const chosen = spread ? 'dense' : layout;
    const from = chosen === layout ? place : inLayout(a, chosen);
    const other = b && inLayout(b, spread ? 'dense' : chosen);
    const out = placeFor(node.output);
    const batch = batchOf(a.shape);
    const planes = spread ? a.shape[1]! : 1;
    emit(operation.kind, other ? [from, other, out] : [from, out], (lib) =>
      mapKernel(lib, {
        operation,
        batch,
        planes,
        size: sampleBytes(a.shape) / 4 / planes,
        aStride: stride(from, batch),
        outStride: stride(out, batch),
        ...(other ? { b: { stride: stride(other, batch), spread } } : {}),
      }),
    );
    finish(node.output, chosen, out);
  };

  const groupNorm = (node: Node, { groups, eps }: GroupNorm): boolean => {
    const [x, weight, bias] = node.inputs as [Value, Value, Value];
    const next = users.get(node.output) ?? [];
    const user = next[0];
    const silu =
      next.length === 1 &&
      !outputs.has(node.output) &&
      user!.operation.kind === 'activation' &&
      user!.operation.activation === 'silu';
    if (silu) done.add(user!);
    const final = silu ? user!.output : node.output;
    const [batch, channels] = x.shape as [number, number];
    const { height, width } = planeSize(x.shape);
    const input = dense(x);
    const out = target(final, height, width);
    const [scale, shift] = [weight, bias].map(contiguous) as [Place, Place];
    emit(`groupNorm${silu ? '+silu' : ''} ${channels}@${height}×${width}`, [input, scale, shift, out.place], (lib) =>
      groupNormKernel(lib, {
        batch,
        channels,
        groups,
        height,
        width,
        eps,
        silu,
        inBatchStride: stride(input, batch),
        out: out.layout,
      }),
    );
    return true;
  };

  const attentionSpec = (
    batch: number,
    heads: number,
    queries: number,
    keys: number,
    channels: number,
    scale: number,
    places: {
      readonly q: Place;
      readonly k?: Place;
      readonly v?: Place;
      readonly out: Place;
    },
    outPlane = 4 * queries,
  ): AttentionSpec => {
    const strideOf = (place: Place | undefined): number => (place ? stride(place, batch) : 0);
    return {
      batch,
      heads,
      queries,
      keys,
      size: channels / heads,
      scale,
      qStride: strideOf(places.q),
      kStride: strideOf(places.k),
      vStride: strideOf(places.v),
      outStride: strideOf(places.out),
      outPlane,
    };
  };
  const mapProducts = ({ batch, heads, queries, keys, size }: AttentionSpec): number =>
    batch * heads * queries * keys * size;
  const packKeys = (k: Place, spec: AttentionSpec): Place => {
    const bytes = 4 * spec.batch * spec.heads * spec.keys * spec.size;
    const place = newPlace(bytes, bytes / spec.batch);
    emit('packKeys', [k, place], (lib) => packKeysKernel(lib, spec));
    return place;
  };
  const scratchFor = (spec: AttentionSpec): Place => newPlace(threads * attentionScratch(panel, spec), 0);

  const attention = (node: Node, heads: number, scale: number): boolean => {
    const [q, k, v] = (node.inputs as [Value, Value, Value]).map((value) => inLayout(value, 'planar')) as [
      Place,
      Place,
      Place,
    ];
    const [batch, queries, channels] = node.output.shape as [number, number, number];
    const apart = wanted(node.output) && newBordered(node.output, NO_PADDING);
    const out = apart?.place ?? placeFor(node.output);
    const spec = attentionSpec(
      batch,
      heads,
      queries,
      node.inputs[1]!.shape[1]!,
      channels,
      scale,
      { q, k, v, out },
      apart?.layout.planeStride,
    );
    emit(
      `attention ${heads}×${queries}×${spec.size}`,
      [q, packKeys(k, spec), v, out, scratchFor(spec)],
      (lib) => attentionKernel(lib, spec),
      2 * mapProducts(spec),
    );
    if (!apart) finish(node.output, 'planar', out);
    return true;
  };

  const attentionMap = (node: Node, heads: number, scale: number): boolean => {
    const [q, k] = (node.inputs as [Value, Value]).map((value) => inLayout(value, 'planar')) as [Place, Place];
    const [batch, , queries, keys] = node.output.shape as [number, number, number, number];
    const out = placeFor(node.output);
    const spec = attentionSpec(batch, heads, queries, keys, node.inputs[0]!.shape[2]!, scale, { q, k, out });
    emit(
      `attentionMap ${heads}×${queries}×${spec.size}`,
      [q, packKeys(k, spec), out, scratchFor(spec)],
      (lib) => attentionMapKernel(lib, spec),
      mapProducts(spec),
    );
    finish(node.output, 'dense', out);
    return true;
  };

  const applyAttentionMap = (node: Node): boolean => {
    const [map, v] = node.inputs as [Value, Value];
    const [batch, heads, queries, keys] = map.shape as [number, number, number, number];
    const places = {
      q: dense(map),
      v: inLayout(v, 'planar'),
      out: placeFor(node.output),
    };
    const spec = attentionSpec(batch, heads, queries, keys, v.shape[2]!, 1, places);
    emit(
      `applyAttentionMap ${heads}×${queries}×${spec.size}`,
      [places.q, places.v, places.out, scratchFor(spec)],
      (lib) => applyMapKernel(lib, spec),
      mapProducts(spec),
    );
    finish(node.output, 'planar', places.out);
    return true;
  };

  /** Softmax or layer norm: the numbers of the last dimension, row by row. */
  const onRows = (node: Node, make: (lib: Library, spec: RowsSpec) => Func): boolean => {
    const size = node.output.shape.at(-1) ?? 1;
    const spec = { rows: sizeOf(node.output.shape) / size, size };
    const operands = node.inputs.map(contiguous);
    const out = newPlace(4 * sizeOf(node.output.shape), sampleBytes(node.output.shape));
    emit(`${node.operation.kind} ${spec.rows}×${size}`, [...operands, out], (lib) => make(lib, spec));
    finish(node.output, 'dense', out);
    return true;
  };

  const resample = (node: Node): void => {
    const [x] = node.inputs as [Value];
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    const input = dense(x);
    const up = node.operation.kind === 'upsampleNearest2x';
    const [outHeight, outWidth] = node.output.shape.slice(2) as [number, number];
    const place = up ? undefined : placeFor(node.output);
    const out = place
      ? {
          place,
          layout: densePlanes(outHeight, outWidth, stride(place, batch)),
        }
      : target(node.output, outHeight, outWidth);
    if (place) finish(node.output, 'dense', place);
    const spec = {
      batch,
      channels,
      height,
      width,
      inBatchStride: stride(input, batch),
      out: out.layout,
    };
    emit(node.operation.kind, [input, out.place], (lib) =>
      up ? upsampleKernel(lib, spec) : averagePoolKernel(lib, spec),
    );
  };

  const concat = (node: Node, alongBatch: boolean): void => {
    const whole = placeFor(node.output);
    const planar =
      alongBatch && node.output.shape.length === 3 && node.inputs.every((part) => storedOf(part).layout === 'planar');
    let offset = whole.offset;
    for (const part of node.inputs) {
      const to = { ...whole, offset };
      const from = inLayout(part, planar ? 'planar' : 'dense');
      const there =
        from.buffer === to.buffer &&
        from.offset === to.offset &&
        (batchOf(part.shape) === 1 || from.batchStride === to.batchStride);
      if (!there) copy(part.shape, from, to);
      offset += alongBatch ? batchOf(part.shape) * whole.batchStride : sampleBytes(part.shape);
    }
    finish(node.output, planar ? 'planar' : 'dense', whole);
  };

  const lowerNode = (node: Node): void => {
    const { operation } = node;
    const [x] = node.inputs as [Value];
    const lowered = (() => {
      switch (operation.kind) {
        case 'conv2d':
          return conv2d(node, operation);
        case 'upsampleConv2d':
          return upsampleConv2d(node);
        case 'linear':
          return linear(node);
        case 'groupNorm':
          return groupNorm(node, operation);
        case 'attention':
          return attention(node, operation.heads, operation.scale);
        case 'attentionMap':
          return attentionMap(node, operation.heads, operation.scale);
        case 'applyAttentionMap':
          return applyAttentionMap(node);
        case 'softmax':
          return onRows(node, softmaxKernel);
        case 'layerNorm':
          return onRows(node, (lib, spec) => layerNormKernel(lib, { ...spec, eps: operation.eps }));
        case 'activation':
          return (map(node, { kind: operation.activation }), true);
        case 'add':
        case 'subtract':
        case 'multiply':
          return (map(node, { kind: operation.kind }), true);
        case 'affine':
          return (map(node, operation), true);
        case 'divide':
          return (map(node, operation), true);
        case 'upsampleNearest2x':
        case 'averagePool2x':
          return (resample(node), true);
        case 'concatChannels':
          return (concat(node, false), true);
        case 'concatBatch':
          return (concat(node, true), true);
        // A picture that is there only with its planes apart has no users but pointwise products, which find it.
        case 'toTokens':
          return (isStored(x) ? finish(node.output, 'planar', dense(x)) : undefined, true);
        case 'fromTokens':
          return (finish(node.output, 'dense', inLayout(x, 'planar')), true);
        case 'sliceChannels': {
          const place = dense(x);
          return (
            finish(node.output, 'dense', {
              ...place,
              offset: place.offset + 4 * operation.start * sizeOf(x.shape.slice(2)),
            }),
            true
          );
        }
        case 'sliceBatch': {
          const { layout, place } = storedOf(x);
          return (
            finish(node.output, layout, {
              ...place,
              offset: place.offset + operation.start * place.batchStride,
            }),
            true
          );
        }
      }
    })();
    if (!lowered) host(node);
  };

  const inputs = [...graph.inputs].map(([name, value]) => {
    const place = placeFor(value);
    finish(value, 'dense', place);
    return { name, shape: value.shape, layout: 'dense' as const, place };
  });
  // Parts of constants are found where they are needed.
  for (const node of graph.nodes) if (!done.has(node) && !constantOf(node.output)) lowerNode(node);
  const results = [...graph.outputs].map(([name, value]) => {
    const { layout, place } = storedOf(value);
    use(place);
    return { name, shape: value.shape, layout, place };
  });
  return { steps, buffers, inputs, outputs: results, weights };
}

function consumersOf(graph: Graph): Map<Value, Node[]> {
  const users = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) users.set(input, [...(users.get(input) ?? []), node]);
  }
  return users;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** N pixels without rows of their own, as rows of a length that suits the tiles. */
function flatRows(pixels: number): [number, number] {
  for (let length = Math.min(64, pixels); length >= 8; length--) {
    if (length % 4 === 0 && pixels % length === 0) return [pixels / length, length];
  }
  return [1, pixels];
}
