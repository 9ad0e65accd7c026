/** Answers `siot-mcu watch`, `siot-mcu set` and whoever else asks the running gateway. */
import { z } from 'zod';
import type { Clock } from '../point/clock.js';
import {
  NO_VALUE,
  canonicalKey,
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
} from '../point/point.js';
import type { PointValue } from '../point/point.js';
import { isNeverSentDown } from '../point/reserved.js';
import { keyProblem, tokenProblem } from '../point/token.js';
import type { Setting } from '../session/settings.js';
import type { Siot } from '../siot/siot.js';
import { isSwitch } from './bus-judge.js';
import type { Link } from './link.js';
import { statusPage } from './status-page.js';
import type {
  ConfirmReply,
  ConfirmRequest,
  SetReply,
  SetRequest,
  StatusReply,
  StatusRequest,
  Verb,
} from './verbs.js';

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

const setRequest: z.ZodType<SetRequest> = z.object({
  link: z.string(),
  type: z.string(),
  key: z.string(),
  value: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('float'), number: z.number() }),
    z.object({
      kind: z.literal('int'),
      integer: z
        .string()
        .regex(/^-?\d{1,20}$/)
        .refine((text) => BigInt(text) >= INT64.min && BigInt(text) <= INT64.max),
    }),
    z.object({ kind: z.enum(['string', 'json']), text: z.string() }),
    z.object({ kind: z.literal('none') }),
  ]),
});

const statusRequest: z.ZodType<StatusRequest> = z.object({
  linksFrom: z.int().min(0).optional(),
  link: z.string().optional(),
  pendingFrom: z.int().min(0).optional(),
});

const confirmRequest: z.ZodType<ConfirmRequest> = z.object({ link: z.string() });

const NOT_UNDERSTOOD = {
  state: 'refused',
  reason: 'the request is not understood: use the same version',
} as const;

/** How long a `set` that is still waiting is followed: its asker has long gone by then. */
const FOLLOW_MS = 600_000;
/** How often the reason is looked at when nothing else happens. */
const REASON_EVERY_MS = 1_000;

/** For answers to `status`, in each second: whoever asks without end takes no more time from devices. */
const STATUS_MS_A_SECOND = 200;
/** So much of what `set` asks for may wait for SIOT and for the disk. */
const MOST_SETTING_BYTES = 2 * 1_048_576;
/** What a request costs besides its bytes. */
const SET_BYTES = 4_096;

const TOO_BUSY: SetReply = {
  state: 'refused',
  reason: 'much is being set at once: try again in a moment',
};

const LINK_GONE: SetReply = {
  state: 'unconfirmed',
  reason: 'the link was changed or removed meanwhile: see siot-mcu watch',
};

export interface VerbServerParts {
  readonly gatewayId: string;
  readonly siot: Siot;
  readonly clock: Clock;
  links(): readonly Link[];
  status(): StatusReply;
  /** False: nothing of that link is held back. */
  confirm(link: string): boolean;
}

export class VerbServer {
  readonly #ended: (() => void)[] = [];
  readonly #following = new Set<() => void>();
  #stopped = false;
  /** When the second began in which {@link #spentMs} was spent on answers to `status`, monotonic ms. */
  #secondMs = Number.NEGATIVE_INFINITY;
  #spentMs = 0;
  #firstPage: Uint8Array | undefined;
  /** Of what is being published for `set`, or kept. */
  #settingBytes = 0;

  constructor(private readonly parts: VerbServerParts) {
    const { siot } = parts;
    this.#ended.push(
      siot.serve('status' satisfies Verb, (request, reply) => {
        const page = this.#status(request);
        if (page !== undefined) reply(page);
      }),
      siot.serve('set' satisfies Verb, (request, reply) => {
        this.#setInTurn(request, (answer) => reply(json(answer)));
      }),
      siot.serve('confirm' satisfies Verb, (request, reply) => {
        reply(json(this.#confirm(request)));
      }),
    );
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#ended) end();
    for (const end of this.#following) end();
  }

  /** `undefined`: there is no time for it now. */
  #status(request: Uint8Array): Uint8Array | undefined {
    const { clock, siot } = this.parts;
    const asked = request.length === 0 ? {} : (readRequest(statusRequest, request) ?? {});
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#secondMs >= 1_000) {
      this.#secondMs = nowMs;
      this.#spentMs = 0;
      this.#firstPage = undefined;
    }
    const isFirst = Object.keys(asked).length === 0;
    // Whoever asks more often than that gets what was true a moment ago.
    if (this.#spentMs >= STATUS_MS_A_SECOND) return isFirst ? this.#firstPage : undefined;
    const most = siot.maxPayload ?? Number.POSITIVE_INFINITY;
    const page = json(statusPage(this.parts.status(), asked, most));
    this.#spentMs += clock.monotonicMs() - nowMs;
    if (isFirst) this.#firstPage = page;
    return page;
  }

  #setInTurn(request: Uint8Array, reply: (answer: SetReply) => void): void {
    const bytes = request.length + SET_BYTES;
    if (this.#settingBytes + bytes > MOST_SETTING_BYTES && this.#settingBytes > 0) {
      reply(TOO_BUSY);
      return;
    }
    this.#settingBytes += bytes;
    void this.#set(request, reply).finally(() => (this.#settingBytes -= bytes));
  }

  async #set(request: Uint8Array, reply: (answer: SetReply) => void): Promise<void> {
    const asked = readRequest(setRequest, request);
    if (asked === undefined) {
      reply(NOT_UNDERSTOOD);
      return;
    }
    const link = this.parts.links().find(({ name }) => name === asked.link);
    const unfit = link === undefined ? this.#noSuchLink(asked.link) : whyRefused(asked);
    if (link === undefined || unfit !== undefined) {
      reply({ state: 'refused', reason: unfit ?? '' });
      return;
    }
    const point = makePoint({
      type: asked.type,
      key: asked.key,
      time: link.settingTime(asked.type, asked.key),
      value: valueOf(asked.value),
      origin: this.parts.gatewayId,
    });
    const noRoom = link.whyNotSet(point);
    if (noRoom !== undefined) {
      reply({ state: 'refused', reason: noRoom });
      return;
    }
    try {
      await this.parts.siot.publishSetting(link.nodeId, point);
    } catch (error) {
      link.notSet(point);
      reply({ state: 'refused', reason: error instanceof Error ? error.message : String(error) });
      return;
    }
    // The configuration may have changed meanwhile. A link that is just being
    // ended keeps the setting for the one that comes after it.
    const now = this.parts.links().find(({ nodeId }) => nodeId === link.nodeId);
    const setting = (now ?? link).set(point);
    // From here on no crash loses it, with or without a store.
    await (now ?? link).keep();
    reply({ state: 'accepted', time: point.time.toString() });
    if (now === undefined || this.#stopped) {
      reply(LINK_GONE);
      return;
    }
    if (setting !== undefined) this.#follow(now, setting, reply);
    // The gateway's own points, such as `disabled`, act at once; any other was overtaken.
    else if (isSwitch(point.type)) reply({ state: 'acknowledged' });
    else reply({ state: 'replaced', reason: 'a newer setting of this point is there already' });
  }

  #confirm(request: Uint8Array): ConfirmReply {
    const asked = readRequest(confirmRequest, request);
    if (asked === undefined) return NOT_UNDERSTOOD;
    if (!this.parts.links().some(({ name }) => name === asked.link)) {
      return { state: 'refused', reason: this.#noSuchLink(asked.link) };
    }
    if (this.parts.confirm(asked.link)) return { state: 'confirmed' };
    const reason = `nothing of ${JSON.stringify(asked.link)} is held back: there is nothing to confirm`;
    return { state: 'refused', reason };
  }

  #follow(link: Link, setting: Setting, reply: (answer: SetReply) => void): void {
    let said = '';
    const look = (): void => {
      const answer = this.parts.links().includes(link) ? stateOf(link, setting) : LINK_GONE;
      const text = JSON.stringify(answer);
      if (text !== said) reply(answer);
      said = text;
      if (answer.state !== 'waiting') end();
    };
    const untilMs = this.parts.clock.monotonicMs() + FOLLOW_MS;
    const tick = (): void => {
      if (this.parts.clock.monotonicMs() > untilMs) end();
      else timer = this.parts.clock.setTimer(REASON_EVERY_MS, tick);
      look();
    };
    const unwatch = link.watchSettings((changed) => {
      if (changed === setting) look();
    });
    const end = (): void => {
      unwatch();
      timer.cancel();
      this.#following.delete(end);
    };
    let timer = this.parts.clock.setTimer(REASON_EVERY_MS, tick);
    this.#following.add(end);
    look();
  }

  #noSuchLink(name: string): string {
    const names = this.parts.links().map((link) => link.name);
    return `there is no link ${JSON.stringify(name)}; there are: ${names.join(', ')}`;
  }
}

function stateOf(link: Link, setting: Setting): SetReply {
  if (!link.isCurrent(setting)) {
    return { state: 'replaced', reason: 'a newer setting has taken its place' };
  }
  switch (setting.state) {
    case 'pending':
      return { state: 'waiting', reason: link.reason(setting) };
    case 'inForce':
      return { state: 'acknowledged' };
    case 'ended':
      return setting.confirmedNs === undefined
        ? { state: 'unconfirmed', reason: 'the command was sent; the device did not confirm it' }
        : { state: 'acknowledged' };
    case 'unconfirmed':
      return {
        state: 'unconfirmed',
        reason: 'it was sent; the device does not acknowledge points',
      };
    case 'replaced':
      return { state: 'replaced', reason: 'the device has changed the point itself' };
    case 'refused':
      return {
        state: 'refused',
        reason:
          'there was no room for a newer setting of this point, and this one is not sent any more',
      };
  }
}

function whyRefused({ type, key }: SetRequest): string | undefined {
  const unfit = tokenProblem(type) ?? keyProblem(key);
  if (unfit !== undefined) {
    return 'type and key must be subject tokens: no dots, spaces, * or >, at most 255 bytes';
  }
  if (isSwitch(type)) {
    return canonicalKey(key) === '0' ? undefined : `${type} has no key`;
  }
  if (type === 'description') {
    return 'description is not sent to a device: it is the name of its node, to be changed in SIOT';
  }
  if (isNeverSentDown(type)) {
    return `${type} belongs to the gateway or its administrator and is never sent to a device`;
  }
  return undefined;
}

function readRequest<T>(schema: z.ZodType<T>, request: Uint8Array): T | undefined {
  try {
    return schema.parse(JSON.parse(Buffer.from(request).toString('utf8')));
  } catch {
    return undefined;
  }
}

function valueOf(value: SetRequest['value']): PointValue {
  switch (value.kind) {
    case 'float':
      return floatValue(value.number);
    case 'int':
      return intValue(BigInt(value.integer));
    case 'string':
      return stringValue(value.text);
    case 'json':
      return jsonValue(value.text);
    case 'none':
      return NO_VALUE;
  }
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
