import { describe, expect, it } from 'vitest';
import { Services, type Service } from '../../src/gateway/services.js';
import { FakeClock } from '../support/fake-clock.js';
import { recordingLog, type Said } from '../support/recording-log.js';
import { settled } from './support.js';

/** Services that write down what happens to them. */
function rig() {
  const clock = new FakeClock();
  const said: Said[] = [];
  const events: string[] = [];
  const service = (name: string, more: Partial<Service> = {}): Service => ({
    name,
    stopByMs: 1_000,
    start: () => void events.push(`start ${name}`),
    stop: (withinMs) => void events.push(`stop ${name} within ${withinMs}`),
    ...more,
  });
  const servicesOf = (...list: Service[]): Services =>
    new Services(list, clock, recordingLog(said));
  return { clock, said, events, service, servicesOf };
}

const never = (): Promise<void> => new Promise(() => undefined);

describe('services', () => {
  it('start in the order of the list, one after the other, and stop in the reverse order', async () => {
    const { clock, events, service, servicesOf, said } = rig();
    let ready: () => void = () => undefined;
    const disk = service('disk', {
      start: () => {
        events.push('start disk');
        return new Promise<void>((resolve) => (ready = resolve));
      },
    });
    const services = servicesOf(disk, service('NATS'), service('links'));
    const started = services.start();
    await settled();
    expect(events).toEqual(['start disk']);
    ready();
    await started;
    expect(events.splice(0)).toEqual(['start disk', 'start NATS', 'start links']);
    await services.stop();
    expect(events).toEqual([
      'stop links within 1000',
      'stop NATS within 1000',
      'stop disk within 1000',
    ]);
    expect([said, clock.pendingTimers]).toEqual([[], 0]);
  });

  it('that do not stop in time are logged by name and passed over, and take no time from the others', async () => {
    const { clock, events, service, servicesOf, said } = rig();
    const services = servicesOf(
      service('disk', { stopByMs: 3_000 }),
      service('SIOT', { stopByMs: 2_000, stop: never, ifLate: 'points wait on disk' }),
      service('links', { stopByMs: 500, stop: never }),
    );
    await services.start();
    events.length = 0;
    const stopped = services.stop();
    clock.advance(499);
    await settled();
    expect(said).toEqual([]);
    clock.advance(1);
    await settled();
    expect(said).toEqual([
      {
        level: 'error',
        fields: { service: 'links', ms: 500 },
        message: 'links: not stopped in time',
      },
    ]);
    // What is left of the time that it may take, counted from the beginning.
    clock.advance(1_500);
    await stopped;
    expect(said.slice(1)).toEqual([
      {
        level: 'error',
        fields: { service: 'SIOT', ms: 1_500 },
        message: 'SIOT: not stopped in time: points wait on disk',
      },
    ]);
    expect(events).toEqual(['stop disk within 1000']);
  });

  it('that come after a late one are stopped as well, though no time is left', async () => {
    const { clock, events, service, servicesOf, said } = rig();
    const services = servicesOf(
      service('lock', { stopByMs: 500 }),
      service('disk', { stopByMs: 500, stop: never }),
    );
    await services.start();
    const stopped = services.stop();
    clock.advance(500);
    await settled();
    clock.advance(0);
    await stopped;
    expect(events).toContain('stop lock within 0');
    expect(said.map(({ message }) => message)).toEqual(['disk: not stopped in time']);
  });

  it('that fail to stop are logged by name, and the others are stopped', async () => {
    const { events, service, servicesOf, said } = rig();
    const services = servicesOf(
      service('disk'),
      service('NATS', { stop: () => Promise.reject(new Error('it has gone')) }),
      service('SIOT', {
        stop: () => {
          throw new Error('no socket');
        },
      }),
    );
    await services.start();
    await services.stop();
    expect(events).toContain('stop disk within 1000');
    expect(said.map(({ fields, message }) => [message, fields])).toEqual([
      ['SIOT: stopping failed', { service: 'SIOT', reason: 'no socket' }],
      ['NATS: stopping failed', { service: 'NATS', reason: 'it has gone' }],
    ]);
  });

  it('of which one fails to start: it and those before it are stopped, the others never begin', async () => {
    const { events, service, servicesOf } = rig();
    const broken = service('NATS', { start: () => Promise.reject(new Error('the port is taken')) });
    const services = servicesOf(service('disk'), broken, service('links'));
    await expect(services.start()).rejects.toThrow('the port is taken');
    expect(events).toEqual(['start disk', 'stop NATS within 1000', 'stop disk within 1000']);
    await services.stop();
    expect(events).toHaveLength(3);
  });

  it('hear at once that the gateway is about to stop, also while they are being started', async () => {
    const { events, service, servicesOf } = rig();
    const prepareStop = (): void => void events.push('prepared');
    const services = servicesOf(
      service('disk', { start: never }),
      service('links', { prepareStop }),
    );
    void services.start();
    services.prepareStop();
    expect(events).toEqual(['prepared']);
    await settled();
  });
});
