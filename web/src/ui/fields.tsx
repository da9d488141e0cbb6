/** Native inputs with labels. Keyboard, touch and screen readers know them. */
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import type { Interval } from "../types";

/** A text field for a number. It takes what is typed as soon as it is a legal number, and says so if it is not. */
export function NumberInput(props: {
  id?: string;
  label?: string;
  value: number;
  accepts(value: number): boolean;
  rule: string;
  onValue(value: number): void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const note = useId();
  const legal = (text: string) => text.trim() !== "" && Number.isFinite(Number(text)) && props.accepts(Number(text));
  const wrong = typed !== null && !legal(typed);
  return (
    <>
      <input
        id={props.id}
        class="number"
        type="text"
        inputMode="decimal"
        autocomplete="off"
        aria-label={props.label}
        aria-invalid={wrong}
        aria-describedby={wrong ? note : undefined}
        value={typed ?? String(Number(props.value.toPrecision(6)))}
        onInput={(event) => {
          const text = event.currentTarget.value;
          setTyped(text);
          if (legal(text)) props.onValue(Number(text));
        }}
        onBlur={() => setTyped(null)}
        onKeyDown={(event) => event.key === "Enter" && setTyped(null)}
      />
      {wrong && (
        <span id={note} role="alert" class="error">
          {props.rule}
        </span>
      )}
    </>
  );
}

/** The largest power of 10 that divides the range into at least 200 steps. */
const sliderStep = ([low, high]: Interval) => 10 ** Math.floor(Math.log10((high - low) / 200));
const POSITIONS_PER_DECADE = 50; // of a logarithmic slider

/** A slider with a number field. `label` may be a formula, `name` is what screen readers say. */
export function Slider(props: {
  name: string;
  label: ComponentChildren;
  value: number;
  range: Interval;
  logarithmic?: boolean;
  whole?: boolean;
  accepts?(value: number): boolean;
  rule?: string;
  onValue(value: number): void;
}) {
  const id = useId();
  const [low, high] = props.range;
  const step = props.whole ? 1 : sliderStep(props.range);
  const accepts = props.accepts ?? ((value) => value >= low && value <= high && (!props.whole || Number.isInteger(value)));
  const position = (value: number) => (props.logarithmic ? Math.log10(Math.max(value, low)) * POSITIONS_PER_DECADE : value);
  const value = (at: number) => {
    const raw = props.logarithmic ? 10 ** (at / POSITIONS_PER_DECADE) : at;
    const rounded = props.whole ? Math.round(raw) : Number(raw.toPrecision(props.logarithmic ? 2 : 10));
    return Math.min(high, Math.max(low, rounded));
  };
  return (
    <div class="row">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type="range"
        aria-label={props.name}
        aria-valuetext={String(Number(props.value.toPrecision(6)))}
        min={position(low)}
        max={position(high)}
        step={props.logarithmic ? "any" : step}
        value={position(props.value)}
        onInput={(event) => props.onValue(value(event.currentTarget.valueAsNumber))}
        onKeyDown={(event) => {
          // "any" leaves the step of the arrows to the browser, which takes a hundredth of the range: too coarse for η.
          const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
          if (!props.logarithmic || direction === undefined) return;
          event.preventDefault();
          // From where the slider is: keys may come faster than the page is rendered.
          const slider = event.currentTarget;
          const now = value(slider.valueAsNumber);
          // Rounding to whole numbers, or to two digits, may lead back to where the slider is.
          let next = now;
          for (let by = 1; next === now && by < POSITIONS_PER_DECADE; by++) next = value(position(now) + direction * by);
          slider.valueAsNumber = position(next);
          props.onValue(next);
        }}
      />
      <NumberInput
        label={`${props.name}, as a number`}
        value={props.value}
        accepts={accepts}
        rule={props.rule ?? `Use a ${props.whole ? "whole " : ""}number from ${low} to ${high}.`}
        onValue={props.onValue}
      />
    </div>
  );
}

export function Select<T extends string>(props: {
  label: ComponentChildren;
  value: T;
  options: readonly (T | { value: T; text: string })[];
  onValue(value: T): void;
}) {
  const id = useId();
  return (
    <div class="row">
      <label for={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={(event) => props.onValue(event.currentTarget.value as T)}>
        {props.options.map((option) => {
          const { value, text } = typeof option === "string" ? { value: option, text: option } : option;
          return (
            <option key={value} value={value}>
              {text}
            </option>
          );
        })}
      </select>
    </div>
  );
}

export function Check(props: { label: ComponentChildren; value: boolean; disabled?: boolean; onValue(value: boolean): void }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.value}
        disabled={props.disabled}
        onChange={(event) => props.onValue(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}
