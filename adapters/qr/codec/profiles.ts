/**
 * The schemes whose codes are read and written, as data: how each is recognised, what of EMVCo's rules it puts up with,
 * and what it demands itself. Adding a scheme on EMVCo's format is an entry here.
 *
 * Sources: EMVCo QRCPS-MPM 1.1; the schemes' own codes (see the README for what was observed in which).
 */

/** A rule of EMVCo that a scheme breaks in practice: kept to, it is an error; put up with, it is a warning. */
export type Lenience =
  | 'lowerCaseCrc'
  | 'byteLengths'
  /** A value of fields 59 to 62 beyond EMVCo's length. */
  | 'longValue'
  | 'emptyField'
  /** Amount 0: the payer is asked. */
  | 'zeroAmount'
  /** `120000.00` of a currency without decimals: noughts only. */
  | 'badDecimals'
  /** A template that holds something else than fields: foreign accounts, 62.50 to 62.99. */
  | 'badTemplate';

/** How a merchant account template (26 to 51) of the scheme looks. */
export interface AccountForm {
  /** Globally unique identifier in sub-field 00, lower-case; compared without regard to case. */
  readonly guid: string;
  /** `start`: it begins so. `within`: it is somewhere in it. */
  readonly match?: 'start' | 'within';
  /** Only when field 58 says so. */
  readonly country?: string;
  /** Sub-fields of which at least one says who is paid. */
  readonly payeeIn?: readonly string[];
  /** Sub-fields that hold fields themselves. */
  readonly templates?: readonly string[];
  /** Sub-fields that must be there, with the form of their value. */
  readonly forms?: Readonly<Record<string, { readonly pattern: RegExp; readonly expected: string }>>;
}

export interface SchemeProfile {
  /** For people. */
  readonly title: string;
  /** In order of preference: the first that a template of the code has. */
  readonly accounts: readonly AccountForm[];
  /** The account template that is written when none is given: its id, and the identifier in it as the scheme spells it. */
  readonly written?: { readonly id: string; readonly guid: string };
  readonly country?: string;
  /** ISO 4217 numbers. */
  readonly currencies?: readonly string[];
  /** Of EMVCo's mandatory fields, those that the scheme leaves out. */
  readonly optional: readonly number[];
  readonly lenient: readonly Lenience[];
}

/** What the national schemes have in common: their codes come from hundreds of makers, and get paid all the same. */
const NATIONAL: readonly Lenience[] = [
  'lowerCaseCrc',
  'byteLengths',
  'longValue',
  'emptyField',
  'zeroAmount',
  'badDecimals',
  'badTemplate',
];
const CATEGORY_NAME_CITY = [52, 59, 60];

const HANDLE = { pattern: /^[a-z0-9][a-z0-9._-]{0,63}$/, expected: '1 to 64 of a-z 0-9 . _ -' };

/** Schemes on EMVCo's merchant-presented format. `emvco` is any code that belongs to none of the others, kept to the letter. */
export const MERCHANT_PROFILES = {
  sluice: {
    title: "this switch's own codes",
    accounts: [
      {
        guid: 'com.sluice.pay',
        forms: {
          '01': { pattern: /^[SO]$/, expected: 'S (static) or O (order)' },
          '02': HANDLE,
        },
      },
    ],
    written: { id: '26', guid: 'com.sluice.pay' },
    optional: [],
    lenient: [],
  },
  pix: {
    title: 'PIX (Brazil)',
    accounts: [{ guid: 'br.gov.bcb.pix', payeeIn: ['01', '25'] }],
    written: { id: '26', guid: 'br.gov.bcb.pix' },
    country: 'BR',
    currencies: ['986'],
    optional: [],
    lenient: NATIONAL,
  },
  promptpay: {
    title: 'PromptPay (Thailand)',
    accounts: [{ guid: 'a000000677', match: 'start', payeeIn: ['01', '02', '03', '04', '05'] }],
    written: { id: '29', guid: 'A000000677010111' },
    country: 'TH',
    currencies: ['764'],
    optional: CATEGORY_NAME_CITY,
    lenient: NATIONAL,
  },
  vietqr: {
    title: 'VietQR (Vietnam)',
    accounts: [{ guid: 'a000000727', payeeIn: ['01'], templates: ['01'] }],
    written: { id: '38', guid: 'A000000727' },
    country: 'VN',
    currencies: ['704'],
    optional: CATEGORY_NAME_CITY,
    lenient: NATIONAL,
  },
  paynow: {
    title: 'SGQR and PayNow (Singapore)',
    accounts: [
      { guid: 'sg.paynow', payeeIn: ['02'] },
      { guid: 'sg.', match: 'start' },
    ],
    written: { id: '26', guid: 'SG.PAYNOW' },
    country: 'SG',
    currencies: ['702'],
    optional: [],
    lenient: NATIONAL,
  },
  qris: {
    title: 'QRIS (Indonesia)',
    accounts: [{ guid: 'id.co.', match: 'start', payeeIn: ['01', '02'] }],
    written: { id: '51', guid: 'ID.CO.QRIS.WWW' },
    country: 'ID',
    currencies: ['360'],
    optional: [],
    lenient: NATIONAL,
  },
  hkfps: {
    title: 'FPS (Hong Kong)',
    accounts: [{ guid: 'hk.com.hkicl', payeeIn: ['02', '03', '04'] }],
    written: { id: '26', guid: 'hk.com.hkicl' },
    country: 'HK',
    currencies: ['344', '156'],
    optional: [],
    lenient: NATIONAL,
  },
  jpqr: {
    title: 'JPQR (Japan)',
    accounts: [{ guid: 'jp.or.paymentsjapan' }],
    written: { id: '26', guid: 'jp.or.paymentsjapan' },
    country: 'JP',
    currencies: ['392'],
    optional: [],
    lenient: NATIONAL,
  },
  khqr: {
    title: 'KHQR (Cambodia)',
    accounts: [{ guid: '@', match: 'within', country: 'KH' }],
    country: 'KH',
    currencies: ['116', '840'],
    optional: [],
    lenient: NATIONAL,
  },
  emvco: { title: 'EMVCo, to the letter', accounts: [], optional: [], lenient: [] },
} as const satisfies Readonly<Record<string, SchemeProfile>>;
export type MerchantProfileName = keyof typeof MERCHANT_PROFILES;

export const MERCHANT_PROFILE_NAMES = Object.keys(MERCHANT_PROFILES) as readonly MerchantProfileName[];

/** One-time codes of digits that a payer shows. */
export interface BarcodeProfile {
  readonly title: string;
  readonly lengthMin: number;
  readonly lengthMax: number;
  /** The first two digits, both bounds included. */
  readonly prefixMin: number;
  readonly prefixMax: number;
  /** The last digit is a Luhn check digit (ISO/IEC 7812-1, annex B). */
  readonly hasCheckDigit: boolean;
}

export const BARCODE_PROFILES = {
  sluice: { title: "this switch's payment codes", ...digits(18, 18), ...prefix(88, 89), hasCheckDigit: true },
  wechat: { title: 'WeChat Pay', ...digits(18, 18), ...prefix(10, 15), hasCheckDigit: false },
  alipay: { title: 'Alipay', ...digits(16, 24), ...prefix(25, 30), hasCheckDigit: false },
  unionpay: { title: 'UnionPay', ...digits(19, 19), ...prefix(62, 62), hasCheckDigit: false },
} as const satisfies Readonly<Record<string, BarcodeProfile>>;
export type BarcodeProfileName = keyof typeof BARCODE_PROFILES;

export const BARCODE_PROFILE_NAMES = Object.keys(BARCODE_PROFILES) as readonly BarcodeProfileName[];

function digits(lengthMin: number, lengthMax: number): Pick<BarcodeProfile, 'lengthMin' | 'lengthMax'> {
  return { lengthMin, lengthMax };
}

function prefix(prefixMin: number, prefixMax: number): Pick<BarcodeProfile, 'prefixMin' | 'prefixMax'> {
  return { prefixMin, prefixMax };
}

/** `cpm`: EMVCo consumer-presented. `upi`: the URI of India's scheme. `sluice` is a merchant code and a barcode. */
export type ProfileName = MerchantProfileName | BarcodeProfileName | 'cpm' | 'upi';

export const PROFILE_NAMES: readonly ProfileName[] = [
  ...MERCHANT_PROFILE_NAMES,
  ...BARCODE_PROFILE_NAMES.filter((name) => name !== 'sluice'),
  'cpm',
  'upi',
];

export function isProfileName(text: string): text is ProfileName {
  return (PROFILE_NAMES as readonly string[]).includes(text);
}
