/**
 * Runs of small models. Together they have every key of the DDIM and DDPM configs, and CFG, PAG, both, adaptive scale
 * and rescale.
 */
import { testRuns } from './golden-runs.ts';

testRuns([
  'ddim',
  'ddim-clip',
  'ddim-eta',
  'ddim-sample',
  'ddim-threshold',
  'ddim-trained-betas',
  'ddim-v-zero-snr',
  'ddpm',
  'ddpm-large',
  'ddpm-learned',
  'ddpm-learned-range',
  'ddpm-offset',
  'ddpm-small-log',
  'cfg',
  'pag',
  'pag-layers',
  'cfg-pag',
  'cfg-pag-ddpm',
  'adaptive',
  'rescale',
  'fourier',
]);
