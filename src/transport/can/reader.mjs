// A thread that only reads a CAN socket, so that no frame is lost while the main
// thread is busy. The kernel's queue holds some 60 ms of a full bus of 500 kbit/s,
// and only root can make it much longer.
//
//   socket ─ recv ─► ring in shared memory ─ one message for each batch ─► socket.ts
//
// Plain JavaScript, since a thread starts from a file, also where the sources run
// without a build. Layout of the ring: RING in ring.ts.
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

const { fd, stopFd, shared, ring } = workerData;
const header = new Int32Array(shared, 0, ring.headerWords);
const slots = new Uint8Array(shared, ring.headerWords * 4);
const lengths = new Int32Array(shared, ring.headerWords * 4);

const koffi = createRequire(import.meta.url)('koffi');
const libc = koffi.load(null);
const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)');
const recv = libc.func('long recv(int fd, void *buffer, size_t length, int flags)');

const POLLIN = 1;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EAGAIN = 11;
// A process that ends without stopping this thread waits for it no longer than this.
const POLL_MS = 200;

const frame = new Uint8Array(ring.frameBytes);
// Two of struct pollfd: fd, events and revents.
const waited = Int32Array.of(fd, POLLIN, stopFd, POLLIN);
const happened = (index) => (waited[index * 2 + 1] ?? 0) >>> 16;

/** The errno that ended the reading; 0: the main thread asked for the end. */
function readUntilEnd() {
  for (;;) {
    poll(waited, 2, POLL_MS);
    if (happened(1) !== 0) return 0;
    if (happened(0) === 0) continue;
    const errno = readAll();
    if (errno !== EAGAIN && errno !== EINTR) return errno;
  }
}

function readAll() {
  for (;;) {
    const length = recv(fd, frame, frame.length, MSG_DONTWAIT);
    if (length < 0) return koffi.errno();
    put(length);
  }
}

function put(length) {
  const head = header[ring.head];
  if (((head - Atomics.load(header, ring.tail)) | 0) >= ring.slots) {
    Atomics.add(header, ring.lost, 1);
    return;
  }
  const at = (head & (ring.slots - 1)) * ring.slotBytes;
  lengths[at / 4] = length;
  slots.set(frame, at + 4);
  Atomics.store(header, ring.head, (head + 1) | 0);
  if (Atomics.exchange(header, ring.told, 1) === 0) parentPort.postMessage('frames');
}

parentPort.postMessage('ready');
parentPort.postMessage({ errno: readUntilEnd() });
