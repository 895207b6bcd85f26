/** The arithmetic of the reference payments, in bigint. */
import type { CampaignBody, TariffBody } from '../../../protocol/bodies.ts';

export function least(first: bigint, ...others: bigint[]): bigint {
  let smallest = first;
  for (const value of others) if (value < smallest) smallest = value;
  return smallest;
}

export const most = (...values: [bigint, ...bigint[]]): bigint => values.reduce((a, b) => -least(-a, -b));

/** min(c, max(minimum, round-half-up(c × basisPoints / 10000) + fixed)), at most `maximum` when there is one. */
export function referenceFee(captured: bigint, tariff: TariffBody): bigint {
  const rate = (captured * BigInt(tariff.basisPoints) * 2n + 10_000n) / 20_000n;
  let fee = most(BigInt(tariff.minimum), rate + BigInt(tariff.fixed));
  if (tariff.maximum > 0) fee = least(fee, BigInt(tariff.maximum));
  return least(fee, captured);
}

export function referenceDiscount(amount: bigint, campaign: CampaignBody, now: bigint): bigint | undefined {
  if (now < BigInt(campaign.startsAt)) return undefined;
  if (campaign.endsAt !== 0 && now >= BigInt(campaign.endsAt)) return undefined;
  if (amount < BigInt(campaign.minimumAmount)) return undefined;
  let discount = (amount * BigInt(campaign.basisPoints)) / 10_000n + BigInt(campaign.fixed);
  if (campaign.maximum > 0) discount = least(discount, BigInt(campaign.maximum));
  return least(discount, amount);
}
