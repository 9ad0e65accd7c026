// A device behind TCP that never stops: writes the bytes of a file again and
// again, as fast as they are taken, to whoever connects. Says its port.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [, , file] = process.argv;
const bytes = readFileSync(file);
const server = createServer((socket) => {
  const write = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', write);
  socket.on('error', () => undefined);
  socket.resume();
  write();
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${String(server.address().port)}\n`);
});
