/**
 * Normal numbers that depend on nothing but (seed, particle, step, draw), so they are the same in any order and number
 * of steps per frame. The hash of three counters is pcg3d of Jarzynski and Olano, "Hash functions for GPU rendering",
 * JCGT 2020; Box and Muller's formula makes two normal numbers of two of its results.
 */

const MULTIPLIER = 1664525; // of the linear congruential step, as in the paper
const INCREMENT = 1013904223;
const DRAW = 0x9e3779b9; // draws lie this far apart among seeds, an odd number: 2³² over the golden ratio

/** GLSL: `uvec3 pcg3d(uvec3)` and `vec2 normals(uint seed, uint particle, uint step, uint draw)`. */
export const NOISE_GLSL = `
uvec3 pcg3d(uvec3 v) {
  v = v * ${MULTIPLIER}u + ${INCREMENT}u;
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  v ^= v >> 16u;
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  return v;
}
vec2 uniforms(uvec3 bits) { return (vec2(bits.xy >> 8u) + 0.5) / 16777216.0; }
vec2 normals(uint seed, uint particle, uint step, uint draw) {
  vec2 u = uniforms(pcg3d(uvec3(particle, step, seed + draw * ${DRAW}u)));
  float angle = 6.283185307179586 * u.y;
  return sqrt(-2.0 * log(u.x)) * vec2(cos(angle), sin(angle));
}
`;

/** Writes two uniform numbers in (0, 1) to `to`. */
export function uniforms(a: number, b: number, c: number, to: Float64Array): void {
  let x = (Math.imul(a, MULTIPLIER) + INCREMENT) | 0;
  let y = (Math.imul(b, MULTIPLIER) + INCREMENT) | 0;
  let z = (Math.imul(c, MULTIPLIER) + INCREMENT) | 0;
  for (let round = 0; round < 2; round++) {
    x = (x + Math.imul(y, z)) | 0;
    y = (y + Math.imul(z, x)) | 0;
    z = (z + Math.imul(x, y)) | 0;
    if (round === 1) break;
    x ^= x >>> 16;
    y ^= y >>> 16;
    z ^= z >>> 16;
  }
  to[0] = ((x >>> 8) + 0.5) / 16777216;
  to[1] = ((y >>> 8) + 0.5) / 16777216;
}

/** Writes two normal numbers to `to`. */
export function normals(seed: number, particle: number, step: number, draw: number, to: Float64Array): void {
  uniforms(particle, step, (seed + Math.imul(draw, DRAW)) | 0, to);
  const radius = Math.sqrt(-2 * Math.log(to[0]!));
  const angle = 2 * Math.PI * to[1]!;
  to[0] = radius * Math.cos(angle);
  to[1] = radius * Math.sin(angle);
}
