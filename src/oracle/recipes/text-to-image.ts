/**
 * From token ids to pictures. The taps: each text encoder's modules, `text_encoder.<module>`, and those of the text of
 * passes without the prompt, `text_encoder.negative.<module>`; `encoder_hidden_states`, what the UNet is told, and of
 * SDXL `text_embeds`, and the same after `negative.`, unless they are zeros; what a run shows; `vae.decoder_input`,
 * `vae.<module>`, `vae.sample`, and `image`, in [0, 1].
 */
import type { Condition } from '../../models/condition.ts';
import { clamp, mapElements } from '../../tensor/arithmetic.ts';
import { besideOneAnother } from '../../pipelines/prompts.ts';
import { lastOf } from '../../tensor/at.ts';
import { cast } from '../../tensor/rounding.ts';
import { extentOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { TextToImageSubject } from '../case.ts';
import { decode } from './autoencoder.ts';
import { buildConditionUNet, partOf } from './build.ts';
import { guidedRun } from './guided-run.ts';
import type { Means, Recipe } from './recipe.ts';
import { encodeTokens, type TracedText } from './text-encoder.ts';

/** The taps are those above. */
export function textToImageRecipe(subject: TextToImageSubject): Recipe {
  return (means) => {
    const { implementation, show } = means;
    const given = conditionOf(means, subject, '');
    const nothing = conditionOf(means, subject, 'negative.');
    // A guidance without an unconditional pass asks for no other text; a port that makes the mistake does.
    const unet = buildConditionUNet(subject.unet, partOf(means, 'unet'));
    const latents = guidedRun(means, subject, unet, { given, null: nothing });
    const sample = decode(partOf(means, 'vae'), subject.vae, latents);
    show('image', clamp(implementation.kernels.affine(sample, 0.5, 0.5), 0, 1));
  };
}

/** What the UNet is told of a prompt, or, under the prefix, of the text of passes without it. */
function conditionOf(means: Means, subject: TextToImageSubject, prefix: '' | 'negative.'): Condition {
  const { implementation, dtype } = means;
  const isNegative = prefix !== '';
  // Zeros are no result of a computation that could be off by a rounding.
  const show: Means['show'] = isNegative && subject.zeroNegative ? (_name, value) => value : means.show;
  const zeroed = isNegative && implementation.zeroNegative(subject.zeroNegative);
  const encoded = subject.textEncoders.map(({ config, inputIds, negativeInputIds }, i) => {
    const part = i === 0 ? 'text_encoder' : `text_encoder_${i + 1}`;
    return encodeTokens(partOf(means, part), config, isNegative ? negativeInputIds : inputIds, prefix);
  });
  const asked = (x: Tensor): Tensor => (zeroed ? mapElements(x, () => 0) : x);
  const hiddenOf = ({ last, penultimate }: TracedText): Tensor =>
    subject.hiddenState === 'last' ? last : penultimate();
  const text = show(`${prefix}encoder_hidden_states`, asked(besideOneAnother(encoded.map(hiddenOf))));
  const { embeds } = lastOf(encoded);
  if (!subject.sizes || !embeds) return { encoderHiddenStates: text };
  const ids = implementation.timeIds(subject.sizes);
  const rows = Array.from({ length: extentOf(text, 0) }, () => ids).flat();
  return {
    encoderHiddenStates: text,
    textEmbeds: show(`${prefix}text_embeds`, asked(embeds)),
    timeIds: cast(tensor('f64', [extentOf(text, 0), ids.length], Float64Array.from(rows)), dtype),
  };
}
