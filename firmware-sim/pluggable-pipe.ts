import type { BytePipe } from './pipe.js';

/**
 * A socket for lines: the cable or adapter of a device is unplugged and another is
 * plugged in, while the device runs on. What it sends meanwhile is lost.
 */
export class PluggablePipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  #line: BytePipe | undefined;

  get plugged(): boolean {
    return this.#line !== undefined;
  }

  /** Plugs in a line, and closes the one before. */
  async plug(line: BytePipe): Promise<void> {
    await this.unplug();
    this.#line = line;
    line.onData = (bytes) => this.onData?.(bytes);
    line.onPeer = (present) => this.onPeer?.(present);
  }

  /** Closes the line; without one it does nothing. */
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
