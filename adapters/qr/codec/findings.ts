/** What can be wrong with a code, and where. Reading a code never throws: it answers one of these. */

/** Each error's meaning; the names are stable and part of the command line's JSON. */
export const QR_ERRORS = {
  empty: 'There is nothing to read.',
  tooLong: 'The text is longer than any payment code.',
  badCharacter: 'A control character, half a surrogate pair, or a mark that reverses the direction of text.',
  unknownFormat: 'The text is none of the forms that payment codes have.',
  unknownProfile: 'There is no profile of this name.',
  profileMismatch: 'The text has another form, or belongs to another scheme, than the profile that was asked for.',
  badId: 'An id or tag is not what the format allows.',
  badLength: 'A length is not what the format allows.',
  truncated: 'A value ends after its template or the text.',
  duplicateField: 'An id stands twice at one level.',
  wrongOrder: 'The field does not stand where it has to.',
  missingField: 'A mandatory field is not there.',
  unexpectedField: 'The field may not be there beside the others.',
  emptyField: 'A field has no value.',
  longValue: 'A value is longer than its field allows.',
  badValue: 'A value has another form than its field demands.',
  badAmount: 'An amount is not digits with at most one point.',
  badDecimals: 'An amount has more decimals than its currency.',
  amountTooLarge: 'An amount is beyond what the ledger can hold.',
  zeroAmount: 'An amount is zero.',
  badCurrency: 'ISO 4217 has no currency with this number in which money can be kept.',
  byteLengths: 'Lengths count UTF-8 bytes where the standard counts characters.',
  badCrc: 'The checksum is not four hexadecimal digits.',
  lowerCaseCrc: 'The checksum has lower-case letters.',
  crcMismatch: 'The checksum does not belong to the text: something in it was misread or changed.',
  badTemplate: 'A template does not hold fields.',
  badBase64: 'The text is not Base64 in its one canonical form.',
  badCheckDigit: 'The check digit does not belong to the digits before it.',
  conflict: 'Two parts of the input say different things about one field.',
  badEscape: 'A percent sign does not begin two hexadecimal digits of UTF-8.',
  imageTooLarge: 'An image has more bytes or pixels than are read.',
  badImage: 'The file is not a PNG image that can be read.',
  noCodeInImage: 'No code was found in the image.',
} as const;
export type QrErrorCode = keyof typeof QR_ERRORS;

/** Something that is wrong, or in a warning something that the profile puts up with. */
export interface QrFinding {
  readonly code: QrErrorCode | QrNoteCode;
  /** Ids from the outside in, for example `26.02`; empty for the text as a whole. */
  readonly path: string;
  /** Characters of the text before the place. */
  readonly offset: number;
  /** For a person; never holds card data. */
  readonly message: string;
}

export interface QrError extends QrFinding {
  readonly code: QrErrorCode;
}

/** What is only worth a warning, under every profile. */
export const QR_NOTES = {
  reservedField: 'The standard keeps this id for later; its value is passed over.',
  foreignCountry: 'The country is another than the scheme serves.',
  foreignCurrency: 'The currency is another than the scheme serves.',
} as const;
export type QrNoteCode = keyof typeof QR_NOTES;

export interface QrWarning extends QrFinding {}

export type QrResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: QrError };

/** The answer of something that went wrong. */
export function refuse(
  code: QrErrorCode,
  path: string,
  offset: number,
  message: string,
): { readonly ok: false; readonly error: QrError } {
  return { ok: false, error: { code, path, offset, message } };
}

/** Characters (code points) of a text before a place in it. */
export function charactersBefore(text: string, place: number): number {
  let pairs = 0;
  for (let at = 1; at < place; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) pairs++;
  }
  return place - pairs;
}
