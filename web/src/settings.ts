/** The settings: their defaults, and how they stand in the URL's hash. */
import type { Coupling, Data, Interval, LandscapeData, Point, Settings, StepData } from "./types";

export const STEP_NAMES: readonly StepData["name"][] = ["plain", "heavy ball", "Nesterov"];
export const COUPLINGS: readonly Coupling[] = ["shared", "independent", "clean"];

/** Bounds of the numbers, so that no link can ask for more than a machine can do. */
export const LIMITS = {
  lr: [1e-6, 10],
  momentum: [0, 0.999],
  ascentSteps: [1, 5],
  deviation: [0, 1000],
  batchSize: [1, 100_000],
  seed: [0, 2 ** 31 - 1],
  count: [100, 1_000_000],
  speed: [1, 100],
  steps: [1, 20_000],
} as const satisfies Record<string, Interval>;

const DEFAULT_COUNT = 100_000;
const DEFAULT_STEPS = 500;
const LARGEST_COORDINATE = 1e6;

/** A view of the plane around the box of the landscape. */
export function viewOf(landscape: LandscapeData): Settings["view"] {
  return [landscape.box[0], landscape.box[1]];
}

/** A start that lies in the box, off its axes of symmetry. */
export function startIn(view: Settings["view"]): Point {
  const at = ([low, high]: Interval, share: number) => Number((low + share * (high - low)).toPrecision(3));
  return [at(view[0], 0.2), at(view[1], 0.52)];
}

export function defaults(data: Data, landscapeName?: string): Settings {
  const landscape = data.landscapes.find(({ name }) => name === landscapeName) ?? data.landscapes[0];
  const method = data.methods.find(({ name }) => name === "SAM") ?? data.methods[0];
  const view: Settings["view"] = landscape ? viewOf(landscape) : [[-2, 2], [-2, 2]];
  const parameters: Record<string, number> = {};
  for (const { name, value } of data.methods.flatMap((m) => m.parameters)) parameters[name] ??= value;
  return {
    landscape: landscape?.name ?? "",
    formula: landscape?.formula ?? "x**2 - y**2",
    method: method?.name ?? "",
    parameters,
    ascentSteps: 1,
    average: false,
    step: "plain",
    lr: 0.01,
    momentum: 0.9,
    noise: false,
    deviation: 1,
    batchSize: 16,
    coupling: "shared",
    seed: 0,
    particles: true,
    basins: true,
    contours: true,
    field: false,
    count: DEFAULT_COUNT,
    speed: 4,
    start: startIn(view),
    steps: DEFAULT_STEPS,
    pinned: null,
    view,
  };
}

/** A setting in the hash: its short name, and how it is written and read. `read` returns undefined for a wrong value. */
interface Field<T> {
  short: string;
  write(value: T): string;
  read(text: string, data: Data): T | undefined;
}

const finite = (text: string): number | undefined => {
  const value = text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
};

const number = (short: string, [low, high]: Interval, whole = false): Field<number> => ({
  short,
  write: String,
  read(text) {
    const value = finite(text);
    return value !== undefined && value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : undefined;
  },
});

const flag = (short: string): Field<boolean> => ({
  short,
  write: (value) => (value ? "1" : "0"),
  read: (text) => ({ "1": true, "0": false })[text],
});

const oneOf = <T extends string>(short: string, names: (data: Data) => readonly T[]): Field<T> => ({
  short,
  write: (value) => value,
  read: (text, data) => names(data).find((name) => name === text),
});

const numbers = (text: string, count: number): number[] | undefined => {
  const values = text.split(",").map(finite);
  const legal = values.every((v) => v !== undefined && Math.abs(v) <= LARGEST_COORDINATE);
  return legal && values.length === count ? (values as number[]) : undefined;
};

/** All settings but the parameters, whose short names are "p." and their names, and the pinned run. */
const FIELDS: { [K in Exclude<keyof Settings, "parameters" | "pinned">]: Field<Settings[K]> } = {
  landscape: oneOf("l", (data) => ["", ...data.landscapes.map(({ name }) => name)]),
  formula: { short: "f", write: (value) => value, read: (text, data) => (text.length <= data.grammar.maxLength ? text : undefined) },
  method: oneOf("m", (data) => data.methods.map(({ name }) => name)),
  ascentSteps: number("n", LIMITS.ascentSteps, true),
  average: flag("mean"),
  step: oneOf("step", () => STEP_NAMES),
  lr: number("lr", LIMITS.lr),
  momentum: number("g", LIMITS.momentum),
  noise: flag("noise"),
  deviation: number("sd", LIMITS.deviation),
  batchSize: number("B", LIMITS.batchSize, true),
  coupling: oneOf("c", () => COUPLINGS),
  seed: number("seed", LIMITS.seed, true),
  particles: flag("particles"),
  basins: flag("basins"),
  contours: flag("contours"),
  field: flag("field"),
  count: number("count", LIMITS.count, true),
  speed: number("speed", LIMITS.speed, true),
  steps: number("k", LIMITS.steps, true),
  start: {
    short: "w",
    write: (value) => (value ? value.join(",") : "none"),
    read: (text) => (text === "none" ? null : (numbers(text, 2) as Point | undefined)),
  },
  view: {
    short: "v",
    write: (value) => value.flat().map((v) => Number(v.toPrecision(6))).join(","),
    read(text) {
      const [a, b, c, d] = numbers(text, 4) ?? [];
      return a! < b! && c! < d! ? [[a!, b!], [c!, d!]] : undefined;
    },
  },
};
const FIELD_NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

/** Whether a number may stand for this parameter: its programs have no meaning below the range of its slider. */
export function legalParameter(data: Data, name: string, value: number): boolean {
  const low = Math.min(...data.methods.flatMap((m) => m.parameters.filter((p) => p.name === name).map((p) => p.range[0])));
  return Number.isFinite(value) && value >= Math.min(low, 0) && Math.abs(value) <= LARGEST_COORDINATE;
}

/** The hash of settings, without "#": what differs from the defaults of the landscape. */
export function toHash(settings: Settings, data: Data): string {
  const base = defaults(data, settings.landscape);
  const query = new URLSearchParams();
  const write = <K extends keyof typeof FIELDS>(key: K) => {
    const field = FIELDS[key] as Field<Settings[K]>;
    const text = field.write(settings[key]);
    if (text !== field.write(base[key])) query.set(field.short, text);
  };
  // The landscape comes first: the defaults of a link are those of its landscape.
  if (settings.landscape !== defaults(data).landscape) query.set(FIELDS.landscape.short, settings.landscape);
  for (const key of FIELD_NAMES) {
    // The formula matters for typed landscapes alone.
    if (key !== "landscape" && !(key === "formula" && settings.landscape !== "")) write(key);
  }
  for (const [name, value] of Object.entries(settings.parameters)) {
    if (value !== base.parameters[name]) query.set(`p.${name}`, String(value));
  }
  if (settings.pinned) {
    // Of a run to compare, only what it depends on: not what its picture showed.
    const { particles, basins, contours, field, count, speed, view } = defaults(data, settings.pinned.landscape);
    const pinned = { ...settings.pinned, particles, basins, contours, field, count, speed, view, pinned: null };
    query.set("pin", toHash(pinned, data));
  }
  return query.toString();
}

/** Settings of a hash. A wrong value or an unknown name is left out, with a note for the reader. */
export function fromHash(hash: string, data: Data, deep = true): { settings: Settings; notes: string[] } {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const notes: string[] = [];
  const ignored = (short: string, text: string) => notes.push(`The link's ${short}=${text.slice(0, 60)} is ignored: no such value.`);
  const landscape = query.get(FIELDS.landscape.short);
  const settings = defaults(data, landscape ?? undefined);
  const read = <K extends keyof typeof FIELDS>(key: K) => {
    const field = FIELDS[key] as Field<Settings[K]>;
    const text = query.get(field.short);
    if (text === null) return;
    const value = field.read(text, data);
    if (value === undefined) ignored(field.short, text);
    else settings[key] = value;
  };
  FIELD_NAMES.forEach(read);
  const shorts = new Set<string>(FIELD_NAMES.map((key) => FIELDS[key].short));
  for (const [short, text] of query) {
    if (shorts.has(short)) continue;
    const name = short.startsWith("p.") ? short.slice(2) : null;
    if (name !== null && Object.hasOwn(settings.parameters, name)) {
      const value = finite(text);
      if (value !== undefined && legalParameter(data, name, value)) settings.parameters[name] = value;
      else ignored(short, text);
    } else if (short === "pin" && deep) {
      const pinned = fromHash(text, data, false);
      settings.pinned = pinned.settings;
      notes.push(...pinned.notes);
    } else ignored(short, text);
  }
  return { settings, notes };
}
