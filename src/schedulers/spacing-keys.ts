/** How σ may be spaced otherwise than by even timesteps, and the keys of a config that ask for it. */

/** The spacings between the largest and the smallest σ of a run. */
export const wideSpacings = ['karras', 'exponential', 'beta'] as const;

/** How σ may be spaced between the largest and the smallest of a run. */
export type WideSpacing = (typeof wideSpacings)[number];

/** The key of a config that asks for a spacing. */
export const spacingKeys: Readonly<Record<WideSpacing | 'lu' | 'flow', string>> = {
  karras: 'use_karras_sigmas',
  exponential: 'use_exponential_sigmas',
  beta: 'use_beta_sigmas',
  lu: 'use_lu_lambdas',
  flow: 'use_flow_sigmas',
};

/** The keys of `wideSpacings`. */
export const wideKeys: readonly string[] = wideSpacings.map((spacing) => spacingKeys[spacing]);
