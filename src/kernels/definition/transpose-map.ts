/**
 * An attention map read from the other side: not who listens to whom, but who is listened to by whom.
 *
 *     out[b,head,m,n] = map[b,head,n,m]
 */
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import { stored } from './rounding.ts';

/**
 * No number changes; each only moves. Applied twice it is the map again.
 * @param map [B,heads,N,M]
 * @returns [B,heads,M,N]
 */
export function transposeMap(map: Tensor): Tensor {
  const [B, heads, N, M] = map.shape;
  const out = allocate(map.dtype, B * heads * N * M);
  for (let head = 0; head < B * heads; head++) {
    for (let n = 0; n < N; n++) {
      for (let m = 0; m < M; m++) out[(head * M + m) * N + n] = map.data[(head * N + n) * M + m];
    }
  }
  return stored(map.dtype, [B, heads, M, N], out);
}
