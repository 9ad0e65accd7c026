/** The control interface, called directly, without NATS; the test plays the parts around it. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type {
  Control,
  LinkEvent,
  SetReply,
  SetRequest,
} from '../../../src/gateway/control/control.js';
import type { ControlledLink } from '../../../src/gateway/control/controlled.js';
import { GatewayControl } from '../../../src/gateway/control/gateway-control.js';
import type { LinkSummary } from '../../../src/gateway/link/status.js';
import { floatValue, makePoint, stringValue, type Point } from '../../../src/point/point.js';
import type { Setting } from '../../../src/session/settings/setting.js';
import { Settings } from '../../../src/session/settings/settings.js';
import { SettingError, type Undeleted } from '../../../src/siot/siot.js';
import { LogRing } from '../../../src/session/node/log-ring.js';
import type { KnownTarget } from '../../../src/session/node/point-infos.js';
import { Tap } from '../../../src/transport/tap.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FILES, settled } from '../support.js';
import { confirm as confirmed } from '../../support/setting-events.js';

function played() {
  const clock = new FakeClock();
  const replies: SetReply[] = [];
  const publishing: ((problem?: Error) => void)[] = [];
  const published: Point[] = [];
  const announcing: ((problem?: string) => void)[] = [];
  const undeleting: { readonly nodeId: string; readonly done: (result: Undeleted) => void }[] = [];
  const watchers: ((setting: Setting) => void)[] = [];
  const removals = new Set<(name: string) => void>();
  const settings: Setting[] = [];
  const taken: string[] = [];
  const state = {
    reason: 'first',
    links: [] as ControlledLink[],
    held: [] as string[],
    awaitsAck: false,
    infos: [] as KnownTarget[],
  };
  const makeLink = (name: string): ControlledLink => ({
    name,
    tap: new Tap(clock),
    logRing: new LogRing(() => 10, clock),
    restarts: () => Promise.resolve([]),
    format: { kind: 'cobs', protocol: 'auto', maxFrameLength: 1024 },
    nodeId: 'dev-1',
    summary: () => ({ name }) as LinkSummary,
    pendingCount: 0,
    pending: () => [],
    valueOfWord: (_type, _key, word) => stringValue(word),
    infos: () => state.infos,
    infoOf: (type) => state.infos.find((one) => one.type === type)?.info,
    whyNotSet: () => undefined,
    settingTime: () => 1n,
    set: (point) => {
      taken.push(name);
      const { setting } = new Settings(new Set(), 10).take(point);
      settings.push(setting);
      return setting;
    },
    announce: () => new Promise<string | undefined>((resolve) => announcing.push(resolve)),
    withdraw: () => Promise.resolve(void taken.push(`not ${name}`)),
    readAgain: () => void taken.push(`read ${name}`),
    keep: () => Promise.resolve(true),
    awaitsAck: () => state.awaitsAck,
    watchSettings: (watcher) => {
      watchers.push(watcher);
      return () => void watchers.splice(watchers.indexOf(watcher), 1);
    },
    reason: () => state.reason,
    files: FILES,
  });
  const control: Control = new GatewayControl(
    {
      identity: { id: 'gw-1', description: 'boiler room', version: '1.2.3' },
      outbox: { backlog: () => ({ points: 7, bytes: 210, oldestMs: 1_500 }) },
      links: {
        all: () => state.links,
        confirm: (name) => state.held.includes(name),
        watchRemovals: (removed) => {
          removals.add(removed);
          return () => void removals.delete(removed);
        },
      },
      siot: {
        status: { generation: 1, store: 'expected', nats: 'connected', storeProblem: 'disk full' },
        server: '10.0.0.1:4222',
        publishSetting: (_nodeId, point) =>
          new Promise<void>((resolve, reject) => {
            published.push(point);
            publishing.push((problem) => (problem === undefined ? resolve() : reject(problem)));
          }),
        undelete: (nodeId) =>
          new Promise<Undeleted>((resolve) => {
            undeleting.push({ nodeId, done: resolve });
          }),
      },
    },
    clock,
  );
  const asker = new AbortController();
  const ask = (link: string, more: Partial<SetRequest> = {}): Promise<void> => {
    const request = { link, type: 'limit', key: '', value: { kind: 'float', number: 1 }, ...more };
    return control.set(request as SetRequest, (reply) => void replies.push(reply), asker.signal);
  };
  return {
    control,
    clock,
    removals,
    replies,
    taken,
    state,
    makeLink,
    points: published,
    signal: asker.signal,
    end: () => asker.abort(),
    ask: (...asked: Parameters<typeof ask>) => void ask(...asked),
    asked: ask,
    announced: async (problem?: string) => {
      for (const done of announcing.splice(0)) done(problem);
      await settled();
    },
    published: async (problem?: Error) => {
      for (const done of announcing.splice(0)) done();
      await settled();
      for (const done of publishing.splice(0)) done(problem);
      await settled();
    },
    publishing,
    undeleting,
    /** What the device or the bus does with it. */
    changed: (change: (setting: Setting) => void) => {
      const setting = settings.at(-1);
      if (setting === undefined) throw new Error('nothing was taken');
      change(setting);
      for (const watcher of watchers) watcher(setting);
    },
  };
}

const SUMMARY = {
  name: 'pump',
  transport: 'a port',
  port: 'closed',
  portProblem: 'unplugged',
} as LinkSummary;
const asker = (): AbortSignal => new AbortController().signal;

describe('the control interface, without NATS', () => {
  it('says how the gateway, SIOT, NATS and the links are', () => {
    const { control, clock, state, makeLink } = played();
    state.links = [makeLink('pump'), makeLink('valve')];
    clock.advance(2_000);
    expect(control.status()).toEqual({
      gateway: {
        id: 'gw-1',
        description: 'boiler room',
        version: '1.2.3',
        uptimeMs: 2_000,
        outbox: { points: 7, bytes: 210, oldestMs: 1_500 },
      },
      siot: { generation: 1, store: 'expected', problem: 'disk full' },
      nats: { state: 'connected', server: '10.0.0.1:4222' },
      links: [
        { name: 'pump', pending: [] },
        { name: 'valve', pending: [] },
      ],
    });
  });

  it('confirms what is held back, or says why it cannot', () => {
    const { control, state, makeLink } = played();
    state.links = [makeLink('boards-1'), makeLink('pump')];
    state.held = ['boards-1'];
    expect(control.confirm({ link: 'boards-1' })).toEqual({ state: 'confirmed' });
    expect(control.confirm({ link: 'pump' })).toEqual({
      state: 'refused',
      reason: 'nothing of "pump" is held back: there is nothing to confirm',
    });
    expect(control.confirm({ link: 'valve' })).toEqual({
      state: 'refused',
      reason: 'there is no link "valve" (there are: boards-1, pump)',
    });
  });

  it('sets a point with the gateway’s ID as origin, and its promise resolves when its own part is done', async () => {
    const { state, asked, points, replies, published, makeLink } = played();
    state.links = [makeLink('pump')];
    const done = asked('pump', { key: 'a', value: { kind: 'int', integer: '-7' } });
    const word = asked('pump', { value: { kind: 'word', text: 'off' } });
    await published();
    await Promise.all([done, word]);
    expect(points).toMatchObject([
      { type: 'limit', key: 'a', time: 1n, value: { kind: 'int', integer: -7n }, origin: 'gw-1' },
      { type: 'limit', key: '', time: 1n, value: { kind: 'string', text: 'off' } },
    ]);
    expect(replies.map((reply) => reply.state)).toEqual([
      'accepted',
      'waiting',
      'accepted',
      'waiting',
    ]);
  });

  it('refuses at once what cannot be a setting', async () => {
    const { state, asked, points, replies, makeLink } = played();
    state.links = [makeLink('pump')];
    await asked('valve');
    await asked('pump', { type: 'a.b' });
    await asked('pump', { type: 'baud' });
    expect(replies.map((reply) => reply.state)).toEqual(['refused', 'refused', 'refused']);
    expect(points).toEqual([]);
  });

  it('says what is known of the points of a link', () => {
    const { control, state, makeLink } = played();
    const summary = () => ({ name: 'pump', pointsVersion: 'a1' }) as LinkSummary;
    state.links = [{ ...makeLink('pump'), summary }];
    state.infos = [
      { type: 'flow', key: undefined, info: { unit: 'l' } },
      { type: 'flow', key: '0', info: { unit: 'l', max: 5 } },
    ];
    expect(control.pointInfo({ link: 'pump' })).toEqual({
      state: 'points',
      version: 'a1',
      points: [
        { type: 'flow', unit: 'l' },
        { type: 'flow', key: '0', unit: 'l', max: 5 },
      ],
    });
    expect(control.pointInfo({ link: 'valve' })).toMatchObject({ state: 'refused' });
  });

  it('refuses what is known not to be allowed, before anything is sent or kept', async () => {
    const { state, asked, points, replies, taken, published, makeLink } = played();
    state.links = [makeLink('pump')];
    state.infos = [
      { type: 'limit', key: undefined, info: { min: 0, max: 5, unit: 'bar' } },
      { type: 'valve', key: undefined, info: { kind: 'switch' } },
      { type: 'temp', key: undefined, info: { writable: false } },
      { type: 'rxReset', key: undefined, info: { writable: false } },
    ];
    const word = (text: string, more: Partial<SetRequest> = {}) =>
      asked('pump', { value: { kind: 'word', text }, ...more });
    await word('6');
    await word('on', { key: 'a' });
    await word('2', { type: 'valve' });
    await word('1', { type: 'temp' });
    await asked('pump', { value: { kind: 'string', text: '6' } });
    expect(replies).toEqual(
      [
        '6 is not allowed: limit of pump takes 0 … 5 bar',
        '"on" is not allowed: limit/a of pump takes 0 … 5 bar',
        '2 is not allowed: valve of pump takes on or off (1 or 0)',
        'temp of pump is read-only (writable: false)',
        '"6" is not allowed: limit of pump takes 0 … 5 bar',
      ].map((reason) => ({ state: 'refused', reason })),
    );
    expect([points, taken]).toEqual([[], []]);
    const allowed = [word('5'), word('off', { type: 'valve' }), word('1', { type: 'rxReset' })];
    await published();
    await Promise.all(allowed);
    expect(points.map(({ value }) => value)).toEqual([
      { kind: 'float', number: 5 },
      { kind: 'float', number: 0 },
      { kind: 'string', text: '1' },
    ]);
  });

  it('keeps no listener and no timer for a request whose answer is final', async () => {
    const { clock, state, asked, published, changed, makeLink, signal } = played();
    state.links = [makeLink('pump')];
    void asked('pump');
    await published();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    changed((setting) => {
      confirmed(setting, 'bus');
    });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('what crosses a link', () => {
  it('is told to an observer until it ends, and then nobody observes', () => {
    const { control, state, makeLink, removals } = played();
    const link = { ...makeLink('pump'), summary: () => SUMMARY };
    state.links.push(link);
    const heard: LinkEvent[] = [];
    const asker = new AbortController();
    const observer = { observed: (event: LinkEvent) => void heard.push(event) };
    expect(control.observe({ link: 'pump' }, observer, asker.signal)).toEqual({
      state: 'observed',
      link: {
        name: 'pump',
        transport: 'a port',
        port: 'closed',
        problem: 'unplugged',
        format: { kind: 'cobs', protocol: 'auto', maxFrameLength: 1024 },
      },
    });
    link.tap.opened('a port');
    expect(heard).toMatchObject([{ kind: 'opened' }]);
    asker.abort();
    expect([link.tap.isObserved, removals.size]).toEqual([false, 0]);
    expect(getEventListeners(asker.signal, 'abort')).toEqual([]);
    control.observe({ link: 'pump' }, observer, asker.signal);
    expect(link.tap.isObserved).toBe(false);
  });

  it('is told on after the link was made anew, with its format, and its removal is told', () => {
    const { control, state, makeLink, removals } = played();
    const link = { ...makeLink('pump'), summary: () => SUMMARY };
    state.links.push(link);
    const heard: string[] = [];
    const observer = { observed: ({ kind }: LinkEvent) => void heard.push(kind) };
    control.observe({ link: 'pump' }, observer, new AbortController().signal);
    link.tap.opened('a port');
    // While it is made anew there is no link of that name.
    state.links.pop();
    link.tap.closed('changed');
    state.links.push({ ...link, format: { kind: 'cobs', protocol: 'auto', maxFrameLength: 64 } });
    link.tap.opened('a port');
    link.tap.closed('removed');
    state.links.pop();
    for (const removed of removals) for (const name of ['fan', 'pump']) removed(name);
    const again = ['closed', 'link', 'opened', 'closed', 'removed'];
    expect(heard).toEqual(['opened', ...again]);
  });

  it('is refused for a link that does not exist', () => {
    const { control, state, makeLink } = played();
    state.links.push(makeLink('pump'));
    const reply = control.observe({ link: 'pmp' }, { observed: () => undefined }, asker());
    expect(reply).toEqual({
      state: 'refused',
      reason: 'there is no link "pmp"; did you mean pump? (there are: pump)',
    });
  });
});

describe('the limits of the control interface, whoever asks', () => {
  const MIB = 1_048_576;
  const ofBytes = (bytes: number): Partial<SetRequest> => ({
    type: 'note',
    value: { kind: 'string', text: 'x'.repeat(bytes) },
  });

  it('what waits for SIOT and the disk is bounded in bytes, until it is settled', async () => {
    const { state, ask, replies, points, published, announced, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump', ofBytes(MIB));
    ask('pump', ofBytes(MIB / 2));
    expect(replies).toEqual([]);
    ask('pump', ofBytes(MIB));
    expect(replies).toEqual([
      { state: 'refused', reason: 'much is being set at once: try again in a moment' },
    ]);
    await announced('the disk is full');
    expect(replies.slice(1)).toMatchObject([{ state: 'refused' }, { state: 'refused' }]);
    ask('pump', ofBytes(MIB));
    await published();
    expect(points).toHaveLength(1);
    expect(replies.slice(3).map((reply) => reply.state)).toEqual(['accepted', 'waiting']);
  });

  it('a single setting may be larger than the limit, and small ones count as well', async () => {
    const { state, ask, replies, announced, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump', ofBytes(3 * MIB));
    expect(replies).toEqual([]);
    await announced('the disk is full');
    for (let n = 0; n < 1_000; n++) ask('pump', ofBytes(1));
    expect(replies.length).toBeGreaterThan(400);
  });

  it('a client may ask before it reads a request, and gets the same answer for a request of that size', async () => {
    const { control, state, ask, replies, announced, makeLink } = played();
    state.links = [makeLink('pump')];
    expect(control.setRefusal(100 * MIB)).toBeUndefined();
    ask('pump', ofBytes(MIB));
    expect(control.setRefusal(MIB)).toMatchObject({ state: 'refused' });
    expect(control.setRefusal(MIB / 2)).toBeUndefined();
    ask('pump', ofBytes(MIB / 2));
    expect(replies).toEqual([]);
    await announced('the disk is full');
    expect(control.setRefusal(MIB)).toBeUndefined();
  });

  it('the status is always the present one, and the time that it takes is counted for its clients', () => {
    const { clock, control, state, makeLink } = played();
    let copies = 0;
    const slow = makeLink('pump');
    // It takes so long, on a slow machine.
    slow.summary = () => {
      clock.advance(100);
      return { name: `copy ${(copies += 1)}` } as LinkSummary;
    };
    state.links = [slow];
    const nameNow = (): string | undefined => control.status().links[0]?.name;
    expect([nameNow(), control.statusTime.isSpent]).toEqual(['copy 1', false]);
    expect([nameNow(), control.statusTime.isSpent]).toEqual(['copy 2', true]);
    expect(nameNow()).toBe('copy 3');
    clock.advance(1_000);
    expect(control.statusTime.isSpent).toBe(false);
  });
});

describe('following a setting', () => {
  it('says why it waits when the reason changes, not each time it looks', async () => {
    const { clock, replies, state, ask, published, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump');
    await published();
    clock.advance(60_000);
    expect(replies.map((reply) => reply.state)).toEqual(['accepted', 'waiting']);
    state.reason = 'second';
    clock.advance(1_000);
    expect(replies.at(-1)).toEqual({ state: 'waiting', reason: 'second' });
    // Whoever asked is gone after ten minutes.
    clock.advance(600_000);
    expect(clock.pendingTimers).toBe(0);
    expect(replies).toHaveLength(3);
  });

  it('saves it to disk before SIOT gets it, and refuses it where it cannot be saved', async () => {
    const { replies, state, taken, ask, announced, published, publishing, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump');
    await settled();
    expect(publishing).toEqual([]);
    await announced('the disk is full');
    expect(publishing).toEqual([]);
    expect(replies).toEqual([{ state: 'refused', reason: 'the disk is full' }]);
    ask('pump');
    await announced();
    expect(publishing).toHaveLength(1);
    expect(taken).toEqual(['not pump']);
    await published();
    expect(taken).toEqual(['not pump', 'pump']);
    expect(replies.map((reply) => reply.state)).toEqual(['refused', 'accepted', 'waiting']);
  });

  it('removes from the disk what SIOT refuses', async () => {
    const { replies, state, taken, ask, published, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump');
    await published(new Error('no room'));
    expect(taken).toEqual(['not pump']);
    expect(replies).toEqual([{ state: 'refused', reason: 'no room' }]);
  });

  it('says that the outcome is unknown where SIOT has not answered, and reads whether SIOT has it', async () => {
    const { replies, state, taken, ask, published, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump');
    await published(new SettingError('SIOT did not answer in time', true));
    expect(taken).toEqual(['not pump', 'read pump']);
    expect(replies).toEqual([
      {
        state: 'unconfirmed',
        reason: 'SIOT did not answer in time: if it has the setting, the device gets it',
      },
    ]);
    ask('pump');
    await published(new SettingError('SIOT does not answer'));
    expect(replies.slice(1)).toEqual([{ state: 'refused', reason: 'SIOT does not answer' }]);
  });

  /** A setting that waits, of which what follows is to be told. */
  async function waiting() {
    const rig = played();
    rig.state.links = [rig.makeLink('pump')];
    rig.ask('pump');
    await rig.published();
    rig.replies.length = 0;
    const report = (number: number, equals: boolean) =>
      rig.changed((setting) => {
        setting.report = makePoint({ type: 'limit', value: floatValue(number) });
        setting.reportEquals = equals;
      });
    const confirm = (by: 'ack' | 'report' | 'bus') =>
      rig.changed((setting) => {
        confirmed(setting, by);
      });
    return { ...rig, report, confirm };
  }
  const by = (report: unknown) => ({ state: 'acknowledged', by: 'device', report });

  it('passes on the report that comes after the acknowledgement', async () => {
    const { clock, replies, report, confirm } = await waiting();
    confirm('ack');
    expect(replies).toEqual([by('awaited')]);
    clock.advance(1_900);
    report(1, true);
    expect(replies.slice(1)).toEqual([by({ value: 1, equal: true })]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('passes on the report that came before the acknowledgement, but not before that', async () => {
    const { replies, state, report, confirm } = await waiting();
    state.awaitsAck = true;
    report(1, true);
    expect(replies).toEqual([]);
    confirm('report');
    expect(replies).toEqual([
      { state: 'waiting', reason: 'the device reports it; its acknowledgement is waited for' },
    ]);
    state.awaitsAck = false;
    confirm('ack');
    expect(replies.slice(1)).toEqual([by({ value: 1, equal: true })]);
  });

  it('passes on a report that differs when no equal one has come within 2 s', async () => {
    const { clock, replies, report, confirm } = await waiting();
    report(3, false);
    confirm('ack');
    clock.advance(500);
    report(8, false);
    expect(replies).toEqual([by('awaited')]);
    clock.advance(1_500);
    expect(replies.slice(1)).toEqual([by({ value: 8, equal: false })]);
    const second = await waiting();
    second.report(3, false);
    second.confirm('ack');
    second.report(1, true);
    expect(second.replies.slice(1)).toEqual([by({ value: 1, equal: true })]);
  });

  it('says so when no report has come, or a newer setting has', async () => {
    const { clock, replies, confirm } = await waiting();
    confirm('ack');
    clock.advance(2_000);
    expect(replies).toEqual([by('awaited'), by('none')]);
    expect(clock.pendingTimers).toBe(0);
    const second = await waiting();
    second.confirm('ack');
    second.changed((setting) => void setting.on({ type: 'superseded' }));
    second.clock.advance(1_000);
    expect(second.replies.at(-1)).toEqual(by('none'));
  });

  it('does not take a report for an acknowledgement', async () => {
    const { replies, state, report, confirm, clock } = await waiting();
    state.awaitsAck = true;
    report(1, true);
    confirm('report');
    state.awaitsAck = false;
    clock.advance(1_000);
    expect(replies.at(-1)).toEqual({
      state: 'unconfirmed',
      reason: 'it was sent; the device has not acknowledged it',
      report: { value: 1, equal: true },
    });
  });

  it('reports that a bus has taken it, and waits for no acknowledgement', async () => {
    const { clock, replies, confirm } = await waiting();
    confirm('bus');
    expect(replies).toEqual([{ state: 'acknowledged', by: 'bus' }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('passes it to the link that has replaced the one asked for', async () => {
    const { replies, state, taken, ask, published, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump');
    state.links = [makeLink('pump, renamed')];
    await published();
    expect(taken).toEqual(['pump, renamed']);
    expect(replies.map((reply) => reply.state)).toEqual(['accepted', 'waiting']);
  });

  it('leaves it with the link that ends, for the next one', async () => {
    const { clock, replies, state, taken, ask, published, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump');
    state.links = [];
    await published();
    expect(taken).toEqual(['pump']);
    expect(replies.map((reply) => reply.state)).toEqual(['accepted', 'unconfirmed']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends when whoever asked is gone, also for what was still on its way to SIOT', async () => {
    const { clock, state, end, ask, published, makeLink } = played();
    state.links = [makeLink('pump')];
    ask('pump');
    await published();
    ask('pump');
    end();
    await published();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a deleted node is asked to live again', () => {
  it('says below which nodes it lives, and why it is not seen there', async () => {
    const { control, state, makeLink, undeleting } = played();
    state.links = [makeLink('pump')];
    const reply = control.undelete({ link: 'pump' });
    const [asked] = undeleting;
    expect(asked?.nodeId).toBe('dev-1');
    asked?.done({
      state: 'undeleted',
      parents: [
        { id: 'gw-1', description: 'boiler room', hiddenBy: { id: 'gw-1', description: 'x' } },
        { id: 'g', description: '' },
        { id: 'h', description: '', hiddenBy: { id: 'cellar', description: 'The cellar' } },
      ],
    });
    expect(await reply).toEqual({
      state: 'undeleted',
      parents: [
        {
          nodeId: 'gw-1',
          description: 'boiler room',
          hidden: 'the node of the gateway above it is deleted: siot-mcu undelete --gateway',
        },
        { nodeId: 'g', description: '' },
        {
          nodeId: 'h',
          description: '',
          hidden:
            'the node cellar ("The cellar") above it is deleted, so that SIOT does not show it',
        },
      ],
    });
  });

  it('undeletes the gateway’s own node', async () => {
    const { control, undeleting } = played();
    const reply = control.undelete({ gateway: true });
    expect(undeleting[0]?.nodeId).toBe('gw-1');
    undeleting[0]?.done({ state: 'absent' });
    expect(await reply).toEqual({
      state: 'refused',
      reason: 'SIOT has no node of the gateway: there is none to undelete',
    });
  });

  it.each([
    [{ state: 'alive' }, 'refused', 'the node of link "pump" is not deleted'],
    [
      { state: 'alive', hiddenBy: { id: 'gw-1', description: '' } },
      'refused',
      'the node of link "pump" is not deleted, but the node of the gateway above it is deleted: siot-mcu undelete --gateway',
    ],
    [
      { state: 'failed', why: 'SIOT does not answer', maybe: false },
      'refused',
      'SIOT does not answer',
    ],
    [
      { state: 'failed', why: 'the connection to NATS was lost', maybe: true },
      'unconfirmed',
      'the connection to NATS was lost',
    ],
  ] as const)('says why not: %j', async (result, expected, reason) => {
    const { control, state, makeLink, undeleting } = played();
    state.links = [makeLink('pump')];
    const reply = control.undelete({ link: 'pump' });
    undeleting[0]?.done(result);
    expect(await reply).toEqual({ state: expected, reason });
  });

  it('refuses a link that does not exist, and names the one that is meant', async () => {
    const { control, state, makeLink, undeleting } = played();
    state.links = [makeLink('pump'), makeLink('valve')];
    expect(await control.undelete({ link: 'pmup' })).toEqual({
      state: 'refused',
      reason: 'there is no link "pmup"; did you mean pump? (there are: pump, valve)',
    });
    expect(undeleting).toEqual([]);
  });

  it('asks SIOT once for two who ask at the same time, and again afterwards', async () => {
    const { control, state, makeLink, undeleting } = played();
    state.links = [makeLink('pump')];
    const both = [control.undelete({ link: 'pump' }), control.undelete({ link: 'pump' })];
    expect(undeleting).toHaveLength(1);
    undeleting[0]?.done({ state: 'alive' });
    const [first, second] = await Promise.all(both);
    expect(second).toEqual(first);
    void control.undelete({ link: 'pump' });
    expect(undeleting).toHaveLength(2);
  });

  it('answers after 20 s also if SIOT does not', async () => {
    const { control, clock, state, makeLink } = played();
    state.links = [makeLink('pump')];
    const reply = control.undelete({ link: 'pump' });
    clock.advance(20_000);
    expect(await reply).toEqual({ state: 'unconfirmed', reason: 'SIOT did not answer in time' });
  });
});
