/** The options of the command line that choose and set a guidance. */
import { InputError } from '../tensor/errors.ts';
import { cfg } from '../guidance/cfg.ts';
import type { Guidance } from '../guidance/guidance.ts';
import { none } from '../guidance/none.ts';
import { cfgPag, pag, type PagOptions } from '../guidance/pag.ts';
import { rescaled } from '../guidance/rescale.ts';
import { selectLayers } from '../unet/selectors.ts';
import type { UNet } from '../unet/unet.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

const names = ['none', 'cfg', 'pag', 'cfg+pag'] as const;

export const guidanceOptions: OptionKinds = {
  guidance: 'text', 'guidance-scale': 'text', 'null-label': 'text', 'guidance-rescale': 'text',
  'pag-scale': 'text', 'pag-adaptive-scale': 'text', 'pag-layers': 'text',
};

export const guidanceHelp = `  --guidance none|cfg|pag|cfg+pag how to guide (none)
  --guidance-scale G              of cfg: 1 is unguided (7.5)
  --null-label L                  of cfg: the class label that means "no class"
  --pag-scale S                   of pag: 0 is unguided (3)
  --pag-adaptive-scale A          of pag: the scale falls with time, S - A(1000 - t), not below 0 (0)
  --pag-layers SEL[,SEL...]       of pag: which self-attention layers are perturbed (mid); mid_block, down_blocks.1,
                                  up_blocks.0.attentions.1, their short forms mid, down.block_1, or re:EXPRESSION
  --guidance-rescale PHI          0 to 1: how far the guided prediction takes the deviation of the unguided one (0)`;

/** @throws InputError for values out of range, and for options that the chosen guidance does not have */
export function chooseGuidance(options: ParsedOptions, unet: UNet): Guidance {
  const name = options.choice('guidance', names) ?? 'none';
  const usesCfg = name.includes('cfg');
  const usesPag = name.includes('pag');
  for (const [option, used] of [['guidance-scale', usesCfg], ['pag-scale', usesPag], ['pag-adaptive-scale', usesPag], ['pag-layers', usesPag], ['guidance-rescale', name !== 'none']] as const) {
    if (options.has(option) && !used) throw new InputError(`--${option} has no effect with --guidance ${name}`);
  }
  if (usesCfg && unet.config.classEmbedding === 'none') throw new InputError(`--guidance ${name} needs a class-conditional model, and this one is unconditional; use --guidance pag`);
  if (usesCfg && !options.has('null-label')) throw new InputError(`--guidance ${name} needs --null-label, the class label that means "no class"`);

  const guidanceScale = options.number('guidance-scale') ?? 7.5;
  const pagOptions = (): PagOptions => ({
    pagScale: options.number('pag-scale') ?? 3,
    pagAdaptiveScale: options.number('pag-adaptive-scale', 0) ?? 0,
    layers: selectLayers(options.list('pag-layers') ?? ['mid'], unet.attentionLayers),
  });
  const phi = options.number('guidance-rescale', 0) ?? 0;
  if (phi > 1) throw new InputError(`--guidance-rescale is ${phi}; expected 0 to 1`);
  const guidance = {
    none: () => none,
    cfg: () => cfg(guidanceScale),
    pag: () => pag(pagOptions()),
    'cfg+pag': () => cfgPag(guidanceScale, pagOptions()),
  }[name]();
  return rescaled(guidance, phi);
}
