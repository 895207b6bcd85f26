/** Luhn check digits (ISO/IEC 7812-1, annex B): they catch every single wrong digit, and nearly every swap of neighbours. */

/** Whether the last of the digits belongs to those before it. */
export function hasCheckDigit(digits: string): boolean {
  return digits.length > 1 && checkDigitOf(digits.slice(0, -1)) === digits.slice(-1);
}

/** The digit that belongs behind the others. From the right, each second of them counts double, beginning with the first. */
export function checkDigitOf(digits: string): string {
  let total = 0;
  let isDouble = true;
  for (let at = digits.length - 1; at >= 0; at--) {
    const digit = digits.charCodeAt(at) - 0x30;
    const counted = isDouble ? digit * 2 : digit;
    total += counted > 9 ? counted - 9 : counted;
    isDouble = !isDouble;
  }
  return String((10 - (total % 10)) % 10);
}
