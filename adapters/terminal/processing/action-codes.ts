/**
 * Response codes of 1987 (DE39, two characters) as action codes of 1993 (three digits). ISO 8583:1993, annex A: the first digit says
 * what is to be done: 0 approved, 1 declined, 2 declined and the card kept, 3 file, 4 reversal, 5 reconciliation, 6 administrative,
 * 8 network, 9 errors.
 */
const ACTION_CODES: Readonly<Record<string, string>> = {
  '00': '000',
  '01': '107',
  '03': '109',
  '04': '200',
  '05': '100',
  '06': '909',
  '07': '207',
  '08': '001',
  '09': '923',
  '10': '002',
  '11': '003',
  '12': '902',
  '13': '110',
  '14': '111',
  '15': '908',
  '25': '914',
  '26': '913',
  '30': '904',
  '40': '115',
  '41': '208',
  '43': '209',
  '51': '116',
  '54': '101',
  '55': '117',
  '57': '119',
  '58': '120',
  '59': '102',
  '61': '121',
  '62': '104',
  '63': '916',
  '64': '110',
  '65': '123',
  '68': '907',
  '75': '106',
  '76': '125',
  '90': '906',
  '91': '907',
  '92': '908',
  '94': '913',
  '95': '501',
  '96': '909',
  '1A': '129',
};

const DECLINED = '100';
/** What is accepted, by the class of the message: reversals, reconciliations, network messages. */
const ACCEPTED: Readonly<Record<string, string>> = { '4': '400', '5': '500', '8': '800' };

/** @param mti of the request */
export function actionCodeOf(mti: string, responseCode: string): string {
  if (responseCode === '00') return ACCEPTED[mti[1] ?? ''] ?? '000';
  return ACTION_CODES[responseCode] ?? DECLINED;
}

/** Codes of 1987 that approve: plainly, after a look at an identification, in part, to somebody important. */
const APPROVED = new Set(['00', '08', '10', '11']);
const APPROVED_1993 = new Set(['000', '001', '002', '003', '400', '500', '800']);

/** Whether an answer in either version approves: in whole or in part. */
export function isApproved(code: string | undefined): boolean {
  return code !== undefined && (APPROVED.has(code) || APPROVED_1993.has(code));
}

const RESPONSE_CODES: ReadonlyMap<string, string> = new Map(
  Object.entries(ACTION_CODES)
    .reverse()
    .map(([response, action]) => [action, response]),
);
const DO_NOT_HONOUR = '05';

/** The code of 1987 for one of either version. */
export function responseCodeOf(code: string): string {
  if (code.length === 2) return code;
  return RESPONSE_CODES.get(code) ?? (APPROVED_1993.has(code) ? '00' : DO_NOT_HONOUR);
}
