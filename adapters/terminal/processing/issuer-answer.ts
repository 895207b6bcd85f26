/** What an acquirer hears of an issuer's answer, of none, and of one that was given long ago. */
import type { PaymentView } from '../../../protocol/codecs/payment-query-codec.ts';
import { Code } from '../../../protocol/results.ts';
import type { IssuerResult } from '../link/issuer-link.ts';
import { isApproved, responseCodeOf } from './action-codes.ts';
import type { CardRequest } from './card-request.ts';
import { coded, isHold, type Outcome, refused } from './enquiry.ts';

/** Response codes for what could not be sent: the issuer is not there, or the message does not fit its specification. */
const NOT_SENT = { down: '91', full: '91', collision: '91', unfit: '96' } as const;
const NO_ANSWER = '91';

/** What the acquirer hears of what the issuer said. */
export function outcomeOf(result: IssuerResult): Outcome {
  if (result === 'timeout') return refused(NO_ANSWER, 'the issuer did not answer in time');
  if (typeof result === 'string') return refused(NOT_SENT[result], `the issuer was not asked: ${result}`);
  const [code = '', approval, amounts] = [39, 38, 54].map((number) => result.text(number));
  const chip = result.bytes(55);
  const responseCode = responseCodeOf(code);
  return {
    responseCode,
    ...(approval === undefined ? {} : { approvalCode: approval }),
    ...(amounts === undefined ? {} : { amounts: [amounts] }),
    ...(chip === undefined ? {} : { chip }),
    ...(isApproved(responseCode) ? {} : { problem: `the issuer answered ${code}` }),
  };
}

/** The answer to what was decided before the switch was started, or longer ago than answers are kept: what is left of it is known. */
export function answeredBefore(request: CardRequest, payer: bigint, { payment, status }: PaymentView): Outcome {
  const { state, code } = status;
  if (state === 'declined') return coded(code);
  if (payment.amount !== BigInt(request.amount) || payment.payerAccountId !== payer) {
    return coded(Code.existsWithDifferentAmount);
  }
  const isStanding = state === 'captured' || (state === 'authorised' && isHold(request));
  // What the issuer said beyond that is not kept.
  return isStanding ? { responseCode: '00' } : refused('05', 'it was declined or taken back before');
}
