import { nsText } from './ns-text.js';
import { ChunkFile, type SampleFile } from './sample-file.js';
import { numberText } from '../../point/value-text.js';

/** Samples as CSV: a line for each, with its time in UTC. In a gap one line has no value. */
export class CsvFile implements SampleFile {
  readonly hasTimes = true;
  readonly #file: ChunkFile;

  constructor(readonly path: string) {
    this.#file = new ChunkFile(path);
    this.#line('time,value');
  }

  write(startNs: bigint, periodNs: number, samples: Float32Array): void {
    const period = BigInt(periodNs);
    let ns = startNs;
    let text = '';
    for (const sample of samples) {
      text += `${nsText(ns)},${numberText(sample)}\n`;
      ns += period;
    }
    this.#file.write(Buffer.from(text));
  }

  /** The time of the first that is missing, without a value: a plot has a hole there, and not a line across it. */
  gap(fromNs: bigint): boolean {
    this.#line(`${nsText(fromNs)},`);
    return true;
  }

  isFull(): boolean {
    return false;
  }

  flush(): void {
    this.#file.flush();
  }

  close(): void {
    this.#file.close();
  }

  #line(text: string): void {
    this.#file.write(Buffer.from(`${text}\n`));
  }
}
