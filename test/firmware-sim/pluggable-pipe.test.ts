import { describe, expect, it } from 'vitest';
import { pipePair } from '../../firmware-sim/pipe.js';
import { PluggablePipe } from '../../firmware-sim/pluggable-pipe.js';

function socket() {
  const pipe = new PluggablePipe();
  const received: number[] = [];
  const peers: boolean[] = [];
  pipe.onData = (bytes) => received.push(...bytes);
  pipe.onPeer = (present) => peers.push(present);
  return { pipe, received, peers };
}

async function plugged(pipe: PluggablePipe) {
  const [near, far] = pipePair();
  const arrived: number[] = [];
  far.onData = (bytes) => arrived.push(...bytes);
  await pipe.plug(near);
  return { far, arrived };
}

describe('PluggablePipe', () => {
  it('carries bytes on the line that is plugged in, and loses them while none is', async () => {
    const { pipe, received } = socket();
    pipe.write(Uint8Array.of(1));
    const first = await plugged(pipe);
    pipe.write(Uint8Array.of(2));
    first.far.write(Uint8Array.of(3));
    await pipe.unplug();
    expect(pipe.plugged).toBe(false);
    pipe.write(Uint8Array.of(4));
    first.far.write(Uint8Array.of(5));
    const second = await plugged(pipe);
    pipe.write(Uint8Array.of(6));
    second.far.write(Uint8Array.of(7));
    expect([first.arrived, second.arrived, received]).toEqual([[2], [6], [3, 7]]);
  });

  it('reports once that the line is gone when it is pulled', async () => {
    const { pipe, peers } = socket();
    await plugged(pipe);
    await pipe.unplug();
    await pipe.unplug();
    expect(peers).toEqual([false]);
  });

  it('closes the line before when another takes its place, and the last with itself', async () => {
    const { pipe } = socket();
    const first = await plugged(pipe);
    const second = await plugged(pipe);
    pipe.write(Uint8Array.of(1));
    await pipe.close();
    pipe.write(Uint8Array.of(2));
    expect([first.arrived, second.arrived]).toEqual([[], [1]]);
  });
});
