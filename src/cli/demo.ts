/**
 * `npm run demo`: a private nats-server, a simulated pump controller on a real
 * PTY, and the gateway between them.
 *
 * ```
 *  pump controller ══ PTY ══ gateway ══ nats-server ══ this program, as anyone
 * ```
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { Firmware } from '../../firmware-sim/firmware.js';
import { SimulatedMcu } from '../../firmware-sim/mcu.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { PtyPipe } from '../../firmware-sim/pty.js';
import { PUMP_CONTROLLER_YAML } from '../../firmware-sim/pump-controller.js';
import { SeededRandom } from '../../firmware-sim/random.js';
import { stringify } from 'yaml';
import { nodeIdOf } from '../gateway/config/config.js';
import { Gateway } from '../gateway/gateway.js';
import type { Control } from '../gateway/control/control.js';
import { SystemClock } from '../point/clock.js';
import { SILENT_LOG } from '../point/log.js';
import { floatValue, makePoint } from '../point/point.js';
import { isReservedType } from '../point/reserved.js';
import { Connection } from '../siot/connection/connection.js';
import { NatsServer } from '../siot/connection/nats-server.js';
import { WIRES } from '../siot/wire/wires.js';
import { readConfigFile } from './config-file.js';
import { JsonView, PipeView, ScreenView, type DemoView } from './demo-view.js';
import { LiveWatch } from './live-watch.js';
import { isTerminal } from './screen.js';

interface DemoOptions {
  readonly seconds?: number;
  readonly json?: boolean;
  readonly protocol: 'protobuf' | 'compact';
}

const LINK = 'pump';
const SETTING = 'setpoint';
const SET_EVERY_MS = 3_000;
const LOOK_EVERY_MS = 5;

/** Commands to try beside the demo. */
const TRY = ['status', `watch ${LINK} --raw`];
/** From a checkout, as the demo is. */
const siotMcu = (command: string): string => `npm run -s siot-mcu -- ${command}`;
/** What the demo says at its end. */
const NEXT =
  'With a device of your own, and a gateway.yaml for it (README.md):\n' +
  `  ${siotMcu('run')}\n` +
  `  ${siotMcu('status')}             how its links are, and what is wrong\n` +
  `  ${siotMcu('watch LINK --raw')}   what crosses the line, byte for byte and decoded\n`;

const command = new Command('demo')
  .description('A simulated pump controller, the gateway and NATS, live.')
  .option('--seconds <n>', 'end after so long: status 0 if points went both ways, else 1', seconds)
  .option('--json', 'a line of JSON for each point that crossed')
  .addOption(
    new Option('--protocol <codec>', 'payload codec of the pump controller')
      .choices(['protobuf', 'compact'])
      .default('protobuf'),
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError('a number of seconds above 0, up to 86400');
}

class Demo {
  readonly #clock = new SystemClock();
  readonly #folder = mkdtempSync(join(tmpdir(), 'siot-mcu-demo-'));
  readonly #ends: (() => Promise<void> | void)[] = [];
  readonly #crossed = { up: 0, down: 0 };

  constructor(
    private readonly options: DemoOptions,
    private readonly output: NodeJS.WriteStream,
  ) {
    this.#ends.push(() => rmSync(this.#folder, { recursive: true, force: true }));
  }

  get bothWays(): boolean {
    return this.#crossed.up > 0 && this.#crossed.down > 0;
  }

  async start(): Promise<void> {
    // All programs of this machine may connect, without credentials. This is on purpose:
    // only a simulated device is behind it, and people can use their own tools with the
    // address that is shown.
    const server = await NatsServer.start();
    this.#ends.push(() => server.stop());

    const pty = await PtyPipe.open();
    const mcu = new SimulatedMcu(pty, {
      protocol: this.options.protocol,
      clock: this.#clock,
      transcriptLimit: 100,
    });
    const profile = parseProfile(PUMP_CONTROLLER_YAML, 'pump-controller.yaml');
    const firmware = new Firmware(mcu, profile, new SeededRandom(1));
    mcu.start();
    this.#ends.push(() => mcu.close());

    const file = this.#configFile(server.url, pty.path);
    const config = readConfigFile(file, process.env);
    const gateway = new Gateway(config, {
      clock: this.#clock,
      random: Math.random,
      log: SILENT_LOG,
      version: '',
      hostName: '',
    });
    this.#ends.push(() => gateway.stop());
    await gateway.start();
    const { control, identity } = gateway;
    const nodeId = nodeIdOf(config.links[0] ?? fail('the demo has no link'), identity.id);

    const nats = new Connection({
      settings: { servers: [server.url], name: 'demo' },
      clock: this.#clock,
      random: Math.random,
      log: SILENT_LOG,
      onState: () => undefined,
    });
    this.#ends.push(() => nats.close());
    const view = this.#view([
      `simulated pump controller on ${pty.path} ══ gateway ══ nats-server at ${server.url}`,
      `subjects of ${LINK}: p.${nodeId}.>`,
      'Try in another terminal, in this folder:',
      ...TRY.map((command) => `   ${siotMcu(command)} -c ${file}`),
    ]);
    this.#ends.push(() => view.end());
    this.#showUp(nats, nodeId, view);
    nats.start();
    this.#changeSetting(nats, control, nodeId, firmware, view);
    this.#every(1_000, () => view.looked(control.status()));
  }

  /** Ends everything that was started, newest first. */
  async stop(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }

  /** A file, so that the commands find this gateway as they find any other. */
  #configFile(server: string, path: string): string {
    const file = join(this.#folder, 'gateway.yaml');
    const state = join(this.#folder, 'state');
    const text = stringify({
      nats: { servers: server },
      stateDir: state,
      // The demo may run where systemd has named another one.
      runtimeDir: state,
      gateway: { description: 'demo' },
      links: [{ name: LINK, transport: { type: 'serial', path }, commands: ['restart'] }],
    });
    writeFileSync(file, text);
    return file;
  }

  #view(head: readonly string[]): DemoView {
    const write = (text: string): void => {
      this.output.write(text);
    };
    if (this.options.json === true) return new JsonView(write);
    const watch = new LiveWatch(head, this.#clock);
    return isTerminal(this.output, process.env)
      ? new ScreenView(watch, this.output)
      : new PipeView(watch, write);
  }

  #showUp(nats: Connection, nodeId: string, view: DemoView): void {
    nats.subscribe(WIRES[2].pointSubscription(nodeId), ({ data }) => {
      for (const point of WIRES[2].decode(data)?.points ?? []) {
        const { type, origin } = point;
        // The gateway's statistics and this program's own settings are not points of the device.
        if (isReservedType(type) || origin !== '') continue;
        this.#crossed.up += 1;
        view.crossed(LINK, nodeId, point);
      }
    });
  }

  /** Changes a setting every few seconds, as any client of SIOT would, and shows how it reaches the device. */
  #changeSetting(
    nats: Connection,
    control: Control,
    nodeId: string,
    firmware: Firmware,
    view: DemoView,
  ): void {
    let busy = false;
    let next = 4;
    this.#every(SET_EVERY_MS, () => {
      if (busy || !nats.connected) return;
      busy = true;
      next = next >= 7 ? 2 : next + 0.25;
      void this.#setOnce(nats, control, nodeId, firmware, view, next).finally(() => {
        busy = false;
      });
    });
  }

  async #setOnce(
    nats: Connection,
    control: Control,
    nodeId: string,
    firmware: Firmware,
    view: DemoView,
    value: number,
  ): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    const after = (): string => `${(this.#clock.monotonicMs() - startMs).toFixed(1)} ms`;
    const point = makePoint({
      type: SETTING,
      key: '0',
      value: floatValue(value),
      time: this.#clock.wallNs(),
      origin: 'demo-user',
    });
    const subject = WIRES[2].pointSubject(nodeId, point);
    nats.publish(subject, WIRES[2].encode([point]));
    view.note(
      ` ▼ ${SETTING} = ${String(value)} published on ${subject.split('.').slice(-2).join('.')}`,
    );
    let arrived = false;
    for (;;) {
      await new Promise<void>((resolve) => {
        this.#clock.setTimer(LOOK_EVERY_MS, resolve);
      });
      if (!arrived && firmware.setting(SETTING) === value) {
        arrived = true;
        view.note(`   in force in the device within ${after()}`);
      }
      if (!nats.connected) return;
      const [link] = control.status().links;
      const waiting = link?.pending.some(({ type }) => type === SETTING);
      if (!arrived || waiting !== false) continue;
      view.note(`   acknowledged within ${after()}`);
      this.#crossed.down += 1;
      view.crossed(LINK, nodeId, point);
      return;
    }
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms);
    this.#ends.push(() => clearInterval(timer));
  }
}

function fail(message: string): never {
  throw new Error(message);
}

async function main(): Promise<void> {
  const options = command.parse().opts<DemoOptions>();
  const demo = new Demo(options, process.stdout);
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
    process.stdout.on('error', () => resolve());
    if (options.seconds !== undefined) setTimeout(resolve, options.seconds * 1000);
  });
  let status = 0;
  try {
    await demo.start();
    await ended;
    if (options.seconds !== undefined && !demo.bothWays) {
      process.stderr.write('demo: points did not go both ways in that time\n');
      status = 1;
    }
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    status = 1;
  } finally {
    await demo.stop();
  }
  if (status === 0) process.stderr.write(NEXT);
  process.exit(status);
}

void main();
