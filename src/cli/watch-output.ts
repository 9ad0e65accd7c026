/** Where the events of `siot-mcu watch` go: lines, or a view on the terminal. */
import type { GatewayStatus } from '../gateway/control/control.js';
import { SystemClock } from '../point/clock.js';
import type { WatchListener } from './gateway-watch.js';
import { LiveWatch } from './live-watch.js';
import { Screen } from './screen.js';
import { printLine } from './streams.js';
import type { WatchEvent } from './watch-lines.js';

/** A line for each event. */
export class LineOutput implements WatchListener {
  constructor(private readonly line: (event: WatchEvent) => string) {}

  heard(event: WatchEvent): void {
    printLine(this.line(event));
  }

  looked(): void {
    // What has changed is heard.
  }

  lost(): void {
    // So is this.
  }

  end(): void {
    // Each line is whole.
  }
}

/** A view that is redrawn, from the first answer of the gateway on. */
export class ScreenOutput extends LiveWatch {
  readonly #screen = new Screen(process.stdout, (size) => this.lines(size));
  #ended = false;

  constructor(link: string | undefined) {
    const what = link === undefined ? '' : ` ${link}`;
    super([`siot-mcu watch${what} · Ctrl-C ends`], new SystemClock());
  }

  override looked(status: GatewayStatus): void {
    super.looked(status);
    if (!this.#ended) this.#screen.start();
  }

  end(): void {
    this.#ended = true;
    this.#screen.stop();
  }
}
