/** What is wrong with a formula: the part at fault, the rule, and what to do. */
export class FormulaError extends Error {
  /** The part is the text from start to end. */
  constructor(
    readonly start: number,
    readonly end: number,
    readonly part: string,
    readonly rule: string,
    readonly fix: string,
  ) {
    super(`${short(part)} ${rule}. ${fix}`);
    this.name = "FormulaError";
  }
}

function short(text: string): string {
  return `'${text.length <= 60 ? text : `${text.slice(0, 57)}...`}'`;
}
