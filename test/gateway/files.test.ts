/** Files for a device, given over NATS, to a simulated device on a PTY; their points in SIOT. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileReceiver, type SimulatedMcu } from '../../firmware-sim/index.js';
import type {
  FileVerbReply,
  FileVerbRequest,
} from '../../src/gateway/control/verbs/file-message.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';
import { asker, GatewayUnderTest, openDevice, startStore } from './plant.js';

const nats = useNats();

/** Does not acknowledge blocks while it is closed. */
class Valve {
  isOpen = true;
  /** Blocks that came, whether it was open or not. */
  seen = 0;
  constructor(mcu: SimulatedMcu) {
    mcu.push({
      name: 'valve',
      onPacket: ({ subject }) => {
        if (subject !== 'file') return undefined;
        this.seen += 1;
        return this.isOpen ? undefined : 'handled';
      },
    });
  }
}

async function plant() {
  const device = await openDevice();
  const files = new FileReceiver();
  device.mcu.push(files);
  device.mcu.observe({ stopping: () => files.forget() });
  const valve = new Valve(device.mcu);
  const link = { name: 'pump', transport: device.transport, protocol: 'compact' };
  const document = { nats: { servers: nats.url }, links: [link] };
  const folder = tempDir();
  const gateway = await new GatewayUnderTest(folder, document).start();
  await gateway.opened();
  await device.report('temp', 1);
  const { request } = await asker(nats, gateway.id);
  const ask = async (asked: FileVerbRequest | object): Promise<FileVerbReply> =>
    (await request('file', JSON.stringify(asked))) as FileVerbReply;
  const send = async (bytes: Uint8Array, name = 'fw.bin', sha256 = sha256Of(bytes)) => {
    let reply = await ask({ link: 'pump', do: 'begin', name, size: bytes.length });
    for (let at = 0; at < bytes.length && reply.state === 'given'; at += 100_000) {
      const data = Buffer.from(bytes.subarray(at, at + 100_000)).toString('base64');
      reply = await ask({ link: 'pump', do: 'chunk', upload: reply.upload, at, data });
    }
    if (reply.state !== 'given') return reply;
    return ask({ link: 'pump', do: 'send', upload: reply.upload, sha256 });
  };
  // Not over NATS: a gateway that was just started may not be there yet.
  const look = async () => {
    const reply = await gateway.gateway.control.file({ link: 'pump', do: 'look' });
    return reply.state === 'file' ? reply.file : undefined;
  };
  const ended = async (state = 'done') => {
    await until(async () => (await look())?.state !== 'sending', 'the file to end');
    expect((await look())?.state).toBe(state);
  };
  const kept = (): string[] => {
    const path = join(folder, 'state', 'sending');
    return existsSync(path) ? readdirSync(path).map((name) => name.split('.').at(-1) ?? '') : [];
  };
  return { device, files, valve, gateway, folder, ask, send, look, ended, kept };
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const random = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 7919 + (i >> 7)) & 0xff));

it('a file reaches the device, and SIOT shows how far it is', async () => {
  const store = await startStore(nats);
  const { files, valve, gateway, send, ended, kept } = await plant();
  await gateway.ready('pump');
  const nodeId = gateway.nodeId('pump');
  valve.isOpen = false;
  const content = Buffer.concat([random(150_000), Buffer.alloc(254, 1), Buffer.alloc(3)]);
  expect(await send(content)).toMatchObject({
    state: 'file',
    file: { name: 'fw.bin', bytes: 0, of: content.length, state: 'sending' },
  });
  await store.waitForPoint(nodeId, 'gatewayFileState', '0', (point) => point.text === 'sending');
  expect(kept().sort()).toEqual(['data', 'json']);
  expect(statSync(join(gateway.folder, 'state', 'sending')).mode & 0o777).toBe(0o700);
  valve.isOpen = true;
  await ended();
  expect(files.files.map(({ name, sha256 }) => [name, sha256])).toEqual([
    ['fw.bin', sha256Of(content)],
  ]);
  await store.waitForPoint(nodeId, 'gatewayFileState', '0', (point) => point.text === 'done');
  await store.waitForPoint(nodeId, 'progress', '0', (point) => point.number === 100);
  await until(() => !kept().includes('data'), 'the file to be removed');
});

it('is sent from its beginning when the gateway is started again, and its end is kept', async () => {
  const { files, valve, gateway, send, look, ended } = await plant();
  const content = random(100_000);
  await send(content);
  await until(() => files.blocks > 10, 'some blocks');
  valve.isOpen = false;
  await gateway.stop();
  expect(files.blocks).toBeLessThan(250);
  await gateway.start();
  await gateway.opened();
  valve.isOpen = true;
  await ended();
  expect(files.files.map(({ sha256 }) => sha256)).toEqual([sha256Of(content)]);
  await gateway.restart();
  expect(await look()).toEqual({ name: 'fw.bin', bytes: 100_000, of: 100_000, state: 'done' });
  expect(files.files).toHaveLength(1);
});

it('fails with the reason where the disk has lost it meanwhile', async () => {
  const { valve, gateway, folder, send, look } = await plant();
  valve.isOpen = false;
  await send(random(1_000));
  await gateway.stop();
  const sending = join(folder, 'state', 'sending');
  const data = readdirSync(sending).find((name) => name.endsWith('.data')) ?? '';
  writeFileSync(join(sending, data), 'short');
  await gateway.start();
  await until(async () => (await look())?.state === 'failed', 'the file to fail');
  expect((await look())?.error).toContain('it is not whole on disk any more');
});

it('keeps over a restart of the gateway how often the device was lost over it', async () => {
  const { device, valve, gateway, folder, send, ended } = await plant();
  const inRow = (): number => {
    const path = join(folder, 'state', 'sending');
    const name = readdirSync(path).find((one) => one.endsWith('.json')) ?? '';
    const record = JSON.parse(readFileSync(join(path, name), 'utf8')) as {
      setbacks?: { inRow: number };
    };
    return record.setbacks?.inRow ?? 0;
  };
  valve.isOpen = false;
  await send(random(1_000));
  await until(() => valve.seen > 0, 'the first block');
  expect(inRow()).toBe(0);
  device.mcu.reboot();
  await until(() => inRow() === 1, 'the first loss of the device to be kept');
  await gateway.stop();
  const { seen } = valve;
  await gateway.start();
  await until(() => valve.seen > seen, 'the first block again');
  device.mcu.reboot();
  await until(() => inRow() === 2, 'the second loss of the device to be counted');
  valve.isOpen = true;
  await ended();
});

it('asked for in SIOT goes on after a restart, and is sent once', async () => {
  const store = await startStore(nats);
  const { files, valve, gateway, look } = await plant();
  await gateway.ready('pump');
  const nodeId = gateway.nodeId('pump');
  const content = random(5_000);
  const points = { name: 'fw.bin', data: content.toString('base64'), binary: 1 };
  for (const [type, value] of Object.entries(points)) {
    await store.setAs('user-1', 'file-1', type, '0', value);
  }
  await store.edgeAs('user-1', 'file-1', nodeId, { nodeType: 'file' });
  valve.isOpen = false;
  await store.setAs('user-1', nodeId, 'download', '0', 'fw.bin');
  await store.waitForPoint(nodeId, 'gatewayFileState', '0', (point) => point.text === 'sending');
  await gateway.restart();
  await gateway.ready('pump');
  valve.isOpen = true;
  await store.waitForPoint(nodeId, 'download', '0', (point) => point.text === '');
  expect(files.files.map(({ sha256 }) => sha256)).toEqual([sha256Of(content)]);
  await gateway.restart();
  await gateway.ready('pump');
  expect(await look()).toMatchObject({ state: 'done', name: 'fw.bin' });
  expect(files.files).toHaveLength(1);
});

it('asked for in SIOT while another is sent is refused, and leaves that one alone', async () => {
  const store = await startStore(nats);
  const { files, valve, gateway, send, look, ended } = await plant();
  await gateway.ready('pump');
  const nodeId = gateway.nodeId('pump');
  await store.setAs('user-1', 'file-2', 'name', '0', 'b.txt');
  await store.setAs('user-1', 'file-2', 'data', '0', 'text');
  await store.edgeAs('user-1', 'file-2', nodeId, { nodeType: 'file' });
  valve.isOpen = false;
  await send(random(1_000));
  await store.setAs('user-1', nodeId, 'download', '0', 'b.txt');
  await store.waitForPoint(nodeId, 'download', '0', (point) => point.text === '');
  expect(gateway.said.some(({ message }) => message.includes('asked for in SIOT is refused'))).toBe(
    true,
  );
  expect(await look()).toMatchObject({ name: 'fw.bin', state: 'sending' });
  valve.isOpen = true;
  await ended();
  expect(files.files.map(({ name }) => name)).toEqual(['fw.bin']);
});

it('is ended by somebody, and only one is sent at a time', async () => {
  const { files, valve, ask, send, look } = await plant();
  expect(await ask({ link: 'pump', do: 'abort' })).toEqual({
    state: 'refused',
    reason: 'no file is being sent to this device',
  });
  valve.isOpen = false;
  await send(random(1_000));
  const second = await send(random(10), 'b');
  expect(second).toMatchObject({
    state: 'refused',
    reason: expect.stringContaining('fw.bin is being sent') as string,
  });
  expect(await ask({ link: 'pump', do: 'abort' })).toMatchObject({ file: { state: 'aborted' } });
  valve.isOpen = true;
  await send(Buffer.alloc(0), 'empty');
  await until(async () => (await look())?.state === 'done', 'the end');
  expect(files.files.map(({ name, bytes }) => [name, bytes.length])).toEqual([['empty', 0]]);
});

it('is refused with what is allowed', async () => {
  const { files, ask, send } = await plant();
  const begin = async (name: string, size: number): Promise<string> => {
    const reply = await ask({ link: 'pump', do: 'begin', name, size });
    return reply.state === 'refused' ? reply.reason : reply.state;
  };
  for (const name of ['', '..', '../a', 'a/b', 'a\0', 'firmware-v1.2.3ab']) {
    expect(await begin(name, 10)).toContain('give a name of 1 to 16 bytes without slashes');
  }
  expect(await begin('a', 64 * 1_048_576 + 1)).toContain('at most 67108864 (64 MiB)');
  const wrong = await send(random(500), 'fw.bin', sha256Of(random(501)));
  expect(wrong).toMatchObject({ state: 'refused' });
  expect(await begin('a', 64 * 1_048_576)).toBe('given');
  expect(await begin('a', 1)).toContain('somebody else is giving a file to the gateway');
  expect(await ask({ link: 'pump', do: 'abort' })).toMatchObject({
    reason: 'no file is being sent to this device',
  });
  expect(await begin('a', 1)).toContain('somebody else is giving a file to the gateway');
  expect(files.files).toEqual([]);
  expect(await ask({ link: 'other', do: 'look' })).toMatchObject({ state: 'refused' });
  expect(await ask({ link: 'pump', do: 'nothing' })).toMatchObject({ state: 'refused' });
});

it('that is given up while it is given is forgotten by its own ID, and no other is ended', async () => {
  const { valve, ask, send, look } = await plant();
  const begin = () => ask({ link: 'pump', do: 'begin', name: 'a', size: 10 });
  const begun = (await begin()) as Extract<FileVerbReply, { state: 'given' }>;
  const forget = () => ask({ link: 'pump', do: 'abort', upload: begun.upload });
  expect(await begin()).toMatchObject({ state: 'refused' });
  expect(await forget()).toEqual({ state: 'file' });
  valve.isOpen = false;
  await send(random(1_000));
  expect(await forget()).toEqual({
    state: 'refused',
    reason: 'the gateway does not know this file any more',
  });
  expect(await look()).toMatchObject({ name: 'fw.bin', state: 'sending' });
});

it('is known, and can be ended, as soon as the gateway is started again', async () => {
  const { valve, gateway, send, look } = await plant();
  valve.isOpen = false;
  await send(random(1_000));
  await gateway.restart();
  expect(await look()).toMatchObject({ name: 'fw.bin', state: 'sending' });
  await gateway.restart();
  expect(await gateway.gateway.control.file({ link: 'pump', do: 'abort' })).toMatchObject({
    file: { name: 'fw.bin', state: 'aborted' },
  });
});

it('takes its pieces one after the other', async () => {
  const { ask } = await plant();
  const begun = await ask({ link: 'pump', do: 'begin', name: 'a', size: 10 });
  const { upload, chunkBytes } = begun as Extract<FileVerbReply, { state: 'given' }>;
  expect(chunkBytes).toBe(131_072);
  const chunk = async (at: number, length: number, which = upload): Promise<string> => {
    const data = Buffer.alloc(length).toString('base64');
    const reply = await ask({ link: 'pump', do: 'chunk', upload: which, at, data });
    return reply.state === 'refused' ? reply.reason : reply.state;
  };
  expect(await chunk(5, 5)).toBe('the next piece of the file begins at 0');
  expect(await chunk(0, 5)).toBe('given');
  expect(await chunk(0, 5)).toBe('the next piece of the file begins at 5');
  expect(await chunk(5, 6)).toBe('the file is larger than was said');
  expect(await chunk(5, 5, 'other')).toContain('does not know this file any more');
  const early = await ask({ link: 'pump', do: 'send', upload, sha256: sha256Of(Buffer.alloc(5)) });
  expect(early).toMatchObject({
    state: 'refused',
    reason: 'the file has changed while it was given to the gateway: send it again',
  });
});
