/** `siot-mcu watch` on a real terminal. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SystemClock } from '../../src/point/clock.js';
import { floatValue, makePoint, stringValue } from '../../src/point/point.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { Cli } from '../support/cli.js';
import { connectTo } from '../support/nats.js';
import { OnTerminal } from '../support/on-terminal.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

const ESCAPE = '\x1b';
const HOME = `${ESCAPE}[H`;
const LEAVE = `${ESCAPE}[?7h${ESCAPE}[?25h${ESCAPE}[?1049l`;

/** The view on a terminal of its own. */
class ViewOnTerminal extends OnTerminal {
  /** The lines of the latest frame that is whole. */
  frame(): string[] {
    const frame = this.output.split(HOME).findLast((text) => text.endsWith(`${ESCAPE}[J`)) ?? '';
    return frame.split('\n').map((line) => line.replaceAll(`${ESCAPE}[2K`, '').trimEnd());
  }

  shows(pattern: RegExp): Promise<string> {
    return until(
      () => this.frame().find((line) => pattern.test(line)),
      () => `a line ${String(pattern)}; the last frame:\n${this.frame().join('\n')}`,
    );
  }
}

/** A gateway without a device, and somebody who speaks as its node. */
async function station() {
  const nats = await NatsServer.start();
  onTestFinished(() => nats.stop());
  const file = join(tempDir(), 'gateway.yaml');
  const link = {
    name: 'pump',
    transport: { type: 'serial', path: './none' },
    node: { id: 'node' },
  };
  const document = { nats: { servers: nats.url }, siot: { store: 'none' }, links: [link] };
  writeFileSync(file, JSON.stringify(document));
  const daemon = new Cli(['run', '-c', file]);
  await daemon.said(/connected to NATS/);
  const client = await connectTo(nats.url);
  onTestFinished(() => client.close());
  const publish = (type: string, value: number | string, origin = ''): void => {
    const point = makePoint({
      type,
      value: typeof value === 'number' ? floatValue(value) : stringValue(value),
      time: new SystemClock().wallNs(),
      origin,
    });
    client.publish(WIRES[2].pointSubject('node', point), WIRES[2].encode([point]));
  };
  return { file, daemon, publish };
}

describe('watch on a terminal', () => {
  it('redraws links, points and what is pending; fits another size; leaves the terminal as it was', async () => {
    const { file, daemon, publish } = await station();
    const watch = new ViewOnTerminal(['watch', '-c', file], { rows: 24, cols: 80, term: 'xterm' });
    expect(await watch.shows(/^pump: /)).toMatch(/^pump: closed: .*none/);
    // As a device would: the view may begin to listen after the first.
    const again = setInterval(() => publish('flow', 23.530000686645508), 100);
    onTestFinished(() => clearInterval(again));
    await watch.shows(/^ ▲ flow +23\.53 +\d\.\d s +\d+\.\d\/s$/);
    publish('label', `red ${ESCAPE}[31m`);
    expect(await watch.shows(/^ ▲ label/)).toContain(String.raw`"red \u001b[31m"`);
    publish('setpoint', 4.25, 'someone');
    await watch.shows(/^ ▼ setpoint +4\.25/);
    await watch.shows(/^ ▽ setpoint = 4\.25: pending.*the port is not open/);
    expect(watch.output).toContain(`${ESCAPE}[?1049h`);

    watch.resize(44, 9);
    await until(() => watch.frame().every((line) => line.length <= 44), 'a narrow frame');
    await watch.shows(/^ {3}point +value +age$/);
    expect(watch.frame().length).toBeLessThanOrEqual(9);
    watch.resize(80, 24);
    await watch.shows(/ rate$/);

    daemon.child.kill('SIGTERM');
    await watch.shows(/^! no gateway answers/);
    expect(watch.frame().join(' ')).toMatch(/the state below is that of \d\d:\d\d:\d\d/);
    expect(watch.output).not.toContain(LEAVE);
    watch.type('\x03');
    expect(await watch.ended).toBe(0);
    const after = watch.output.slice(watch.output.lastIndexOf(LEAVE) + LEAVE.length);
    expect(after).toContain('▲ flow');
    expect(after).not.toContain(ESCAPE);
  });

  it('ends by SIGTERM in the same way; prints lines where the terminal cannot move its cursor', async () => {
    const { file } = await station();
    const size = { rows: 24, cols: 80 };
    const watch = new ViewOnTerminal(['watch', '-c', file], { ...size, term: 'xterm' });
    const dumb = new ViewOnTerminal(['watch', '-c', file], { ...size, term: 'dumb' });
    await watch.shows(/^pump: /);
    watch.signal('SIGTERM');
    expect(await watch.ended).toBe(0);
    expect(watch.output).toContain(LEAVE);

    await until(() => /^pump: .*not connected/m.test(dumb.output), 'the line of the link');
    dumb.type('\x03');
    expect(await dumb.ended).toBe(0);
    expect(dumb.output).not.toContain(ESCAPE);
  });
});
