/** `siot-mcu watch LINK --high-rate`. */
import { SystemClock } from '../../point/clock.js';
import { interrupted } from '../interrupt.js';
import type { ConfigOption, JsonOption } from '../options.js';
import { Screen, isTerminal } from '../screen.js';
import { printLine } from '../streams.js';
import { Channels, type ChannelView } from './channels.js';
import { channelJson, channelLine, channelTable } from './lines.js';
import { hearLink } from './listen.js';

const EVERY_MS = 1_000;

/** Runs until Ctrl-C. */
export async function watchHighRate(
  link: string,
  { config, json }: ConfigOption & JsonOption,
): Promise<void> {
  const clock = new SystemClock();
  const channels = new Channels(clock.monotonicMs());
  const end = interrupted();
  const heard = await hearLink(config, link, (payload) => channels.take(payload));
  const { name } = heard;
  let views: readonly ChannelView[] = [];
  const screen =
    json !== true && isTerminal(process.stdout, process.env)
      ? new Screen(process.stdout, ({ columns }) => [
          `siot-mcu watch ${name} --high-rate · Ctrl-C ends`,
          '',
          ...(views.length === 0 ? ['no samples yet'] : channelTable(views, columns)),
        ])
      : undefined;
  screen?.start();
  const timer = setInterval(() => {
    views = channels.views(clock.monotonicMs());
    if (screen !== undefined) return;
    for (const view of views) {
      printLine(json ? channelJson(Date.now(), name, view) : channelLine(Date.now(), view));
    }
  }, EVERY_MS);
  await end;
  clearInterval(timer);
  screen?.stop();
  await heard.close();
}
