/** The handles: every setting has a native input. */
import { useId, useState } from "preact/hooks";
import { COUPLINGS, legalParameter, LIMITS, startIn, STEP_NAMES, viewOf } from "../settings";
import { climbsByGradient } from "../scales";
import type { Settings } from "../types";
import type { Explorer } from "./explorer";
import { Check, NumberInput, Select, Slider } from "./fields";
import { Formula } from "./Formula";
import { formatNumber } from "./format";

const TYPED = ""; // the landscape's name that stands for the typed formula

export function Controls({ explorer }: { explorer: Explorer }) {
  const set = (changes: Partial<Settings>) => explorer.set(changes);
  return (
    <div class="controls">
      <LandscapeControls explorer={explorer} />
      <MethodControls explorer={explorer} />
      <StepControls explorer={explorer} set={set} />
      <NoiseControls explorer={explorer} set={set} />
      <RunControls explorer={explorer} set={set} />
      <PictureControls explorer={explorer} set={set} />
    </div>
  );
}

function LandscapeControls({ explorer }: { explorer: Explorer }) {
  const { settings, data } = explorer;
  const choose = (name: string) => {
    const landscape = data.landscapes.find((one) => one.name === name);
    if (!landscape) return explorer.set({ landscape: TYPED }, { history: true });
    const view = viewOf(landscape);
    explorer.set({ landscape: name, formula: landscape.formula, view, start: startIn(view), pinned: null }, { history: true });
    explorer.suggest({ lr: true, rho: climbsByGradient(explorer.derived.model.method) });
  };
  return (
    <fieldset>
      <legend>Landscape</legend>
      <Select
        label="Loss L"
        value={settings.landscape}
        options={[...data.landscapes.map(({ name }) => ({ value: name, text: name })), { value: TYPED, text: "a formula of your own" }]}
        onValue={choose}
      />
      <FormulaField explorer={explorer} />
    </fieldset>
  );
}

/** The typed formula. It is applied on Enter, or when the reader leaves the field. */
function FormulaField({ explorer }: { explorer: Explorer }) {
  const id = useId();
  const { settings, formulaError } = explorer;
  const [typed, setTyped] = useState<string | null>(null);
  const apply = (formula: string) => {
    setTyped(null);
    if (formula === explorer.settings.formula) return;
    explorer.set({ landscape: TYPED, formula, pinned: null }, { history: true });
    explorer.current();
    if (!explorer.formulaError) explorer.suggest({ lr: true, rho: climbsByGradient(explorer.derived.model.method) });
  };
  return (
    <>
      <div class="row wide">
        <label for={id}>L({explorer.derived.model.landscape.coordinates.join(", ")}) =</label>
        <input
          id={id}
          type="text"
          class="code"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          maxLength={explorer.data.grammar.maxLength}
          value={typed ?? settings.formula}
          aria-invalid={formulaError !== ""}
          aria-describedby={`${id}-note`}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onBlur={(event) => apply(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && apply(event.currentTarget.value)}
        />
      </div>
      <p id={`${id}-note`} class={formulaError ? "error" : "hint"} role={formulaError ? "alert" : undefined}>
        {formulaError || "Type one of your own, such as x**2 - y**2 + y**4; Enter applies it."}
      </p>
    </>
  );
}

function MethodControls({ explorer }: { explorer: Explorer }) {
  const { settings, data } = explorer;
  const { method } = explorer.derived.model;
  const steps = Math.max(...method.variants.map((v) => v.ascentSteps));
  const hasAverage = method.variants.some((v) => v.average && v.ascentSteps === settings.ascentSteps);
  return (
    <fieldset class="first">
      <legend>Method</legend>
      <Select
        label="Method"
        value={settings.method}
        options={data.methods.map(({ name }) => name)}
        onValue={(name) => {
          const before = climbsByGradient(method);
          explorer.set({ method: name }, { history: true });
          explorer.suggest({ lr: false, rho: climbsByGradient(explorer.current().model.method) !== before });
        }}
      />
      {method.latex && (
        <p class="definition">
          <Formula tex={`F(w) = ${method.latex}`} />
        </p>
      )}
      {method.parameters.map((parameter) => (
        <Slider
          key={parameter.name}
          name={parameter.name}
          label={<Formula tex={parameter.latex} />}
          value={settings.parameters[parameter.name] ?? parameter.value}
          range={parameter.range}
          accepts={(value) => legalParameter(data, parameter.name, value)}
          rule={`Use a number from ${parameter.range[0]}.`}
          onValue={(value) => explorer.set({ parameters: { ...settings.parameters, [parameter.name]: value } })}
        />
      ))}
      {steps > 1 && (
        <>
          <Slider
            name="ascent steps n"
            label="ascent steps n"
            value={settings.ascentSteps}
            range={[1, steps]}
            whole
            onValue={(ascentSteps) => explorer.set({ ascentSteps })}
          />
          <Check
            label="follow the mean of the n gradients"
            value={settings.average && hasAverage}
            disabled={!hasAverage}
            onValue={(average) => explorer.set({ average })}
          />
        </>
      )}
    </fieldset>
  );
}

interface PartProps {
  explorer: Explorer;
  set(changes: Partial<Settings>): void;
}

function StepControls({ explorer: { settings, data }, set }: PartProps) {
  return (
    <fieldset>
      <legend>Step</legend>
      <Slider
        name="learning rate"
        label={<>learning rate <Formula tex="\eta" /></>}
        value={settings.lr}
        range={[1e-5, 1]}
        logarithmic
        accepts={(value) => value >= LIMITS.lr[0] && value <= LIMITS.lr[1]}
        rule={`Use a number from ${LIMITS.lr[0]} to ${LIMITS.lr[1]}.`}
        onValue={(lr) => set({ lr })}
      />
      <Select
        label="momentum"
        value={settings.step}
        options={STEP_NAMES.filter((name) => data.steps.some((step) => step.name === name)).map((name) => ({
          value: name,
          text: name === "plain" ? "none" : name,
        }))}
        onValue={(step) => set({ step })}
      />
      {settings.step !== "plain" && (
        <Slider
          name="momentum gamma"
          label={<>momentum <Formula tex="\gamma" /></>}
          value={settings.momentum}
          range={[0, 0.99]}
          accepts={(value) => value >= LIMITS.momentum[0] && value <= LIMITS.momentum[1]}
          rule={`Use a number from ${LIMITS.momentum[0]} to ${LIMITS.momentum[1]}.`}
          onValue={(momentum) => set({ momentum })}
        />
      )}
    </fieldset>
  );
}

function NoiseControls({ explorer: { settings }, set }: PartProps) {
  return (
    <fieldset>
      <legend>Noise</legend>
      <Check label="noise in the gradients" value={settings.noise} onValue={(noise) => set({ noise })} />
      {settings.noise && (
        <>
          <Slider
            name="standard deviation of one sample's gradient"
            label="sample’s std."
            value={settings.deviation}
            range={[0, 5]}
            accepts={(value) => value >= LIMITS.deviation[0] && value <= LIMITS.deviation[1]}
            rule={`Use a number from ${LIMITS.deviation[0]} to ${LIMITS.deviation[1]}.`}
            onValue={(deviation) => set({ deviation })}
          />
          <Slider
            name="batch size"
            label="batch size B"
            value={settings.batchSize}
            range={[1, 1024]}
            logarithmic
            whole
            accepts={(value) => Number.isInteger(value) && value >= LIMITS.batchSize[0] && value <= LIMITS.batchSize[1]}
            rule={`Use a whole number from ${LIMITS.batchSize[0]} to ${LIMITS.batchSize[1]}.`}
            onValue={(batchSize) => set({ batchSize })}
          />
          <p class="hint">
            A batch’s gradient has s = {formatNumber(settings.deviation / Math.sqrt(settings.batchSize))} per coordinate.
          </p>
          <Select
            label="two gradients"
            value={settings.coupling}
            options={COUPLINGS.map((value) => ({ value, text: COUPLING_TEXTS[value] }))}
            onValue={(coupling) => set({ coupling })}
          />
          <div class="row">
            <span>seed</span>
            <NumberInput
              label="seed of the noise"
              value={settings.seed}
              accepts={(value) => Number.isInteger(value) && value >= 0 && value <= LIMITS.seed[1]}
              rule="Use a whole number from 0."
              onValue={(seed) => set({ seed })}
            />
          </div>
        </>
      )}
    </fieldset>
  );
}

const COUPLING_TEXTS: Readonly<Record<Settings["coupling"], string>> = {
  shared: "share one batch",
  independent: "have a batch each",
  clean: "clean ascent, noisy descent",
};

function RunControls({ explorer, set }: PartProps) {
  const { settings } = explorer;
  const [x, y] = settings.start ?? [NaN, NaN];
  const coordinates = explorer.derived.model.landscape.coordinates;
  const inRange = (value: number) => Math.abs(value) <= 1e6;
  return (
    <fieldset>
      <legend>Run</legend>
      <div class="row start">
        <span>start</span>
        {settings.start ? (
          <>
            <NumberInput label={`start, ${coordinates[0]}`} value={x} accepts={inRange} rule="Use a number." onValue={(value) => set({ start: [value, y] })} />
            <NumberInput label={`start, ${coordinates[1]}`} value={y} accepts={inRange} rule="Use a number." onValue={(value) => set({ start: [x, value] })} />
            <button type="button" onClick={() => set({ start: null })}>
              remove
            </button>
          </>
        ) : (
          <button type="button" onClick={() => set({ start: startIn(settings.view) })}>
            start a run
          </button>
        )}
      </div>
      <Slider
        name="steps of the run"
        label="steps"
        value={settings.steps}
        range={[10, 10_000]}
        logarithmic
        whole
        accepts={(value) => Number.isInteger(value) && value >= LIMITS.steps[0] && value <= LIMITS.steps[1]}
        rule={`Use a whole number from ${LIMITS.steps[0]} to ${LIMITS.steps[1]}.`}
        onValue={(steps) => set({ steps })}
      />
      <Check
        label="keep this run to compare"
        value={settings.pinned !== null}
        onValue={(keep) => set({ pinned: keep ? { ...settings, pinned: null } : null })}
      />
    </fieldset>
  );
}

function PictureControls({ explorer, set }: PartProps) {
  const { settings } = explorer;
  return (
    <fieldset>
      <legend>Picture</legend>
      <div class="checks">
        {(["particles", "basins", "contours", "field"] as const).map((layer) => (
          <Check key={layer} label={layer} value={settings[layer]} onValue={(value) => set({ [layer]: value })} />
        ))}
      </div>
      <Slider
        name="number of particles"
        label="particles"
        value={settings.count}
        range={[1000, 1_000_000]}
        logarithmic
        whole
        accepts={(value) => Number.isInteger(value) && value >= LIMITS.count[0] && value <= LIMITS.count[1]}
        rule={`Use a whole number from ${LIMITS.count[0]} to ${LIMITS.count[1]}.`}
        onValue={(count) => set({ count })}
      />
      <Slider
        name="speed, steps per frame"
        label="steps/frame"
        value={settings.speed}
        range={[1, 50]}
        whole
        accepts={(value) => Number.isInteger(value) && value >= LIMITS.speed[0] && value <= LIMITS.speed[1]}
        rule={`Use a whole number from ${LIMITS.speed[0]} to ${LIMITS.speed[1]}.`}
        onValue={(speed) => set({ speed })}
      />
    </fieldset>
  );
}
