// Another program that has a port open: `node hold-port.mjs PATH open|exclusive|lock`.
// Says "ready" and holds it until it is ended or its stdin closes.
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import koffi from 'koffi';

const [path, how] = process.argv.slice(2);
const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
const libc = koffi.load(null);
if (how === 'exclusive') {
  const TIOCEXCL = 0x540c;
  if (libc.func('int ioctl(int fd, unsigned long request, ...)')(fd, TIOCEXCL) !== 0)
    process.exit(1);
}
if (how === 'lock') {
  const LOCK_EX_NB = 2 | 4;
  if (libc.func('int flock(int fd, int operation)')(fd, LOCK_EX_NB) !== 0) process.exit(1);
}
writeSync(1, 'ready\n');
process.stdin.on('end', () => closeSync(fd)).resume();
