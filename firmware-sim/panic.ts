/** What ESP-IDF prints past its own packets when firmware crashes, and its boot loader after that. */
const DUMP = [
  '',
  "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.",
  '',
  'Core  0 register dump:',
  'PC      : 0x400d1234  PS      : 0x00060030  A0      : 0x800d0d2c  A1      : 0x3ffb4f50  ',
  'A2      : 0x00000000  A3      : 0x3ffb4f80  A4      : 0x00000014  A5      : 0x3ffaf1a0  ',
  'EXCVADDR: 0x00000000  LBEG    : 0x4000c2e0  LEND    : 0x4000c2f6  LCOUNT  : 0x00000000  ',
  '',
  'Backtrace: 0x400d1231:0x3ffb4f50 0x400d0d29:0x3ffb4f70 0x40085f51:0x3ffb4f90',
  '',
  'Rebooting...',
  'ets Jun  8 2016 00:22:57',
  'rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)',
];

/** With the ends of lines that a terminal needs. */
export const PANIC_DUMP = DUMP.map((line) => `${line}\r\n`).join('');
