/**
 * A simulated microcontroller, for tests and for `siot-mcu sim`. It is written
 * against docs/siot.md and imports nothing of the gateway. See README.md.
 */
export {
  acknowledgeLate,
  acknowledgeTwice,
  acknowledgeWrong,
  applyAndAcknowledge,
  ignoreAcks,
  ignorePoints,
  limited,
  neverAcknowledge,
  takeAcks,
  when,
  whenType,
  type BehavingMcu,
  type Behaviour,
  type OutgoingPacket,
} from './behaviours.js';
export { machineClock, type SimClock, type SimTimer } from './clock.js';
export { decodeCobs, encodeFrame, repairedDecodings } from './cobs.js';
export { carriesPoints, POINT_CODECS, type PointCodec, type Protocol } from './codec.js';
export { SimulatedDevice, type DeviceOptions } from './device.js';
export {
  FAULT_HELP,
  FaultSpecError,
  NO_FAULTS,
  parseFaults,
  type Episode,
  type FaultPlan,
  type LineFaults,
} from './faults.js';
export { FileReceiver, type FileReceiverOptions, type ReceivedFile } from './file-receiver.js';
export { FaultyPipe, type LineDamage } from './faulty-pipe.js';
export { Firmware, type FirmwareEvents } from './firmware.js';
export { SimulatedMcu, type McuObserver, type McuOptions, type McuTimes } from './mcu.js';
export { crc16, decodePacket, encodePacket, type McuPacket } from './packet.js';
export { pipePair, type BytePipe } from './pipe.js';
export { PluggablePipe } from './pluggable-pipe.js';
export {
  mcuPoint,
  numberIn,
  sameKey,
  showValue,
  textIn,
  type McuPoint,
  type McuValue,
  type PointLike,
} from './points.js';
export {
  parseProfile,
  ProfileError,
  type Profile,
  type ProfileProblem,
  type SensorProfile,
  type SettingProfile,
} from './profile.js';
export {
  isUsageError,
  runSimulator,
  SimulatorUsageError,
  type SimulatorIo,
  type SimulatorOptions,
} from './program.js';
export { PtyError, PtyPipe, type PtyOptions } from './pty.js';
export { PUMP_CONTROLLER_YAML } from './pump-controller.js';
export { SeededRandom } from './random.js';
export { PacketReceiver, type ReceiveProblem, type ReceiverEvents } from './receiver.js';
export type { SendOutcome, SendResult } from './sender.js';
export { ShellConsole, type LogLevel } from './shell/console.js';
export { ShellDevice, type ShellDeviceOptions } from './shell/device.js';
export { ShellMcu, type ShellMcuOptions } from './shell/mcu.js';
export { tokenize } from './shell/tokenizer.js';
export { SerialError, SerialPipe, type SerialOptions } from './serial.js';
export { parseTcpAddress, TcpAddressError, TcpError, TcpPipe, type TcpAddress } from './tcp.js';
export {
  describePacket,
  describePoint,
  NotReceivedError,
  type ReceivedPacket,
  type WaitOptions,
} from './transcript.js';
