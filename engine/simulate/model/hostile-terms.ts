/** Random tariffs and campaigns. */
import type { CampaignBody, TariffBody } from '../../../protocol/bodies.ts';
import { formatId } from '../../../protocol/ids.ts';
import { CAMPAIGNS } from './cast.ts';
import type { Command } from './command.ts';

interface Dice {
  readonly below: (limit: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly chance: (percent: number) => boolean;
  readonly account: () => bigint;
}

export function randomTerms(what: 'tariff' | 'campaign', random: () => number, account: () => bigint): Command {
  const below = (limit: number): number => random() % limit;
  const dice: Dice = {
    below,
    pick: <T>(items: readonly T[]): T => items[below(items.length)] as T,
    chance: (percent) => below(100) < percent,
    account,
  };
  return what === 'tariff' ? randomTariff(dice) : randomCampaign(dice);
}

function randomTariff({ below, pick, chance, account }: Dice): Command {
  const minimum = below(30);
  const tariff: TariffBody = {
    number: 1 + below(2),
    basisPoints: pick([0, 1, 30, 250, 9999, 10_000]),
    fixed: below(20),
    minimum,
    maximum: chance(50) ? 0 : minimum + below(200),
    feeAccountId: formatId(chance(90) ? 11n : account() % 90n),
  };
  return { type: 'tariff', institution: pick([2, 3]), tariff };
}

function randomCampaign({ below, pick, chance }: Dice): Command {
  const campaign: CampaignBody = {
    accountId: formatId(chance(90) ? pick(CAMPAIGNS) : 10n),
    basisPoints: pick([0, 1, 333, 5000, 10_000]),
    fixed: below(20),
    maximum: chance(50) ? 0 : below(300),
    minimumAmount: below(100),
    startsAt: 0,
    endsAt: 0,
  };
  return { type: 'campaign', institution: 2, campaign };
}
