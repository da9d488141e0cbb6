/** The state of the page: settings, and all that follows from them. Components read it and are told when it changes. */
import { criticalPoints, landscape as build, FormulaError, model, run, typedLandscape, verdict } from "../core";
import type { Overlay } from "../draw/overlay";
import { toPng } from "../draw/png";
import { DARK, LIGHT, outcomeColours, type Theme } from "../draw/theme";
import { fitView } from "../draw/transform";
import type { PacedEngine } from "../engine/create";
import { presets, type Preset } from "../presets";
import { inUnitsOf, suggestedLr } from "../scales";
import { fromHash, toHash } from "../settings";
import type { CriticalPoint, Data, Interval, Landscape, Model, OutcomeColours, Run, Settings, Verdict } from "../types";
import { announce } from "./announce";
import { formatNumber } from "./format";

const AROUND_ORIGIN = 3; // as the box of a landscape that is made without one
const RESTART_DELAY = 350; // ms after the last change of a number: particles start anew, so that basins are those of now
const HASH_DELAY = 300; // ms; browsers limit how often the address may change
const SHARES_EVERY = 300; // ms; counting outcomes reads all particles back
const SLOW_RUN = 20; // ms; a run that takes longer waits
const RUN_DELAY = 120; // ms after the last change
const FRAMES = 120; // frames whose times are kept

/** Milliseconds of one frame: all of it, and the parts that the page computes and draws. */
export interface FrameTime {
  interval: number;
  derive: number;
  engine: number;
  overlay: number;
}

/** What the picture is made of. */
export interface PictureParts {
  engine: PacedEngine;
  overlay: Overlay;
  /** From the lowest to the highest. */
  canvases: readonly HTMLCanvasElement[];
  /** The view was changed by something else than the picture. */
  viewChanged(view: Settings["view"]): unknown;
}

/** What is derived from settings. */
interface Derived {
  model: Model;
  points: readonly CriticalPoint[];
  verdicts: readonly Verdict[];
  run: Run | null;
  pinned: Run | null;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export class Explorer {
  settings: Settings;
  derived: Derived;
  /** Why the typed formula is none, or "". */
  formulaError = "";
  notes: string[];
  paused = false;
  /** The iterate that the charts and the picture point at; null: the last one. */
  cursor: number | null = null;
  shares: number[] = [];
  announcement = "";
  /** Number of the preset that is shown, from 0; null once the story is left. */
  preset: number | null = null;
  dark = false;
  frames: FrameTime[] = [];
  readonly stories: readonly Preset[];
  /** Size of the picture in CSS pixels. */
  size: readonly [number, number] = [800, 600];

  private landscapes = new Map<string, Landscape>();
  private pointsOf = new WeakMap<Landscape, readonly CriticalPoint[]>();
  private listeners = new Set<() => void>();
  private stale = false; // derived is older than settings
  private modelOf = ""; // the settings of derived.model
  private runOf = ""; // the settings of derived.run
  private runMilliseconds = 0; // that the last run took
  private changedAt = 0;
  private overlayStale = true;
  private restartTimer = 0;
  private hashTimer = 0;
  private sharesAt = 0;
  private frameAt = 0;
  private picture: PictureParts | null = null;

  constructor(readonly data: Data) {
    const { settings, notes } = fromHash(location.hash, data);
    this.settings = settings;
    this.notes = notes;
    this.stories = presets(data);
    this.preset = this.presetOf(settings);
    this.derived = this.derive(null);
    this.updateRun();
    addEventListener("hashchange", () => this.fromAddress());
    addEventListener("popstate", () => this.fromAddress());
  }

  get engine(): PacedEngine | null {
    return this.picture?.engine ?? null;
  }

  get theme(): Theme {
    return this.dark ? DARK : LIGHT;
  }

  get colours(): OutcomeColours {
    return outcomeColours(this.derived.points, this.theme);
  }

  /** The colours of the markers: points that hold runs have that of their basin, the others that of their role. */
  get markers(): string[] {
    const { colours, theme } = this;
    const holds = ({ role }: Verdict) => role === "attractor" || role === "holds";
    return this.derived.verdicts.map((one, i) => (holds(one) ? colours.points[i]! : theme.roles[one.role]));
  }

  /** The view as it fits the picture. */
  get view(): Settings["view"] {
    return fitView(this.settings.view, ...this.size);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }

  // -------------------------------------------------------------- changes

  /** Changes settings. What follows from them is computed with the next frame, or when it is asked for. */
  set(changes: Partial<Settings>, options: { history?: boolean; preset?: number | null } = {}): void {
    const before = this.settings;
    this.settings = { ...before, ...changes };
    // The field of the formula shows that of the landscape, as a start for one's own.
    const named = this.data.landscapes.find(({ name }) => name === this.settings.landscape);
    if (named) this.settings.formula = named.formula;
    if (options.preset !== undefined) this.preset = options.preset;
    else if (this.settings.landscape !== before.landscape || this.settings.method !== before.method) this.preset = null;
    this.stale = true;
    this.overlayStale = true;
    this.changedAt = performance.now();
    const moved = !same(this.settings.view, before.view) || this.settings.count !== before.count;
    const dynamic = !same(dynamics(before), dynamics(this.settings));
    if (moved || dynamic) this.restartSoon();
    if (moved) this.picture?.viewChanged(this.view);
    this.address(options.history ?? false);
  }

  /** Changes what is shown beside settings. */
  show(changes: Partial<Pick<Explorer, "paused" | "cursor" | "dark" | "announcement" | "notes">>): void {
    Object.assign(this, changes);
    this.overlayStale = true;
    this.notify();
  }

  /** The picture has another size, in CSS pixels. */
  resized(width: number, height: number): void {
    this.size = [width, height];
    this.overlayStale = true;
    this.restartSoon();
  }

  /** Starts the particles anew. */
  restart(): void {
    clearTimeout(this.restartTimer);
    this.current();
    this.engine?.restart(this.view, this.settings.count);
    this.sharesAt = 0;
  }

  private restartSoon(): void {
    clearTimeout(this.restartTimer);
    this.restartTimer = setTimeout(() => this.restart(), RESTART_DELAY) as unknown as number;
  }

  // -------------------------------------------------------------- the address

  private address(push: boolean): void {
    clearTimeout(this.hashTimer);
    const write = () => {
      const hash = toHash(this.settings, this.data);
      if (hash === location.hash.slice(1)) return;
      try {
        if (push) history.pushState(null, "", `#${hash}`);
        else history.replaceState(null, "", `#${hash}`);
      } catch {
        // A page inside another one (srcdoc) has no address of its own, and needs none.
      }
    };
    if (push) write();
    else this.hashTimer = setTimeout(write, HASH_DELAY) as unknown as number;
  }

  /** The address of the page with the settings of now. */
  link(): string {
    return `${location.href.replace(/#.*/, "")}#${toHash(this.settings, this.data)}`;
  }

  /** The preset that has these settings, so that a link to one also has its caption. */
  private presetOf(settings: Settings): number | null {
    const hash = toHash(settings, this.data);
    const place = this.stories.findIndex((story) => toHash(story.settings, this.data) === hash);
    return place < 0 ? null : place;
  }

  /** Shows a preset, from its start. */
  choose(preset: number): void {
    const story = this.stories[preset];
    if (!story) return;
    this.set(story.settings, { history: true, preset });
    this.show({ paused: false, cursor: null });
  }

  private fromAddress(): void {
    clearTimeout(this.hashTimer);
    const { settings, notes } = fromHash(location.hash, this.data);
    if (same(settings, this.settings)) return;
    this.settings = settings;
    this.notes = notes;
    this.preset = this.presetOf(settings);
    this.stale = this.overlayStale = true;
    this.picture?.viewChanged(this.view);
    this.restartSoon();
  }

  // -------------------------------------------------------------- what follows from settings

  /** All that follows from the settings of now. */
  current(): Derived {
    this.update(false);
    return this.derived;
  }

  /** Brings `derived` up to date. A run that takes long may wait until the reader no longer moves a slider. */
  private update(mayWait: boolean): void {
    const before = this.derived;
    if (this.stale) {
      this.stale = false;
      this.derived = this.derive(before);
      this.announcement = announce(before, this.derived) ?? this.announcement;
      if (before.model !== this.derived.model || before.points !== this.derived.points) {
        this.engine?.setModel(this.derived.model, this.derived.points);
      }
      // Other points have other outcomes: what particles have reached so far means nothing for them.
      if (before.points !== this.derived.points) {
        this.shares = [];
        this.engine?.restart(this.view, this.settings.count);
      }
    }
    const isSlow = this.runMilliseconds > SLOW_RUN;
    if (this.runOf !== runKey(this.settings) && !(mayWait && isSlow && performance.now() - this.changedAt < RUN_DELAY)) this.updateRun();
  }

  private updateRun(): void {
    const { start, steps } = this.settings;
    const begin = performance.now();
    this.runOf = runKey(this.settings);
    this.derived = { ...this.derived, run: start && run(this.derived.model, start, steps) };
    this.runMilliseconds = performance.now() - begin;
    if (this.cursor !== null && this.cursor >= (this.derived.run?.x.length ?? 0)) this.cursor = null;
    this.overlayStale = true;
  }

  private landscape(settings: Settings): Landscape {
    const key = JSON.stringify(settings.landscape === "" ? ["", settings.formula] : [settings.landscape]);
    let result = this.landscapes.get(key);
    if (!result) {
      const data = this.data.landscapes.find(({ name }) => name === settings.landscape);
      result = build(data ?? typedLandscape(settings.formula, this.data.grammar, withOrigin(settings.view)));
      this.landscapes.set(key, result);
    }
    return result;
  }

  /** The landscape of settings, or the last one that could be read. */
  private readableLandscape(settings: Settings, before: Landscape | null): Landscape {
    try {
      const result = this.landscape(settings);
      this.formulaError = "";
      return result;
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      this.formulaError = error.message;
      return before ?? build(this.data.landscapes[0] ?? typedLandscape("x**2 - y**2", this.data.grammar, settings.view));
    }
  }

  /** Sets numbers that suit another landscape, or another kind of method: η, and ρ where its unit is another one. */
  suggest(numbers: { lr: boolean; rho: boolean }): void {
    const { model: now, points } = this.current();
    const changes: Partial<Settings> = numbers.lr ? { lr: suggestedLr(points) } : {};
    const rho = now.method.parameters.find(({ name }) => name === "rho");
    if (numbers.rho && rho) changes.parameters = { ...this.settings.parameters, rho: rho.value };
    this.set(changes, { preset: this.preset });
  }

  /** The critical points in the box of a landscape; of a typed formula, in the view where it was first shown. */
  private points(landscape: Landscape): readonly CriticalPoint[] {
    let points = this.pointsOf.get(landscape);
    if (!points) this.pointsOf.set(landscape, (points = criticalPoints(landscape, landscape.box)));
    return points;
  }

  private derive(before: Derived | null): Derived {
    const { settings } = this;
    const landscape = this.readableLandscape(settings, before?.model.landscape ?? null);
    const points = this.points(landscape);
    const key = JSON.stringify(dynamics(settings));
    const isSame = before !== null && key === this.modelOf && landscape === before.model.landscape;
    const now = isSame ? before.model : withUnits(model(settings, this.data, landscape), points);
    this.modelOf = key;
    return {
      model: now,
      points,
      verdicts: points.map((point) => verdict(now, point)),
      run: before?.run ?? null,
      pinned: this.pinnedRun(settings.pinned),
    };
  }

  private lastPinned: { settings: Settings | null; run: Run | null } = { settings: null, run: null };

  private pinnedRun(settings: Settings | null): Run | null {
    if (settings !== this.lastPinned.settings) {
      let pinned: Run | null = null;
      try {
        if (settings?.start) pinned = run(model(settings, this.data, this.landscape(settings)), settings.start, settings.steps);
      } catch (error) {
        if (!(error instanceof FormulaError)) throw error;
        this.notes = [...this.notes, `The run to compare with has a formula that cannot be read: ${error.message}`];
      }
      this.lastPinned = { settings, run: pinned };
    }
    return this.lastPinned.run;
  }

  // -------------------------------------------------------------- frames

  /** Takes the parts of the picture and starts to draw. Returns what ends it. */
  attach(picture: PictureParts): () => void {
    this.picture = picture;
    const { model: now, points } = this.current();
    picture.engine.setModel(now, points);
    this.restart();
    let request = 0;
    const frame = (at: number) => {
      request = requestAnimationFrame(frame);
      this.frame(at);
    };
    request = requestAnimationFrame(frame);
    return () => {
      cancelAnimationFrame(request);
      picture.engine.dispose();
      this.picture = null;
    };
  }

  private frame(at: number): void {
    const interval = at - this.frameAt;
    this.frameAt = at;
    const begin = performance.now();
    const before = this.derived;
    this.update(true);
    if (this.derived !== before) this.notify();
    const derived = performance.now();
    if (!this.paused) this.engine?.advance(this.settings.speed);
    this.drawEngine();
    const drawn = performance.now();
    if (this.overlayStale) {
      this.overlayStale = false;
      this.drawOverlay();
    }
    const end = performance.now();
    this.frames.push({ interval, derive: derived - begin, engine: drawn - derived, overlay: end - drawn });
    if (this.frames.length > FRAMES) this.frames.shift();
    if (at - this.sharesAt > SHARES_EVERY && this.engine) {
      this.sharesAt = at;
      this.shares = this.engine.shares();
      this.notify();
    }
  }

  private drawEngine(): void {
    const { particles, basins } = this.settings;
    this.engine?.draw(this.view, { particles, basins }, this.colours);
  }

  private drawOverlay(): void {
    const { contours, field, start } = this.settings;
    const { model, points, verdicts, run, pinned } = this.derived;
    const { view, theme, markers, cursor: current } = this;
    this.picture?.overlay.draw({ view, theme, model, points, verdicts, markers, contours, field, start, run, pinned, current });
  }

  /** The picture as a PNG file, with what it shows in words. */
  async png(): Promise<Blob> {
    if (!this.picture) throw new Error("picture: is not drawn yet. Try again once it is");
    // What a canvas of WebGL shows is lost once the browser has it on the screen, so it is drawn anew.
    this.drawEngine();
    this.drawOverlay();
    return toPng(this.picture.canvases, this.caption(), this.theme);
  }

  private caption(): string {
    const { settings } = this;
    const { model: now } = this.current();
    const values = now.method.parameters.map(({ name }) => `${name} = ${formatNumber(now.parameters[name]!)}`);
    const parts = [now.landscape.formula, [now.method.name, ...values].join(", "), `lr = ${formatNumber(now.lr)}`];
    if (now.method.variants.length > 1 && now.variant.ascentSteps > 1) {
      parts.push(`${now.variant.ascentSteps} ascent steps${now.variant.average ? ", averaged" : ""}`);
    }
    if (now.step.name !== "plain") parts.push(`${now.step.name}, momentum = ${formatNumber(now.momentum)}`);
    if (settings.noise) parts.push(`noise of deviation ${formatNumber(now.deviation)} (${now.coupling})`);
    return [...parts, `samdyn ${this.data.version}`].join(" · ");
  }
}

/** The settings on which the run depends. */
function runKey(settings: Settings): string {
  return JSON.stringify([dynamics(settings), settings.start, settings.steps]);
}

/** The settings on which the motion of particles depends. */
function dynamics(settings: Settings): unknown {
  const { landscape, formula, method, parameters, ascentSteps, average, step, lr, momentum } = settings;
  const { noise, deviation, batchSize, coupling, seed } = settings;
  return [landscape, formula, method, parameters, ascentSteps, average, step, lr, momentum, noise, deviation, batchSize, coupling, seed];
}

function withUnits(now: Model, points: readonly CriticalPoint[]): Model {
  return { ...now, method: inUnitsOf(points, now.method) };
}

/** The box of a typed formula: the view where it is first shown, and what lies around the origin. */
function withOrigin([x, y]: Settings["view"]): Settings["view"] {
  const both = ([low, high]: Interval): Interval => [Math.min(low, -AROUND_ORIGIN), Math.max(high, AROUND_ORIGIN)];
  return [both(x), both(y)];
}
