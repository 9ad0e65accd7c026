/** What the gateway kept over its restarts, as whatever a disk made of it. */
import { dirname } from 'node:path';
import { crc16 } from '../../../firmware-sim/packet.js';
import { readGatewayId } from '../../../src/cli/runtime-files.js';
import { RemotePointRouter } from '../../../src/gateway/link/remote-point-router.js';
import type { LinkRecord } from '../../../src/gateway/state/link-record.js';
import { StateDir, StateError } from '../../../src/gateway/state/state-dir.js';
import { isUuid } from '../../../src/gateway/state/uuid.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { SessionHarness, ackAll } from '../../support/session-harness.js';
import { scratchFile } from '../scratch.js';
import { agree, must, type FuzzTarget } from '../target.js';
import { keptAndLoaded, loadedFrom } from '../kept.js';

const bytesOf = (content: unknown): Uint8Array =>
  Uint8Array.from(Buffer.from(JSON.stringify(content)));

const SETTING = {
  type: 'setpoint',
  key: '',
  time: '1767323045678901234',
  value: { kind: 'float', number: '6.5' },
  tombstone: 0,
  origin: 'user-1',
  state: 'pending',
  transmissions: 1,
};

const linesOf = (...entries: readonly object[]): Uint8Array =>
  Uint8Array.from(Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));

const setting = (given: object): object => ({ of: 'setting', ...SETTING, ...given });

export const linkFileTarget: FuzzTarget = {
  name: 'link-file',
  files: [
    'src/gateway/state/link-file.ts',
    'src/gateway/state/link-record.ts',
    'src/session/settings/record.ts',
    'src/session/settings/setting.ts',
    'src/session/settings/settings.ts',
    'src/session/settings/kept.ts',
  ],
  maxLength: 2_000,
  firstLook: 200,
  words: [
    '"pending"',
    '"inForce"',
    '"ended"',
    '"replaced"',
    '"kind"',
    '"int"',
    '"number"',
    '"__proto__"',
    '99999999999999999999',
    '-1',
    'null',
    '"restoring":true',
    '"confirmed"',
    '"spelling"',
    'Infinity',
    '\n',
  ],
  corpus: () => [
    linesOf(
      { of: 'link', session: { codec: 'compact', acknowledges: 'yes', sequence: 7 } },
      setting({}),
    ),
    linesOf(
      {
        of: 'link',
        session: { last: { sequence: 200, uptime: 30, startClock: '5000000000' }, resyncDue: true },
        judge: { disabled: { value: true, time: '1' }, lastReading: '2' },
      },
      setting({ state: 'inForce', confirmed: '1767323045678901235', restoring: true }),
      setting({ key: '1', value: { kind: 'int', number: '-7' }, spelling: '0' }),
      setting({ type: 'mode', value: { kind: 'string', text: 'auto', number: '1' } }),
      setting({ type: 'restart', state: 'ended', tombstone: 1 }),
    ),
    withChecksums(linesOf({ of: 'link' }, setting({}))),
    new Uint8Array(0),
  ],
  check: async (input) => {
    await live(await loadedFrom(input));
    // With CRCs that fit, which chance does not find.
    await live(await loadedFrom(withChecksums(input)));
  },
};

function withChecksums(lines: Uint8Array): Uint8Array {
  const checked = Buffer.from(lines)
    .toString('utf8')
    .split('\n')
    .map((json) => `${crc16(Buffer.from(json)).toString(16).padStart(4, '0')} ${json}`);
  return Uint8Array.from(Buffer.from(`${checked.join('\n')}\n`));
}

/** A link lives with it: opens, is set, hears its device, and is kept again. */
async function live(record: LinkRecord): Promise<void> {
  const harness = new SessionHarness({ record: record.session ?? {}, acks: ackAll });
  const { settings, replica, counters } = harness.session.state;
  const router = new RemotePointRouter(
    {
      nodeId: 'node-1',
      session: harness.session.settings,
      settings,
      replica,
      counters,
      host: NOBODY,
      clock: harness.clock,
      log: SILENT_LOG,
    },
    record.judge ?? {},
  );
  harness.open();
  harness.points([{ type: 'temp', value: 1 }]);
  harness.advance(40_000);
  const kept = { session: harness.record(), judge: router.record() };
  harness.close();
  await keptAndLoaded(kept);
}

const NOBODY = {
  show: () => undefined,
  disable: () => undefined,
  reset: () => undefined,
  downloadAsked: () => undefined,
  described: () => undefined,
};

export const gatewayRecordTarget: FuzzTarget = {
  name: 'gateway-record',
  files: ['src/cli/runtime-files.ts', 'src/gateway/state/uuid.ts'],
  maxLength: 300,
  words: ['"id"', '"store"', '"generation"', 'null', '1', '2', '"__proto__"'],
  corpus: () => [
    bytesOf({ id: '8d5e0c4e-0f7c-4b8e-9d38-52c9b8c6a1f0', store: { generation: 2 } }),
    bytesOf({ id: '8d5e0c4e-0f7c-4b8e-9d38-52c9b8c6a1f0' }),
    bytesOf(null),
    bytesOf([]),
  ],
  check: async (input) => {
    const folder = dirname(scratchFile('gateway/gateway.json', input));
    const id = readGatewayId(folder);
    try {
      const record = await new StateDir(folder, SILENT_LOG).openGateway();
      must(isUuid(record.id), 'an ID that is none');
      agree('ID, and as the commands read it', record.id, id);
      const generation = record.store?.generation;
      must([undefined, 1, 2].includes(generation), 'no generation');
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
    }
  },
};
