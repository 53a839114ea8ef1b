/**
 * Which parameters a layer has: names, shapes, and what kind of module holds them. Each layer lists its own, beside the
 * function that computes it; a model's parameters are those of its stages. The order is that in which PyTorch
 * constructs the modules, which matters to those who want its initial weights for a seed.
 */

/** A weight or a bias of a model. */
export interface Parameter {
  /** The module's path and `weight` or `bias`, as PyTorch names it. */
  readonly name: string;
  /** As PyTorch has it: [O,C,kh,kw] of a convolution, [O,C] of a linear layer, [O] or [C] of a bias or a norm. */
  readonly shape: readonly number[];
  /** The module that holds it: it decides how PyTorch initialises it. */
  readonly module: 'convolution' | 'linear' | 'norm' | 'embedding' | 'position' | 'fourier';
}

/** torch.nn.Conv2d with a square kernel: weight [to,from,kernel,kernel], bias [to]. */
export function convolutionParameters(path: string, from: number, to: number, kernel: number): readonly Parameter[] {
  return [
    { name: `${path}.weight`, shape: [to, from, kernel, kernel], module: 'convolution' },
    { name: `${path}.bias`, shape: [to], module: 'convolution' },
  ];
}

/** torch.nn.Linear: weight [to,from], and, unless there is none, bias [to]. */
export function linearParameters(path: string, from: number, to: number, hasBias = true): readonly Parameter[] {
  return [
    { name: `${path}.weight`, shape: [to, from], module: 'linear' },
    ...(hasBias ? [{ name: `${path}.bias`, shape: [to], module: 'linear' } satisfies Parameter] : []),
  ];
}

/** torch.nn.GroupNorm or LayerNorm: weight and bias [channels]. */
export function normParameters(path: string, channels: number): readonly Parameter[] {
  return [
    { name: `${path}.weight`, shape: [channels], module: 'norm' },
    { name: `${path}.bias`, shape: [channels], module: 'norm' },
  ];
}

/** torch.nn.Embedding: weight [rows,size]. */
export function embeddingParameters(path: string, rows: number, size: number): readonly Parameter[] {
  return [{ name: `${path}.weight`, shape: [rows, size], module: 'embedding' }];
}
