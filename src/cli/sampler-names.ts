/** The names that other programs give to samplers, and what each is here. */

/** A scheduler by its short name, and the keys of its config that the name asks for. */
interface Sampler {
  readonly short: string;
  readonly keys?: Readonly<Record<string, unknown>>;
}

/** By the name in small letters, + as p, without spaces and signs: of AUTOMATIC1111, ComfyUI, k-diffusion, InvokeAI. */
const samplers: Readonly<Record<string, Sampler>> = {
  eulera: { short: 'euler-ancestral' },
  eulerancestral: { short: 'euler-ancestral' },
  eulerdiscrete: { short: 'euler' },
  euler: { short: 'euler' },
  heun: { short: 'heun' },
  lms: { short: 'lms' },
  ddim: { short: 'ddim' },
  ddpm: { short: 'ddpm' },
  plms: { short: 'pndm', keys: { skip_prk_steps: true } },
  pndm: { short: 'pndm' },
  dpm2: { short: 'kdpm2' },
  dpm2a: { short: 'kdpm2-ancestral' },
  dpm2ancestral: { short: 'kdpm2-ancestral' },
  kdpm2a: { short: 'kdpm2-ancestral' },
  dpmpp: { short: 'dpm' },
  dpmpp2m: { short: 'dpm' },
  dpmpp3m: { short: 'dpm', keys: { solver_order: 3 } },
  dpmpp2msde: { short: 'dpm', keys: { algorithm_type: 'sde-dpmsolver++' } },
  dpmpp2msdeheun: { short: 'dpm', keys: { algorithm_type: 'sde-dpmsolver++', solver_type: 'heun' } },
  dpmpp3msde: { short: 'dpm', keys: { algorithm_type: 'sde-dpmsolver++', solver_order: 3 } },
  dpmpp2s: { short: 'dpm-singlestep' },
  dpmpp2sa: { short: 'dpm-singlestep', keys: { algorithm_type: 'sde-dpmsolver++' } },
  dpmpp2sancestral: { short: 'dpm-singlestep', keys: { algorithm_type: 'sde-dpmsolver++' } },
  dpmppsde: { short: 'dpm-singlestep', keys: { algorithm_type: 'sde-dpmsolver++' } },
  dpmsolver: { short: 'dpm' },
  dpmsolverpp: { short: 'dpm' },
  dpmfast: { short: 'dpm-singlestep' },
  unipc: { short: 'unipc' },
  unipcbh1: { short: 'unipc', keys: { solver_type: 'bh1' } },
  unipcbh2: { short: 'unipc' },
  deis: { short: 'deis' },
  lcm: { short: 'lcm' },
  tcd: { short: 'tcd' },
  flowmatch: { short: 'flow-match-euler' },
  rectifiedflow: { short: 'flow-match-euler' },
};

/** How the name of a sampler may end, and the key that spaces σ so. */
const endings: Readonly<Record<string, string>> = {
  karras: 'use_karras_sigmas',
  exponential: 'use_exponential_sigmas',
  beta: 'use_beta_sigmas',
  lu: 'use_lu_lambdas',
};

/**
 * `; that is …` for a name that other programs have, undefined for one that none has.
 * @param name as it was typed: "Euler a", "DPM++ 2M Karras", "dpmpp_2m_sde"
 */
export function samplerHint(name: string): string | undefined {
  const plain = name
    .toLowerCase()
    .replace(/\+/g, 'p')
    .replace(/[^a-z0-9]/g, '')
    .replace(/^(sample|k)(?=[a-z])/, '');
  const ending = Object.keys(endings).find((word) => plain.length > word.length && plain.endsWith(word));
  const spacing = ending === undefined ? undefined : endings[ending];
  const sampler = samplers[ending === undefined ? plain : plain.slice(0, -ending.length)];
  if (!sampler) return undefined;
  const keys = { ...sampler.keys, ...(spacing !== undefined && { [spacing]: true }) };
  const list = Object.entries(keys).map(([key, value]) => `"${key}": ${JSON.stringify(value)}`);
  return `; that is "${sampler.short}"${list.length > 0 ? ` with ${list.join(', ')} in a --scheduler-config` : ''}`;
}
