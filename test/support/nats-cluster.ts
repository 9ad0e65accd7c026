/** Several real nats-servers on loopback that are one cluster. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { connectTo } from './nats.js';
import { until } from './until.js';

export interface Cluster {
  readonly servers: readonly NatsServer[];
  stop(): Promise<void>;
}

const FORMED_WITHIN_MS = 10_000;
const NAME = 'plant';

/** Resolves when each of them knows all. `lines`: more of the configuration of each. */
export async function startCluster(size: number, lines: readonly string[] = []): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-cluster-'));
  const servers: NatsServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const file = join(folder, 'nats.conf');
    writeFileSync(file, lines.join('\n'));
    let given: readonly string[] = ['-c', file];
    for (let n = 0; n < size; n++) {
      const ports = mkdtempSync(join(folder, 'ports-'));
      const own = ['--cluster_name', NAME, '--cluster', 'nats://127.0.0.1:-1'];
      const server = await NatsServer.start({
        args: [...own, ...given, '--ports_file_dir', ports],
      });
      servers.push(server);
      if (n === 0) given = [...given, '--routes', await routeOf(ports)];
    }
    await Promise.all(servers.map((server) => knows(server, size)));
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, stop };
}

function routeOf(folder: string): Promise<string> {
  return until(
    () => {
      const [file] = readdirSync(folder);
      try {
        const told = JSON.parse(readFileSync(join(folder, file ?? ''), 'utf8')) as {
          cluster?: string[];
        };
        return told.cluster?.[0]?.replace(/^\w*:\/\/|^/, 'nats://');
      } catch {
        // It is still being written.
        return undefined;
      }
    },
    'the first server to tell its port for routes',
    FORMED_WITHIN_MS,
  );
}

async function knows(server: NatsServer, size: number): Promise<void> {
  await until(
    async () => {
      const client = await connectTo(server.url);
      const known = client.info?.connect_urls?.length ?? 0;
      await client.close();
      return known >= size;
    },
    'the cluster to form',
    FORMED_WITHIN_MS,
  );
}
