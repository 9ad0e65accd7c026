/** What `npm run demo` shows: the view of `siot-mcu watch` on a terminal and, once a second, in a pipe; or JSON. */
import type { GatewayStatus } from '../gateway/control/control.js';
import { canonicalKey, plainValue, type PlainValue, type Point } from '../point/point.js';
import type { LiveWatch } from './live-watch.js';
import { Screen, type Terminal } from './screen.js';
import { directionOf, type Direction } from './watch-lines.js';

/** A point that has crossed the gateway, as JSON (docs/contract.md, "npm run demo"). */
export interface Crossing {
  readonly direction: Direction;
  readonly link: string;
  readonly type: string;
  readonly key: string;
  readonly value: PlainValue;
  /** ns since 1970, as decimal text. */
  readonly time: string;
}

/** Shows what crosses the demo. */
export interface DemoView {
  crossed(link: string, nodeId: string, point: Point): void;
  /** A step of a setting on its way to the device, for people. */
  note(text: string): void;
  /** Called once a second. */
  looked(status: GatewayStatus): void;
  end(): void;
}

/** A line of JSON for each point that crossed. */
export class JsonView implements DemoView {
  constructor(private readonly write: (text: string) => void) {}

  crossed(link: string, nodeId: string, point: Point): void {
    const crossing: Crossing = {
      direction: directionOf(point, nodeId),
      link,
      type: point.type,
      key: canonicalKey(point.key),
      value: plainValue(point.value),
      time: point.time.toString(),
    };
    this.write(`${JSON.stringify(crossing)}\n`);
  }

  note(): void {
    // A setting is printed as a point with direction "down".
  }

  looked(): void {
    // Each point was printed when it crossed.
  }

  end(): void {
    // Each line is whole.
  }
}

/** The view of `siot-mcu watch`, redrawn in place. */
export class ScreenView implements DemoView {
  readonly #screen: Screen;

  constructor(
    private readonly watch: LiveWatch,
    terminal: Terminal,
  ) {
    this.#screen = new Screen(terminal, (size) => watch.lines(size));
    this.#screen.start();
  }

  crossed(link: string, nodeId: string, point: Point): void {
    this.watch.heard({ kind: 'point', link, nodeId, point });
  }

  note(text: string): void {
    this.watch.note(text);
    this.#screen.draw();
  }

  looked(status: GatewayStatus): void {
    this.watch.looked(status);
  }

  end(): void {
    this.#screen.stop();
  }
}

const PIPE = { rows: 200, columns: 100 };

/** The same view, printed each second. */
export class PipeView implements DemoView {
  constructor(
    private readonly watch: LiveWatch,
    private readonly write: (text: string) => void,
  ) {}

  crossed(link: string, nodeId: string, point: Point): void {
    this.watch.heard({ kind: 'point', link, nodeId, point });
  }

  note(text: string): void {
    this.write(`${text}\n`);
  }

  looked(status: GatewayStatus): void {
    this.watch.looked(status);
    this.write(`${this.watch.lines(PIPE).join('\n')}\n\n`);
  }

  end(): void {
    // Each line is whole.
  }
}
