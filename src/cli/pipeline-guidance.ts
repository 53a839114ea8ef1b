/** The guidance of a run from words, by the rules of diffusers' pipelines. */
import type { Guidance } from '../guidance/guidance.ts';
import { guidanceNames, parametersOf } from '../guidance/registry/index.ts';
import type { UNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { InputError } from '../tensor/errors.ts';
import { chooseGuidance, guidanceName } from './guidance-options.ts';
import { warn } from './messages.ts';
import type { ParsedOptions } from './options.ts';

/** A guidance, and the scale that the UNet is told, where it is. */
export interface PipelineGuidance {
  readonly guidance: Guidance;
  readonly guidanceScale?: number;
}

/**
 * The guidance that the options ask for. A UNet that is told the guidance scale (LCM) is not guided without the prompt:
 * the scale goes to it, and `cfg` means `none`, `cfg+pag` means `pag`. And nothing is rescaled without classifier-free
 * guidance.
 * @throws InputError as `chooseGuidance`, and for what such a UNet cannot be guided by
 */
export function choosePipelineGuidance(options: ParsedOptions, unet: UNetCondition): PipelineGuidance {
  const { attentionLayers: layers } = unet;
  if (unet.config.timeCondProjDim !== undefined) return distilled(options, unet);
  const name = guidanceName(options);
  const isFree =
    guidanceNames.includes(name) && parametersOf(name).some((parameter) => parameter.name === 'guidanceScale');
  const scale = options.text('guidance-scale');
  const rescales = isFree && (scale === undefined || scale.split(',').some((part) => Number(part) > 1));
  return { guidance: chooseGuidance(withoutIdleRescale(options, rescales), layers, knownOf(unet)) };
}

const knownOf = ({ crossAttentionLayers }: UNetCondition) => ({
  crossAttentionLayers,
  hasNullCondition: true,
  hasWeakModel: false,
});
/** What these names mean to a UNet that is told the scale. */
const withoutNull: Readonly<Record<string, string>> = { none: 'none', pag: 'pag', cfg: 'none', 'cfg+pag': 'pag' };

function distilled(options: ParsedOptions, unet: UNetCondition): PipelineGuidance {
  const asked = guidanceName(options);
  const name = Object.hasOwn(withoutNull, asked) ? withoutNull[asked] : undefined;
  if (name === undefined)
    throw new InputError(
      `--guidance is "${asked}", but the UNet is distilled: it is told the guidance scale (time_cond_proj_dim); ` +
        `expected ${Object.keys(withoutNull).join(', ')}`,
    );
  if (name !== asked) warn([`the UNet is told the guidance scale: ${asked} is ${name} with it`]);
  const rest = withoutIdleRescale(without(options, 'guidance-scale', { guidance: name }), false);
  const guidanceScale = options.number('guidance-scale');
  return {
    guidance: chooseGuidance(rest, unet.attentionLayers, knownOf(unet)),
    ...(guidanceScale !== undefined && { guidanceScale }),
  };
}

function withoutIdleRescale(options: ParsedOptions, rescales: boolean): ParsedOptions {
  if (rescales || !options.has('guidance-rescale')) return options;
  warn(["--guidance-rescale does nothing without classifier-free guidance, as in diffusers' pipelines"]);
  return without(options, 'guidance-rescale');
}

/** The options without one of them, and with others instead. */
function without(options: ParsedOptions, name: string, instead: Readonly<Record<string, string>> = {}): ParsedOptions {
  return {
    ...options,
    has: (one) => one !== name && options.has(one),
    text: (one) => (one === name ? undefined : (instead[one] ?? options.text(one))),
  };
}
