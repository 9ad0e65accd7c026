/**
 * Checks that need more than one key. They take the configuration as it was
 * written, valid or not, so that all problems are reported at once.
 */
import { isNeverSentDown, isReservedType } from '../../point/reserved.js';
import { SERVER } from '../../siot/connection/server-text.js';
import { canProblems } from './can-checks.js';
import {
  groupAt,
  has,
  isGroup,
  listAt,
  textAt,
  type ConfigProblem,
  type Group,
  type Placed,
} from './parts.js';
import { pointProblems } from './point-checks.js';
import { rs485Problems } from './serial-checks.js';
import { usbProblems } from './usb-checks.js';
import { isUuid, uuidV5 } from '../state/uuid.js';

export type { ConfigProblem } from './parts.js';

/**
 * All problems that concern more than one key. `gatewayId` exists after the first
 * start. With it, node IDs are also compared with those that the gateway makes itself.
 */
export function crossProblems(written: unknown, gatewayId?: string): ConfigProblem[] {
  const links = placedLinks(written);
  return [
    ...natsProblems(groupAt(written, 'nats')),
    ...['stateDir', 'runtimeDir'].flatMap((key) => folderProblems(written, key)),
    ...parentProblems(groupAt(written, 'siot')),
    ...nameProblems(links),
    ...portProblems(links),
    ...links.flatMap(rs485Problems),
    ...usbProblems(links),
    ...canProblems(links),
    ...nodeIdProblems(links, textAt(groupAt(written, 'siot'), 'parent'), gatewayId),
    ...links.flatMap(protocolProblems),
    ...links.flatMap(({ link, path }) => commandProblems(link, path)),
    ...links.flatMap(pointProblems),
  ];
}

/** The links as they were written, with their place. */
export function placedLinks(written: unknown): Placed[] {
  return listAt(written, 'links').map((link, index) => ({
    link: isGroup(link) ? link : {},
    path: ['links', index],
  }));
}

/** The ways to authenticate; at most one may be configured. */
const METHODS: readonly (readonly string[])[] = [
  ['token'],
  ['tokenFile'],
  ['user', 'password', 'passwordFile'],
  ['nkeySeedFile'],
  ['credsFile'],
];

function natsProblems(nats: Group): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (key: string, message: string): void => {
    const path = key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    problems.push({ path: ['nats', ...path], message });
  };
  const used = METHODS.map((keys) => keys.filter((key) => has(nats, key)));
  const firsts = used.flatMap((keys) => keys.slice(0, 1));
  if (nats.embedded === true || isGroup(nats.embedded)) {
    for (const key of ['servers', ...used.flat(), 'tls'].filter((name) => has(nats, name))) {
      add(key, 'does not go with embedded, a private server of its own; take one of them out');
    }
    return problems;
  }
  for (const key of firsts.slice(1)) {
    add(key, `is a second way to log in beside ${firsts[0] ?? ''}; keep one of them`);
  }
  const [password, passwordFile] = [has(nats, 'password'), has(nats, 'passwordFile')];
  if (password && passwordFile) {
    add('passwordFile', 'is a second password beside password; keep one of them');
  }
  if (has(nats, 'user') && !password && !passwordFile) {
    add('user', 'has no password; add password or passwordFile');
  }
  if (!has(nats, 'user') && (password || passwordFile)) {
    add(password ? 'password' : 'passwordFile', 'has no user; add user');
  }
  const tls = groupAt(nats, 'tls');
  if (has(tls, 'certFile') && !has(tls, 'keyFile')) add('tls.certFile', 'needs keyFile beside it');
  if (has(tls, 'keyFile') && !has(tls, 'certFile')) add('tls.keyFile', 'needs certFile beside it');
  const listed = Array.isArray(nats.servers);
  const servers = listed ? (nats.servers as readonly unknown[]) : [nats.servers];
  servers.forEach((server, index) => {
    const first = servers.indexOf(server);
    const written = typeof server === 'string' ? SERVER.exec(server) : null;
    const port = Number(/:(\d+)\/?$/.exec(written?.[0] ?? '')?.[1] ?? 1);
    if (port < 1 || port > 65_535) {
      add(listed ? `servers.${index}` : 'servers', `port ${port} does not exist; give 1 to 65535`);
    }
    if (first === index) return;
    add(`servers.${index}`, `is the same as nats.servers[${first}]; take one out`);
  });
  return problems;
}

function folderProblems(written: unknown, key: string): ConfigProblem[] {
  const dir = isGroup(written) ? textAt(written, key) : undefined;
  if (dir === undefined || !/^~(\/|$)/.test(dir)) return [];
  const message = '~ is not a folder here; write ${HOME} instead';
  return [{ path: [key], message }];
}

/** Words that SIOT's queries do not take as the ID of a node (docs/siot.md, 4.5). */
const QUERY_WORDS = new Set(['root', 'all', 'none']);

function parentProblems(siot: Group): ConfigProblem[] {
  const parent = textAt(siot, 'parent');
  if (parent === undefined || parent === 'root' || !QUERY_WORDS.has(parent)) return [];
  const message = `"${parent}" is no node's ID; give the ID of a node, or root`;
  return [{ path: ['siot', 'parent'], message }];
}

/** Calls `clash` for each value that appeared before. `first`: index of its first appearance. */
function forRepeated(
  things: readonly { readonly thing: string | undefined; readonly index: number }[],
  clash: (index: number, first: number) => void,
): void {
  const firsts = new Map<string, number>();
  for (const { thing, index } of things) {
    if (thing === undefined) continue;
    const first = firsts.get(thing);
    if (first === undefined) firsts.set(thing, index);
    else clash(index, first);
  }
}

function nameProblems(links: readonly Placed[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  // Unicode has several encodings of one letter: names that look the same are the same name.
  const names = links.map(({ link }, index) => ({
    thing: textAt(link, 'name')?.normalize('NFC'),
    index,
  }));
  forRepeated(names, (index, first) => {
    problems.push({
      path: ['links', index, 'name'],
      message: `is also the name of links[${first}]; each link needs a name of its own`,
    });
  });
  names.forEach(({ thing: name }, index) => {
    if (name === undefined || name === '' || name === name.trim()) return;
    const message = 'begins or ends with a space; take it out';
    problems.push({ path: ['links', index, 'name'], message });
  });
  return problems;
}

function portProblems(links: readonly Placed[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const ports = links.map(({ link }, index) => {
    const transport = groupAt(link, 'transport');
    return { thing: transport.type === 'serial' ? textAt(transport, 'path') : undefined, index };
  });
  forRepeated(ports, (index, first) => {
    problems.push({
      path: ['links', index, 'transport', 'path'],
      message: `is also the port of links[${first}]; a port has one link`,
    });
  });
  return problems;
}

function nodeIdProblems(
  links: readonly Placed[],
  parent: string | undefined,
  gatewayId: string | undefined,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (index: number, message: string): void => {
    const path = ['links', index];
    problems.push({
      path: has(groupAt(links[index]?.link, 'node'), 'id') ? [...path, 'node', 'id'] : path,
      message,
    });
  };
  const ids = links.map(({ link }, index) => {
    const given = textAt(groupAt(link, 'node'), 'id');
    const name = textAt(link, 'name');
    const made =
      name === undefined || gatewayId === undefined || !isUuid(gatewayId)
        ? undefined
        : uuidV5(gatewayId, name);
    return { thing: given ?? made, index, given };
  });
  for (const { given, index } of ids) {
    if (given === undefined) continue;
    if (QUERY_WORDS.has(given)) {
      add(index, `"${given}" means something else to SIOT; give another ID`);
    } else if (given === parent) {
      add(index, 'is also siot.parent; a node cannot be under itself');
    } else if (given === gatewayId) {
      add(index, 'is the ID of the gateway’s own node; give another ID');
    }
  }
  // Links with the same name also have the same ID. The check of names reports them.
  const byName = links.map(({ link }) => textAt(link, 'name'));
  forRepeated(ids, (index, first) => {
    const bothMade = ids[index]?.given === undefined && ids[first]?.given === undefined;
    if (bothMade && byName[index] === byName[first]) return;
    add(index, `is also the node of links[${first}]; each link needs a node of its own`);
  });
  return problems;
}

/** Transports whose bytes can be those of a console. */
const CONSOLES: readonly unknown[] = ['serial', 'usb', 'tcp', undefined];

function protocolProblems({ link, path }: Placed): ConfigProblem[] {
  const { type } = groupAt(link, 'transport');
  if (link.protocol !== 'shell' || CONSOLES.includes(type)) return [];
  const message = 'shell needs a transport of type serial, usb or tcp: CAN has no console';
  return [{ path: [...path, 'protocol'], message }];
}

function commandProblems(link: Group, path: readonly (string | number)[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const commands = listAt(link, 'commands').map((type, index) => ({
    thing: typeof type === 'string' ? type : undefined,
    index,
  }));
  const add = (index: number, message: string): void => {
    problems.push({ path: [...path, 'commands', index], message });
  };
  for (const { thing: type, index } of commands) {
    if (type === undefined) continue;
    if (isReservedType(type)) {
      add(index, `"${type}" is the gateway's own point and never sent to a device; take it out`);
    } else if (isNeverSentDown(type)) {
      add(index, `"${type}" is never sent to a device; take it out`);
    }
  }
  forRepeated(commands, (index, first) => {
    add(index, `is the same as commands[${first}]; take one out`);
  });
  return problems;
}
