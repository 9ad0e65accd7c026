import type { SimClock, SimTimer } from '../clock.js';
import type { FaultyMcu } from '../device-faults.js';
import type { FirmwareMcu, FirmwareObserver, ReportEnd } from '../firmware.js';
import type { McuTimes } from '../mcu.js';
import type { BytePipe } from '../pipe.js';
import { mcuPoint, sameKey, type McuPoint, type PointLike } from '../points.js';
import { TimerSet } from '../timer-set.js';
import { ShellConsole, type LogLevel } from './console.js';
import { readSetting, reportLine } from './point-shell.js';

/** Options of a device with the shell protocol; defaults after the semicolon. */
export interface ShellMcuOptions {
  readonly clock: SimClock;
  /**
   * Times of its reports: `zero`, none; `synced`, what `p` has set keeps the time of the
   * command; `sinceStart`, from 1970 on, as a board without a clock. `zero`.
   */
  readonly times?: McuTimes;
  /** Length of a restart, in which it neither prints nor listens, ms; 100. */
  readonly bootMs?: number;
  /** Lines that it prints at its start; `*** Booting Zephyr OS build v3.7.0 ***`. */
  readonly banner?: readonly string[];
  /** From the banner to the first prompt, ms: what is typed before is lost; 0. */
  readonly shellAfterMs?: number;
  /** Whether it knows the command `siot`, which today's firmware does not; true. */
  readonly knowsSiot?: boolean;
}

/** A command that the device has got, as text. */
export interface ReceivedCommand {
  readonly words: readonly string[];
  /** Monotonic ms of the device's clock. */
  readonly atMs: number;
}

/** The point that `p` has set, and when by the command. */
interface Dated {
  readonly point: McuPoint;
  readonly time: string;
}

const BANNER = ['*** Booting Zephyr OS build v3.7.0 ***'];
const COMMANDS_KEPT = 1_000;
const REPORTED: ReportEnd = { outcome: 'acknowledged' };
const NOT_REPORTED: ReportEnd = { outcome: 'aborted' };

/** A microcontroller whose UART is the console of Zephyr's shell (docs/siot.md, 3). */
export class ShellMcu implements FirmwareMcu, FaultyMcu {
  readonly console: ShellConsole;
  /** Commands that it has got, oldest first; the newest 1,000. */
  readonly commands: ReceivedCommand[] = [];
  /** Number of commands that it has got. */
  received = 0;
  /** Answers `siot dump`: all points. */
  all: () => readonly PointLike[] = () => [];
  /** Called with what `p` sets; false: the device does not take it, and prints nothing. */
  takes: (point: McuPoint) => boolean = () => true;
  readonly #pipe: BytePipe;
  readonly #clock: SimClock;
  readonly #bootMs: number;
  readonly #banner: readonly string[];
  readonly #shellAfterMs: number;
  readonly #knowsSiot: boolean;
  readonly #observers = new Set<FirmwareObserver>();
  readonly #timers: TimerSet;
  readonly #dated: Dated[] = [];
  #times: McuTimes;
  #stream = false;
  /** Its shell runs: it takes what is typed. */
  #listens = true;
  #startedMs: number;
  #state: 'running' | 'booting' | 'closed' = 'running';

  constructor(pipe: BytePipe, options: ShellMcuOptions) {
    this.#pipe = pipe;
    this.#clock = options.clock;
    this.#timers = new TimerSet(options.clock);
    this.#bootMs = options.bootMs ?? 100;
    this.#banner = options.banner ?? BANNER;
    this.#shellAfterMs = options.shellAfterMs ?? 0;
    this.#times = options.times ?? 'zero';
    this.#knowsSiot = options.knowsSiot ?? true;
    this.#startedMs = options.clock.monotonicMs();
    this.console = new ShellConsole({ write: (bytes) => this.sendRaw(bytes) }, (words) =>
      this.#run(words),
    );
    pipe.onData = (bytes) => {
      if (this.#state === 'running' && this.#listens) this.console.type(bytes);
    };
  }

  /** Whether it prints each change by itself: `siot stream on`. */
  get streams(): boolean {
    return this.#stream;
  }

  /** Time since its start, ms. */
  get uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  set times(times: McuTimes) {
    this.#times = times;
  }

  observe(observer: FirmwareObserver): void {
    this.#observers.add(observer);
  }

  /** Calls `fn` in `ms`, unless the device restarts or is closed before. */
  later(ms: number, fn: () => void): SimTimer {
    if (this.#state === 'closed') return { cancel: () => undefined };
    return this.#timers.start(ms, fn);
  }

  /** Power on. */
  start(): void {
    this.console.boot(this.#banner);
    this.#listens = false;
    if (this.#shellAfterMs === 0) this.#listen();
    else this.later(this.#shellAfterMs, () => this.#listen());
    this.log('inf', 'app', 'started');
    for (const observer of this.#observers) observer.started?.();
  }

  /** Power off and on; `printing`: in the middle of the line that reports this point. */
  reboot(printing?: PointLike): void {
    if (this.#state !== 'running') return;
    if (printing !== undefined) this.console.printHalf(this.#line(mcuPoint(printing)));
    this.#halt('booting');
    this.#timers.start(this.#bootMs, () => {
      this.#state = 'running';
      this.#startedMs = this.#clock.monotonicMs();
      this.start();
    });
  }

  /** Closes the pipe. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#halt('closed');
    await this.#pipe.close();
  }

  /** Prints these points, if it streams; what they are is asked when they are printed. */
  reportPoints(read: () => readonly PointLike[]): Promise<ReportEnd> {
    if (this.#state !== 'running') return Promise.resolve(NOT_REPORTED);
    if (this.#stream) this.#print(read());
    return Promise.resolve(REPORTED);
  }

  /** Prints these points, whether it streams or not. */
  sendPoints(points: readonly PointLike[]): Promise<ReportEnd> {
    this.#print(points);
    return Promise.resolve(REPORTED);
  }

  sendLog(text: string): void {
    this.log('inf', 'app', text);
  }

  log(level: LogLevel, module: string, text: string): void {
    this.console.log(level, module, text, this.uptimeMs);
  }

  /** Writes bytes to the line as they are. */
  sendRaw(bytes: Uint8Array): void {
    if (this.#state === 'running') this.#pipe.write(bytes);
  }

  #listen(): void {
    this.#listens = true;
    this.console.begin();
  }

  #print(points: readonly PointLike[]): void {
    for (const point of points) this.console.print(this.#line(mcuPoint(point)));
  }

  #line(point: McuPoint): string {
    return reportLine(point, this.#timeOf(point));
  }

  #timeOf(point: McuPoint): string | undefined {
    switch (this.#times) {
      case 'zero':
        return undefined;
      case 'sinceStart':
        return new Date(this.uptimeMs).toISOString();
      case 'synced':
        return this.#dated.find((dated) => isSame(dated.point, point))?.time;
    }
  }

  #run(words: readonly Buffer[]): readonly string[] {
    const texts = words.map(String);
    this.received += 1;
    this.commands.push({ words: texts, atMs: this.#clock.monotonicMs() });
    if (this.commands.length > COMMANDS_KEPT) this.commands.shift();
    const [command = '', ...args] = texts;
    if (command === 'p') return this.#set(words);
    if (command === 'siot' && this.#knowsSiot) return this.#siot(args);
    return [`${command}: command not found`];
  }

  #siot([what, on]: readonly string[]): readonly string[] {
    if (what === 'dump') return this.all().map((point) => this.#line(mcuPoint(point)));
    if (what !== 'stream' || (on !== 'on' && on !== 'off')) return ['siot: wrong parameter count'];
    this.#stream = on === 'on';
    return [];
  }

  #set(words: readonly Buffer[]): readonly string[] {
    const read = readSetting(words);
    if (typeof read === 'string') return [read];
    const { point, time } = read;
    if (!this.takes(point)) return [];
    if (time !== undefined) this.#date({ point, time });
    for (const observer of this.#observers) observer.points?.([point]);
    return [];
  }

  #date(dated: Dated): void {
    const at = this.#dated.findIndex(({ point }) => isSame(point, dated.point));
    if (at >= 0) this.#dated.splice(at, 1);
    this.#dated.push(dated);
  }

  #halt(state: 'booting' | 'closed'): void {
    this.#state = state;
    this.#timers.cancelAll();
    this.#stream = false;
    this.#dated.length = 0;
  }
}

const isSame = (a: McuPoint, b: McuPoint): boolean => a.type === b.type && sameKey(a.key, b.key);
