/** The options of pictures from words. */
import type { PictureSizes } from '../pipelines/prompts.ts';
import type { StableDiffusion } from '../pipelines/stable-diffusion.ts';
import { InputError } from '../tensor/errors.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

/** The options of words. */
export const wordOptions: OptionKinds = {
  prompt: 'texts',
  'negative-prompt': 'texts',
  'prompt-2': 'texts',
  'negative-prompt-2': 'texts',
  height: 'number',
  width: 'number',
  'clip-skip': 'number',
  'original-size': 'text',
  'crops-coords-top-left': 'text',
  'target-size': 'text',
  'vae-tiling': 'flag',
};

/** The part of a command's help that explains them. */
export const wordHelp = `\
  --prompt TEXT                   what to draw, with a pipeline of Stable Diffusion 1, 2 or XL; may be given several
                                  times: --count pictures of each (1), one prompt after the other
  --negative-prompt TEXT          what takes the place of no text in passes without the prompt: one for all prompts, or
                                  one for each
  --prompt-2 TEXT, --negative-prompt-2 TEXT
                                  what XL's second text encoder is given instead: one for all prompts, or one for each
  --height H, --width W           of the pictures, in pixels (the model's own size)
  --clip-skip N                   leaves out the last N layers of the text encoder for the prompts (0)
  --original-size H,W, --crops-coords-top-left TOP,LEFT, --target-size H,W
                                  what XL is told of the size (that of the picture), and of where it was cut (0,0)
  --vae-tiling                    large pictures go through the autoencoder in tiles, as with enable_tiling`;

/** @throws InputError for options of words without a prompt */
export function refuseWithoutPrompt(options: ParsedOptions): void {
  const idle = Object.keys(wordOptions).find((name) => options.has(name));
  if (idle !== undefined) throw new InputError(`--${idle} has no effect without --prompt`);
}

/** What is asked for in words. */
export interface Words {
  readonly prompts: readonly string[];
  /** One for all, one for each prompt, or none. */
  readonly negativePrompts: readonly string[];
  /** The same of XL's second text encoder, where it is given others. */
  readonly prompts2: readonly string[];
  readonly negativePrompts2: readonly string[];
  readonly clipSkip: number;
  readonly tiling: boolean;
}

/** @throws InputError for more or fewer negative or second prompts than fit */
export function chooseWords(options: ParsedOptions): Words {
  const prompts = options.texts('prompt');
  const asMany = (option: string, what: string): readonly string[] => {
    const texts = options.texts(option);
    if (texts.length > 1 && texts.length !== prompts.length)
      throw new InputError(
        `there are ${texts.length} ${what} for ${prompts.length} ` +
          `${prompts.length === 1 ? 'prompt' : 'prompts'}; give one for all, or one for each`,
      );
    return texts;
  };
  if (options.has('negative-prompt-2') && !options.has('negative-prompt'))
    throw new InputError("--negative-prompt-2 has no effect without --negative-prompt, which may be ''");
  return {
    prompts,
    negativePrompts: asMany('negative-prompt', 'negative prompts'),
    prompts2: asMany('prompt-2', 'second prompts'),
    negativePrompts2: asMany('negative-prompt-2', 'second negative prompts'),
    clipSkip: options.integer('clip-skip', 0) ?? 0,
    tiling: options.has('vae-tiling'),
  };
}

/**
 * The size of the pictures, height before width.
 * @param whole what is asked for, or the size of the picture that the run begins with, or the model's own
 * @param factor pixels of a latent
 * @throws InputError for a size that no latents have
 */
export function chooseSize(
  options: ParsedOptions,
  factor: number,
  whole: readonly [number, number] | undefined,
): readonly [number, number] | undefined {
  const sides = (['height', 'width'] as const).map((name, i) => {
    const side = options.integer(name, 1) ?? whole?.[i];
    if (side === undefined || side % factor === 0) return side;
    const found = options.has(name) ? `--${name} is ${side}` : `the ${name} of the picture is ${side}`;
    throw new InputError(`${found}; expected a multiple of ${factor}, the pixels of a latent`);
  });
  const [height, width] = sides;
  return height === undefined || width === undefined ? undefined : [height, width];
}

/**
 * What XL is told of sizes; undefined for a pipeline that is told none.
 * @param size of the pictures
 * @throws InputError for another pipeline, and for what is no pair of numbers
 */
export function chooseSizes(
  options: ParsedOptions,
  { texts }: Pick<StableDiffusion, 'texts'>,
  size: readonly [number, number],
): PictureSizes | undefined {
  const names = ['original-size', 'crops-coords-top-left', 'target-size'] as const;
  const idle = names.find((name) => options.has(name));
  if (texts.length === 1) {
    if (idle !== undefined) throw new InputError(`--${idle} has no effect; of these pipelines XL takes sizes`);
    return undefined;
  }
  return {
    originalSize: pairOf(options, 'original-size') ?? size,
    cropsCoordsTopLeft: pairOf(options, 'crops-coords-top-left') ?? [0, 0],
    targetSize: pairOf(options, 'target-size') ?? size,
  };
}

function pairOf(options: ParsedOptions, name: string): readonly [number, number] | undefined {
  const parts = options.list(name);
  if (!parts) return undefined;
  const [first = NaN, second = NaN] = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  if (parts.length === 2 && Number.isSafeInteger(first) && Number.isSafeInteger(second)) return [first, second];
  throw new InputError(`--${name} is "${options.text(name)}"; expected two whole numbers between commas, as 1024,1024`);
}
