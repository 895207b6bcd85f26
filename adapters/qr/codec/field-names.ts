/** What the ids of a merchant-presented code stand for (EMVCo QRCPS-MPM 1.1, tables 3.1, 3.7 and 3.8), for people. */

const TOP: Readonly<Record<string, string>> = {
  '00': 'format',
  '01': 'point of initiation',
  '52': 'merchant category',
  '53': 'currency',
  '54': 'amount',
  '55': 'tip',
  '56': 'tip, fixed',
  '57': 'tip, per cent',
  '58': 'country',
  '59': 'merchant name',
  '60': 'merchant city',
  '61': 'postal code',
  '62': 'additional data',
  '63': 'checksum',
  '64': 'in another language',
};

const ADDITIONAL: Readonly<Record<string, string>> = {
  '01': 'bill number',
  '02': 'mobile number',
  '03': 'store',
  '04': 'loyalty number',
  '05': 'reference',
  '06': 'customer',
  '07': 'terminal',
  '08': 'purpose',
  '09': 'asked of the customer',
};

const LANGUAGE: Readonly<Record<string, string>> = { '00': 'language', '01': 'merchant name', '02': 'merchant city' };

/** Empty where the id means something else in each scheme. */
export function fieldName(path: string): string {
  const [id = '', part, deeper] = path.split('.');
  if (part === undefined) return TOP[id] ?? (Number(id) <= 51 ? 'merchant account' : '');
  if (deeper !== undefined) return '';
  if (id === '62') return ADDITIONAL[part] ?? '';
  if (id === '64') return LANGUAGE[part] ?? '';
  return part === '00' ? 'identifier' : '';
}
