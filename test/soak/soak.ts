/**
 * Devices on bad lines, the real gateway as a process, a real nats-server and
 * the stand-in for SIOT's store; all of them have faults, as the plan says.
 *
 * ```
 *  devices ═ bad lines ═ PTY, TCP ═ siot-mcu run ═ nats-server ═ store ◀─ a client sets
 *     └───── what they sent ──▶ journal ◀── what was seen ──┴── tap
 * ```
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { SeededRandom } from '../../firmware-sim/random.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import type { StatusReply } from '../../src/gateway/control/verbs/status-request.js';
import { SiotStore } from '../siot-store/siot-store.js';
import { violations, type Outcome, type Violation } from './checker.js';
import { SettingClient } from './client.js';
import { SettingFlood } from './flood.js';
import { GatewayProcess } from './gateway-process.js';
import { Journal, nameOf, type Named, type Part } from './journal.js';
import { describeEvent, type Plan, type PlannedEvent } from './plan.js';
import { ForeignOwner } from './owner.js';
import { COMMAND, SoakDevice } from './soak-device.js';
import { tap } from './tap.js';

export interface SoakOptions {
  readonly plan: Plan;
  /** More of the gateway's configuration. */
  readonly config?: object;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface SoakResult {
  readonly violations: readonly Violation[];
  readonly journal: Journal;
  /** From the last fault until all was well; or until the time to wait was over. */
  readonly healedMs: number;
  readonly lives: number;
  /** Bits turned, bytes lost and doubled. */
  readonly damage: number;
}

/** After the last fault; retries and backoff take some of it. */
const HEALED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;
const SAMPLE_EVERY_MS = 500;
const ENDS_WITHIN_MS = 5_000;
/** A flush of the NATS client never ends when the answer got lost with the connection. */
const FLUSHED_WITHIN_MS = 1_000;

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const run = new Soak(options);
  try {
    await run.begin();
    await run.badDay();
    return await run.heal();
  } finally {
    await run.end();
  }
}

class Soak {
  readonly #journal = new Journal();
  readonly #folder = mkdtempSync(join(tmpdir(), 'siot-mcu-soak-'));
  readonly #removeFolder = (): void => rmSync(this.#folder, { recursive: true, force: true });
  readonly #devices: SoakDevice[] = [];
  readonly #down = new Set<string>();
  readonly #events = new Set<Promise<unknown>>();
  /** Of the soak itself. */
  #failure: Error | undefined;
  #nats: NatsServer | undefined;
  #store: SiotStore | undefined;
  #tap: NatsConnection | undefined;
  #client: SettingClient | undefined;
  #owner: ForeignOwner | undefined;
  #flood: SettingFlood | undefined;
  #gateway: GatewayProcess | undefined;
  #gatewayId = '';
  #lives = 0;
  #died: Violation | undefined;
  #sampler: NodeJS.Timeout | undefined;
  #lastPending = new Map<string, string>();

  constructor(private readonly options: SoakOptions) {
    process.once('exit', this.#removeFolder);
  }

  async begin(): Promise<void> {
    const { plan, config = {} } = this.options;
    const nats = await NatsServer.start();
    this.#nats = nats;
    const store = await SiotStore.start({ nats: nats.url, version: plan.version });
    this.#store = store;
    this.#tap = await tap(nats.url, plan.version, this.#journal);
    for (const [i, device] of plan.devices.entries()) {
      const link = join(this.#folder, device.name);
      const made = new SoakDevice(device, plan.seed + i + 1, link, plan.durationMs, this.#journal);
      this.#devices.push(made);
      await made.start();
    }
    // JSON is YAML.
    writeFileSync(
      this.#configFile,
      JSON.stringify({
        nats: { servers: nats.url },
        stateDir: join(this.#folder, 'state'),
        links: this.#devices.map(({ plan: { name }, node, transport }) => ({
          name,
          transport,
          commands: [COMMAND],
          node: { id: node },
        })),
        ...config,
      }),
    );
    this.#startGateway();
    const gatewayNode = await store.waitFor(
      () => store.nodes().find(({ type }) => type === 'mcuGateway'),
      'the gateway to make its node',
      30_000,
    );
    this.#gatewayId = gatewayNode.id;
    await store.waitFor(
      () => this.#devices.every(({ node }) => store.edges(node).length > 0) || undefined,
      'the nodes of all links',
      30_000,
    );
    const random = new SeededRandom(plan.seed).fork('client');
    this.#client = new SettingClient(store, this.#devices, random, plan.durationMs, this.#journal);
    this.#client.start();
    this.#owner = new ForeignOwner(store, plan.durationMs, this.#journal);
    this.#flood = new SettingFlood(store, this.#journal, this.options.signal);
    this.#sampler = setInterval(() => void this.#sample(), SAMPLE_EVERY_MS);
  }

  /** Everything that the plan says, at its time. */
  async badDay(): Promise<void> {
    const { plan, say, signal } = this.options;
    const startMs = performance.now();
    for (const { atMs, event } of plan.events) {
      await this.#sleep(startMs + atMs - performance.now());
      if (signal.aborted) return;
      const happening = this.#happen(event)
        .catch((error: unknown) => (this.#failure ??= asError(error)))
        .finally(() => this.#events.delete(happening));
      this.#events.add(happening);
      say(describeEvent(event));
    }
    await this.#sleep(startMs + plan.durationMs - performance.now());
  }

  /** The faults stop: within a bounded time all must be well. */
  async heal(): Promise<SoakResult> {
    const { say } = this.options;
    await Promise.all(this.#events);
    if (this.#failure !== undefined) throw this.#failure;
    say('the faults stop');
    const startMs = performance.now();
    const calm = Promise.all([
      this.#client?.stop(),
      ...this.#devices.map((device) => device.calm()),
    ]);
    let found: Violation[] = [];
    for (;;) {
      await this.#askPending();
      found = this.#check();
      if (found.length === 0 && (await isDone(calm))) break;
      if (performance.now() - startMs > HEALED_WITHIN_MS || this.options.signal.aborted) break;
      await this.#sleep(LOOK_EVERY_MS);
    }
    const healedMs = performance.now() - startMs;
    clearInterval(this.#sampler);
    const ended = await this.#endGateway();
    return {
      violations: ended === undefined ? found : [...found, ended],
      journal: this.#journal,
      healedMs,
      lives: this.#lives,
      damage: this.#devices.reduce((sum, { damage }) => sum + damage, 0),
    };
  }

  /** Ends all that was started, whatever became of it. */
  async end(): Promise<void> {
    clearInterval(this.#sampler);
    this.#client?.abandon();
    const gateway = this.#gateway;
    this.#gateway = undefined;
    await gateway?.stop('SIGKILL');
    await Promise.all(this.#devices.map((device) => device.close()));
    await this.#tap?.close();
    await this.#store?.stop();
    await this.#nats?.stop('SIGKILL');
    this.#removeFolder();
    process.removeListener('exit', this.#removeFolder);
  }

  get #configFile(): string {
    return join(this.#folder, 'gateway.yaml');
  }

  // What happens --------------------------------------------------------------

  async #happen(event: PlannedEvent): Promise<void> {
    switch (event.kind) {
      case 'reboot':
        this.#device(event.device)?.reboot();
        return;
      case 'replug':
      case 'silence': {
        const device = this.#device(event.device);
        if (device === undefined || !this.#take(event.device)) return;
        const wait = (): Promise<void> => this.#sleep(event.forMs);
        await (event.kind === 'replug' ? device.replug(wait) : device.silence(wait));
        this.#giveBack(event.device);
        return;
      }
      case 'bus':
        return this.#without(
          'bus',
          event.forMs,
          () => this.#nats?.stop('SIGKILL'),
          async () => {
            const { port } = this.#nats ?? {};
            this.#nats = await NatsServer.start(port === undefined ? {} : { port });
          },
        );
      case 'store':
        return this.#without(
          'store',
          event.forMs,
          () => this.#whatever(this.#store?.leave()),
          () => this.#whatever(this.#store?.comeBack()),
        );
      case 'owner': {
        const device = this.#device(event.device);
        if (device !== undefined) await this.#owner?.write(device);
        return;
      }
      case 'flood': {
        const device = this.#device(event.device);
        if (device !== undefined) await this.#flood?.write(device);
        return;
      }
      case 'kill':
        return this.#without(
          'gateway',
          event.forMs,
          () => this.#kill(),
          () => this.#startGateway(),
        );
    }
  }

  async #without(
    what: Part,
    forMs: number,
    take: () => unknown,
    give: () => unknown,
  ): Promise<void> {
    if (!this.#take(what)) return;
    this.#journal.add({ kind: 'down', what });
    await take();
    await this.#sleep(forMs);
    await give();
    this.#journal.add({ kind: 'up', what });
    this.#giveBack(what);
  }

  /** False: it is away already. */
  #take(what: string): boolean {
    if (this.#down.has(what)) return false;
    this.#down.add(what);
    return true;
  }

  #giveBack(what: string): void {
    this.#down.delete(what);
  }

  /** The store has done its part; its connection may be looking for the nats-server still. */
  async #whatever(done: Promise<void> | undefined): Promise<void> {
    await Promise.race([done?.catch(() => undefined), this.#sleep(FLUSHED_WITHIN_MS)]);
  }

  #startGateway(): void {
    this.#lives += 1;
    const gateway = new GatewayProcess(this.#configFile, (line) => this.#heard(line));
    this.#gateway = gateway;
    void gateway.ended.then(({ code, signal }) => {
      if (this.#gateway !== gateway) return;
      this.#died = { what: `the gateway ended by itself (${String(code ?? signal)})` };
    });
  }

  async #kill(): Promise<void> {
    const gateway = this.#gateway;
    this.#gateway = undefined;
    await gateway?.stop('SIGKILL');
  }

  #heard(line: string): void {
    let said = line;
    try {
      const { level, msg, time: _, ...fields } = JSON.parse(line) as Record<string, unknown>;
      said = `${String(level)} ${String(msg)} ${JSON.stringify(fields)}`;
    } catch {
      // Not a line of the log: what Node says when it fails.
    }
    this.#journal.add({ kind: 'said', line: said.slice(0, 300) });
  }

  /** Where all is as it should be: what a process holds in a fault says nothing. */
  async #sample(): Promise<void> {
    const { life, quiet } = { life: this.#lives, quiet: this.#down.size === 0 };
    const status = quiet ? await this.#status() : undefined;
    const usage = this.#gateway?.usage();
    if (usage === undefined || status === undefined || this.#lives !== life) return;
    const { siot, links } = status;
    if (siot.store !== 'answers' || !links.every(({ port }) => port === 'open')) return;
    this.#journal.add({ kind: 'quiet', life, ...usage });
  }

  /** As `siot-mcu watch` gets it; `undefined`: the gateway does not answer. */
  async #status(): Promise<StatusReply | undefined> {
    try {
      const subject = `mcu-gateway.${this.#gatewayId}.status`;
      const reply = await this.#tap?.request(subject, '', { timeout: 1_000 });
      return reply?.json<StatusReply>();
    } catch {
      return undefined;
    }
  }

  // What became of it ---------------------------------------------------------

  #check(): Violation[] {
    const outcome: Outcome = {
      entries: this.#journal.entries,
      commands: [COMMAND],
      devices: this.#devices.map((device) => ({
        name: device.plan.name,
        node: device.node,
        times: device.plan.times,
        acknowledges: device.plan.acknowledges,
        unacknowledged: device.unacknowledged,
        inForce: (setting) => device.inForce(setting),
        pending: (setting) => this.#lastPending.get(`${device.plan.name} ${nameOf(setting)}`),
      })),
      stored: (node, point) => this.#stored(node, point),
    };
    return [...violations(outcome), ...(this.#died === undefined ? [] : [this.#died])];
  }

  #stored(
    node: string,
    { type, key }: Named,
  ): { value: number | string; time: bigint } | undefined {
    const point = this.#store?.point(node, type, key === '' ? '0' : key);
    if (point === undefined) return undefined;
    return { value: point.text === '' ? point.number : point.text, time: point.time };
  }

  async #askPending(): Promise<void> {
    const status = await this.#status();
    this.#lastPending = new Map(
      status?.links.flatMap(({ name, pending }) =>
        pending.map((one): [string, string] => [`${name} ${nameOf(one)}`, one.reason]),
      ),
    );
  }

  async #endGateway(): Promise<Violation | undefined> {
    const gateway = this.#gateway;
    this.#gateway = undefined;
    if (gateway === undefined) return undefined;
    const late = setTimeout(() => void gateway.stop('SIGKILL'), ENDS_WITHIN_MS);
    const { code, signal } = await gateway.stop('SIGTERM');
    clearTimeout(late);
    if (code === 0) return undefined;
    return {
      what: `asked to end, the gateway ended with ${String(code ?? signal)} (5 s are allowed)`,
    };
  }

  #device(name: string): SoakDevice | undefined {
    return this.#devices.find(({ plan }) => plan.name === name);
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.options;
    return new Promise((resolve) => {
      if (ms <= 0 || signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}

const isDone = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => setTimeout(resolve, 0, false)),
  ]);

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
