import { describe, expect, it } from 'vitest';
import { Resender } from '../../../src/gateway/link/resender.js';
import { floatValue, makePoint } from '../../../src/point/point.js';
import { FakeClock } from '../../support/fake-clock.js';

function rig() {
  const clock = new FakeClock();
  const sent: string[] = [];
  const room = { crowded: false, left: 100 };
  const resender = new Resender(
    {
      get isCrowded() {
        return room.crowded;
      },
      resend: ({ type }) => {
        if (room.left === 0) return false;
        room.left -= 1;
        sent.push(type);
        return true;
      },
    },
    clock,
  );
  const send = (...types: string[]): void =>
    resender.send(
      (function* () {
        for (const type of types) yield makePoint({ type, value: floatValue(1) });
        return undefined;
      })(),
    );
  return { clock, sent, room, resender, send };
}

describe('points that SIOT is to get again', () => {
  it('go at once where there is room', () => {
    const { clock, sent, send } = rig();
    send('a', 'b', 'c');
    expect(sent).toEqual(['a', 'b', 'c']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('go on when there is room again, each once', () => {
    const { clock, sent, room, send } = rig();
    room.left = 1;
    send('a', 'b', 'c');
    clock.advance(2_000);
    expect(sent).toEqual(['a']);
    room.left = 100;
    clock.advance(500);
    expect(sent).toEqual(['a', 'b', 'c']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('wait while there is little room, which is left to the device', () => {
    const { clock, sent, room, send } = rig();
    room.crowded = true;
    send('a');
    clock.advance(1_000);
    expect(sent).toEqual([]);
    room.crowded = false;
    clock.advance(500);
    expect(sent).toEqual(['a']);
  });

  it('are replaced by those of a newer call, and end with the link', () => {
    const { clock, sent, room, resender, send } = rig();
    room.left = 1;
    send('a', 'b');
    send('c', 'd');
    room.left = 100;
    clock.advance(500);
    expect(sent).toEqual(['a', 'c', 'd']);
    room.crowded = true;
    send('e');
    resender.stop();
    room.crowded = false;
    clock.advance(10_000);
    expect(sent).toEqual(['a', 'c', 'd']);
  });
});
