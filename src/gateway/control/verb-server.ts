/** Answers `siot-mcu watch`, `siot-mcu set` and whoever else asks the running gateway. */
import { z } from 'zod';
import type { Clock } from '../../point/clock.js';
import { parseInt64 } from '../../point/int64.js';
import {
  NO_VALUE,
  canonicalKey,
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
} from '../../point/point.js';
import type { Point, PointValue } from '../../point/point.js';
import { isNeverSentDown } from '../../point/reserved.js';
import { keyProblem, tokenProblem } from '../../point/token.js';
import { SettingError, type Siot } from '../../siot/siot.js';
import { isSwitch } from '../link/remote-point-router.js';
import type { Link } from '../link/link.js';
import { LINK_GONE, SettingFollower } from './setting-follower.js';
import { StatusAnswers } from './status-answers.js';
import type {
  ConfirmReply,
  ConfirmRequest,
  SetReply,
  SetRequest,
  StatusReply,
  StatusRequest,
  Verb,
} from './verbs.js';
import type { Setting } from '../../session/settings/setting.js';

const setRequest: z.ZodType<SetRequest> = z.object({
  link: z.string(),
  type: z.string(),
  key: z.string(),
  value: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('float'), number: z.number() }),
    z.object({
      kind: z.literal('int'),
      integer: z.string().refine((text) => parseInt64(text) !== undefined),
    }),
    z.object({ kind: z.enum(['string', 'json', 'word']), text: z.string() }),
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

/** So much of what `set` asks for may wait for SIOT and for the disk. */
const MOST_SETTING_BYTES = 2 * 1_048_576;
/** What a request costs besides its bytes. */
const SET_BYTES = 4_096;

const TOO_BUSY: SetReply = {
  state: 'refused',
  reason: 'much is being set at once: try again in a moment',
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
  readonly #following = new Set<SettingFollower>();
  #stopped = false;
  readonly #answers: StatusAnswers;
  /** Of what is being published for `set`, or kept. */
  #settingBytes = 0;

  constructor(private readonly parts: VerbServerParts) {
    const { siot, clock } = parts;
    this.#answers = new StatusAnswers(
      {
        status: () => parts.status(),
        mostBytes: () => siot.maxPayload ?? Number.POSITIVE_INFINITY,
      },
      clock,
    );
    this.#ended.push(
      siot.serve('status' satisfies Verb, (request, reply) => {
        reply(this.#status(request));
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
    for (const follower of this.#following) follower.end();
  }

  #status(request: Uint8Array): Uint8Array {
    const asked = request.length === 0 ? undefined : readRequest(statusRequest, request);
    return this.#answers.answer(asked ?? {});
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
      value: valueOf(asked, link),
      origin: this.parts.gatewayId,
    });
    // On disk first: what cannot be kept is nowhere then, and no crash loses the rest.
    const refusal = link.whyNotSet(point) ?? (await link.announce(point));
    const problem =
      refusal === undefined
        ? await this.#publish(link.nodeId, point)
        : ({ state: 'refused', reason: refusal } as const);
    if (problem === undefined) {
      await this.#published(link, point, reply);
      return;
    }
    await link.withdraw(point);
    // Where SIOT has it after all, that is what its reading shows.
    if (problem.state === 'unconfirmed') link.readAgain();
    reply(problem);
  }

  /** Why SIOT does not take it, or may not have; `undefined`: it has. */
  async #publish(nodeId: string, point: Point): Promise<SetReply | undefined> {
    try {
      await this.parts.siot.publishSetting(nodeId, point);
      return undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!(error instanceof SettingError) || !error.maybeTaken)
        return { state: 'refused', reason };
      return {
        state: 'unconfirmed',
        reason: `${reason}: if it has the setting, the device gets it`,
      };
    }
  }

  async #published(link: Link, point: Point, reply: (answer: SetReply) => void): Promise<void> {
    // The configuration may have changed meanwhile. A link that is just being
    // ended keeps the setting for the one that comes after it.
    const now = this.parts.links().find(({ nodeId }) => nodeId === link.nodeId);
    const outcome = (now ?? link).set(point);
    const kept = await (now ?? link).keep();
    if (!kept && now !== link) {
      reply({ state: 'refused', reason: 'the link was changed meanwhile, and cannot keep it' });
      return;
    }
    if (outcome === undefined) {
      reply({ state: 'refused', reason: 'a newer setting of this point is there already' });
      return;
    }
    reply({ state: 'accepted', time: point.time.toString() });
    if (now === undefined || this.#stopped) reply(LINK_GONE);
    else if (outcome === 'applied') reply({ state: 'acknowledged', by: 'gateway' });
    else this.#follow(now, outcome, reply);
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
    const follower = new SettingFollower(
      link,
      setting,
      this.parts.clock,
      () => this.parts.links().includes(link),
      reply,
      () => this.#following.delete(follower),
    );
    this.#following.add(follower);
    follower.look();
  }

  #noSuchLink(name: string): string {
    const names = this.parts.links().map((link) => link.name);
    return `there is no link ${JSON.stringify(name)}; there are: ${names.join(', ')}`;
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

function valueOf({ type, key, value }: SetRequest, link: Link): PointValue {
  switch (value.kind) {
    case 'float':
      return floatValue(value.number);
    case 'int':
      return intValue(BigInt(value.integer));
    case 'string':
      return stringValue(value.text);
    case 'json':
      return jsonValue(value.text);
    case 'word':
      return link.valueOfWord(type, key, value.text);
    case 'none':
      return NO_VALUE;
  }
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
