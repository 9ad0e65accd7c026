/** The page of `siot-mcu status`, for many links and for texts of all kinds. */
import { describe, expect, it } from 'vitest';
import { statusJson } from '../../src/cli/status-json.js';
import { durationText, statusText } from '../../src/cli/status-text.js';
import type { StatusReply } from '../../src/gateway/control/verbs/status-request.js';
import type { LinkStatus } from '../../src/gateway/link/status.js';
import { linkStatus, pendingSetting } from '../support/link-status.js';

const linkOf = (name: string, more: Partial<LinkStatus> = {}): LinkStatus =>
  linkStatus(name, {
    heardMs: 120,
    roundTripMs: 21.3,
    rates: { pointsUp: 10, pointsDown: 0, rx: 2, tx: 2.1 },
    counters: { rx: 7, tx: 8, hrRx: 0, errorCount: 3, crc: 2, malformed: 1, restart: 1 },
    ...more,
  });

const statusOf = (links: LinkStatus[], more: Partial<StatusReply> = {}): StatusReply => ({
  gateway: {
    id: '1b4e28ba-2fa1-41d2-883f-0016d3cca427',
    description: 'boiler room',
    version: '1.2.3',
    uptimeMs: 7_300_000,
    outbox: { points: 0, bytes: 0 },
  },
  siot: { generation: 2, store: 'answers' },
  nats: { state: 'connected', server: '10.0.0.1:4222' },
  links,
  ...more,
});

const pageOf = (status: StatusReply, columns = 80, isColoured = false): string[] =>
  statusText(status, { columns, isColoured });

describe('the page', () => {
  it('has a line for a link that talks, and the reason and what to do for one that does not', () => {
    const heard = 'about 10 bytes/s: lines of text, such as "temp=23.5"';
    const advice =
      'is this the right firmware, and the right port of the board? Packets are described in docs/wire.md';
    const { heardMs: _heard, roundTripMs: _trip, ...valve } = linkOf('valve');
    const silent: LinkStatus = {
      ...valve,
      state: 'silent',
      reason: heard,
      diagnosis: { cause: 'text', heard, advice },
      codec: 'unknown',
    };
    expect(pageOf(statusOf([linkOf('pump'), silent]))).toEqual([
      'boiler room: runs for 2 h, version 1.2.3',
      '  gateway 1b4e28ba-2fa1-41d2-883f-0016d3cca427',
      '  NATS    connected to 10.0.0.1:4222',
      '  SIOT    generation 2, its store answers',
      '  outbox  empty',
      '',
      'LINK  STATE      HEARD ANSWERS      UP    DOWN PENDING  CODEC',
      'valve silent         –       –    10/s       –       –  –',
      '  /dev/ttyUSB0 115200 8N1',
      '  about 10 bytes/s: lines of text, such as "temp=23.5"',
      '  → is this the right firmware, and the right port of the board? Packets are',
      '    described in docs/wire.md',
      '  thrown away so far: 2 crc, 1 malformed',
      'pump  talks     120 ms   21 ms    10/s       –       –  compact',
      '',
      '2 links: 1 talks, 1 silent',
    ]);
  });

  it('says what waits, and why, and what is pending', () => {
    const pending = Array.from({ length: 5 }, (_, n) =>
      pendingSetting({
        type: `limit${n}`,
        reason: 'the device is silent',
        progress: 'next try in 12 s',
      }),
    );
    const status = statusOf([linkOf('pump', { pending, pendingLeft: 2 })], {
      siot: { generation: 1, store: 'expected', problem: 'its disk is full' },
      nats: { state: 'connecting', problem: 'nothing listens there' },
      gateway: {
        ...statusOf([]).gateway,
        outbox: { points: 1, bytes: 61, oldestMs: 200_000 },
      },
    });
    expect(pageOf(status)).toEqual(
      expect.arrayContaining([
        '  NATS    connecting',
        '          nothing listens there',
        '  SIOT    generation 1, its store does not answer: points wait for it',
        '          its disk is full',
        '  outbox  1 point waits (61 bytes), the oldest is 3 min old',
        '  pending: limit0 = 4.25: the device is silent, next try in 12 s',
        '  … 4 more pending: `siot-mcu watch` shows them',
      ]),
    );
  });

  it('is readable with 200 links: those that do not talk come first, and no line is too long', () => {
    const reason =
      '/dev/serial/by-id/usb-Acme-if00 is held by process 4711 (minicom): end it, or give it another port';
    const links = Array.from({ length: 200 }, (_, n) =>
      linkOf(`machine-${n}`, n % 50 === 7 ? { state: 'closed', reason } : {}),
    );
    const lines = pageOf(statusOf(links));
    expect(lines.at(-1)).toBe('200 links: 196 talk, 4 closed');
    const names = lines.filter((line) => /^machine-/.test(line)).map((line) => line.split(/ +/, 2));
    expect(names.slice(0, 4)).toEqual([7, 57, 107, 157].map((n) => [`machine-${n}`, 'closed']));
    expect(names).toHaveLength(200);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it('never sends a control character, except for colours where they are wanted', () => {
    const evil = linkOf('\x1b[2Jpump', {
      state: 'held',
      reason: 'held\x07',
      advice: ['look\x1b[1m'],
      transport: 'tcp \x1b',
    });
    const status = statusOf([evil], { nats: { state: 'refused', problem: 'no\r\n' } });
    // eslint-disable-next-line no-control-regex
    const controls = /[\x00-\x1f]/;
    expect(pageOf(status).filter((line) => controls.test(line))).toEqual([]);
    const coloured = pageOf(status, 80, true).join('\n');
    expect(coloured).toContain('\x1b[33mheld    \x1b[0m');
    // eslint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\x1b\[(31|32|33|2|0)m|\n/g, '')).not.toMatch(controls);
  });
});

it('a duration is told in the unit that says how long', () => {
  const told = [0, 999, 1_500, 119_999, 120_000, 7_199_999, 7_200_000, 200_000_000].map(
    durationText,
  );
  expect(told).toEqual(['0 ms', '999 ms', '1 s', '119 s', '2 min', '119 min', '2 h', '2 d']);
});

it('the object for programs has what was thrown away, without what is only noticed', () => {
  const [link] = (statusJson(statusOf([linkOf('pump')])) as { links: object[] }).links;
  expect(link).toMatchObject({ rx: 7, tx: 8, discarded: { crc: 2, malformed: 1 } });
  expect(Object.keys((link as { discarded: object }).discarded)).toEqual(['crc', 'malformed']);
});
