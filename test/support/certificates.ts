/** An authority, and certificates of a server and a client on loopback. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  readonly caFile: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
}

interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
}

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Makes them in this folder. */
export function makeCertificates(dir: string): Certificates {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca');
  const make = (who: string): KeyPair => {
    writeFileSync(join(dir, `${who}.ext`), 'subjectAltName=IP:127.0.0.1,DNS:localhost');
    openssl(
      ...['req', ...curve, '-keyout', `${who}.key`, '-out', `${who}.csr`, '-subj', `/CN=${who}`],
    );
    openssl(
      ...['x509', '-req', '-in', `${who}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key'],
      ...['-CAcreateserial', '-out', `${who}.pem`, '-extfile', `${who}.ext`],
    );
    return { certFile: join(dir, `${who}.pem`), keyFile: join(dir, `${who}.key`) };
  };
  return { caFile: join(dir, 'ca.pem'), server: make('server'), client: make('client') };
}
