export interface TcpOptions {
  /** Name or address. */
  readonly host: string;
  /** 1…65535. */
  readonly port: number;
}
