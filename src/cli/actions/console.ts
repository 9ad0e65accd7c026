/** `siot-mcu console`. */
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { SetReply } from '../../gateway/control/control.js';
import { readConfigFile } from '../config-file.js';
import { EXIT_FAILED } from '../errors.js';
import { askGateway } from '../gateway-socket.js';
import { harmless } from '../harmless.js';
import { endOnInterrupt } from '../interrupt.js';
import type { ConfigOption } from '../options.js';
import { Prompt } from '../prompt.js';
import { textLines } from '../raw/text.js';
import { showTraffic } from '../raw/watch-raw.js';
import { printLine } from '../streams.js';
import { TypedSettings, type AskSet } from '../typed-settings.js';

/** The gateway tells what becomes of a setting at once, and what crosses a link a moment later. */
const LAST_TRAFFIC_MS = 500;

export interface ConsoleOptions extends ConfigOption {
  readonly hex?: true;
}

export async function openConsole(
  link: string,
  { config: file, hex }: ConsoleOptions,
): Promise<void> {
  const config = readConfigFile(file, process.env);
  const { stdin, stdout } = process;
  const ask: AskSet = (request, until) =>
    askGateway(config, { verb: 'set', ...request }, until) as AsyncGenerator<SetReply>;
  let print = printLine;
  const say = (text: string): void => print(`-- ${harmless(text)}`);
  const settings = new TypedSettings(link, ask, say);
  const onceFound = (): void => {
    if (stdin.isTTY && stdout.isTTY) {
      const prompt = onTerminal(settings);
      print = (line) => prompt.print(line);
      say(`lines are settings of ${link}: TYPE[/KEY] VALUE; Ctrl-] ends`);
    } else void fromPipe(settings);
  };
  let isFound = false;
  await showTraffic(link, config, (decoded) => {
    print(textLines(decoded, hex === true).join('\n'));
    if (isFound) return;
    isFound = true;
    onceFound();
  });
}

function onTerminal(settings: TypedSettings): Prompt {
  const end = (status: number): void => {
    prompt.close();
    process.exit(status);
  };
  const prompt = new Prompt(
    { input: process.stdin, output: process.stdout },
    { typed: (line) => void settings.typed(line), left: () => end(0) },
  );
  // Ctrl-C is a character here; SIGINT comes from another process.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
  // Also where an error ends the program.
  process.on('exit', () => prompt.close());
  return prompt;
}

/** Ends the program once its input has ended, and all settings have. */
async function fromPipe(settings: TypedSettings): Promise<void> {
  endOnInterrupt();
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    await settings.typed(line);
  }
  await settings.idle();
  await setTimeout(LAST_TRAFFIC_MS);
  process.exit(settings.failed === 0 ? 0 : EXIT_FAILED);
}
