/** Luhn check digits (ISO/IEC 7812-1, annex B): they catch every single wrong digit, and nearly every swap of neighbours. */

/** Whether the last of the digits belongs to those before it. */
export function hasCheckDigit(digits: string): boolean {
  return sum(digits, false) % 10 === 0;
}

/** The digit that belongs behind the others. */
export function checkDigitOf(digits: string): string {
  return String((10 - (sum(digits, true) % 10)) % 10);
}

/** From the right, each second digit counts double; of 10 and more the digits count. */
function sum(digits: string, startsDouble: boolean): number {
  let total = 0;
  let isDouble = startsDouble;
  for (let at = digits.length - 1; at >= 0; at--) {
    const digit = digits.charCodeAt(at) - 0x30;
    const counted = isDouble ? digit * 2 : digit;
    total += counted > 9 ? counted - 9 : counted;
    isDouble = !isDouble;
  }
  return total;
}
