/** What `npm run demo` shows: a table that is redrawn on a terminal, lines in a pipe, or JSON. */

/** A point that has crossed the gateway. */
export interface Crossing {
  readonly direction: 'up' | 'down';
  readonly link: string;
  readonly type: string;
  readonly key: string;
  readonly value: number | string | null;
  /** ns since 1970, as decimal text. */
  readonly time: string;
}

/** Shows what crosses the demo. */
export interface DemoView {
  crossed(crossing: Crossing): void;
  /** A step of a setting on its way to the device, for people. */
  note(text: string): void;
  /** Called once a second. */
  tick(): void;
}

interface Row {
  crossing: Crossing;
  ms: number;
  /** Times of the arrivals within the last {@link RATE_MS}. */
  readonly recentMs: number[];
}

const RATE_MS = 5_000;
const NOTES = 6;

/** A line of JSON for each point that crossed (docs/contract.md, "Commands"). */
export class JsonView implements DemoView {
  constructor(private readonly write: (text: string) => void) {}

  crossed(crossing: Crossing): void {
    this.write(`${JSON.stringify(crossing)}\n`);
  }

  note(): void {
    // A setting is printed as a point with direction "down".
  }

  tick(): void {
    // Each point was printed when it crossed.
  }
}

/** A table that is redrawn on a terminal, and printed again each second elsewhere. */
export class TableView implements DemoView {
  readonly #rows = new Map<string, Row>();
  readonly #notes: string[] = [];
  #drawnLines = 0;

  constructor(
    private readonly write: (text: string) => void,
    private readonly nowMs: () => number,
    /** Columns of the terminal, on which the table is redrawn in place; `undefined`: a pipe. */
    private readonly columns: () => number | undefined,
    private readonly title: string,
  ) {}

  crossed(crossing: Crossing): void {
    const { direction, type, key } = crossing;
    const id = `${direction} ${type} ${key}`;
    const ms = this.nowMs();
    const row = this.#rows.get(id);
    if (row === undefined) {
      this.#rows.set(id, { crossing, ms, recentMs: [ms] });
      return;
    }
    row.crossing = crossing;
    row.ms = ms;
    row.recentMs.push(ms);
    while ((row.recentMs[0] ?? ms) < ms - RATE_MS) row.recentMs.shift();
  }

  note(text: string): void {
    if (this.columns() === undefined) {
      this.write(`${text}\n`);
      return;
    }
    this.#notes.push(text);
    if (this.#notes.length > NOTES) this.#notes.shift();
    this.#draw();
  }

  tick(): void {
    if (this.columns() === undefined) this.write(this.#table().join('\n') + '\n\n');
    else this.#draw();
  }

  #draw(): void {
    // A line that wraps would move the cursor to the wrong line at the next redraw.
    const width = this.columns();
    const lines = [this.title, '', ...this.#table(), '', ...this.#notes].map((line) =>
      line.slice(0, width),
    );
    const up = this.#drawnLines === 0 ? '' : `\x1b[${String(this.#drawnLines)}A`;
    this.write(up + lines.map((line) => `${line}\x1b[K\n`).join('') + '\x1b[J');
    this.#drawnLines = lines.length;
  }

  #table(): string[] {
    const head = `${'   point'.padEnd(26)}${'value'.padStart(24)}${'age'.padStart(10)}${'rate'.padStart(9)}`;
    return [head, ...[...this.#rows.values()].map((row) => this.#line(row))];
  }

  #line({ crossing, ms, recentMs }: Row): string {
    const now = this.nowMs();
    const recent = recentMs.filter((at) => at > now - RATE_MS).length;
    const arrow = crossing.direction === 'up' ? '▲' : '▼';
    const name = crossing.key === '0' ? crossing.type : `${crossing.type}/${crossing.key}`;
    return (
      ` ${arrow} ${name}`.padEnd(26) +
      shortValue(crossing.value).padStart(24) +
      `${((now - ms) / 1000).toFixed(1)} s`.padStart(10) +
      `${((recent * 1000) / RATE_MS).toFixed(1)}/s`.padStart(9)
    );
  }
}

function shortValue(value: number | string | null): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  const text = value ?? '–';
  return text.length > 22 ? `${text.slice(0, 21)}…` : text;
}
