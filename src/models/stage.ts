/**
 * A model is a fold over stages. A stage is a step of the forward pass, named as diffusers names the module; the state
 * that runs through the stages is a value. So a pass can stop before any stage and be resumed from there, more than
 * once: that is how the passes of a guidance share all that comes before the first perturbed layer.
 *
 * A stage says all that anybody needs to know of it: what it computes, which parameters it has, whether its attention
 * may be perturbed. Parameters, initial weights, costs and the oracle read the same list.
 */
import { mustBe } from '../tensor/checks.ts';
import type { AttentionMixer } from '../nn/attention.ts';
import type { Context } from '../nn/context.ts';
import type { Parameter } from '../nn/parameters.ts';

/** What a stage is, for those who draw or count stages. */
export type StageKind =
  | 'embedding'
  | 'convolution'
  | 'projection'
  | 'resnet'
  | 'attention'
  | 'cross-attention'
  | 'feed-forward'
  | 'downsample'
  | 'upsample'
  | 'output';

/** A layer whose attention map a perturbation may replace. */
export interface AttentionSite {
  /**
   * Whom it asks: pixels one another, or pixels a text. A mixer stands in one of the two; PAG perturbs self-attention
   * alone (paper, section 4).
   */
  readonly kind: 'self' | 'cross';
  /** How many attention heads it has. */
  readonly heads: number;
}

/** Which attention layers are perturbed, by module path, and how. */
export type Perturbation = ReadonlyMap<string, AttentionMixer>;

/** The perturbation that perturbs nothing. */
export const unperturbed: Perturbation = new Map();

/** A step of the forward pass. */
export interface Stage<State> {
  /** The module's path, as `down_blocks.1.attentions.0`. */
  readonly path: string;
  /** What it is, for those who draw or count stages. */
  readonly kind: StageKind;
  /** What it does with the skips besides its own work: leave its result for the way up, or take the latest one. */
  readonly skip?: 'keep' | 'join';
  /** Its attention, where a perturbation may replace it. */
  readonly site?: AttentionSite;
  /** In the order in which PyTorch constructs its modules. */
  readonly parameters: readonly Parameter[];
  /**
   * The state after the stage; the one before it is not changed.
   * @param perturbation whatever layers it perturbs: a stage looks for its own path
   * @throws InputError when a weight is missing, or does not fit
   */
  run(context: Context, state: State, perturbation: Perturbation): State;
}

const areStages = mustBe("a list of stages, as a model's", Array.isArray);

/** The parameters of all stages, stage by stage. */
export function parametersOf(stages: readonly Pick<Stage<never>, 'parameters'>[]): readonly Parameter[] {
  areStages('stages', stages);
  return stages.flatMap(({ parameters }) => parameters);
}

/** The paths of the stages whose attention of a kind may be perturbed, in the order of the forward pass. */
export function sitesOf(
  stages: readonly Pick<Stage<never>, 'path' | 'site'>[],
  kind: AttentionSite['kind'] = 'self',
): readonly string[] {
  areStages('stages', stages);
  return stages.filter(({ site }) => site?.kind === kind).map(({ path }) => path);
}
