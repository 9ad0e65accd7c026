/** Checks of serial ports that need more than one key. */
import { RS485_DEFAULTS } from '../../transport/serial/options.js';
import { groupAt, has, type ConfigProblem, type Placed } from './parts.js';

/** The driver switches RTS with the direction: nobody else can. */
export function rs485Problems({ link, path }: Placed): ConfigProblem[] {
  const transport = groupAt(link, 'transport');
  if (!has(transport, 'rs485')) return [];
  const problems: ConfigProblem[] = [];
  const add = (keys: readonly string[], message: string): void => {
    problems.push({ path: [...path, 'transport', ...keys], message });
  };
  const rs485 = groupAt(transport, 'rs485');
  const { rtsOnSend = RS485_DEFAULTS.rtsOnSend, rtsAfterSend = RS485_DEFAULTS.rtsAfterSend } =
    rs485;
  if (rtsOnSend === rtsAfterSend) {
    const key = rs485.rtsAfterSend === undefined ? 'rtsOnSend' : 'rtsAfterSend';
    const message = 'must differ from the other level of RTS, by which the direction is told';
    add(['rs485', key], message);
  }
  if (transport.rtscts === true) {
    add(['rtscts'], 'does not go with rs485, which switches RTS itself; take one of them out');
  }
  if (transport.rts === 'on' || transport.rts === 'off') {
    add(['rts'], 'does not go with rs485, which switches RTS itself; leave it at leave');
  }
  return problems;
}
