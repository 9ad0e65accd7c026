/** The default profile. A string, since the compiler does not copy YAML files. */
export const PUMP_CONTROLLER_YAML = `# A pump with three sensors and a few settings.
description: Pump controller

sensors:
  - type: flow
    name: Flow            # with the unit it is announced: people see it in siot-mcu watch
    unit: l/min
    waveform: sine
    offset: 120
    amplitude: 15
    periodMs: 30000
    noise: 0.8
    intervalMs: 1000
  - type: pressure
    name: Pressure
    unit: bar
    waveform: triangle
    offset: 4.2
    amplitude: 0.6
    periodMs: 45000
    noise: 0.02
    intervalMs: 1000
  - type: temperature
    key: motor
    name: Motor temperature
    unit: °C
    waveform: randomWalk
    offset: 48
    amplitude: 12
    periodMs: 120000
    intervalMs: 2000

settings:
  - type: setpoint        # beyond the limits it takes the limit, and says so
    kind: number
    name: Pressure to hold
    unit: bar
    initial: 4.2
    min: 0.5
    max: 8
  - type: enabled
    kind: boolean
    initial: true
  - type: mode
    kind: text
    initial: auto
    oneOf: [auto, manual, eco]
  - type: label
    kind: text
    initial: Pump 1
    maxLength: 32
    persisted: true       # still there after a restart

uptime:
  intervalMs: 5000        # the value is in seconds

log:
  intervalMs: 60000
  lines:
    - pump running
    - seal pressure nominal
    - filter change due in 30 days

commands:
  - type: restart
    action: restart
`;
