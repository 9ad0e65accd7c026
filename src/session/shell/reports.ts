/** Points that a console reports, on their way to SIOT and to the settings (docs/contract.md, "Shell"). */
import type { Point } from '../../point/point.js';
import type { NodeHost, NodeState } from '../node-state.js';
import { DeviceClock, type Arrival } from '../receiving/device-time.js';
import { PointFilter, type TakenPoint } from '../receiving/point-filter.js';
import type { RestartDetector, RestartSign } from '../receiving/restart.js';
import type { ShellSettings } from './settings.js';

/** Takes the reports of one console. */
export class ShellReports {
  readonly #clock = new DeviceClock();
  readonly #filter: PointFilter;

  constructor(
    private readonly state: NodeState,
    private readonly host: Pick<NodeHost, 'report'>,
    private readonly settings: Pick<ShellSettings, 'answerIn' | 'pointReported'>,
  ) {
    const { replica, counters, infos } = state;
    this.#filter = new PointFilter(replica, counters, infos, this.#clock);
  }

  /** The device has restarted, or the channel was opened anew: its clock is another. */
  reset(): void {
    this.#clock.reset();
  }

  /** What a report says about a restart. */
  restartSign(said: Point, restarts: RestartDetector): RestartSign | undefined {
    return this.#filter.restartSign([said], restarts);
  }

  /** The device has reported a point: it goes to the outbox, if it is fit for SIOT, and to the settings. */
  take(said: Point, arrival: Arrival): void {
    const taken = this.#filter.take([said], arrival);
    this.state.ages.reported(taken, arrival.ms);
    for (const one of taken) this.#deliver(one, said, arrival);
  }

  /**
   * An answer to a setting is not published: SIOT has the setting. Unless the device says
   * another value: with the setting's time SIOT would keep the value that was set.
   */
  #deliver(taken: TakenPoint, said: Point, arrival: Arrival): void {
    const { counters } = this.state;
    const answer = this.settings.answerIn(said);
    const one = answer === 'other' ? stamped(taken, arrival) : taken;
    const isNews = answer !== 'same' && !one.again;
    const outcome = isNews ? this.host.report([one.point], () => undefined) : 'taken';
    if (outcome === 'full') {
      counters.discard('outboxFull', {});
      return;
    }
    if (outcome === 'dropped') counters.discard('nodeDeleted', {});
    counters.points += 1;
    if (isNews) one.record.merge(one.point, one.timeKind === 'real');
    one.record.spelling = one.spelling;
    this.settings.pointReported(one, answer);
  }
}

/** With the time of its arrival, after the one that it has. */
function stamped(taken: TakenPoint, { ns }: Arrival): TakenPoint {
  const { record, point } = taken;
  record.givenBefore(point.time);
  return { ...taken, point: { ...point, time: record.giveTime(ns) }, timeKind: 'stamped' };
}
