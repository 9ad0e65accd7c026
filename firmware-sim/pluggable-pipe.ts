import type { BytePipe } from './pipe.js';

/**
 * A socket that one line after the other is plugged into, as a cable or an
 * adapter is pulled and another one found: the device lives on, and what it
 * sends meanwhile is lost.
 */
export class PluggablePipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  #line: BytePipe | undefined;

  get plugged(): boolean {
    return this.#line !== undefined;
  }

  /** Takes the place of the line before, which is closed. */
  async plug(line: BytePipe): Promise<void> {
    await this.unplug();
    this.#line = line;
    line.onData = (bytes) => this.onData?.(bytes);
    line.onPeer = (present) => this.onPeer?.(present);
  }

  async unplug(): Promise<void> {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    line.onData = undefined;
    line.onPeer = undefined;
    await line.close();
    this.onPeer?.(false);
  }

  write(bytes: Uint8Array): void {
    this.#line?.write(bytes);
  }

  close(): Promise<void> {
    return this.unplug();
  }
}
