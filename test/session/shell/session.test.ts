import { describe, expect, it } from 'vitest';
import { floatValue, intValue, jsonValue, stringValue } from '../../../src/point/point.js';
import { FAKE_START_NS } from '../../support/fake-clock.js';
import { Console } from './console.js';

const HANDSHAKE = ['', 'shell echo off', 'shell colors off', 'siot stream on', 'siot dump'];

describe('the opening of a console', () => {
  it('sends the handshake, a line each 20 ms', () => {
    const console = new Console();
    console.mcu.start();
    console.session.opened();
    expect(console.takeLines()).toEqual(['']);
    console.clock.advance(19);
    expect(console.takeLines()).toEqual([]);
    console.clock.advance(1);
    expect(console.takeLines()).toEqual(['shell echo off']);
    console.clock.advance(60);
    expect(console.takeLines()).toEqual(HANDSHAKE.slice(2));
    console.clock.advance(1_000);
    expect(console.takeLines()).toEqual([]);
    expect(console.mcu.streams).toBe(true);
    console.session.closed();
    console.session.opened();
    console.clock.advance(200);
    expect(console.takeLines()).toEqual(HANDSHAKE);
  });

  it('takes longer for a line on a slow port', () => {
    const console = new Console({ byteMs: 10 });
    console.session.opened();
    console.clock.advance(39);
    expect(console.takeLines()).toEqual(['']);
    console.clock.advance(1);
    expect(console.takeLines()).toEqual(['shell echo off']);
  });

  it('gets all points, and each change from then on', () => {
    const console = new Console();
    console.mcu.start();
    console.report({ type: 'flow', value: 1.5 });
    console.session.opened();
    console.clock.advance(200);
    expect(console.published).toContain('flow=1.5');
    console.report({ type: 'count', key: 'a', value: -40n });
    expect(console.points.at(-1)).toMatchObject({
      type: 'count',
      key: 'a',
      value: intValue(-40n),
      origin: '',
    });
    expect(console.connected).toEqual([true]);
  });
});

describe('a handshake', () => {
  it.each(HANDSHAKE)('of which “%s” is lost ends with a device that reports', (lost) => {
    const console = new Console();
    console.mcu.start();
    console.report({ type: 'flow', value: 1 });
    console.loses = (line) => line === lost;
    console.session.opened();
    console.clock.advance(1_000);
    console.loses = () => false;
    // It changes once, and not again.
    console.report({ type: 'flow', value: 2 });
    console.clock.advance(45_000);
    expect(console.mcu.streams).toBe(true);
    expect(console.published.at(-1)).toBe('flow=2');
    console.report({ type: 'flow', value: 3 });
    expect(console.published.at(-1)).toBe('flow=3');
  });

  it('whose stream is lost is mended also while the device logs all the time', () => {
    const console = new Console();
    console.loses = (line) => line === 'siot stream on';
    console.open();
    console.loses = () => false;
    for (let second = 0; second < 60; second += 1) {
      console.mcu.sendLog('running');
      console.clock.advance(1_000);
    }
    expect(console.mcu.streams).toBe(true);
  });

  it('that came before the shell ran is repeated when there is a prompt', () => {
    const console = new Console({ shellAfterMs: 2_000 }).open();
    console.mcu.observe({ started: () => console.report({ type: 'flow', value: 1 }) });
    console.clock.advance(10_000);
    const setting = console.set('setpoint', floatValue(5));
    console.points.length = 0;
    console.mcu.reboot();
    console.clock.advance(1_500);
    expect(console.mcu.streams).toBe(false);
    console.clock.advance(2_500);
    expect(console.mcu.streams).toBe(true);
    expect(console.published).toContain('flow=1');
    expect(setting.state).toBe('inForce');
    expect(console.session.state.counters.get('restart')).toBe(1);
  });

  it('is repeated three times to a device that has no points', () => {
    const console = new Console();
    console.mcu.start();
    console.session.opened();
    console.clock.advance(29_000);
    const lines = console.takeLines();
    expect(lines.filter((line) => line === 'siot stream on')).toHaveLength(4);
  });

  it('is not repeated where points follow, and their device is left alone', () => {
    const console = new Console();
    console.mcu.start();
    console.report({ type: 'flow', value: 0 });
    console.session.opened();
    for (let second = 0; second < 600; second += 1) {
      console.clock.advance(1_000);
      console.report({ type: 'flow', value: second });
    }
    expect(console.takeLines()).toEqual(HANDSHAKE);
  });
});

describe('lines of a console', () => {
  it('are points, log lines or nothing', () => {
    const console = new Console().open();
    console.print(
      'pt temp front FLT 21.5',
      '[00:00:59.000,000] <wrn> pump: dry',
      'hello',
      'pt temp front',
    );
    expect(console.published).toEqual(['temp=21.5', 'log=[00:00:59.000,000] <wrn> pump: dry']);
    expect(console.kept.slice(-2)).toEqual(['[00:00:59.000,000] <wrn> pump: dry', 'hello']);
    expect(console.session.state.counters.get('payload')).toBe(1);
    expect(console.session.state.counters.errorCount).toBe(1);
  });

  it('that are too long are counted, and the port stays open', () => {
    const console = new Console({ maxLineLength: 100 }).open();
    console.print('x'.repeat(500), 'pt a 0 INT 1');
    expect(console.session.state.counters.get('oversize')).toBe(1);
    expect(console.published).toEqual(['a=1i']);
  });

  it('that are the gateway’s own are no sign of life', () => {
    const console = new Console().mute();
    console.session.opened();
    console.clock.advance(200);
    for (const line of HANDSHAKE) console.session.data(Buffer.from(`${line}\r\n`));
    expect(console.session.state.connected).toBe(false);
    expect(console.session.state.counters.get('echo')).toBe(4);
    console.session.data(Buffer.from('siot dump\r\n'));
    expect(console.session.state.connected).toBe(true);
  });

  it('have their own times, or that of their arrival', () => {
    const console = new Console().open();
    console.print('pt a 0 INT 1 2025-06-01T00:00:00.5Z', 'pt b 0 INT 1');
    expect(console.points.map(({ time }) => time)).toEqual([
      1_748_736_000_500_000_000n,
      console.clock.wallNs(),
    ]);
  });

  it('are lost, and counted, while the outbox is full', () => {
    const console = new Console().open();
    console.outbox = 'full';
    console.print('pt a 0 INT 1');
    expect(console.session.state.counters.get('outboxFull')).toBe(1);
  });
});

describe('a setting', () => {
  it('goes down as a command, and a report with its time acknowledges it', () => {
    const console = new Console({ times: 'synced' }).open();
    const setting = console.set('setpoint', floatValue(5.5));
    expect(console.takeLines()).toEqual(['p setpoint 0 FLT 5.5 TIME']);
    expect(setting.state).toBe('inForce');
    expect(setting.confirmedBy).toBe('ack');
    // SIOT has it already.
    expect(console.published).toEqual([]);
    expect(console.session.downlink.acknowledges).toBe('yes');
    expect(console.session.downlink.pendingCount).toBe(0);
  });

  it('is acknowledged by an equal report without a time, which is published', () => {
    const console = new Console().open();
    const setting = console.set('setpoint', floatValue(1.23456));
    expect(setting.state).toBe('inForce');
    expect(setting.confirmedBy).toBe('report');
    expect(console.published).toEqual(['setpoint=1.2346']);
  });

  it.each([
    ['p n 0 INT -40 TIME', intValue(-40n)],
    ['p n 0 FLT -40 TIME', floatValue(-40)],
    ['p n 0 FLT 3000000000 TIME', intValue(3_000_000_000n)],
    ['p n 0 STR "say \\"on\\"" TIME', stringValue('say "on"')],
    [
      'p n 0 STR "a text that is longer than the field" TIME',
      stringValue('a text that is longer than the field'),
    ],
  ])('%s is in force', (line, value) => {
    const console = new Console().open();
    const setting = console.set('n', value);
    expect(console.takeLines()).toEqual([line]);
    expect(setting.state).toBe('inForce');
  });

  it('that the device limits is replaced by what it says, at a later time', () => {
    const console = new Console({ times: 'synced' }).open();
    console.applies = (point) => ({ ...point, value: 8 });
    const setting = console.set('setpoint', floatValue(99));
    expect(setting.state).toBe('replaced');
    expect(setting.confirmedBy).toBe('ack');
    expect(console.published).toEqual(['setpoint=8']);
    expect(console.points[0]?.time).toBeGreaterThan(setting.point.time);
    console.clock.advance(60_000);
    expect(console.takeLines().filter((line) => line.startsWith('p '))).toHaveLength(1);
  });

  it('whose author’s clock is ahead is acknowledged as well', () => {
    const console = new Console({ times: 'synced' }).open();
    console.applies = (point) => ({ ...point, value: 8 });
    const time = console.clock.wallNs() + 30_000_000_000n;
    const setting = console.set('setpoint', floatValue(99), { time });
    expect(setting.state).toBe('replaced');
    expect(setting.confirmedBy).toBe('ack');
    expect(console.published).toEqual(['setpoint=8']);
  });

  it('is scaled as the device announces, also after it was held', () => {
    const console = new Console().open();
    console.session.hold(true);
    console.set('setpoint', floatValue(4.2));
    console.print('pt pointInfo setpoint JSN "{\\"kind\\":\\"number\\",\\"scale\\":0.1}"');
    console.session.hold(false);
    expect(console.takeLines()).toEqual(['p setpoint 0 FLT 42 TIME']);
    expect(console.published.at(-1)).toBe('setpoint=4.2');
  });

  it('that is not reported is sent again, and stays pending', () => {
    const console = new Console().open();
    console.mcu.takes = () => false;
    const setting = console.set('setpoint', floatValue(5));
    console.clock.advance(3_500);
    expect(console.takeLines()).toHaveLength(4);
    expect(setting.state).toBe('pending');
    expect(console.session.downlink.reason(setting)).toBe(
      'sent, waiting for the device to report it',
    );
    expect(console.session.downlink.progress(setting)).toBe('transmission 4 of 4');
    console.clock.advance(1_000);
    expect(console.session.downlink.reason(setting)).toContain('sent again after a pause');
    expect(console.session.downlink.progress(setting)).toBe('next try in 10 s');
    console.mcu.takes = () => true;
    console.clock.advance(10_000);
    expect(setting.state).toBe('inForce');
  });

  it('that waits out its pause is sent to a device that has become silent only with its handshakes', () => {
    const console = new Console().open();
    console.mcu.takes = () => false;
    const setting = console.set('setpoint', floatValue(5));
    console.clock.advance(5_000);
    expect(setting.life.name).toBe('setAside');
    console.mute();
    console.takeLines();
    console.clock.advance(100_000);
    const lines = console.takeLines();
    const handshakes = lines.filter((line) => line === 'shell echo off').length;
    expect(handshakes).toBeGreaterThan(0);
    // Once when its pause was over.
    expect(lines.filter((line) => line.startsWith('p '))).toHaveLength(1 + handshakes);
    console.session.data(Buffer.from('hello\r\n'));
    console.clock.advance(100);
    expect(console.takeLines()).toEqual(['p setpoint 0 FLT 5 TIME']);
  });

  it('that was lost in a short silence is sent when the device is heard', () => {
    const console = new Console().open();
    console.mute();
    console.mcu.takes = () => false;
    console.set('setpoint', floatValue(5));
    console.clock.advance(20_000);
    expect(console.connected).toEqual([true]);
    console.takeLines();
    console.session.data(Buffer.from('hello\r\n'));
    expect(console.takeLines()).toEqual(['p setpoint 0 FLT 5 TIME']);
  });

  it('does not keep others waiting', () => {
    const console = new Console().open();
    console.mcu.takes = ({ type }) => type !== 'deaf';
    console.set('deaf', floatValue(5));
    const other = console.set('setpoint', floatValue(6));
    console.clock.advance(20);
    expect(other.state).toBe('inForce');
  });

  it('that a newer one replaces is not sent again', () => {
    const console = new Console().open();
    console.mcu.takes = () => false;
    console.set('setpoint', floatValue(5));
    console.clock.advance(100);
    console.set('setpoint', floatValue(6));
    console.clock.advance(60_000);
    const lines = console.takeLines().filter((line) => line.startsWith('p '));
    expect(lines[0]).toBe('p setpoint 0 FLT 5 TIME');
    expect(new Set(lines.slice(1))).toEqual(new Set(['p setpoint 0 FLT 6 TIME']));
  });

  it('that the shell cannot take is refused, with the reason', () => {
    const console = new Console().open();
    const { settings, downlink } = console.session;
    const point = {
      type: 'label',
      key: '',
      time: 1n,
      value: stringValue('a\\b'),
      tombstone: 0,
      origin: 'u',
    };
    expect(settings.whyNotSet(point)).toContain('a backslash');
    const high = { ...point, type: 'höhe', value: stringValue('a') };
    expect(settings.whyNotSet(high)).toContain('its type has a character outside ASCII');
    expect(settings.whyNotSet({ ...point, value: jsonValue('{"a":1}') })).toBeUndefined();
    const setting = console.set('label', stringValue('two\nlines'));
    expect(setting.life.name).toBe('unsendable');
    expect(downlink.reason(setting)).toContain('a control character');
    expect(console.takeLines()).toEqual([]);
    // A newer one that it can take goes down.
    expect(
      console.set('label', stringValue('one line'), { time: FAKE_START_NS + 10n ** 10n }).state,
    ).toBe('inForce');
  });

  it('that removes a point is not sent', () => {
    const console = new Console().open();
    const setting = console.set('label', stringValue(''), { tombstone: 1 });
    expect(setting.state).toBe('refused');
    expect(console.session.downlink.pendingCount).toBe(0);
    expect(console.takeLines()).toEqual([]);
  });

  it('goes out when the port is open, and waits while it is held', () => {
    const console = new Console();
    const setting = console.set('setpoint', floatValue(5));
    expect(console.session.downlink.reason(setting)).toBe('the port is not open');
    console.session.hold(true);
    console.open();
    expect(console.mcu.commands.filter(({ words }) => words[0] === 'p')).toEqual([]);
    console.session.hold(false);
    expect(setting.state).toBe('inForce');
  });

  it('is kept back while the port does not take more', () => {
    const console = new Console().open();
    console.congested = true;
    console.set('setpoint', floatValue(5));
    console.clock.advance(1_000);
    expect(console.takeLines()).toEqual([]);
    console.congested = false;
    console.clock.advance(20);
    expect(console.takeLines()).toEqual(['p setpoint 0 FLT 5 TIME']);
  });
});

describe('a command', () => {
  it('is sent once, and unconfirmed when it is not reported', () => {
    const console = new Console().open();
    console.mcu.takes = () => false;
    const command = console.set('restart', floatValue(1));
    console.clock.advance(100_000);
    expect(console.takeLines().filter((line) => line.startsWith('p '))).toHaveLength(1);
    expect(command.state).toBe('ended');
    expect(command.confirmedNs).toBeUndefined();
    expect(console.session.state.counters.get('unconfirmed')).toBe(1);
  });

  it('is acknowledged by its report', () => {
    const console = new Console({ times: 'synced' }).open();
    const command = console.set('restart', floatValue(1));
    expect(command.state).toBe('ended');
    expect(command.confirmedBy).toBe('ack');
  });

  it('waits until it is on disk as sent', () => {
    const console = new Console().open();
    console.saving = 'fails';
    const command = console.set('restart', floatValue(1));
    console.clock.advance(10_000);
    expect(console.takeLines()).toEqual([]);
    expect(console.session.downlink.reason(command)).toContain('cannot be noted on disk');
    console.saving = 'now';
    console.session.recordKept();
    console.clock.advance(20);
    expect(console.takeLines()).toEqual(['p restart 0 FLT 1 TIME']);
  });

  it('waits while the device is silent', () => {
    const console = new Console().mute();
    console.session.opened();
    const command = console.set('restart', floatValue(1));
    console.clock.advance(100_000);
    expect(console.lines.filter((line) => line.startsWith('p '))).toEqual([]);
    expect(console.session.downlink.reason(command)).toContain('a command waits');
  });
});

describe('a device that restarts', () => {
  it('gets the handshake and its settings again, by its banner', () => {
    const console = new Console().open();
    const setting = console.set('setpoint', floatValue(5));
    console.takeLines();
    console.mcu.reboot();
    console.clock.advance(500);
    expect(console.takeLines()).toEqual([...HANDSHAKE, 'p setpoint 0 FLT 5 TIME']);
    expect(setting.state).toBe('inForce');
    expect(console.session.state.counters.get('restart')).toBe(1);
    expect(console.restarts).toMatchObject([{ why: 'it has printed the banner of its start' }]);
  });

  it('in the middle of a line is noticed, and the line is no point', () => {
    const console = new Console().open();
    const setting = console.set('setpoint', floatValue(5));
    console.takeLines();
    console.mcu.reboot({ type: 'label', value: 'a text' });
    console.clock.advance(500);
    expect(console.takeLines()).toEqual([...HANDSHAKE, 'p setpoint 0 FLT 5 TIME']);
    expect(setting.state).toBe('inForce');
    expect(console.session.state.counters.get('restart')).toBe(1);
    expect(console.session.state.counters.get('payload')).toBe(0);
    expect(console.kept[0]).toMatch(
      /^pt label .*[^ ]\*\*\* Booting Zephyr OS build v3.7.0 \*\*\*$/,
    );
  });

  it('with several banners is noticed once', () => {
    const banner = [
      '*** Booting nRF Connect SDK v3.1.0-6c6e5b32496e ***',
      '*** Using Zephyr OS v4.1.99-1612683d4010 ***',
    ];
    const console = new Console({ banner, shellAfterMs: 100 }).open();
    console.clock.advance(10_000);
    console.mcu.reboot();
    console.clock.advance(500);
    expect(console.takeLines().slice(-5)).toEqual(HANDSHAKE);
    expect(console.session.state.counters.get('restart')).toBe(1);
    expect(console.restarts).toHaveLength(1);
    expect(console.session.resyncDue).toBe(false);
    // The next restart is another one.
    console.mcu.reboot();
    console.clock.advance(500);
    expect(console.session.state.counters.get('restart')).toBe(2);
  });

  it('by a boot loader with a banner of its own gets the handshake when the firmware starts', () => {
    const console = new Console().open();
    console.set('setpoint', floatValue(5));
    console.clock.advance(10_000);
    console.takeLines();
    console.print('*** Booting MCUboot v2.1.0 ***');
    console.loses = () => true;
    console.clock.advance(1_500);
    console.loses = () => false;
    expect(console.takeLines().slice(0, 5)).toEqual(HANDSHAKE);
    console.mcu.reboot();
    console.clock.advance(200);
    expect(console.takeLines().slice(0, 5)).toEqual(HANDSHAKE);
    console.clock.advance(4_000);
    expect(console.takeLines().filter((line) => line.startsWith('p '))).toHaveLength(1);
    expect(console.restarts).toHaveLength(1);
  });

  it('is told with the lines before it, both ways', () => {
    const console = new Console().open();
    console.set('setpoint', floatValue(5));
    console.clock.advance(1_000);
    console.mcu.reboot();
    console.clock.advance(500);
    const lines = (console.restarts[0]?.lines ?? []).map(
      ({ direction, bytes }) =>
        `${direction} ${Buffer.from(bytes)
          .toString()
          .replace(/ 20\d\d-\S+Z$/, ' TIME')}`,
    );
    expect(lines.slice(-3)).toEqual([
      'down p setpoint 0 FLT 5 TIME',
      'up pt setpoint 0 FLT 5',
      'up *** Booting Zephyr OS build v3.7.0 ***',
    ]);
    expect(lines).toContain('down siot dump');
  });

  it('is noticed by its log times', () => {
    const console = new Console().open();
    console.set('setpoint', floatValue(5));
    console.print('[00:10:00.000,000] <inf> app: late');
    console.clock.advance(10_000);
    console.takeLines();
    console.print('[00:09:59.950,000] <inf> app: out of order');
    expect(console.session.state.counters.get('restart')).toBe(0);
    console.print('[00:00:00.100,000] <inf> app: early');
    console.clock.advance(700);
    expect(console.takeLines()).toEqual([...HANDSHAKE, 'p setpoint 0 FLT 5 TIME']);
    expect(console.restarts).toMatchObject([
      { why: 'the time of its log has fallen from 600 s to 0.1 s' },
    ]);
  });

  it('is not thought of where the lines of its log are out of order', () => {
    const console = new Console().open();
    for (let turn = 0; turn < 10; turn += 1) {
      console.print('[00:10:00.000,000] <inf> app: a', '[00:09:00.000,000] <inf> app: b');
      console.clock.advance(10_000);
    }
    expect(console.session.state.counters.get('restart')).toBe(2);
  });

  it('is noticed over a restart of the gateway', () => {
    const first = new Console().open();
    first.print('[00:10:00.000,000] <inf> app: late');
    const record = first.session.recordWithoutSettings();
    const second = new Console({ record });
    second.session.opened();
    second.session.data(Buffer.from('[00:00:01.000,000] <inf> app: early\r\n'));
    expect(second.session.state.counters.get('restart')).toBe(1);
  });

  it('does not get what is in force where it is not to be restored', () => {
    const console = new Console({ restore: false }).open();
    console.set('setpoint', floatValue(5));
    console.takeLines();
    console.mcu.reboot();
    console.clock.advance(500);
    expect(console.takeLines()).toEqual(HANDSHAKE);
  });

  it('ends a command that was on its way', () => {
    const console = new Console().open();
    console.mcu.takes = () => false;
    const command = console.set('restart', floatValue(1));
    console.mcu.reboot();
    console.clock.advance(200);
    expect(command.state).toBe('ended');
    expect(console.log.some(({ message }) => message.includes('the device restarted'))).toBe(true);
  });
});

describe('a silent device', () => {
  it('counts as gone after 60 s, and is asked each 30 s', () => {
    const console = new Console().open().mute();
    console.clock.advance(59_000);
    expect(console.connected).toEqual([true]);
    console.clock.advance(2_000);
    expect(console.connected).toEqual([true, false]);
    const setting = console.set('setpoint', floatValue(5));
    expect(console.session.downlink.reason(setting)).toContain('the device is silent');
    console.clock.advance(10_000);
    console.takeLines();
    console.clock.advance(60_000);
    const lines = console.takeLines();
    expect(lines.filter((line) => line === 'siot stream on')).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('p '))).toHaveLength(2);
    console.session.data(Buffer.from('pt a 0 INT 1\r\n'));
    console.clock.advance(100);
    expect(console.connected).toEqual([true, false, true]);
    expect(console.takeLines()).toEqual(['p setpoint 0 FLT 5 TIME']);
  });

  it('that answers a line with its prompt is there', () => {
    const console = new Console().open();
    console.clock.advance(600_000);
    expect(console.connected).toEqual([true]);
    const [first, second, ...others] = console.takeLines();
    expect([first, second]).toEqual(['siot stream on', 'siot dump']);
    expect(others.length).toBeGreaterThan(15);
    expect(new Set(others)).toEqual(new Set(['siot stream on']));
  });

  it('without the command siot is told to people, and gets empty lines', () => {
    const console = new Console({ knowsSiot: false }).open();
    console.clock.advance(100_000);
    expect(console.takeLines()).toEqual(['', '', '']);
    expect(console.session.advice).toContain('does not know the command siot');
    expect(new Console().open().session.advice).toBeUndefined();
  });
});
