/** Luhn check digits (ISO/IEC 7812-1, annex B): they catch every single wrong digit, and nearly every swap of neighbours. */

/** Whether the last of the digits belongs to those before it. */
export function hasCheckDigit(digits: string): boolean {
  return digits.length > 1 && checkDigitOf(digits.slice(0, -1)) === digits.slice(-1);
}

/** The sum of the digits of a number below 2^53, from the right; `isDouble`: the first of them counts double. */
export function weighedSum(value: number, isDouble: boolean): number {
  let total = 0;
  let doubles = isDouble;
  // Numbers that fit 32 bits are divided much faster: there are few digits above.
  for (let rest = value; rest > 0; rest = Math.floor(rest / 10)) {
    const digit = rest % 10;
    total += doubles ? (WEIGHED[digit] as number) : digit;
    doubles = !doubles;
  }
  return total;
}

/** What a digit that counts double adds. */
const WEIGHED = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9] as const;

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
