/** The core of the page: pure functions, without the page's document. */
export { criticalPoints } from "./dynamics/points";
export { run } from "./dynamics/run";
export { verdict } from "./dynamics/stability";
export { FormulaError } from "./formula/errors";
export { typedLandscape } from "./formula/typed";
export { glslCalls, glslFunction, literal, PRELUDE } from "./glsl";
export { landscape } from "./landscape";
export { atPoint, atPoints, model, noiseInputs, variantOf } from "./model";
export { evaluate, link, OPERATIONS, power, scalar } from "./program";
