import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { doorController } from '../../firmware-sim/example.js';
import { FAULT_HELP } from '../../firmware-sim/faults.js';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { compactPoints } from '../../firmware-sim/compact.js';
import { encodePacket } from '../../firmware-sim/packet.js';
import { pipePair } from '../../firmware-sim/pipe.js';
import { mcuPoint } from '../../firmware-sim/points.js';
import { PacketReceiver } from '../../firmware-sim/receiver.js';
import { simCommand } from '../../src/cli/commands/sim.js';
import { FakeClock } from '../support/fake-clock.js';

const readme = readFileSync('firmware-sim/README.md', 'utf8');

describe('firmware-sim/README.md', () => {
  it('shows each option of siot-mcu sim, and no other', () => {
    const options = simCommand().options.flatMap(({ long }) => long ?? []);
    const shown = [...readme.matchAll(/--[a-z][a-z-]*/g)].map(([name]) => name);
    expect([...new Set(shown)].sort()).toEqual([...options].sort());
  });

  it('shows each fault, and no other', () => {
    const table = readme.slice(readme.indexOf('| fault '), readme.indexOf('`echo` is TX'));
    const shown = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
    const known = FAULT_HELP.split('\n').map((line) => /^[\w-]+/.exec(line)?.[0]);
    expect(shown).toEqual(known);
  });

  it('shows the device of firmware-sim/example.ts', () => {
    const example = readFileSync('firmware-sim/example.ts', 'utf8');
    const body = example.slice(example.indexOf('export function'));
    expect(readme).toContain(body);
  });
});

describe('the device of firmware-sim/example.ts', () => {
  it('opens when SIOT says so, and reports it', () => {
    const [device, gateway] = pipePair();
    const mcu = doorController(device, 'compact', new FakeClock());
    const reported: unknown[] = [];
    const receiver = new PacketReceiver({
      packet: ({ sequence, subject, payload }) => {
        if (subject !== '') return;
        const points = compactPoints.decode(payload) ?? [];
        if (points.length === 0) return;
        reported.push(...points.map(({ type, value }) => [type, value]));
        send(sequence, 'ack', compactPoints.encode([]));
      },
      problem: () => undefined,
    });
    const send = (sequence: number, subject: string, payload: Uint8Array): void => {
      gateway.write(encodeFrame(encodePacket({ sequence, subject, payload })));
    };
    gateway.onData = (bytes) => {
      receiver.push(bytes);
    };

    mcu.start();
    expect(reported).toEqual([['open', 0]]);
    send(1, 'proto', compactPoints.encode([mcuPoint({ type: 'open', value: 1 })]));
    expect(reported).toEqual([
      ['open', 0],
      ['open', 1],
    ]);
    void mcu.close();
  });
});
