/** A text that is parsed: a script, the string of `-c`, of `eval`, of a command substitution; with the number of its first line. */
import { type ParsedScript, parse } from 'unbash';

export class Source {
  readonly text: string;
  readonly firstLine: number;
  /** commands from between backticks or in a here-document: read only when they run */
  raw = false;
  private starts: number[] | undefined;
  private parsed: ParsedScript | undefined;

  constructor(text: string, firstLine: number) {
    this.text = text;
    this.firstLine = firstLine;
  }

  /** The number of the line that position `at` is in. */
  line(at: number): number {
    if (this.starts === undefined) {
      this.starts = [0];
      for (let i = this.text.indexOf('\n'); i >= 0; i = this.text.indexOf('\n', i + 1)) this.starts.push(i + 1);
    }
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return this.firstLine + low;
  }

  /** The same text, its first line another: a command substitution counts from where it runs. */
  from(line: number): Source {
    if (line === this.firstLine) return this;
    const other = new Source(this.text, line);
    other.starts = this.starts;
    other.parsed = this.tree;
    return other;
  }

  /** The tree of the text. */
  get tree(): ParsedScript {
    this.parsed ??= parse(this.text);
    return this.parsed;
  }
}
