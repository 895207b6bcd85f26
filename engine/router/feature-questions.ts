/** Before a payment is decided: which partitions keep the keys by which its risk rules count, and what is asked of them. */
import { PAYMENT, PaymentFlags } from '../../protocol/records.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
import { type SubjectName, Subjects } from '../risk/facts.ts';
import { EXACT_SHIFT } from '../risk/kept-feature.ts';
import { QUESTION_BYTES, READINGS_HEAD, ReadingFlags } from '../risk/readings.ts';
import { partitionAt } from './split.ts';

export interface FeatureQuestion {
  readonly partition: number;
  readonly body: Uint8Array;
}

const { device, ip, card, mcc } = RISK_CONTEXT.at;
const CONTEXT_AT = PAYMENT.size;
/** Where a payment with its context names the subjects whose keys may be kept elsewhere. */
const SUBJECTS: readonly (readonly [SubjectName, number])[] = [
  ['payee', PAYMENT.at.payeeAccountId],
  ['merchant', PAYMENT.at.payeeAccountId],
  ['device', CONTEXT_AT + device],
  ['ip', CONTEXT_AT + ip],
  ['card', CONTEXT_AT + card],
];

/**
 * @param payment PAYMENT, its RISK_CONTEXT if there is one, its reference
 * @param home partition of the payer
 * @param sharedBy what the rules in force there count: FeatureStore.sharedBy
 */
export function featureQuestions(
  payment: Uint8Array,
  home: number,
  sharedBy: number,
  partitions: number,
): readonly FeatureQuestion[] {
  const asked = new Uint8Array(QUESTION_BYTES).subarray(READINGS_HEAD.size);
  asked.set(payment.subarray(0, hasContext(payment) ? asked.length : PAYMENT.size));
  const exactly = new Map<number, boolean>();
  for (const [name, at] of SUBJECTS) {
    const bit = 1 << Subjects[name];
    if ((sharedBy & bit) === 0 || isZero(asked, at, 16)) continue;
    if (name === 'merchant' && isZero(asked, CONTEXT_AT + mcc, 2)) continue;
    const partition = partitionAt(asked, at, partitions);
    if (partition === home) continue;
    exactly.set(partition, exactly.get(partition) === true || (sharedBy & (bit << EXACT_SHIFT)) !== 0);
  }
  return [...exactly].map(([partition, isExact]) => {
    const body = new Uint8Array(asked.buffer.slice(0));
    new DataView(body.buffer).setUint32(READINGS_HEAD.at.count, isExact ? ReadingFlags.exact : 0, true);
    return { partition, body };
  });
}

/** Whether a RISK_CONTEXT follows the PAYMENT that a body begins with. */
export function hasContext(payment: Uint8Array): boolean {
  const flags = new DataView(payment.buffer, payment.byteOffset).getUint16(PAYMENT.at.flags, true);
  return (flags & PaymentFlags.riskContext) !== 0;
}

function isZero(bytes: Uint8Array, at: number, length: number): boolean {
  return bytes.subarray(at, at + length).every((byte) => byte === 0);
}
