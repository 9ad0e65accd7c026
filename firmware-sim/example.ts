import { numberIn, SimulatedMcu, type BytePipe, type Protocol, type SimClock } from './index.js';

/** A device of one's own, as README.md shows it: a door that SIOT can open, and that reports its state. */
export function doorController(pipe: BytePipe, protocol: Protocol, clock: SimClock): SimulatedMcu {
  const mcu = new SimulatedMcu(pipe, { protocol, clock });
  let open = 0;
  const report = (): void => {
    void mcu.reportPoints(() => [{ type: 'open', value: open }]);
  };
  mcu.observe({
    started: report,
    clockSet: report, // a gateway that may not know the device yet
    points: (points) => {
      for (const { type, value } of points) {
        if (type !== 'open') continue;
        open = numberIn(value) === 1 ? 1 : 0; // true is exactly 1
        report();
      }
    },
  });
  return mcu;
}
