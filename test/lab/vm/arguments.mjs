// What `npm run lab -- …` was asked to do.
import { SetupError } from '../../../tools/setup-common.mjs';

export const USAGE = `npm run lab -- [OPTION…] [ARGUMENT OF VITEST…]

Runs test/lab in a virtual machine whose kernel has CAN and USB devices.
Arguments go to vitest, such as the names of test files.

  --bench [OPTION…]       how fast the gateway is on CAN, beside a bare socket:
                          --seconds N (2) and --rounds N (3) of each measurement
  --shell [COMMAND…]      a prompt in the machine, or one command there
  --virtual-time          the guest's clock counts its instructions instead of following the
                          host's: what happens there takes as long as on a small computer,
                          however busy this one is, and is slow to watch
  --systemd               the machine's first program is systemd, with a journal and udev, as
                          tests of the service need them
  --if-possible           where the lab cannot run, say so, and end with 0
  --time-limit MINUTES    end what takes longer (default: 30; --shell: none)
  --help                  this text`;

const DEFAULT_MINUTES = 30;

/**
 * `mode` is `help`, `shell`, `bench` or `tests`; `rest` belongs to what runs in
 * the guest. `limitMs` is undefined where nothing limits it. Throws a SetupError
 * for what makes no sense.
 */
export function parseArguments(argv) {
  const request = {
    mode: 'tests',
    ifPossible: false,
    virtualTime: false,
    systemd: false,
    limitMs: DEFAULT_MINUTES * 60_000,
    rest: [],
  };
  const args = [...argv];
  while (args.length > 0) {
    const arg = args.shift();
    if (arg === '--if-possible') request.ifPossible = true;
    else if (arg === '--virtual-time') request.virtualTime = true;
    else if (arg === '--systemd') request.systemd = true;
    else if (arg === '--time-limit') request.limitMs = minutes(args.shift()) * 60_000;
    else if (arg === '--help') return { ...request, mode: 'help' };
    // All behind it belongs to what runs there.
    else if (arg === '--shell' || arg === '--bench') return inPlaceOfTests(request, arg, args);
    else request.rest.push(arg);
  }
  return request;
}

function inPlaceOfTests(request, option, rest) {
  if (request.rest.length > 0) {
    throw new SetupError(`${request.rest.join(' ')}: goes behind ${option}\n\n${USAGE}`, 2);
  }
  const prompt = option === '--shell' && rest.length === 0;
  const limitMs = prompt ? undefined : request.limitMs;
  return { ...request, mode: option.slice(2), rest, limitMs };
}

function minutes(text) {
  const value = Number(text);
  if (value > 0 && value <= 24 * 60) return value;
  throw new SetupError(`--time-limit takes minutes, more than 0 and at most 1440\n\n${USAGE}`, 2);
}
