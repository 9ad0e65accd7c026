import type { Clock } from '../../point/clock.js';
import type {
  ConfirmReply,
  ConfirmRequest,
  Control,
  GatewayStatus,
  GatewayView,
  SetReply,
  SetRequest,
} from './control.js';
import type { ControlledGateway } from './controlled.js';
import { noSuchLink, SettingRequest } from './setting-request.js';

/** The control interface of a gateway, for its whole life. */
export class GatewayControl implements Control {
  constructor(
    private readonly gateway: ControlledGateway,
    private readonly clock: Clock,
  ) {}

  status(): GatewayStatus {
    const { links, ...head } = this.view();
    const all = links.map((link) => ({ ...link.summary(), pending: [...link.pending(0)] }));
    return { ...head, links: all };
  }

  view(): GatewayView {
    const { identity, links, siot } = this.gateway;
    const { generation, store, nats, problem, storeProblem } = siot.status;
    const { server } = siot;
    return {
      gateway: identity,
      siot: {
        generation,
        store,
        ...(storeProblem === undefined ? {} : { problem: storeProblem }),
      },
      nats: {
        state: nats,
        ...(server === undefined ? {} : { server }),
        ...(problem === undefined ? {} : { problem }),
      },
      links: links.all(),
    };
  }

  set(request: SetRequest, answered: (reply: SetReply) => void, until: AbortSignal): Promise<void> {
    return new SettingRequest(this.gateway, this.clock, request, answered, until).run();
  }

  confirm({ link }: ConfirmRequest): ConfirmReply {
    const { links } = this.gateway;
    const all = links.all();
    if (!all.some(({ name }) => name === link)) return noSuchLink(link, all);
    if (links.confirm(link)) return { state: 'confirmed' };
    const reason = `nothing of ${JSON.stringify(link)} is held back: there is nothing to confirm`;
    return { state: 'refused', reason };
  }
}
