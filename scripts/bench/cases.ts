/** What is compared: UNets of three sizes, an attention layer, and single operations. */

/** A module, by what PyTorch and our kernels need to build it. */
export type Subject =
  /** A `UNet2DModel`, from a folder. */
  | { readonly kind: 'unet'; readonly folder: string }
  /** Self-attention with its projections, as diffusers' `Attention` has it; its weights are in a file. */
  | {
      readonly kind: 'attention';
      readonly weights: string;
      readonly tokens: number;
      readonly heads: number;
      readonly headSize: number;
    }
  /** A convolution by 3 × 3 of a square picture. */
  | {
      readonly kind: 'convolution';
      readonly weights: string;
      readonly channels: number;
      readonly outChannels: number;
      readonly size: number;
    }
  /** A square matrix times another one. */
  | { readonly kind: 'linear'; readonly weights: string; readonly size: number };

/** A subject, and how it is run. */
export interface Case {
  /** Of the subject; `--only` asks for it. */
  readonly name: string;
  readonly title: string;
  readonly subject: Subject;
  /** How many samples a pass has. */
  readonly batch: number;
  /** Passes of each process that do not count: engines compile twice (onnxruntime-web's 36 M in its sixth pass). */
  readonly warm: number;
  /** Passes of each process that count, an odd number: their median is that of the turn. */
  readonly passes: number;
  /** How long a process takes on a quiet machine, in seconds, of all who take turns on average. */
  readonly seconds: number;
  /** Whether it is run without being asked for by name. */
  readonly usual: boolean;
  /** Whether our kernels are measured on two threads, too. */
  readonly twoThreads: boolean;
}

/** Where everything is that is made for the bench; git ignores it. */
export const made = 'scripts/bench/models';

type Passes = Pick<Case, 'warm' | 'passes' | 'seconds'>;

function unet(name: string, title: string, folder: string, batch: number, twoThreads: boolean, passes: Passes): Case {
  const samples = batch === 1 ? 'one sample' : `${batch} samples`;
  return {
    ...{ name, title: `${title}, ${samples}`, subject: { kind: 'unet', folder }, batch },
    ...{ usual: true, twoThreads, ...passes },
  };
}

function operation(name: string, title: string, subject: Subject, passes: Passes, usual = false): Case {
  return { name, title, subject, batch: 1, usual, twoThreads: false, ...passes };
}

function convolution(channels: number, size: number, passes: Passes): Case {
  const name = `conv-${channels}-${size}`;
  const subject: Subject = {
    ...{ kind: 'convolution', weights: `${made}/${name}.weights.safetensors` },
    ...{ channels, outChannels: channels, size },
  };
  return operation(name, `conv 3×3 ${channels}→${channels} @${size}²`, subject, passes);
}

const letters = ['letters', 'letters', 'fixtures/letters/model/unet'] as const;
const cifar10 = ['cifar10', "cifar10's config, 36 M", `${made}/cifar10`] as const;
const adm64 = ['adm64', "ADM's size at 64², 296 M", `${made}/adm64`] as const;
const attention: Subject = {
  ...{ kind: 'attention', weights: `${made}/attention.weights.safetensors` },
  ...{ tokens: 4096, heads: 5, headSize: 64 },
};
const linear: Subject = { kind: 'linear', weights: `${made}/matmul.weights.safetensors`, size: 512 };

/** In the order in which they are run. */
export const cases: readonly Case[] = [
  unet(...letters, 1, true, { warm: 60, passes: 31, seconds: 2.5 }),
  unet(...letters, 8, true, { warm: 8, passes: 5, seconds: 2.5 }),
  unet(...cifar10, 1, true, { warm: 10, passes: 5, seconds: 4.5 }),
  unet(...cifar10, 8, false, { warm: 1, passes: 3, seconds: 6.5 }),
  unet(...adm64, 1, false, { warm: 1, passes: 3, seconds: 15 }),
  operation('attention', 'attention, 4,096 tokens, 5 × 64', attention, { warm: 3, passes: 3, seconds: 4 }, true),
  convolution(64, 32, { warm: 300, passes: 201, seconds: 3 }),
  convolution(128, 16, { warm: 300, passes: 201, seconds: 3 }),
  convolution(320, 64, { warm: 6, passes: 5, seconds: 3 }),
  operation('matmul', 'matrix product 512³', linear, { warm: 60, passes: 41, seconds: 3 }),
];

/** What tells a case from all others, as a name of files. */
export function keyOf({ name, batch }: Pick<Case, 'name' | 'batch'>): string {
  return `${name}-${batch}`;
}
