/** A device that listens on TCP. */
export interface TcpOptions {
  /** Host name, IPv4 or IPv6 address. */
  readonly host: string;
  /** 1 … 65535 */
  readonly port: number;
}
