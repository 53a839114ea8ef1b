// What every program asks for, and the digest of what comes: the same in every engine.

/** Two letters, three steps of Euler with PAG. */
export const request = {
  labels: [0, 1],
  guidance: { name: 'pag', pagScale: 1, pagLayers: ['mid'] },
  scheduler: { _class_name: 'EulerDiscreteScheduler' },
  steps: 3,
};

/** 16 hexadecimal digits of the SHA-256 of the numbers. */
export async function digestOf({ data }) {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', data.buffer));
  return [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
