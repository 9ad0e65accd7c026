/**
 * Of what is known of a gateway, what is worth a line of `siot-mcu watch` when it changes.
 * Counters, rates and ages move all the time and are none of it: a field is news only
 * if it is in one of these lists.
 */
import type { StatusReply } from '../gateway/control/verbs/status-request.js';
import type { LinkSummary, PendingSetting } from '../gateway/link/status.js';

const LINK: readonly (keyof LinkSummary)[] = [
  'nodeId',
  'transport',
  'port',
  'portProblem',
  'state',
  'connected',
  'echoes',
  'node',
  'codec',
  'acknowledges',
  'advice',
];

const SETTING: readonly (keyof PendingSetting)[] = [
  'value',
  'valueBytes',
  'time',
  'deleted',
  'command',
  'reason',
];

const SIOT: readonly (keyof StatusReply['siot'])[] = ['generation', 'store', 'problem'];
const NATS: readonly (keyof StatusReply['nats'])[] = ['state', 'server', 'problem'];

/** The fields as a text: equal as long as there is nothing to tell. */
function newsOf<T extends object>(thing: T, fields: readonly (keyof T)[]): string {
  return JSON.stringify(fields.map((field) => thing[field]));
}

/** What was heard of a device may move, as in `about 10 bytes/s`: another cause is news. */
export const linkNews = (link: LinkSummary): string =>
  newsOf(link, LINK) + (link.diagnosis?.cause ?? '');
export const settingNews = (setting: PendingSetting): string => newsOf(setting, SETTING);
export const siotNews = (siot: StatusReply['siot']): string => newsOf(siot, SIOT);
export const natsNews = (nats: StatusReply['nats']): string => newsOf(nats, NATS);
