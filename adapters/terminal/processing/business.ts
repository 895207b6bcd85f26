/** What a card switch needs to know of those whom its links connect, beside how to reach them. */
import type { TerminalPins } from './card-security.ts';

/** An acquirer: purchases of its terminals are paid to its settlement account, which it is paid from in turn. */
export interface AcquirerBusiness {
  /** Settlement accounts by ISO 4217 numeric code. */
  readonly settlement: ReadonlyMap<number, bigint>;
  readonly pins: TerminalPins | undefined;
  /** Business days begin at midnight here. */
  readonly utcOffsetMinutes: number;
  /** How long an authorisation (01xx) holds the money. */
  readonly authorisationSeconds: number;
}

/** An issuer whose cards are paid with here: what it owes us is on its settlement accounts. */
export interface IssuerBusiness {
  /** Settlement accounts by ISO 4217 numeric code. */
  readonly settlement: ReadonlyMap<number, bigint>;
  readonly pins: TerminalPins | undefined;
}
