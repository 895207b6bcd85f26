/**
 * Codes as their schemes publish them or their makers print them. Checksums and lengths of all were computed anew, by other
 * means than the codec under test.
 */
import type { MerchantProfileName } from '../../../../adapters/qr/codec/profiles.ts';

type Tree = { readonly [id: string]: string | Tree };

export interface KnownPayload {
  readonly name: string;
  readonly text: string;
  readonly profile: MerchantProfileName;
  readonly says: {
    readonly pointOfInitiation: 'static' | 'dynamic' | null;
    readonly amount: string | null;
    readonly amountMinor: number | null;
    readonly currency: string;
    readonly country: string | null;
    readonly merchantName: string | null;
    readonly merchantCity: string | null;
    readonly postalCode: string | null;
    readonly mcc: string | null;
    readonly tip: unknown;
    readonly crc: string;
    readonly account: string | null;
  };
  readonly fields: Tree;
  /** Top-level ids in the order of the text. */
  readonly order: string;
  /** `code path`. */
  readonly warnings: readonly string[];
}

const NOT_DEMANDED = ['missingField 52', 'missingField 59', 'missingField 60'];

export const KNOWN_PAYLOADS: readonly KnownPayload[] = [
  {
    name: 'EMVCo sample',
    text: '00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A',
    profile: 'emvco',
    says: {
      pointOfInitiation: 'dynamic',
      amount: '23.72',
      amountMinor: 2372,
      currency: '156',
      country: 'CN',
      merchantName: 'BEST TRANSPORT',
      merchantCity: 'BEIJING',
      postalCode: null,
      mcc: '4111',
      tip: { kind: 'prompt' },
      crc: 'A13A',
      account: null,
    },
    fields: {
      '00': '01',
      '01': '12',
      '29': { '00': 'D15600000000', '05': 'A93FO3230Q' },
      '31': { '00': 'D15600000001', '03': '12345678' },
      '52': '4111',
      '58': 'CN',
      '59': 'BEST TRANSPORT',
      '60': 'BEIJING',
      '64': { '00': 'ZH', '01': '最佳运输', '02': '北京' },
      '54': '23.72',
      '53': '156',
      '55': '01',
      '62': { '03': '1234', '06': '***', '07': 'A6008667', '09': 'ME' },
      '91': { '00': 'A011223344998877', '07': '12345678' },
      '63': 'A13A',
    },
    order: '00 01 29 31 52 58 59 60 64 54 53 55 62 91 63',
    warnings: [],
  },
  {
    name: 'JPQR',
    text: '0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9',
    profile: 'jpqr',
    says: {
      pointOfInitiation: 'static',
      amount: null,
      amountMinor: null,
      currency: '392',
      country: 'JP',
      merchantName: 'xxx',
      merchantCity: 'xxx',
      postalCode: '1066143',
      mcc: '4111',
      tip: null,
      crc: 'DEE9',
      account: '26',
    },
    fields: {
      '00': '01',
      '60': 'xxx',
      '01': '11',
      '29': { '00': 'D15600000000', '05': 'A93FO3230Q' },
      '31': { '00': 'D15600000001', '03': '12345678' },
      '26': { '00': 'jp.or.paymentsjapan', '01': '0000000000001', '02': '0001', '03': '000001', '04': '000001' },
      '53': '392',
      '59': 'xxx',
      '64': { '00': 'JA', '01': 'メルペイ カフェ' },
      '52': '4111',
      '58': 'JP',
      '61': '1066143',
      '63': 'DEE9',
    },
    order: '00 60 01 29 31 26 53 59 64 52 58 61 63',
    warnings: [],
  },
  {
    name: 'PIX',
    text: '00020101021226720014br.gov.bcb.pix2550bx.com.br/pix/8b3da2f3-9a41-40d1-a91a-bd93113bd4415204000053039865406123.455802BR5913Fulano de Tal6008BRASILIA62190515RP12345678-2019630445C8',
    profile: 'pix',
    says: {
      pointOfInitiation: 'dynamic',
      amount: '123.45',
      amountMinor: 12345,
      currency: '986',
      country: 'BR',
      merchantName: 'Fulano de Tal',
      merchantCity: 'BRASILIA',
      postalCode: null,
      mcc: '0000',
      tip: null,
      crc: '45C8',
      account: '26',
    },
    fields: {
      '00': '01',
      '01': '12',
      '26': { '00': 'br.gov.bcb.pix', '25': 'bx.com.br/pix/8b3da2f3-9a41-40d1-a91a-bd93113bd441' },
      '52': '0000',
      '53': '986',
      '54': '123.45',
      '58': 'BR',
      '59': 'Fulano de Tal',
      '60': 'BRASILIA',
      '62': { '05': 'RP12345678-2019' },
      '63': '45C8',
    },
    order: '00 01 26 52 53 54 58 59 60 62 63',
    warnings: [],
  },
  {
    name: 'PromptPay',
    text: '00020101021129370016A000000677010111011300668012345675802TH530376463046197',
    profile: 'promptpay',
    says: {
      pointOfInitiation: 'static',
      amount: null,
      amountMinor: null,
      currency: '764',
      country: 'TH',
      merchantName: null,
      merchantCity: null,
      postalCode: null,
      mcc: null,
      tip: null,
      crc: '6197',
      account: '29',
    },
    fields: {
      '00': '01',
      '01': '11',
      '29': { '00': 'A000000677010111', '01': '0066801234567' },
      '58': 'TH',
      '53': '764',
      '63': '6197',
    },
    order: '00 01 29 58 53 63',
    warnings: NOT_DEMANDED,
  },
  {
    name: 'VietQR',
    text: '00020101021238570010A00000072701270006970415011300110019324180208QRIBFTTA530370454061200005802VN62170813ung ho lu lut6304C15C',
    profile: 'vietqr',
    says: {
      pointOfInitiation: 'dynamic',
      amount: '120000',
      amountMinor: 120000,
      currency: '704',
      country: 'VN',
      merchantName: null,
      merchantCity: null,
      postalCode: null,
      mcc: null,
      tip: null,
      crc: 'C15C',
      account: '38',
    },
    fields: {
      '00': '01',
      '01': '12',
      '38': { '00': 'A000000727', '01': { '00': '970415', '01': '0011001932418' }, '02': 'QRIBFTTA' },
      '53': '704',
      '54': '120000',
      '58': 'VN',
      '62': { '08': 'ung ho lu lut' },
      '63': 'C15C',
    },
    order: '00 01 38 53 54 58 62 63',
    warnings: NOT_DEMANDED,
  },
  {
    name: 'KHQR with a UnionPay account in 15',
    text: '00020101021215311974011600520446ACLB1000231208129200016chantha_dev@ftcc520459995303116540410005802KH5911Chantha Dev6010Phnom Penh63046011',
    profile: 'khqr',
    says: {
      pointOfInitiation: 'dynamic',
      amount: '1000',
      amountMinor: 100000,
      currency: '116',
      country: 'KH',
      merchantName: 'Chantha Dev',
      merchantCity: 'Phnom Penh',
      postalCode: null,
      mcc: '5999',
      tip: null,
      crc: '6011',
      account: '29',
    },
    fields: {
      '00': '01',
      '01': '12',
      '15': '1974011600520446ACLB10002312081',
      '29': { '00': 'chantha_dev@ftcc' },
      '52': '5999',
      '53': '116',
      '54': '1000',
      '58': 'KH',
      '59': 'Chantha Dev',
      '60': 'Phnom Penh',
      '63': '6011',
    },
    order: '00 01 15 29 52 53 54 58 59 60 63',
    warnings: [],
  },
  {
    name: 'HK FPS',
    text: '00020101021226330012hk.com.hkicl0313+852-6789123452040000530334454031005802HK5914company_1_data6002HK62170513INV/TEST/00016304A154',
    profile: 'hkfps',
    says: {
      pointOfInitiation: 'dynamic',
      amount: '100',
      amountMinor: 10000,
      currency: '344',
      country: 'HK',
      merchantName: 'company_1_data',
      merchantCity: 'HK',
      postalCode: null,
      mcc: '0000',
      tip: null,
      crc: 'A154',
      account: '26',
    },
    fields: {
      '00': '01',
      '01': '12',
      '26': { '00': 'hk.com.hkicl', '03': '+852-67891234' },
      '52': '0000',
      '53': '344',
      '54': '100',
      '58': 'HK',
      '59': 'company_1_data',
      '60': 'HK',
      '62': { '05': 'INV/TEST/0001' },
      '63': 'A154',
    },
    order: '00 01 26 52 53 54 58 59 60 62 63',
    warnings: [],
  },
  {
    name: 'SGQR with PayNow',
    text: '00020101021126500009SG.PAYNOW010100211+6590901234030100408205004155204000053037025406888.885802SG5902NA6009Singapore62320128Payment reference XX1234567863046B73',
    profile: 'paynow',
    says: {
      pointOfInitiation: 'static',
      amount: '888.88',
      amountMinor: 88888,
      currency: '702',
      country: 'SG',
      merchantName: 'NA',
      merchantCity: 'Singapore',
      postalCode: null,
      mcc: '0000',
      tip: null,
      crc: '6B73',
      account: '26',
    },
    fields: {
      '00': '01',
      '01': '11',
      '26': { '00': 'SG.PAYNOW', '01': '0', '02': '+6590901234', '03': '0', '04': '20500415' },
      '52': '0000',
      '53': '702',
      '54': '888.88',
      '58': 'SG',
      '59': 'NA',
      '60': 'Singapore',
      '62': { '01': 'Payment reference XX12345678' },
      '63': '6B73',
    },
    order: '00 01 26 52 53 54 58 59 60 62 63',
    // 28 characters; the standard allows 25.
    warnings: ['longValue 62.01'],
  },
  {
    name: 'QRIS',
    text: '00020101021226690021ID.CO.BANKMANDIRI.WWW01189360000801004981600211710049816080303UME5204152053033605405100115802ID5925QRIS API MPM SNAP Batukar6013Jakarta Barat6105118506228070874257760501260551432835663047766',
    profile: 'qris',
    says: {
      pointOfInitiation: 'dynamic',
      amount: '10011',
      amountMinor: 1001100,
      currency: '360',
      country: 'ID',
      merchantName: 'QRIS API MPM SNAP Batukar',
      merchantCity: 'Jakarta Barat',
      postalCode: '11850',
      mcc: '1520',
      tip: null,
      crc: '7766',
      account: '26',
    },
    fields: {
      '00': '01',
      '01': '12',
      '26': { '00': 'ID.CO.BANKMANDIRI.WWW', '01': '936000080100498160', '02': '71004981608', '03': 'UME' },
      '52': '1520',
      '53': '360',
      '54': '10011',
      '58': 'ID',
      '59': 'QRIS API MPM SNAP Batukar',
      '60': 'Jakarta Barat',
      '61': '11850',
      '62': { '07': '74257760', '50': '605514328356' },
      '63': '7766',
    },
    order: '00 01 26 52 53 54 58 59 60 61 62 63',
    // The standard has a template there; the scheme writes a number.
    warnings: ['badTemplate 62.50'],
  },
];

/** EMVCo QRCPS-CPM, with one application. The account number is an example, and fails its check digit. */
export const KNOWN_CONSUMER = 'hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=';
