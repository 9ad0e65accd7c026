/** RS-485 whose direction the driver switches (docs/contract.md, "RS-485"). */
import { describe, expect, it, onTestFinished } from 'vitest';
import { rs485Mode, rs485Words, type Rs485Mode } from '../../../src/linux/rs485.js';
import { IoctlError, loadTtyIoctl, type TtyIoctl } from '../../../src/linux/tty-ioctl.js';
import { SystemClock } from '../../../src/point/clock.js';
import { RS485_DEFAULTS, SERIAL_DEFAULTS } from '../../../src/transport/serial/options.js';
import { applyRs485 } from '../../../src/transport/serial/rs485.js';
import { SerialTransport } from '../../../src/transport/serial/serial.js';
import { openPty } from '../../support/pty.js';
import { Recorder } from '../recorder.js';

const port = { path: '/dev/ttyS1', driver: 'omap_uart' };
const asked = { ...RS485_DEFAULTS, delayRtsBeforeSendMs: 5, rxDuringTx: true, terminate: true };

describe('struct serial_rs485', () => {
  const hex = (words: Uint32Array) => Buffer.from(words.buffer).toString('hex');

  it.each<[string, Partial<Rs485Mode>, string]>([
    ['nothing', { enabled: false, rtsOnSend: false }, '000000000000000000000000'],
    ['the defaults', {}, '030000000000000000000000'],
    [
      'RTS the other way round',
      { rtsOnSend: false, rtsAfterSend: true },
      '050000000000000000000000',
    ],
    ['delays', { delayRtsBeforeSendMs: 1, delayRtsAfterSendMs: 100 }, '030000000100000064000000'],
    ['an own echo', { rxDuringTx: true }, '130000000000000000000000'],
    ['termination', { terminate: true }, '230000000000000000000000'],
  ])('has 32 bytes, with %s', (_what, change, head) => {
    const mode = { enabled: true, ...RS485_DEFAULTS, ...change };
    // Linux on big-endian machines is none of ours.
    expect(hex(rs485Words(mode))).toBe(head + '00'.repeat(20));
    expect(rs485Mode(rs485Words(mode))).toEqual(mode);
  });
});

describe('a driver', () => {
  /** Keeps of what it is told what `keep` lets through. */
  function driver(keep: (mode: Rs485Mode) => Rs485Mode): TtyIoctl {
    let kept: Rs485Mode | undefined;
    return {
      writeRs485: (_fd: number, mode: Rs485Mode) => (kept = keep(mode)),
      readRs485: () => kept,
    } as unknown as TtyIoctl;
  }

  it('that takes all of it is told nothing about', () => {
    expect(
      applyRs485(
        driver((mode) => mode),
        3,
        port,
        asked,
      ),
    ).toEqual([]);
  });

  it('that drops a part is named with it, and with what it is instead', () => {
    const ioctl = driver((mode) => ({ ...mode, terminate: false, delayRtsBeforeSendMs: 0 }));
    expect(applyRs485(ioctl, 3, port, asked)).toEqual([
      '/dev/ttyS1: its driver omap_uart has not taken rs485.delayRtsBeforeSendMs: 5; it is 0.',
      '/dev/ttyS1: its driver omap_uart has not taken rs485.terminate: true; it is false.',
    ]);
  });

  const refuses = (errno: number) =>
    driver(() => {
      throw new IoctlError('TIOCSRS485', errno);
    });

  it.each<[string, TtyIoctl]>([
    ['does not know the call', refuses(25)],
    ['takes none of it', refuses(22)],
    ['says yes and stays as it was', driver((mode) => ({ ...mode, enabled: false }))],
  ])('that %s has no such mode', (_what, ioctl) => {
    expect(() => applyRs485(ioctl, 3, port, asked)).toThrow(
      expect.objectContaining({
        reason: 'unsupportedSetting',
        message:
          '/dev/ttyS1 has no RS-485 mode: its driver omap_uart cannot switch the direction. ' +
          'Leave rs485 out if the adapter switches by itself, as nearly all on USB do; otherwise ' +
          'use a port whose driver can, such as a UART of the board.',
      }),
    );
  });

  it('that fails otherwise is not taken for one without it', () => {
    expect(() => applyRs485(refuses(5), 3, port, asked)).toThrow(IoctlError);
  });
});

describe('a real port without the mode', () => {
  const open = (loadIoctl: () => TtyIoctl | undefined) => {
    const pty = openPty();
    onTestFinished(() => pty.close());
    const options = { ...SERIAL_DEFAULTS, path: pty.path, rs485: RS485_DEFAULTS };
    const transport = new SerialTransport(options, new SystemClock(), { loadIoctl });
    return { pty, transport, opened: transport.open(new Recorder()) };
  };

  it('is refused by the kernel, and can be opened again without rs485', async () => {
    const { pty, transport, opened } = open(loadTtyIoctl);
    expect(transport.description).toBe(`${pty.path} 115200 8N1 RS-485`);
    await expect(opened).rejects.toThrow(
      /^\/dev\/pts\/\d+ has no RS-485 mode: its driver cannot switch the direction\./,
    );
    await expect(opened).rejects.toMatchObject({ reason: 'unsupportedSetting' });
    const plain = new SerialTransport({ ...SERIAL_DEFAULTS, path: pty.path }, new SystemClock());
    const channel = await plain.open(new Recorder());
    await channel.close();
  });

  it('is not opened where koffi is missing, since nobody would switch the direction', async () => {
    const { opened } = open(() => undefined);
    await expect(opened).rejects.toThrow('rs485 needs the optional package koffi');
    await expect(opened).rejects.toMatchObject({ reason: 'unsupportedSetting' });
  });
});
