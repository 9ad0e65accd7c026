import { renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SerialError, SerialPipe } from '../../firmware-sim/serial.js';
import { openPty, type Pty } from '../support/pty.js';
import { tempDir } from '../support/temp-dir.js';

/** A cable, whose other end is the PTY's master. */
function cable(): Pty {
  const pty = openPty();
  onTestFinished(() => pty.close());
  return pty;
}

async function deviceOn(path: string): Promise<SerialPipe> {
  const pipe = await SerialPipe.open({ path });
  onTestFinished(() => pipe.close());
  return pipe;
}

/** The next bytes that come, as text. */
const nextText = (pipe: SerialPipe): Promise<string> =>
  new Promise((resolve) => {
    pipe.onData = (bytes) => resolve(Buffer.from(bytes).toString('latin1'));
  });

const nextPeer = (pipe: SerialPipe): Promise<boolean> =>
  new Promise((resolve) => {
    pipe.onPeer = resolve;
  });

describe('the device’s end of a real line', () => {
  it('carries every byte both ways, nothing echoed or translated', async () => {
    const line = cable();
    const device = await deviceOn(line.path);
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    device.write(all);
    expect([...(await line.waitFor(all.length))]).toEqual([...all]);
    const text = nextText(device);
    await line.write(Uint8Array.of(3, 4, 13, 10, 17, 19, 255));
    expect(await text).toBe('\x03\x04\r\n\x11\x13\xff');
    expect(line.received).toHaveLength(all.length);
  });

  it('loses what nobody takes, and goes on', async () => {
    const line = cable();
    const device = await deviceOn(line.path);
    line.pause();
    for (let i = 0; i < 200; i += 1) device.write(new Uint8Array(1000));
    line.resume();
    const text = nextText(device);
    await line.write(Uint8Array.of(65));
    expect(await text).toBe('A');
  });

  it('is opened again after a hang-up, as often as there is one', async () => {
    const path = join(tempDir(), 'port');
    const plug = (): Pty => {
      const line = cable();
      symlinkSync(line.path, `${path}.new`);
      renameSync(`${path}.new`, path);
      return line;
    };
    let line = plug();
    const device = await deviceOn(path);
    for (let time = 0; time < 3; time += 1) {
      const gone = nextPeer(device);
      await line.hangUp();
      expect(await gone).toBe(false);
      device.write(Uint8Array.of(1));
      const back = nextPeer(device);
      line = plug();
      expect(await back).toBe(true);
      device.write(Uint8Array.of(66));
      expect((await line.waitFor(1)).toString()).toBe('B');
    }
  });

  it('can be closed while nothing is there to be opened', async () => {
    const line = cable();
    const device = await deviceOn(line.path);
    const gone = nextPeer(device);
    await line.hangUp();
    expect(await gone).toBe(false);
    let opened = 0;
    device.onPeer = () => (opened += 1);
    await device.close();
    device.write(Uint8Array.of(1));
    expect(opened).toBe(0);
  });

  it('says why it cannot be opened', async () => {
    const opening = SerialPipe.open({ path: '/dev/no-such-port' });
    await expect(opening).rejects.toThrow(SerialError);
    await expect(opening).rejects.toThrow(
      /^cannot open the serial port \/dev\/no-such-port: it does not exist; /,
    );
  });
});
