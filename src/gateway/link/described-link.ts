/** What is known of a link, in words and figures: see status.ts. */
import type { Outbox } from '../../outbox/outbox.js';
import type { Clock } from '../../point/clock.js';
import { commandWord } from '../../point/command-word.js';
import { isDeleted, plainValue, type Point } from '../../point/point.js';
import type { DeviceSession } from '../../session/device-session.js';
import { ECHO_ADVICE } from '../../session/receiving/own-echo.js';
import type { NodeState } from '../../session/node-state.js';
import type { Setting } from '../../session/settings/setting.js';
import { undeleteCommand } from '../../siot/siot.js';
import type { Transport } from '../../transport/transport.js';
import type { LinkConfig } from '../config/config.js';
import type { LinkFile } from '../state/link-file.js';
import type { NamesFile } from '../state/names-file.js';
import type { LinkChannel } from './channel-keeper.js';
import type { LinkNode } from './link-node.js';
import { stateOf } from './link-state.js';
import type { LinkSummary, PendingSetting } from './status.js';

/** Names of stale points in the status of a link. */
const MOST_STALE_NAMES = 50;

/** What counts as heard, for people, where it is no packet. */
const UNITS: Partial<Record<LinkSummary['codec'], string>> = {
  signals: 'frame that the database knows',
  shell: 'line of the console',
};

/** What the description of a link is made of. */
export interface DescribedLink {
  readonly config: LinkConfig;
  readonly nodeId: string;
  readonly transport: Transport;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly file: LinkFile;
  readonly names: NamesFile;
  readonly session: DeviceSession;
  readonly node: LinkNode;
  readonly channel: LinkChannel;
  /** Why settings are held back, for people. */
  readonly held: string | undefined;
}

/** All but what is pending; a copy. */
export function summaryOf(link: DescribedLink): LinkSummary {
  const { config, nodeId, transport, session, node, channel, clock } = link;
  const { statistics, router } = node;
  const { disabled } = router;
  const { problem } = channel;
  const { codecName, heardMs, roundTripMs } = session;
  const { points, sentPoints, rx, tx } = statistics.rates;
  return {
    name: config.name,
    nodeId,
    transport: transport.description,
    ...stateOf({
      isDisabled: disabled,
      isOpen: channel.isOpen,
      portProblem: problem,
      isDeleted: node.state === 'deleted',
      held: link.held,
      isConnected: session.state.connected,
      wasHeard: heardMs !== undefined,
      heard: session.diagnosis?.heard,
      unit: UNITS[codecName] ?? 'packet',
    }),
    ...(heardMs === undefined ? {} : { heardMs: Math.round(clock.monotonicMs() - heardMs) }),
    ...(roundTripMs === undefined ? {} : { roundTripMs: Math.round(roundTripMs * 10) / 10 }),
    rates: { pointsUp: points, pointsDown: sentPoints, rx, tx },
    port: disabled ? 'disabled' : channel.isOpen ? 'open' : 'closed',
    ...(disabled || problem === undefined ? {} : { portProblem: problem }),
    connected: session.state.connected,
    echoes: session.echoes,
    node: node.state,
    codec: codecName,
    acknowledges: session.downlink.acknowledges,
    counters: {
      rx: statistics.value('rx'),
      tx: statistics.value('tx'),
      hrRx: statistics.value('hrRx'),
      errorCount: statistics.value('errorCount'),
      errorCountHR: statistics.value('errorCountHR'),
      ...Object.fromEntries(statistics.causes()),
    },
    ...(session.diagnosis === undefined ? {} : { diagnosis: session.diagnosis }),
    ...pointsOf(session.state),
    advice: adviceOf(link),
  };
}

/** Settings on their way, from the one of that number on; each is made when it is asked for. */
export function* pendingOf(link: DescribedLink, from: number): Generator<PendingSetting> {
  const { session, node } = link;
  const sent = session.downlink.pending();
  for (const setting of sent.slice(from)) {
    const progress = link.held === undefined ? session.downlink.progress(setting) : undefined;
    yield {
      ...pendingPoint(setting.point, setting.command, whyPending(link, setting)),
      ...(progress === undefined ? {} : { progress }),
    };
  }
  // Not looked at yet: it may turn out to be none for the device.
  for (const point of [...node.rateLimiter.waiting].slice(Math.max(0, from - sent.length))) {
    const isCommand = session.state.settings.isCommand(point.type);
    yield pendingPoint(point, isCommand, 'much is set at once: it waits to be looked at');
  }
}

/** Why a setting is still on its way, for people. */
export function whyPending(
  { session, node, channel, held }: DescribedLink,
  setting: Setting,
): string {
  if (node.router.disabled) return 'the link is disabled in SIOT';
  if (held !== undefined) return held;
  const { problem, isOpen } = channel;
  const reason = session.downlink.reason(setting);
  return problem === undefined || isOpen ? reason : `${reason}: ${problem}`;
}

function pointsOf({ infos, ages }: NodeState): Pick<LinkSummary, 'pointsVersion' | 'stale'> {
  const { version } = infos;
  const stale = [...ages.stale].filter(([, isStale]) => isStale).map(([name]) => name);
  return {
    ...(version === undefined ? {} : { pointsVersion: version }),
    ...(stale.length === 0 ? {} : { stale: stale.slice(0, MOST_STALE_NAMES) }),
  };
}

function adviceOf({
  config,
  nodeId,
  file,
  names,
  outbox,
  session,
  node,
  held,
}: DescribedLink): string[] {
  const advice = node.limits.advice();
  for (const said of [file.problem, file.damage, names.problem])
    if (said !== undefined) advice.push(said);
  advice.push(...outbox.adviceFor(nodeId));
  if (session.echoes) advice.push(ECHO_ADVICE);
  if (session.advice !== undefined) advice.push(session.advice);
  const { advice: ages } = session.state.ages;
  if (ages !== undefined) advice.push(ages);
  if (held !== undefined) advice.push(`settings are held back: ${held}`);
  if (node.router.disabled) {
    advice.push(`it starts again with: siot-mcu set ${commandWord(config.name)} disabled 0`);
  }
  if (node.state === 'deleted') {
    advice.push(
      'somebody deleted the node in SIOT: its points are dropped until it lives again: ' +
        undeleteCommand(config.name),
    );
  }
  return advice;
}

const pendingPoint = (point: Point, command: boolean, reason: string): PendingSetting => ({
  type: point.type,
  key: point.key,
  value: plainValue(point.value),
  time: point.time.toString(),
  deleted: isDeleted(point),
  command,
  reason,
});
