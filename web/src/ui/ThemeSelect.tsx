import { useEffect, useState } from "preact/hooks";
import type { Explorer } from "./explorer";

type Choice = "system" | "light" | "dark";

/** Light or dark: as the system, unless the reader says otherwise. */
export function ThemeSelect({ explorer }: { explorer: Explorer }) {
  const [choice, setChoice] = useState<Choice>("system");
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      const dark = choice === "dark" || (choice === "system" && system.matches);
      document.documentElement.dataset.theme = dark ? "dark" : "light";
      explorer.show({ dark });
    };
    apply();
    system.addEventListener("change", apply);
    return () => system.removeEventListener("change", apply);
  }, [explorer, choice]);
  return (
    <label class="theme">
      <span>colours</span>
      <select value={choice} onChange={(event) => setChoice(event.currentTarget.value as Choice)}>
        <option value="system">as the system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}
