/** All parsers that face a device, the bus, the disk or a person. One more is one file and one line here. */
import type { FuzzTarget } from './target.js';
import { remotePointsTarget } from './targets/remote-points.js';
import { generation1Target, generation2Target } from './targets/nats-points.js';
import { canDatabaseTarget } from './targets/can-database.js';
import { candumpTarget } from './targets/candump.js';
import { cobsTarget } from './targets/cobs.js';
import { compactTarget } from './targets/compact.js';
import { configTarget } from './targets/config.js';
import { isoTpTarget } from './targets/isotp.js';
import { nodeReplyTarget } from './targets/node-reply.js';
import { outboxTarget } from './targets/outbox.js';
import { packetTarget } from './targets/packet.js';
import { probeTarget } from './targets/probe.js';
import { protobufTarget } from './targets/protobuf.js';
import { receiptTarget } from './targets/receipt.js';
import { sessionTarget } from './targets/session.js';
import { setTarget } from './targets/set.js';
import { gatewayRecordTarget, linkFileTarget } from './targets/state.js';
import { textLinesTarget } from './targets/text-lines.js';
import { textTarget } from './targets/text.js';
import { verbsTarget } from './targets/verbs.js';

export const TARGETS: readonly FuzzTarget[] = [
  cobsTarget,
  isoTpTarget,
  packetTarget,
  textTarget,
  textLinesTarget,
  protobufTarget,
  compactTarget,
  sessionTarget,
  generation1Target,
  generation2Target,
  nodeReplyTarget,
  receiptTarget,
  probeTarget,
  remotePointsTarget,
  verbsTarget,
  linkFileTarget,
  gatewayRecordTarget,
  outboxTarget,
  configTarget,
  setTarget,
  canDatabaseTarget,
  candumpTarget,
];
