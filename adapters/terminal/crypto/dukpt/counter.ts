/** What both kinds of DUKPT have in common: a key for each transaction, from a key serial number and a counter. */

/** `problem` says what was expected; it never holds key material. */
export type Derived<T> = { readonly ok: true; readonly keys: T } | { readonly ok: false; readonly problem: string };

/** Number of one bits. Devices skip counters with many, which bounds the derivation steps. */
export function oneBits(counter: number): number {
  let ones = 0;
  for (let rest = counter; rest !== 0; rest = (rest & (rest - 1)) >>> 0) ones++;
  return ones;
}

/** What is wrong with a counter, or undefined. Zero is before the first transaction. */
export function counterProblem(counter: number, onesMax: number): string | undefined {
  if (counter === 0) return 'the counter of the KSN is 0: the first transaction has 1';
  const ones = oneBits(counter);
  return ones > onesMax
    ? `the counter of the KSN has ${ones} one bits: devices use counters with at most ${onesMax}`
    : undefined;
}
