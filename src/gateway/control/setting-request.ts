/**
 * One `set`: the setting is on disk first, then in SIOT, then on its way to the
 * device, where it is followed.
 */
import type { Clock } from '../../point/clock.js';
import {
  NO_VALUE,
  canonicalKey,
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
  type Point,
  type PointValue,
} from '../../point/point.js';
import { pointName } from '../../point/point-info.js';
import { POINT_INFO_TYPE, isNeverSentDown } from '../../point/reserved.js';
import { valueOfWordByInfo, whyNotValue } from '../../point/setting-check.js';
import { keyProblem, tokenProblem } from '../../point/token.js';
import { SettingError } from '../../siot/siot.js';
import { nearest } from '../config/nearest.js';
import { isSwitch } from '../link/remote-point-router.js';
import type { Refused, SetReply, SetRequest } from './control.js';
import type { ControlledGateway, ControlledLink, ControlledLinks } from './controlled.js';
import { LINK_GONE, SettingFollower } from './setting-follower.js';

/** Carries out one request. */
export class SettingRequest {
  constructor(
    private readonly gateway: ControlledGateway,
    private readonly clock: Clock,
    private readonly request: SetRequest,
    private readonly answered: (reply: SetReply) => void,
    private readonly until: AbortSignal,
  ) {}

  /** See `Control.set`. */
  async run(): Promise<void> {
    const { request } = this;
    const link = linkNamed(request.link, this.gateway.links);
    if (!('nodeId' in link)) {
      this.answered(link);
      return;
    }
    const unfit = whyRefused(request);
    if (unfit !== undefined) {
      this.#refuse(unfit);
      return;
    }
    const { type, key } = request;
    const value = valueOf(request, link);
    const forbidden = whyNotAllowed(request, value, link);
    if (forbidden !== undefined) {
      this.#refuse(forbidden);
      return;
    }
    const point = makePoint({
      type,
      key,
      time: link.settingTime(type, key),
      value,
      origin: this.gateway.identity.id,
    });
    // On disk first: what cannot be kept is nowhere then, and no crash loses the rest.
    const refusal = link.whyNotSet(point) ?? (await link.announce(point));
    const problem: SetReply | undefined =
      refusal === undefined
        ? await this.#publish(link.nodeId, point)
        : { state: 'refused', reason: refusal };
    if (problem === undefined) {
      await this.#published(link, point);
      return;
    }
    await link.withdraw(point);
    // Where SIOT has it after all, that is what its reading shows.
    if (problem.state === 'unconfirmed') link.readAgain();
    this.answered(problem);
  }

  /** Why SIOT does not take it, or may not have; `undefined`: it has. */
  async #publish(nodeId: string, point: Point): Promise<SetReply | undefined> {
    try {
      await this.gateway.siot.publishSetting(nodeId, point);
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

  async #published(asked: ControlledLink, point: Point): Promise<void> {
    // The configuration may have changed meanwhile. A link that is just being
    // ended keeps the setting for the one that comes after it.
    const now = this.gateway.links.all().find(({ nodeId }) => nodeId === asked.nodeId);
    const link = now ?? asked;
    const outcome = link.set(point);
    const kept = await link.keep();
    if (!kept && link !== asked) {
      this.#refuse('the link was changed meanwhile, and cannot keep it');
      return;
    }
    if (outcome === undefined) {
      this.#refuse('a newer setting of this point is there already');
      return;
    }
    this.answered({ state: 'accepted', time: point.time.toString() });
    if (now === undefined || this.until.aborted) this.answered(LINK_GONE);
    else if (outcome === 'applied') this.answered({ state: 'acknowledged', by: 'gateway' });
    else {
      const { gateway, clock, answered, until } = this;
      new SettingFollower(gateway.links, link, outcome, clock, answered, until).follow();
    }
  }

  #refuse(reason: string): void {
    this.answered({ state: 'refused', reason });
  }
}

/** The link of this name, or the answer if there is none. */
export function linkNamed(name: string, links: ControlledLinks): ControlledLink | Refused {
  const all = links.all();
  const found = all.find((link) => link.name === name);
  if (found !== undefined) return found;
  const names = all.map((link) => link.name);
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  const given = names.length === 0 ? 'there is none' : `there are: ${names.join(', ')}`;
  const reason = `there is no link ${JSON.stringify(name)}${hint} (${given})`;
  return { state: 'refused', reason };
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
  if (type === POINT_INFO_TYPE) {
    return 'pointInfo is not sent to a device, which announces it: to say otherwise, use the key points of the link in the configuration';
  }
  if (isNeverSentDown(type)) {
    return `${type} belongs to the gateway or its administrator and is never sent to a device`;
  }
  return undefined;
}

/** By what is known of the point. What acts on the link itself is none of the device's. */
function whyNotAllowed(
  { type, key, link: name, value: asked }: SetRequest,
  value: PointValue,
  link: ControlledLink,
): string | undefined {
  const info = isSwitch(type) ? undefined : link.infoOf(type, key);
  if (info === undefined) return undefined;
  return whyNotValue(value, info, `${pointName(type, key)} of ${name}`, asked.kind !== 'word');
}

function valueOf({ type, key, value }: SetRequest, link: ControlledLink): PointValue {
  switch (value.kind) {
    case 'float':
      return floatValue(value.number);
    case 'int':
      return intValue(BigInt(value.integer));
    case 'string':
      return stringValue(value.text);
    case 'json':
      return jsonValue(value.text);
    case 'word': {
      const info = link.infoOf(type, key) ?? {};
      return valueOfWordByInfo(value.text, info) ?? link.valueOfWord(type, key, value.text);
    }
    case 'none':
      return NO_VALUE;
  }
}
