/** packaging/siot-mcu.service; how it works is tried in test/lab/service.test.ts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const UNIT = 'packaging/siot-mcu.service';

/** Version of systemd-analyze, which looks at files from 250 on; 0: there is none. */
const analyze = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
const version =
  analyze.error === undefined ? Number(/^systemd (\d+)/.exec(analyze.stdout)?.[1] ?? 0) : 0;

it.skipIf(version < 250)(
  'the unit’s exposure is below 4.0 (skipped without systemd-analyze of 250 or later)',
  () => {
    const report = execFileSync(
      'systemd-analyze',
      ['security', '--offline=true', '--no-pager', UNIT],
      { encoding: 'utf8' },
    );
    const level = /Overall exposure level for siot-mcu\.service: (\d+\.\d+)/.exec(report)?.[1];
    expect(Number(level), report).toBeLessThan(4);
  },
);

it('the unit runs the gateway as the user that the sysusers file makes, with the folders that /etc/siot-mcu/gateway.yaml stands for', () => {
  const unit = readFileSync(UNIT, 'utf8');
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
  const user = value('User') ?? '';
  expect(readFileSync('packaging/siot-mcu.sysusers', 'utf8')).toMatch(
    new RegExp(`^u ${user} .* /var/lib/${value('StateDirectory') ?? ''}$`, 'm'),
  );
  expect(value('Group')).toBe(user);
  expect([value('StateDirectory'), value('RuntimeDirectory')]).toEqual(['siot-mcu', 'siot-mcu']);
  expect(value('ExecStart')).toBe('siot-mcu run -c /etc/siot-mcu/gateway.yaml');
  // A group of a DynamicUser’s name keeps the service from starting.
  expect(unit).not.toMatch(/^DynamicUser=/m);
});
