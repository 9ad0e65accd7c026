/** What `siot-mcu watch` says of NATS and of SIOT. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jsonLine, textLine } from '../../src/cli/watch-lines.js';
import { SystemClock } from '../../src/point/clock.js';
import { makePoint, stringValue } from '../../src/point/point.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { SiotStore } from '../siot-store/siot-store.js';
import { Cli } from '../support/cli.js';
import { connectTo } from '../support/nats.js';
import { startCluster } from '../support/nats-cluster.js';
import { tempDir } from '../support/temp-dir.js';

/** `siot-mcu run` with this NATS, and `siot-mcu watch` beside it. */
async function watching(nats: object): Promise<{ watch: Cli; folder: string }> {
  const folder = tempDir();
  const file = join(folder, 'gateway.yaml');
  const links = [{ name: 'pump', transport: { type: 'serial', path: './none' } }];
  writeFileSync(file, JSON.stringify({ nats, links }));
  const daemon = new Cli(['run', '-c', file]);
  await daemon.said(/connected to NATS/);
  return { watch: new Cli(['watch', '-c', file]), folder };
}

async function startNats(config = ''): Promise<NatsServer> {
  const file = join(tempDir(), 'nats.conf');
  writeFileSync(file, config);
  const nats = await NatsServer.start({ args: ['-c', file] });
  onTestFinished(() => nats.stop());
  return nats;
}

const hostOf = (url: string): string => url.replace('nats://', '');

describe('the line of NATS', () => {
  it('names the server and what is wrong, in words and as JSON', () => {
    const nats = { state: 'connected', server: '10.0.0.7:4222' } as const;
    expect(textLine({ kind: 'nats', nats })).toBe('NATS: connected to 10.0.0.7:4222');
    const refused = { state: 'refused', problem: 'it refuses \u001b[31mthe token' } as const;
    expect(textLine({ kind: 'nats', nats: refused })).not.toContain('\u001b');
    expect(textLine({ kind: 'nats', nats: refused })).toContain('NATS: refused; it refuses');
    expect(JSON.parse(jsonLine({ kind: 'nats', nats }))).toEqual({ kind: 'nats', ...nats });
  });

  it('says what NATS does not permit', async () => {
    const nats = await startNats(
      'authorization { users: [ { user: u, password: p, permissions: { publish: { allow: ">", deny: "auth.>" } } } ] }',
    );
    const { watch } = await watching({ servers: nats.url, user: 'u', password: 'p' });
    const [line] = await watch.said(/^NATS: .*permit.*$/m, 'stdout');
    expect(line).toBe(
      `NATS: connected to ${hostOf(nats.url)}; NATS does not permit publishing to auth.getNatsURI: ` +
        'the permissions of this client need mending',
    );
  });

  it('follows the gateway through a cluster, also to a server that nobody configured', async () => {
    const cluster = await startCluster(2);
    onTestFinished(() => cluster.stop());
    const [first, second] = cluster.servers;
    if (first === undefined || second === undefined) throw new Error('two');
    const { watch } = await watching({ servers: first.url });
    await watch.said(new RegExp(`^NATS: connected to ${hostOf(first.url)}$`, 'm'), 'stdout');
    await first.stop('SIGKILL');
    await watch.said(new RegExp(`^NATS: connected to ${hostOf(second.url)}$`, 'm'), 'stdout');
  });
});

describe('the line of SIOT', () => {
  it('says why there are no nodes, and says so when they exist again', async () => {
    const nats = await startNats();
    const store = await SiotStore.start({ nats: nats.url, version: '0.25.0' });
    onTestFinished(() => store.stop());
    const { watch, folder } = await watching({ servers: nats.url });
    const well = 'SIOT: generation 2, its store answers';
    await watch.said(new RegExp(`^${well}$`, 'm'), 'stdout');
    const state = readFileSync(join(folder, 'state', 'gateway.json'), 'utf8');
    const { id } = JSON.parse(state) as { id: string };
    await store.waitFor(() => (store.edges(id).length > 0 ? true : undefined), 'its node');
    await store.edgeAs('user-1', id, store.rootId, { deleted: true });
    const [line] = await watch.said(/^SIOT: .*deleted.*$/m, 'stdout');
    expect(line).toBe(
      `${well}; somebody deleted the node of this gateway in SIOT: ` +
        'links without a node get none until it lives again: siot-mcu undelete --gateway',
    );
    const before = watch.stdout.length;
    await store.edgeAs('user-1', id, store.rootId, { deleted: false });
    await watch.said(new RegExp(`deleted[^]*^${well}$`, 'm'), 'stdout');
    expect(watch.stdout.slice(before)).toContain(well);
  });
});

describe('many and long pending settings', () => {
  it('are shown through a server that takes only small messages, long ones cut', async () => {
    const nats = await startNats('max_payload: 65536');
    const folder = tempDir();
    const file = join(folder, 'gateway.yaml');
    const link = {
      name: 'pump',
      transport: { type: 'serial', path: './none' },
      node: { id: 'pump-node' },
      maxPoints: 6_000,
    };
    const document = { nats: { servers: nats.url }, siot: { store: 'none' }, links: [link] };
    writeFileSync(file, JSON.stringify(document));
    const daemon = new Cli(['run', '-c', file]);
    await daemon.said(/connected to NATS/);
    const client = await connectTo(nats.url);
    onTestFinished(() => client.close());
    const set = (type: string, text: string): void => {
      const value = stringValue(text);
      const point = makePoint({ type, value, time: new SystemClock().wallNs(), origin: 'someone' });
      client.publish(WIRES[2].pointSubject('pump-node', point), WIRES[2].encode([point]));
    };
    for (let n = 0; n < 30; n += 1) set(`text${n}`, 'x'.repeat(60_000));
    for (let n = 0; n < 5_370; n += 1) set(`small${n}`, 'x');
    await client.flush();
    const watch = new Cli(['watch', '-c', file, '--json']);
    await watch.said(/"small5369"/, 'stdout');
    await watch.said(/"text29"/, 'stdout');
    const lines = watch.stdout.trim().split('\n');
    const shown = lines.map(
      (line) => JSON.parse(line) as { kind: string; type?: string; valueBytes?: number },
    );
    const pending = shown.filter(({ kind }) => kind === 'pending');
    expect(new Set(pending.map(({ type }) => type)).size).toBe(5_400);
    expect(pending.find(({ type }) => type === 'text29')?.valueBytes).toBe(60_000);
    expect(watch.stdout).not.toContain('no gateway answers');
  });
});
