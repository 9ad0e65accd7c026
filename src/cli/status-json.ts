/** What `siot-mcu status --json` prints (docs/contract.md, "siot-mcu status"). */
import type { StatusReply } from '../gateway/control/verbs/status-request.js';
import type { LinkStatus } from '../gateway/link/status.js';
import { isNotice } from '../session/node/counters.js';

export function statusJson({ gateway, nats, siot, links, linksLeft }: StatusReply): object {
  const { outbox, ...identity } = gateway;
  const { store, ...ofStore } = siot;
  return {
    gateway: {
      ...identity,
      outbox: { ...outbox, oldestMs: outbox.oldestMs ?? null },
      nats,
      store: { state: store, ...ofStore },
    },
    links: links.map(linkJson),
    ...(linksLeft === undefined ? {} : { linksLeft }),
  };
}

function linkJson(link: LinkStatus): object {
  const { name, nodeId, transport, state, codec, counters, rates } = link;
  const { pending, pendingLeft } = link;
  const { rx = 0, tx = 0 } = counters;
  return {
    name,
    nodeId,
    transport,
    state,
    reason: link.reason ?? null,
    advice: adviceOf(link),
    diagnosis: link.diagnosis ?? null,
    codec,
    heardMs: link.heardMs ?? null,
    roundTripMs: link.roundTripMs ?? null,
    rx,
    tx,
    rates,
    discarded: Object.fromEntries(discardedOf(link)),
    pending,
    ...(pendingLeft === undefined ? {} : { pendingLeft }),
  };
}

/** What a person should do about a link: first about what keeps its device from talking. */
export function adviceOf({ state, reason, diagnosis, advice }: LinkStatus): string[] {
  const isTold = diagnosis !== undefined && (state === 'silent' || state === 'talks');
  return [...(isTold ? [diagnosis.advice] : []), ...advice].filter((one) => one !== reason);
}

/** Counters that are no cause of a loss, by their names in `counters`. */
const TOTALS = new Set(['rx', 'tx', 'hrRx', 'errorCount', 'errorCountHR']);

/** What was thrown away, by cause; the most frequent first. */
export const discardedOf = ({ counters }: LinkStatus): [cause: string, count: number][] =>
  Object.entries(counters)
    .filter(([cause]) => !TOTALS.has(cause) && !isNotice(cause))
    .sort(([, a], [, b]) => b - a);
