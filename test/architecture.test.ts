import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

/** In the way of a point; each folder imports only itself and what stands before it (docs/architecture.md, "Rooms"). */
const ORDER = [
  'point',
  'linux',
  'transport',
  'framing',
  'packet',
  'signals',
  'session',
  'outbox',
  'siot',
  'gateway',
  'cli',
] as const;

/**
 * The order inside a room, from the ground up: its folders, and files that stand
 * below, between or above them. Each imports only itself and what stands before it.
 * The other files of the room stand on top, or where the star is.
 */
const INSIDE: Readonly<Record<string, readonly string[]>> = {
  transport: ['frame.ts', 'transport.ts', 'tap.ts', 'socket-channel.ts', 'serial', 'usb', 'can'],
  framing: ['framing.ts', 'cobs.ts', 'isotp'],
  session: [
    'node',
    'codec',
    'diagnosis',
    'receiving',
    'sending',
    'settings',
    'files',
    'node-state.ts',
    'device-session.ts',
    'signals',
    'packets',
    'shell',
  ],
  siot: ['wire', 'connection', 'publishing', 'nodes', 'search'],
  gateway: ['services.ts', 'state', 'config', 'link', 'usb', 'control'],
  cli: ['*', 'raw', 'high-rate', 'actions', 'commands', 'program.ts', 'main.ts'],
};

/** What the rest of the program may import of a folder that has a face. */
const FACES: Readonly<Record<string, readonly string[]>> = {
  'framing/isotp': ['framing.ts', 'observer.ts', 'options.ts'],
  outbox: ['outbox.ts', 'disk-outbox.ts', 'memory-outbox.ts', 'machine-folder.ts'],
  'siot/wire': ['wire.ts', 'wires.ts', 'generation1.ts'],
  'siot/connection': [
    'connection.ts',
    'nats-server.ts',
    'nats-settings.ts',
    'server-text.ts',
    'backoff.ts',
    'answered-publisher.ts',
    'denials.ts',
    'publish-buffer.ts',
    'reply-quota.ts',
  ],
  'session/codec': ['choice.ts'],
  'session/sending': [
    'sender.ts',
    'client.ts',
    'time-sync.ts',
    'possible-echoes.ts',
    'outgoing.ts',
    'retransmit-timer.ts',
  ],
  'session/signals': ['session.ts'],
  'session/packets': ['session.ts'],
  'session/shell': ['session.ts'],
  'transport/usb': ['match.ts', 'ports.ts', 'watch.ts', 'usb.ts'],
  'gateway/usb': ['link-group.ts', 'link-groups.ts'],
  'gateway/control': [
    'control.ts',
    'controlled.ts',
    'gateway-control.ts',
    'nats/protocol.ts',
    'nats/verb-server.ts',
    'socket/protocol.ts',
    'socket/socket-server.ts',
    'socket/verbs.ts',
    'verbs/file-message.ts',
    'verbs/raw-message.ts',
    'verbs/points-request.ts',
    'verbs/status-request.ts',
    'verbs/verbs.ts',
  ],
};

interface Source {
  readonly path: string;
  /** First folder below src/, or the top-level folder. */
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?\s*'([^']+)'|import\('([^']+)'\)/g;

function sources(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => {
      const path = join(folder, name);
      const text = readFileSync(path, 'utf8');
      const imports = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');
      const room = folder === 'src' ? (name.split(sep)[0] ?? '') : folder;
      return { path, room, text, imports };
    });
}

/** The code without comments and texts, roughly: enough to look for a name. */
const codeOf = (text: string): string =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|[^:])\/\/.*/g, '$1')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");

const src = sources('src');
const sim = sources('firmware-sim');

const roomOf = (source: Source, imported: string): string | undefined => {
  if (!imported.startsWith('.')) return undefined;
  const target = normalize(join(dirname(source.path), imported)).split(sep);
  return target[0] === 'src' ? target[1] : target[0];
};

/** The folder, or the file, of a room in which a path is. */
const stepInside = (path: string): string => path.split(sep)[2] ?? '';

const offenders = (
  list: readonly Source[],
  wrong: (source: Source) => readonly string[],
): string[] => list.flatMap((source) => wrong(source).map((what) => `${source.path}: ${what}`));

const importers = (list: readonly Source[], pattern: RegExp): string[] =>
  offenders(list, ({ imports }) => imports.filter((name) => pattern.test(name)));

const outside = (...rooms: string[]): Source[] => src.filter(({ room }) => !rooms.includes(room));

const importedFiles = ({ path, imports }: Source): string[] =>
  imports
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(path), name)).replace(/\.js$/, '.ts'));

/** Files each of which imports the next, the last one being the first again; none if there are none. */
function circle(files: readonly (readonly [path: string, imports: readonly string[]])[]): string[] {
  const imports = new Map(files);
  const seen = new Set<string>();
  const follow = (way: readonly string[]): string[] => {
    const [path = ''] = way.slice(-1);
    const first = way.indexOf(path);
    if (first < way.length - 1) return way.slice(first);
    if (seen.has(path)) return [];
    seen.add(path);
    for (const next of imports.get(path) ?? []) {
      const found = follow([...way, next]);
      if (found.length > 0) return found;
    }
    return [];
  };
  for (const [path] of files) {
    const found = follow([path]);
    if (found.length > 0) return found;
  }
  return [];
}

describe('the architecture', () => {
  it('is checked on all files, and every room is in the order', () => {
    expect(src.length).toBeGreaterThan(50);
    expect(sim.length).toBeGreaterThan(10);
    expect(src.flatMap(({ imports }) => imports).length).toBeGreaterThan(150);
    for (const { room, path } of src)
      expect([path, ORDER]).toEqual([path, expect.arrayContaining([room])]);
  });

  it.each(ORDER.map((room, place) => [room, place] as const))(
    '%s imports only from rooms before it, or from itself',
    (room, place) => {
      const allowed: readonly string[] = ORDER.slice(0, place + 1);
      const wrong = offenders(
        src.filter((source) => source.room === room),
        (source) =>
          source.imports.filter((imported) => {
            const target = roomOf(source, imported);
            // The simulator is a program of its own; its command starts it.
            if (room === 'cli' && target === 'firmware-sim') return false;
            return target !== undefined && !allowed.includes(target);
          }),
      );
      expect(wrong).toEqual([]);
    },
  );

  it.each(Object.keys(INSIDE))('%s: its folders import only in their order', (room) => {
    const order = INSIDE[room] ?? [];
    const here = src.filter((source) => source.room === room);
    const names = new Set(here.map(({ path }) => stepInside(path)));
    for (const step of order) if (step !== '*') expect(names).toContain(step);
    for (const name of names) {
      if (!name.endsWith('.ts') && !name.endsWith('.mjs')) expect(order).toContain(name);
    }
    const height = (path: string): number => {
      const place = order.indexOf(stepInside(path));
      const others = order.includes('*') ? order.indexOf('*') : order.length;
      return place < 0 ? others : place;
    };
    const wrong = offenders(here, (source) =>
      importedFiles(source).filter(
        (path) => path.startsWith(join('src', room) + sep) && height(path) > height(source.path),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(FACES))(
    '%s is imported by others only through the files of its face',
    (folder, face) => {
      const inside = join('src', folder) + sep;
      const others = src.filter(({ path }) => !path.startsWith(inside));
      const entered = new Set(
        others.flatMap(importedFiles).filter((path) => path.startsWith(inside)),
      );
      expect([...entered].map((path) => path.slice(inside.length)).sort()).toEqual(
        [...face].sort(),
      );
    },
  );

  it('lets point import nothing', () => {
    const point = src.filter(({ room }) => room === 'point');
    expect(
      offenders(point, ({ imports }) => imports.filter((name) => !name.startsWith('./'))),
    ).toEqual([]);
  });

  it('uses process, argv and the terminal in cli only', () => {
    const wrong = offenders(outside('cli'), ({ text }) => [
      ...(codeOf(text).match(/(?<![\w.#])(process|console)\.\w+/g) ?? []),
    ]);
    expect(wrong).toEqual([]);
    expect(importers(outside('cli'), /^(node:)?process$|^commander$|^pino/)).toEqual([]);
  });

  it('uses NATS in siot only', () => {
    expect(importers(outside('siot'), /^@nats-io\//)).toEqual([]);
  });

  it('uses devices in transport only', () => {
    const devices = /^serialport$|^@serialport\/|^socketcan$|^(node:)?(tty|net)$/;
    // Not devices: a nats-server is probed before the client library dials it, and
    // commands ask the daemon by a socket.
    const probe = join('src', 'siot', 'connection', 'server-probe.ts');
    const socket = join('src', 'gateway', 'control', 'socket');
    const asker = join('src', 'cli', 'gateway-socket.ts');
    const noDevices = [probe, socket, asker];
    const isDevice = (line: string): boolean => !noDevices.some((path) => line.startsWith(path));
    // The daemon asks whether its terminal is still there.
    const others = importers(outside('transport', 'cli'), devices);
    expect(others.filter(isDevice)).toEqual([]);
    expect(others).toContain(`${probe}: node:net`);
    expect(
      importers(src, /^serialport$|^@serialport\/|^socketcan$|^(node:)?net$/).filter(
        (line) => !line.startsWith(join('src', 'transport')) && isDevice(line),
      ),
    ).toEqual([]);
  });

  it('passes clocks and random numbers in: no file takes them from Node', () => {
    const wrong = offenders(
      outside('cli').filter(({ path }) => path !== join('src', 'point', 'clock.ts')),
      ({ text }) => [
        ...(codeOf(text).match(
          /(?<![\w.#])(Date\.now|performance\.now|Math\.random|setInterval)\b/g,
        ) ?? []),
      ],
    );
    expect(wrong).toEqual([]);
  });

  it('lets the simulated MCU import nothing of the gateway', () => {
    const wrong = offenders(sim, (source) =>
      source.imports.filter((imported) => {
        const target = roomOf(source, imported);
        return imported.startsWith('#') || (target !== undefined && target !== 'firmware-sim');
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('finds import cycles', () => {
    const files = { 'a.ts': ['b.ts'], 'b.ts': ['c.ts'], 'c.ts': ['b.ts'] };
    expect(circle(Object.entries(files))).toEqual(['b.ts', 'c.ts', 'b.ts']);
  });

  it.each([
    ['src', src],
    ['firmware-sim', sim],
  ])('has no import cycle in %s', (_folder, list) => {
    const files = list.map((source) => [source.path, importedFiles(source)] as const);
    const known = new Set(files.map(([path]) => path));
    expect(files.flatMap(([, names]) => names).filter((name) => known.has(name))).not.toEqual([]);
    expect(circle(files)).toEqual([]);
  });

  it('lets only cli import the simulated MCU', () => {
    const wrong = offenders(outside('cli'), (source) =>
      source.imports.filter((imported) => roomOf(source, imported) === 'firmware-sim'),
    );
    expect(wrong).toEqual([]);
  });
});
