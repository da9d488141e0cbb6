/** The texts of the programs that run on the GPU. */
import { glslCalls, glslFunction, PRELUDE } from "../glsl";
import type { Landscape, Model, Program } from "../types";
import { LEAST_STEPS } from "./outcomes";
import { NOISE_GLSL } from "./noise";

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
`;

/** A program for transform feedback has no picture. */
export const NO_FRAGMENTS = `${HEAD}void main() {}`;

/** Parameters of a method that the shader has room for. */
const PARAMETERS = 8;

/** The arguments of a program of the method, after its coordinates, in the shader's words. */
function further(program: Program, parameters: readonly string[]): string {
  const words = program.inputs.slice(2).map((name) => {
    const noise = /^noise(\d+)$/.exec(name);
    if (noise) return `noise[${noise[1]}]`;
    const place = parameters.indexOf(name);
    if (place < 0) throw new Error(`input ${JSON.stringify(name)}: is no parameter of the method`);
    if (place >= PARAMETERS) throw new Error(`${parameters.length} parameters: a method has at most ${PARAMETERS}`);
    return `parameters[${place}]`;
  });
  return words.map((word) => `, ${word}`).join("");
}

const names = (model: Model): string[] => model.method.parameters.map((parameter) => parameter.name);

/** Takes steps of the model, and follows the rules of outcomes.ts. */
export function stepShader(model: Model): string {
  const noisy = model.deviation > 0;
  const program = noisy ? model.variant.noisy32[model.coupling] : model.variant.field32;
  const draws = Math.ceil(program.inputs.filter((name) => /^noise\d+$/.test(name)).length / 2);
  return `${HEAD}
in vec4 state;   // x, y, vx, vy
in vec4 outcome; // number of a point (-1: none, -2: left), share of its dwell time, least distance, step of arrival
out vec4 newState;
out vec4 newOutcome;
uniform int steps;
uniform uint firstStep;
uniform uint seed;
uniform bool begin; // whether the particles start anew, on a grid
uniform ivec2 grid; // columns, rows
uniform vec4 start; // left, bottom, width, height of the view
uniform vec4 far;   // left, bottom, right, top
uniform vec2 radius;
uniform float leastDistance;
uniform vec4 box; // of the table: left, bottom, width, height
uniform sampler2D nearest;
uniform float lr;
uniform float momentum;
uniform float deviation;
uniform float parameters[${PARAMETERS}];
${PRELUDE}
${NOISE_GLSL}
${glslCalls(model.landscape.programs, program)}
${glslFunction("field", program)}
${glslFunction("move", model.step.program)}
void main() {
  vec4 here = state;
  vec4 end = outcome;
  uint particle = uint(gl_VertexID);
  if (begin) {
    ivec2 cell = ivec2(gl_VertexID % grid.x, gl_VertexID / grid.x);
    vec2 within = uniforms(pcg3d(uvec3(particle, 0u, 0u)));
    here = vec4(start.xy + (vec2(cell) + within) / vec2(grid) * start.zw, 0.0, 0.0);
    end = vec4(-1.0, 0.0, 0.0, 0.0);
  }
  ivec2 size = textureSize(nearest, 0);
  for (int k = 0; k < steps; k++) {
    if (end.x == -2.0) break;
    ${draws ? noiseText(draws) : ""}
    vec2 F = field(here.xy${further(program, names(model))});
    here = move(here.xy, here.z, here.w, F.x, F.y, lr, momentum);
    if (!(here.x > far.x && here.x < far.z && here.y > far.y && here.y < far.w)) {
      end = vec4(-2.0, 0.0, 0.0, float(firstStep) + float(k));
      break;
    }
    ivec2 cell = clamp(ivec2(floor((here.xy - box.xy) / box.zw * vec2(size))), ivec2(0), size - 1);
    vec4 point = texelFetch(nearest, cell, 0);
    float d = length((here.xy - point.xy) / radius);
    if (point.z < 0.0 || !(d < 1.0)) {
      end = vec4(-1.0, 0.0, 0.0, 0.0);
    } else if (end.x != point.z || d > max(2.0 * end.z, leastDistance)) {
      end = vec4(point.z, 0.0, d, float(firstStep) + float(k));
    } else {
      end.y = min(1.0, end.y + min(lr / point.w, ${(1 / LEAST_STEPS).toFixed(6)}));
      end.z = min(end.z, d);
    }
  }
  newState = here;
  newOutcome = end;
}`;
}

function noiseText(draws: number): string {
  return `float noise[${2 * draws}];
    for (int draw = 0; draw < ${draws}; draw++) {
      vec2 z = deviation * normals(seed, particle, firstStep + uint(k), uint(draw));
      noise[2 * draw] = z.x;
      noise[2 * draw + 1] = z.y;
    }`;
}

/** Computes F at given points, for tests. */
export function fieldShader(landscape: Landscape, program: Program, parameters: readonly string[]): string {
  return `${HEAD}
in vec2 point;
out vec2 result;
uniform float parameters[${PARAMETERS}];
${PRELUDE}
${glslCalls(landscape.programs, program)}
${glslFunction("field", program)}
void main() { result = field(point${further(program, parameters)}); }`;
}

/** A colour of an outcome: that of its point as far as its dwell time has passed. */
const COLOUR = `
uniform sampler2D palette; // the points' colours, then those of undecided and left
vec4 colour(vec4 outcome) {
  int last = textureSize(palette, 0).x - 1;
  vec4 undecided = texelFetch(palette, ivec2(last - 1, 0), 0);
  if (outcome.x == -2.0) return texelFetch(palette, ivec2(last, 0), 0);
  if (outcome.x < 0.0) return undecided;
  return mix(undecided, texelFetch(palette, ivec2(int(outcome.x), 0), 0), outcome.y);
}`;

export const PARTICLES = {
  vertex: `${HEAD}
in vec4 state;
in vec4 outcome;
uniform vec4 view; // left, bottom, width, height
uniform float size;
flat out vec4 ink;
${COLOUR}
void main() {
  bool hidden = outcome.x == -2.0;
  gl_Position = hidden ? vec4(2.0, 2.0, 0.0, 1.0) : vec4((state.xy - view.xy) / view.zw * 2.0 - 1.0, 0.0, 1.0);
  gl_PointSize = size;
  ink = colour(outcome);
}`,
  fragment: `${HEAD}
flat in vec4 ink;
uniform float alpha;
out vec4 result;
void main() { result = vec4(ink.rgb * alpha, alpha); }`,
};

export const BASINS = {
  vertex: `${HEAD}
void main() { gl_Position = vec4(vec2(gl_VertexID % 2, gl_VertexID / 2) * 4.0 - 1.0, 0.0, 1.0); }`,
  fragment: `${HEAD}
uniform sampler2D outcomes; // one per cell of the grid
uniform vec4 start;         // left, bottom, width, height of the view at the start
uniform vec4 view;          // and of the picture
uniform vec2 pixels;
uniform float alpha;
out vec4 result;
${COLOUR}
void main() {
  ivec2 size = textureSize(outcomes, 0);
  vec2 w = view.xy + gl_FragCoord.xy / pixels * view.zw;
  vec2 place = (w - start.xy) / start.zw;
  if (any(lessThan(place, vec2(0.0))) || any(greaterThanEqual(place, vec2(1.0)))) discard;
  vec4 outcome = texelFetch(outcomes, clamp(ivec2(place * vec2(size)), ivec2(0), size - 1), 0);
  result = vec4(colour(outcome).rgb * alpha, alpha);
}`,
};
