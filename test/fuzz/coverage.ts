/**
 * What of the built code has run, by V8's own count of blocks (Profiler of
 * node:inspector). It knows a function's blocks only when the function is
 * compiled after the measuring has begun: start before importing.
 */
import { readFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Reach } from './fuzzer.js';

/** Of the built checkout, such as `dist/`. */
const BUILT = fileURLToPath(new URL('../../', import.meta.url));

export interface Share {
  readonly reached: number;
  readonly of: number;
}

export interface FileCoverage {
  /** Of the source, from the checkout's root. */
  readonly file: string;
  readonly functions: Share;
  /** V8's blocks: ways of a condition, bodies of loops, what follows a return. */
  readonly branches: Share;
  /** Of the built code, those with a word in them. */
  readonly lines: Share;
  /** Lines of the source that nothing reached. */
  readonly missed: readonly number[];
}

class Script {
  readonly reached: Uint8Array;
  readonly #now: Uint8Array;
  /** Reached for the first time at the last look, and not claimed by an input yet. */
  readonly #fresh: Uint8Array;
  #anyFresh = false;
  readonly functions = new Map<string, number>();
  readonly blocks = new Map<string, number>();

  constructor(readonly text: string) {
    this.reached = new Uint8Array(text.length);
    this.#now = new Uint8Array(text.length);
    this.#fresh = new Uint8Array(text.length);
  }

  look(functions: readonly Profiler.FunctionCoverage[]): boolean {
    this.#read(functions);
    this.#anyFresh = false;
    for (let at = 0; at < this.#now.length; at += 1) {
      this.#fresh[at] = this.#now[at] === 1 && this.reached[at] === 0 ? 1 : 0;
      if (this.#fresh[at] === 1) {
        this.reached[at] = 1;
        this.#anyFresh = true;
      }
    }
    return this.#anyFresh;
  }

  claim(functions: readonly Profiler.FunctionCoverage[]): boolean {
    if (!this.#anyFresh) return false;
    this.#read(functions);
    let claimed = false;
    this.#anyFresh = false;
    for (let at = 0; at < this.#fresh.length; at += 1) {
      if (this.#fresh[at] === 0) continue;
      if (this.#now[at] === 1) {
        this.#fresh[at] = 0;
        claimed = true;
      } else {
        this.#anyFresh = true;
      }
    }
    return claimed;
  }

  /** Inner ranges come after those around them and say more. */
  #read(functions: readonly Profiler.FunctionCoverage[]): void {
    this.#now.fill(0);
    for (const { functionName, ranges, isBlockCoverage } of functions) {
      ranges.forEach(({ startOffset, endOffset, count }, index) => {
        this.#now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        const id = `${startOffset}-${endOffset}`;
        if (index > 0) this.blocks.set(id, startOffset);
        else if (functionName !== '' || isBlockCoverage) this.functions.set(id, startOffset);
      });
    }
  }
}

export class Coverage {
  readonly #session = new Session();
  readonly #scripts = new Map<string, Script>();

  start(): void {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** What ran while the files were imported: no input runs it again. */
  imported(files: readonly string[]): void {
    this.reachOf(files).grown();
  }

  /** Of some source files. */
  reachOf(files: readonly string[]): Reach {
    const look = (
      see: (script: Script, found: Profiler.FunctionCoverage[]) => boolean,
    ): boolean => {
      const found = new Map(this.#take().map(({ url, functions }) => [url, functions]));
      let any = false;
      for (const file of files) {
        const { url, script } = this.#script(file);
        if (see(script, found.get(url) ?? [])) any = true;
      }
      return any;
    };
    return {
      grown: () => look((script, found) => script.look(found)),
      claims: () => look((script, found) => script.claim(found)),
    };
  }

  of(file: string): FileCoverage {
    const { url, script } = this.#script(file);
    const { reached, text } = script;
    const missed = new Set<number>();
    const map = sourceMapOf(url);
    let lines = 0;
    let linesReached = 0;
    let at = 0;
    text.split('\n').forEach((line, index) => {
      const column = line.search(/\S/);
      // Comments and closing brackets do nothing.
      if (column >= 0 && /^\s*(?!\/[/*]|\*)\S*\w/.test(line)) {
        lines += 1;
        if (reached[at + column] === 1) linesReached += 1;
        else missed.add(originOf(map, index, column));
      }
      at += line.length + 1;
    });
    const share = (starts: Map<string, number>): Share => ({
      reached: [...starts.values()].filter((start) => reached[start] === 1).length,
      of: starts.size,
    });
    return {
      file,
      functions: share(script.functions),
      branches: share(script.blocks),
      lines: { reached: linesReached, of: lines },
      missed: [...missed].sort((a, b) => a - b),
    };
  }

  #script(file: string): { url: string; script: Script } {
    const path = join(BUILT, file.replace(/\.ts$/, '.js'));
    const url = pathToFileURL(path).href;
    let script = this.#scripts.get(url);
    if (script === undefined) {
      script = new Script(readFileSync(path, 'utf8'));
      this.#scripts.set(url, script);
    }
    return { url, script };
  }

  /** Of all scripts that have run since the last time. */
  #take(): Profiler.ScriptCoverage[] {
    const answer = this.#post('Profiler.takePreciseCoverage');
    return (answer as Profiler.TakePreciseCoverageReturnType).result;
  }

  /** The session of one's own thread answers before it returns. */
  #post(method: string, parameters: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, parameters, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}

function sourceMapOf(url: string): SourceMap | undefined {
  try {
    const text = readFileSync(`${fileURLToPath(url)}.map`, 'utf8');
    return new SourceMap(JSON.parse(text) as SourceMapPayload);
  } catch {
    return undefined;
  }
}

function originOf(map: SourceMap | undefined, line: number, column: number): number {
  const entry = map?.findEntry(line, column);
  return entry !== undefined && 'originalLine' in entry ? entry.originalLine + 1 : line + 1;
}
