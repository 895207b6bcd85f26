/**
 * How each scheme makes its cryptogram. Sources: EMV 4.4 Book 2 (annexes A1.3 and A1.4, clause 8), Visa VIS 1.6,
 * M/Chip Advance, JR/T 0025 (PBOC).
 */
import type { Padding } from '../padding.ts';

/** What the session key is derived from: `master` is none, the master key itself. */
export type SessionKind = 'master' | 'common' | 'mchip' | 'pboc';

/**
 * What follows 9F36 in the data: `cvrWithLength` is the card verification results with the length byte in front, `cvr`
 * without one, `cvrAndCounters` with what follows the dynamic number in the IAD, `iad` the whole of 9F10.
 */
export type Tail = 'cvrWithLength' | 'cvr' | 'cvrAndCounters' | 'iad';

interface SchemeRules {
  readonly session: SessionKind;
  readonly padding: Padding;
  readonly tail: Tail;
  /** EMV Book 2, 8.2: method 1 takes an authorisation response code, method 2 a card status update. */
  readonly arpc: 1 | 2;
  /** The key of the response. */
  readonly arpcKey: 'master' | 'session';
}

export const SCHEMES = {
  'visa-cvn10': { session: 'master', padding: 1, tail: 'cvrWithLength', arpc: 1, arpcKey: 'master' },
  'visa-cvn18': { session: 'common', padding: 2, tail: 'iad', arpc: 2, arpcKey: 'session' },
  'visa-cvn22': { session: 'common', padding: 2, tail: 'iad', arpc: 2, arpcKey: 'session' },
  'mchip-cvn16': { session: 'mchip', padding: 2, tail: 'cvr', arpc: 1, arpcKey: 'master' },
  'mchip-cvn17': { session: 'mchip', padding: 2, tail: 'cvrAndCounters', arpc: 1, arpcKey: 'master' },
  'mchip-cvn20': { session: 'common', padding: 2, tail: 'cvr', arpc: 1, arpcKey: 'session' },
  'mchip-cvn21': { session: 'common', padding: 2, tail: 'cvrAndCounters', arpc: 1, arpcKey: 'session' },
  pboc: { session: 'pboc', padding: 2, tail: 'cvrWithLength', arpc: 1, arpcKey: 'session' },
} as const satisfies Record<string, SchemeRules>;

export type Scheme = keyof typeof SCHEMES;

export const SCHEME_NAMES = Object.keys(SCHEMES) as readonly Scheme[];

export function isScheme(name: string): name is Scheme {
  return Object.hasOwn(SCHEMES, name);
}

/** The rules of a scheme, with the widened types that code over all schemes wants. */
export function rulesOf(scheme: Scheme): SchemeRules {
  return SCHEMES[scheme];
}
