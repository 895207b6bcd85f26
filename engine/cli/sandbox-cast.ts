/** Who is in the sandbox, and with how much: data only. */
import type { PartyBody, PartyKind } from '../../protocol/bodies.ts';

export interface SandboxCurrency {
  readonly alphabetic: string;
  readonly numeric: number;
  /** Minor units that each customer and each merchant starts with. */
  readonly customer: bigint;
  readonly merchant: bigint;
  /** The fee schedule of merchants in this currency. */
  readonly tariff: {
    readonly number: number;
    readonly basisPoints: number;
    readonly fixed: number;
    readonly minimum: number;
  };
}

export const SANDBOX_CURRENCIES: readonly SandboxCurrency[] = [
  {
    alphabetic: 'CNY',
    numeric: 156,
    customer: 800_000n,
    merchant: 200_000n,
    tariff: { number: 101, basisPoints: 60, fixed: 0, minimum: 1 },
  },
  {
    alphabetic: 'USD',
    numeric: 840,
    customer: 100_000n,
    merchant: 25_000n,
    tariff: { number: 102, basisPoints: 190, fixed: 10, minimum: 10 },
  },
  {
    alphabetic: 'EUR',
    numeric: 978,
    customer: 100_000n,
    merchant: 25_000n,
    tariff: { number: 103, basisPoints: 90, fixed: 5, minimum: 5 },
  },
  {
    alphabetic: 'JPY',
    numeric: 392,
    customer: 150_000n,
    merchant: 40_000n,
    tariff: { number: 104, basisPoints: 198, fixed: 0, minimum: 1 },
  },
  {
    alphabetic: 'HKD',
    numeric: 344,
    customer: 800_000n,
    merchant: 200_000n,
    tariff: { number: 105, basisPoints: 100, fixed: 0, minimum: 10 },
  },
];

type Cast = Omit<PartyBody, 'ledgers'>;

const customer = (handle: string): Cast => ({ handle, kind: 'customer', name: '', mcc: 0 });
const merchant = (handle: string, name: string, mcc: number): Cast => ({ handle, kind: 'merchant', name, mcc });
const house = (handle: string): Cast => ({ handle, kind: 'house', name: '', mcc: 0 });

/** Where all play money comes from: its balance is minus what the others have. */
export const TREASURY = 'treasury';
/** Receives the fees of every tariff. */
export const FEES = 'fees';
/** Funds the discount of the sandbox campaign. */
export const CAMPAIGN = 'welcome';

export const SANDBOX_PARTIES: readonly Cast[] = [
  house(TREASURY),
  house(FEES),
  house('suspense'),
  // Where card payments go.
  house('acquirer'),
  house('other-bank'),
  ...['alice', 'bob', 'carol', 'dan', 'erin', 'frank', 'grace', 'heidi'].map(customer),
  merchant('cafe', 'Blue Door Cafe', 5814),
  merchant('grocer', 'Green Street Grocer', 5411),
  merchant('bookshop', 'Second Chapter Books', 5942),
  merchant('taxi', 'City Taxi', 4121),
  merchant('cinema', 'Lantern Cinema', 7832),
  merchant('pharmacy', 'Corner Pharmacy', 5912),
];

/** 20 % off, at most 15.00 CNY, on payments of 20.00 CNY and more; `budget` is what it can give away. */
export const SANDBOX_CAMPAIGN = {
  ledger: 156,
  budget: 1_000_000n,
  basisPoints: 2000,
  fixed: 0,
  maximum: 1500,
  minimumAmount: 2000,
} as const;

/** The person who has a code of his own. */
export const SANDBOX_SELLER = 'dan';

/** What codes say of the place, and the one counter that everybody has. */
export const SANDBOX_COUNTERS = {
  city: 'SHANGHAI',
  country: 'CN',
  counters: [{ counter: 'main', name: '', state: 'open' }],
} as const;

export function startingMoney(kind: PartyKind, currency: SandboxCurrency): bigint {
  return kind === 'customer' ? currency.customer : currency.merchant;
}
