/** The built program, on interfaces that are there. */
import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GatewayUnderTest, startStore } from '../gateway/plant.js';
import { Cli, runCli } from '../support/cli.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { addVcan, removeInterface } from './support/can.js';
import { ip } from './support/system.js';

const nats = useNats();
beforeEach(() => addVcan('vcan0'));
afterEach(() => removeInterface('vcan0'));

it('`check` says what command brings an interface up, for both kinds of links', async () => {
  ip('link set vcan0 down');
  const file = join(tempDir(), 'gateway.yaml');
  const database = resolve('gateway.example.dbc');
  const links = [
    { name: 'boiler', transport: { type: 'can', interface: 'vcan0', txId: 1, rxId: 2 } },
    { name: 'engine', transport: { type: 'can-signals', interface: 'vcan0', database } },
  ];
  writeFileSync(file, JSON.stringify({ links }));
  const { status, stderr } = await runCli(['check', '-c', file]);
  const advice =
    'transport.interface: warning: at present vcan0 is down; bring it up: sudo ip link set vcan0 up';
  expect({ status, lines: stderr.trimEnd().split('\n') }).toEqual({
    status: 0,
    lines: [
      expect.stringContaining(`links[0].${advice}`),
      expect.stringContaining(`links[1].${advice}`),
    ],
  });
});

/** The program as users have it: out of the package that npm makes, beside the packages that it needs. */
function packed(): string {
  const folder = tempDir();
  const run = (program: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
    return stdout.trim();
  };
  const archive = run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder);
  run('tar', '-xf', join(folder, archive), '-C', folder);
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return join(folder, 'package/dist/src/cli/main.js');
}

it('`sim --can` of the packed program is heard by a gateway, with both framings', async () => {
  const program = packed();
  // Side by side: each takes long to start where the processor is emulated.
  const pumps = [
    { name: 'cobs', txId: 0x123, rxId: 0x124 },
    { name: 'isotp', txId: 0x125, rxId: 0x126 },
  ].map(({ name, txId, rxId }) => ({
    name,
    transport: { type: 'can', interface: 'vcan0', txId, rxId, framing: name },
    sim: new Cli(
      ['sim', '--can', 'vcan0', '--framing', name, '--seed', '1'].concat(
        ['--tx-id', String(rxId)],
        ['--rx-id', String(txId)],
      ),
      { program },
    ),
  }));
  const store = await startStore(nats);
  const gateway = await new GatewayUnderTest(tempDir(), {
    nats: { servers: nats.url },
    links: pumps.map(({ name, transport }) => ({ name, transport })),
  }).start();
  for (const { name, sim } of pumps) {
    await sim.said(/\n/, 'stdout');
    await gateway.ready(name);
    const { nodeId } = gateway.link(name);
    await store.waitForPoint(nodeId, 'connected', '0', ({ number }) => number === 1);
    sim.child.kill('SIGTERM');
    expect(await sim.ended).toBe(0);
  }
});
