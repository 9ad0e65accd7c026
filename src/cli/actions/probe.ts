/** `siot-mcu probe`. */
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { SystemClock } from '../../point/clock.js';
import { readAnnouncement } from '../../point/point-announcement.js';
import { plainValue, textOf, type Point } from '../../point/point.js';
import { POINT_INFO_TYPE } from '../../point/reserved.js';
import { valueText } from '../../point/value-text.js';
import { diagnosisText } from '../../session/diagnosis/diagnosis.js';
import { listPorts } from '../../transport/serial/ports.js';
import { SERIAL_DEFAULTS, createTransport } from '../../transport/transports.js';
import type { ByteTransport } from '../../transport/transport.js';
import { CliError, EXIT_FAILED, errorText } from '../errors.js';
import { harmless } from '../harmless.js';
import type { JsonOption } from '../options.js';
import { probeLine, type ProbeResult } from '../port-probe.js';
import { complain, printLine } from '../streams.js';
import { nameOf } from '../watch-lines.js';

export interface ProbeOptions extends JsonOption {
  readonly baud?: readonly number[];
  readonly listen?: true;
  readonly seconds: number;
}

/** The usual ones, the likeliest first. */
const BAUD_RATES = [115_200, 9_600, 57_600, 38_400, 19_200, 230_400, 460_800, 921_600];
/** Ports that carry bytes at the speed of USB or memory, whatever is set. */
const WITHOUT_RATE = /^(ttyACM|ttyGS|rfcomm)\d+$/;

interface Tried extends ProbeResult {
  readonly baudRate?: number;
}

export async function probe(port: string, options: ProbeOptions): Promise<void> {
  const tcp = /^\[?([^/]+?)\]?:(\d{1,5})$/.exec(port);
  const lines =
    tcp === null ? await serialLines(port, options.baud) : [tcpLine(tcp[1] ?? '', Number(tcp[2]))];
  const tried: Tried[] = [];
  for (const line of lines) {
    const result = await tryLine(line, options);
    if (result === undefined) continue;
    tried.push(result);
    if (!options.json) for (const text of resultLines(line.name, result)) printLine(harmless(text));
    if (result.talks || result.certain) break;
  }
  const best = tried.find(({ talks }) => talks);
  const transport =
    tcp === null
      ? await serialConfig(port, best)
      : `{ type: tcp, host: ${tcp[1] ?? ''}, port: ${tcp[2] ?? ''} }`;
  if (options.json) printLine(JSON.stringify(jsonOf(port, tried, best), undefined, 2));
  else if (best !== undefined)
    for (const text of configLines(transport, best)) printLine(harmless(text));
  if (best === undefined)
    throw new CliError(`nothing at ${port} talks so that a gateway understands it`, EXIT_FAILED);
}

interface Line {
  readonly name: string;
  readonly baudRate?: number;
  readonly transport: ByteTransport;
}

const clock = new SystemClock();

function tcpLine(host: string, port: number): Line {
  return {
    name: `${host}:${String(port)}`,
    transport: createTransport({ type: 'tcp', host, port }, clock),
  };
}

async function serialLines(path: string, chosen: readonly number[] | undefined): Promise<Line[]> {
  const device = await realpath(path).catch(() => path);
  const hasRate = !device.startsWith('/dev/pts/') && !WITHOUT_RATE.test(basename(device));
  const rates = chosen ?? (hasRate ? BAUD_RATES : BAUD_RATES.slice(0, 1));
  return rates.map((baudRate) => ({
    name: hasRate || chosen !== undefined ? `${path} at ${String(baudRate)} baud` : path,
    baudRate,
    transport: createTransport({ type: 'serial', path, ...SERIAL_DEFAULTS, baudRate }, clock),
  }));
}

/** `undefined`: the port does not have this rate, which is told. Throws what keeps it from being opened. */
async function tryLine(
  line: Line,
  { seconds: s, listen }: ProbeOptions,
): Promise<Tried | undefined> {
  const warn = (message: string): void => complain(harmless(message));
  try {
    const result = await probeLine(line.transport, {
      ms: s * 1_000,
      silent: listen === true,
      clock,
      warn,
    });
    return { ...result, ...(line.baudRate === undefined ? {} : { baudRate: line.baudRate }) };
  } catch (error) {
    if (!(error instanceof Error && 'reason' in error && error.reason === 'unsupportedSetting'))
      throw error;
    warn(errorText(error));
    return undefined;
  }
}

const MOST_SHOWN = 8;

function resultLines(name: string, { talks, codec, points, diagnosis: wrong }: Tried): string[] {
  if (!talks || codec === 'shell')
    return [`${name}: ${wrong === undefined ? 'nothing' : diagnosisText(wrong)}`];
  const shown = points.slice(0, MOST_SHOWN).map(pointLine);
  const more =
    points.length > MOST_SHOWN ? [`  and ${String(points.length - MOST_SHOWN)} more points`] : [];
  const what = codec === 'unknown' ? 'packets, and no points yet' : `packets with ${codec} points`;
  return [`${name}: a device talks: ${what}`, ...shown, ...more];
}

/**
 * An announcement is shown as the point that it speaks of: a device that is not acknowledged,
 * and a probe acknowledges nothing, may come to nothing else.
 */
function pointLine({ type, key, value }: Point): string {
  if (type !== POINT_INFO_TYPE) return `  ${nameOf({ type, key })} = ${valueText(value)}`;
  const { name, unit } = readAnnouncement(textOf(value)).info;
  const known = [name, unit].filter((word) => word !== undefined).join(', ');
  return `  ${key}${known === '' ? '' : ` (${known})`}: announced`;
}

async function serialConfig(path: string, best: Tried | undefined): Promise<string> {
  const device = await realpath(path).catch(() => path);
  const known = (await listPorts()).find((one) => one.path === device);
  const rate = best?.baudRate === undefined ? '' : `, baudRate: ${String(best.baudRate)}`;
  return `{ type: serial, path: ${known?.stablePath ?? path}${rate} }`;
}

function configLines(transport: string, { codec }: Tried): string[] {
  return [
    '',
    'links:',
    '  - name: device',
    `    transport: ${transport}`,
    ...(codec === 'unknown' ? [] : [`    protocol: ${codec}`]),
  ];
}

function jsonOf(port: string, tried: readonly Tried[], best: Tried | undefined): object {
  return {
    port,
    talks: best !== undefined,
    ...(best?.baudRate === undefined ? {} : { baudRate: best.baudRate }),
    codec: best?.codec ?? 'unknown',
    points: (best?.points ?? []).map(({ type, key, value }) => ({
      type,
      key,
      value: plainValue(value),
    })),
    tried: tried.map(({ baudRate, talks, bytes, diagnosis: wrong }) => ({
      ...(baudRate === undefined ? {} : { baudRate }),
      talks,
      bytes,
      ...(wrong === undefined ? {} : { diagnosis: wrong }),
    })),
  };
}
