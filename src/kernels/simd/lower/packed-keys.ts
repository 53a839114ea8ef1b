/** Keys as the scores of attention read them. */
import type { Place } from '../memory/place.ts';
import { packedKeysBytes, type AttentionSpec } from '../tiles/attention-scratch.ts';
import { packKeysKernel } from '../tiles/attention-tiles.ts';
import type { Lowering } from './lowering.ts';

/** Adds the step that arranges the keys at `k` in the order in which tiles read them. */
export function packKeys(
  lowering: Lowering,
  k: Place,
  spec: Pick<AttentionSpec, 'batch' | 'heads' | 'keys' | 'size' | 'kStride'>,
): Place {
  const bytes = spec.heads * packedKeysBytes(spec);
  const place = lowering.newPlace(spec.batch * bytes, bytes);
  lowering.emit('packKeys', [k, place], (lib) => packKeysKernel(lib, spec));
  return place;
}
