import { describe, expect, it } from 'vitest';
import { parseProfile, ProfileError } from '../../firmware-sim/profile.js';
import { PUMP_CONTROLLER_YAML } from '../../firmware-sim/pump-controller.js';

const problemsOf = (text: string): string[] => {
  try {
    parseProfile(text, 'p.yaml');
  } catch (error) {
    if (error instanceof ProfileError) return error.message.split('\n');
    throw error;
  }
  return [];
};

describe('profile', () => {
  it('of the pump controller is what the documents promise', () => {
    const profile = parseProfile(PUMP_CONTROLLER_YAML);
    expect(profile.sensors.map((s) => s.type)).toEqual(['flow', 'pressure', 'temperature']);
    expect(profile.settings.map((s) => [s.type, s.kind])).toEqual([
      ['setpoint', 'number'],
      ['enabled', 'boolean'],
      ['mode', 'text'],
      ['label', 'text'],
    ]);
    expect(profile.uptime).toEqual({ intervalMs: 5000 });
    expect(profile.commands).toEqual([{ type: 'restart', key: '', action: 'restart' }]);
    expect(profile.log?.lines.length).toBeGreaterThan(0);
  });

  it('may be empty', () => {
    expect(parseProfile('')).toEqual({
      sensors: [],
      settings: [],
      highRate: [],
      commands: [],
      reportAllMs: 60_000,
    });
  });

  it.each([
    [
      'sensors:\n  - type: flow\n    interval: 5\n',
      /^p\.yaml:3:5: sensors\[0\]\.interval: is not a key .*intervalMs/,
    ],
    [
      'sensors:\n  - type: flow\n    intervalMs: 0\n',
      /^p\.yaml:3:5: sensors\[0\]\.intervalMs: must be at least 1$/,
    ],
    [
      'sensors:\n  - waveform: sine\n',
      /^p\.yaml:2:5: sensors\[0\]\.type: is missing; it takes a string$/,
    ],
    ['sensors:\n  - type: a\n    waveform: sinus\n', /waveform: must be one of constant, sine, /],
    [
      'sensors:\n  - type: a\n    noise: lots\n',
      /^p\.yaml:3:5: sensors\[0\]\.noise: must be a number$/,
    ],
    [
      'settings:\n  - type: a\n    kind: numeric\n',
      /^p\.yaml:3:5: settings\[0\]\.kind: must be number, boolean or text$/,
    ],
    [
      'settings:\n  - {type: a, kind: number, min: 3, max: 1}\n',
      /settings\[0\]\.min: is greater than max/,
    ],
    [
      'settings:\n  - {type: a, kind: number, max: 1, initial: 2}\n',
      /initial: is not between min and max/,
    ],
    [
      'settings:\n  - {type: a, kind: text, oneOf: [x], initial: y}\n',
      /initial: is not one of oneOf/,
    ],
    ['settings:\n  - {type: a, kind: text, min: 3}\n', /settings\[0\]\.min: is not a key/],
    ['log:\n  lines: []\n', /^p\.yaml:2:3: log\.lines: must not be empty$/],
    ['commands:\n  - {type: go, action: jump}\n', /action: must be one of restart, panic, none/],
    [
      'sensors:\n  - type: a\n  - {type: a, key: "0"}\n',
      /^p\.yaml:3:6: sensors\[1\]\.type: is there twice/,
    ],
    ['sensors: {\n', /^p\.yaml:\d+:\d+: is not YAML: /],
    ['- a\n', /^p\.yaml:1:1: must be an object$/],
  ])('says what is wrong, where, and what is allowed: %j', (text, message) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });

  it('says everything that is wrong at once', () => {
    expect(problemsOf('sensors:\n  - type: 3\nlog:\n  every: 5\nfoo: 1\n')).toEqual([
      'p.yaml:2:5: sensors[0].type: must be a string',
      'p.yaml:3:1: log.lines: is missing; it takes an array',
      'p.yaml:4:3: log.every: is not a key of a profile here; there are intervalMs, lines',
      'p.yaml:5:1: foo: is not a key of a profile here; there are description, announce, sensors, settings, highRate, uptime, reportAllMs, log, commands',
    ]);
  });
});
