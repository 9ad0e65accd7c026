/**
 * The verbs as they cross NATS: a request on `mcu-gateway.<gatewayID>.<verb>`, as
 * JSON, and one or several answers, as JSON.
 */

/** `verb`: a name in the table of verbs/verbs.ts. */
export const verbSubject = (gatewayId: string, verb: string): string =>
  `mcu-gateway.${gatewayId}.${verb}`;
