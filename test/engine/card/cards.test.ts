// Cards: what a use is judged by, one unit and one step beyond each limit; what it leaves behind; and the same after a power cut.
import { describe, expect, it } from 'vitest';
import { noteCounter, type SeenCounters, whyNotCounted } from '../../../engine/card/counters.ts';
import { CARD as CARD_RECORD } from '../../../protocol/cards.ts';
import {
  type CardInput,
  type CardLookup,
  type CardUseInput,
  decodePutCards,
  encodePutCards,
} from '../../../protocol/codecs/card-codec.ts';
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import { Code, type ResultName, resultName, resultSpec } from '../../../protocol/results.ts';
import { Bank } from '../../support/bank.ts';
import { framed } from '../../support/desk.ts';
import { expectRecovered } from '../../support/recovered.ts';

const SEED = Number(process.env.SEED ?? 20_261_124);
const TOKEN = 0x7001n;
const CARD = { token: TOKEN, accountId: 100n };
const OWNER = 2;
/** A card with every limit. */
const STRICT: CardInput = {
  ...CARD,
  ...{ expiry: 4912, device: 77n, payeeAccountId: 500n, channels: ['contactless', 'cardPresent'] },
  ...{ pinTriesMax: 2, counterFloor: 10, counterJumpMax: 5, lastFour: 4242 },
  ...{ unverifiedAmountMax: 100n, unverifiedSumMax: 250n, unverifiedCountMax: 3 },
};
const FIT = { token: TOKEN, device: 77n, payeeAccountId: 500n, channel: 'contactless', expiry: 4912 } as const;

let next = 1n;
const use = (over: Partial<CardUseInput> = {}): CardUseInput => ({ id: next++, ...FIT, amount: 100n, ...over });

async function opened(card: CardInput = STRICT, partitions = 1): Promise<Bank> {
  const bank = new Bank(partitions);
  expect(await bank.putCards(OWNER, card)).toEqual(['ok']);
  return bank;
}

async function outcomes(bank: Bank, ...uses: Partial<CardUseInput>[]): Promise<string[]> {
  const names: string[] = [];
  for (const over of uses) names.push((await bank.useCards(OWNER, use(over)))[0]!.name);
  return names;
}

async function standing(bank: Bank): Promise<CardLookup['card']> {
  return (await bank.lookupCards(OWNER, TOKEN))[0]?.card;
}

describe('a use', () => {
  it.each<[ResultName, CardInput, Partial<CardUseInput>]>([
    ['cardLost', { ...STRICT, state: 'lost' }, {}],
    ['cardStolen', { ...STRICT, state: 'stolen' }, {}],
    ['cardRestricted', { ...STRICT, state: 'restricted' }, {}],
    ['cardClosed', { ...STRICT, state: 'closed' }, {}],
    ['cardExpired', { ...STRICT, expiry: 2001 }, { expiry: 2001 }],
    ['cardExpiryDiffers', STRICT, { expiry: 4911 }],
    ['cardChannelNotAllowed', STRICT, { channel: 'ecommerce' }],
    ['cardDeviceDiffers', STRICT, { device: 78n }],
    ['cardPayeeNotAllowed', STRICT, { payeeAccountId: 501n }],
    ['cardCryptogramInvalid', STRICT, { cryptogram: 'invalid' }],
    ['cardCounterTooOld', STRICT, { counter: 10 }],
    ['cardPinWrong', STRICT, { pin: 'wrong', verification: 'onlinePin' }],
    ['cardVerificationNeeded', STRICT, { amount: 101n }],
    ['ok', STRICT, { counter: 11, cryptogram: 'valid' }],
    ['ok', CARD, { channel: 'ecommerce', device: 1n, payeeAccountId: 2n, expiry: 0, amount: 10n ** 12n, counter: 1 }],
  ])('is answered %s', async (name, card, over) => {
    const bank = await opened(card);
    expect(await outcomes(bank, over)).toEqual([name]);
    expectRecovered(bank.partitions);
  });

  it('is judged in the documented order', async () => {
    const wrong: Partial<CardUseInput> = {
      ...{ expiry: 4911, channel: 'ecommerce', device: 1n, payeeAccountId: 1n, cryptogram: 'invalid' },
      ...{ counter: 10, pin: 'wrong', amount: 101n },
    };
    const mended = [
      ['cardExpiryDiffers', { expiry: 4912 }],
      ['cardChannelNotAllowed', { channel: 'contactless' }],
      ['cardDeviceDiffers', { device: 77n }],
      ['cardPayeeNotAllowed', { payeeAccountId: 500n }],
      ['cardCryptogramInvalid', { cryptogram: 'valid' }],
      ['cardCounterTooOld', { counter: 11 }],
      ['cardPinWrong', { pin: 'right' }],
      ['cardVerificationNeeded', {}],
    ] as const;
    const bank = await opened();
    let current = wrong;
    for (const [expected, better] of mended) {
      // A counter is used up by what comes after its check.
      expect(
        await outcomes(bank, { ...current, counter: expected === 'cardVerificationNeeded' ? 12 : current.counter! }),
      ).toEqual([expected]);
      current = { ...current, ...better };
    }
  });

  it('of a card that nobody knows, or of another institution, is not found, and that is remembered', async () => {
    const bank = await opened();
    const unknown = use({ token: TOKEN + 1n });
    expect((await bank.useCards(OWNER, unknown))[0]).toMatchObject({ name: 'cardNotFound', card: undefined });
    expect((await bank.useCards(3, use()))[0]?.name).toBe('cardNotFound');
    expect((await bank.useCards(1, use()))[0]?.name).toBe('ok');
    expect(await bank.putCards(OWNER, { ...CARD, token: TOKEN + 1n })).toEqual(['ok']);
    const again = await bank.useCards(OWNER, unknown);
    expect([again[0]?.name, again[0]?.replayed]).toEqual(['cardNotFound', true]);
  });

  it('gets its first answer again, whatever came between, and changes nothing', async () => {
    const bank = await opened();
    const first = use({ counter: 11, cryptogram: 'valid' });
    const [before] = await bank.useCards(OWNER, first);
    await outcomes(bank, { counter: 12 });
    const after = await standing(bank);
    const [repeated] = await bank.useCards(OWNER, first);
    expect(repeated).toEqual({ ...before, replayed: true });
    expect(await standing(bank)).toEqual(after);
    expect((await bank.useCards(OWNER, { ...first, id: next++ }))[0]?.name).toBe('cardCounterReplayed');
    const others: [Partial<CardUseInput>, ResultName][] = [
      [{ token: TOKEN + 9n }, 'existsWithDifferentCard'],
      [{ amount: 99n }, 'existsWithDifferentAmount'],
      [{ counter: 13 }, 'existsWithDifferentCard'],
    ];
    for (const [over, name] of others) expect((await bank.useCards(OWNER, { ...first, ...over }))[0]?.name).toBe(name);
    expect((await bank.useCards(1, first))[0]?.name).toBe('existsWithDifferentOwner');
    expectRecovered(bank.partitions);
  });

  it('with wrong PINs blocks the PIN at the limit; a right one before that begins anew; an operator can reset it', async () => {
    const bank = await opened();
    const pin = (which: 'right' | 'wrong') => ({ pin: which, verification: 'onlinePin' }) as const;
    expect(await outcomes(bank, pin('wrong'), pin('right'), pin('wrong'), pin('wrong'), pin('right'), {})).toEqual([
      ...['cardPinWrong', 'ok', 'cardPinWrong', 'cardPinWrong', 'cardPinBlocked', 'ok'],
    ]);
    expect((await standing(bank))?.pinFailures).toBe(2);
    expect(await bank.putCards(OWNER, { ...STRICT, resetPin: true })).toEqual(['ok']);
    expect(await outcomes(bank, pin('right'))).toEqual(['ok']);
    expectRecovered(bank.partitions);
  });

  it('counts what goes on without verification, by amount and by number, until there is one', async () => {
    const bank = await opened({ ...STRICT, unverifiedCountMax: 0 });
    expect(await outcomes(bank, {}, {}, { amount: 51n }, { amount: 50n }, { amount: 1n })).toEqual([
      ...['ok', 'ok', 'cardVerificationNeeded', 'ok', 'cardVerificationNeeded'],
    ]);
    expect(await outcomes(bank, { verification: 'device', amount: 10_000n }, {})).toEqual(['ok', 'ok']);
    expect(await standing(bank)).toMatchObject({ unverifiedSum: 100n, unverifiedCount: 1 });
    const counted = await opened({ ...STRICT, unverifiedSumMax: 0n });
    const small = { amount: 1n };
    expect(await outcomes(counted, small, small, small, small)).toEqual(['ok', 'ok', 'ok', 'cardVerificationNeeded']);
    expectRecovered(bank.partitions);
  });

  it('needs the right PIN for a counter that is too far ahead, and goes on from there', async () => {
    const bank = await opened();
    const jump = { counter: 17, pin: 'right', verification: 'onlinePin' } as const;
    expect(await outcomes(bank, { counter: 11 }, { counter: 17 }, { counter: 16 }, { counter: 22 })).toEqual([
      ...['ok', 'cardCounterJump', 'ok', 'cardCounterJump'],
    ]);
    expect(await outcomes(bank, { ...jump, counter: 22 }, { counter: 23, amount: 1n }, { counter: 22 })).toEqual([
      ...['ok', 'ok', 'cardCounterReplayed'],
    ]);
  });

  it('uses its counter up also when it is declined for the PIN or for want of one', async () => {
    const bank = await opened();
    const wrong: Partial<CardUseInput> = { counter: 11, pin: 'wrong', verification: 'onlinePin' } as const;
    expect(await outcomes(bank, wrong, { counter: 11 }, { counter: 12, amount: 101n }, { counter: 12 })).toEqual([
      ...['cardPinWrong', 'cardCounterReplayed', 'cardVerificationNeeded', 'cardCounterReplayed'],
    ]);
  });
});

describe('a card', () => {
  it.each<[string, Partial<CardInput>]>([
    ['idMustNotBeZero', { token: 0n }],
    ['accountIdMustNotBeZero', { accountId: 0n }],
    ['cardTermsInvalid', { expiry: 2713 }],
    ['cardTermsInvalid', { lastFour: 10_000 }],
    ['cardTermsInvalid', { unverifiedAmountMax: 2n ** 53n }],
  ])('is refused with %s when its terms are wrong', async (name, over) => {
    expect(await new Bank(1).putCards(OWNER, { ...STRICT, ...over })).toEqual([name]);
  });

  it('has a state that is known', async () => {
    const bank = new Bank(1);
    const request = framed(OWNER, encodePutCards([CARD], { requestId: 1 }));
    request.body[CARD_RECORD.at.state] = 6;
    expect(decodePutCards(openReply(await bank.ask(request)))[0]?.name).toBe('cardStateUnknown');
  });

  it('is not used with circumstances that cannot be', async () => {
    const bank = await opened();
    expect(await outcomes(bank, { expiry: 2700 }, { amount: 2n ** 53n })).toEqual(['cardUseInvalid', 'cardUseInvalid']);
  });

  it('gets new terms and keeps what was seen of it; its account and its owner stay', async () => {
    const bank = await opened();
    await outcomes(bank, { counter: 12 }, { pin: 'wrong', verification: 'onlinePin' });
    const before = await standing(bank);
    expect(await bank.putCards(OWNER, { ...CARD, state: 'restricted' })).toEqual(['ok']);
    const kept = {
      counter: 12,
      countersSeen: 1n,
      pinFailures: 1,
      unverifiedSum: 100n,
      unverifiedCount: 1,
      owner: OWNER,
    };
    expect(before).toMatchObject(kept);
    expect(await standing(bank)).toMatchObject({ ...kept, state: 'restricted', unverifiedSumMax: 0n });
    expect(await bank.putCards(OWNER, { ...CARD, accountId: 101n })).toEqual(['cardAccountMustNotChange']);
    expect(await bank.putCards(3, CARD)).toEqual(['cardAccountMustNotChange']);
    expect(await bank.putCards(1, CARD)).toEqual(['ok']);
    expect((await standing(bank))?.owner).toBe(OWNER);
    expect((await bank.lookupCards(3, TOKEN))[0]?.name).toBe('cardNotFound');
    expectRecovered(bank.partitions);
  });

  it('lives with its token: several partitions answer in the order of the request', async () => {
    const bank = new Bank(3);
    const tokens = Array.from({ length: 40 }, (_, n) => 0x9000n + BigInt(n));
    const names = await bank.putCards(OWNER, ...tokens.map((token) => ({ token, accountId: token + 1n })));
    expect(new Set(names)).toEqual(new Set(['ok']));
    expect((await bank.lookupCards(OWNER, ...tokens)).map(({ card }) => card?.token)).toEqual(tokens);
    const used = await bank.useCards(OWNER, ...tokens.map((token) => ({ id: next++, token, counter: 1 })));
    expect(used.map(({ card, name }) => [card?.token, name])).toEqual(tokens.map((token) => [token, 'ok']));
    expectRecovered(bank.partitions);
  });
});

describe('transaction counters', () => {
  it(`are accepted once each, in any order within 64 of the highest (seed ${SEED})`, () => {
    let state = SEED;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const seen: SeenCounters = { highest: 0, low: 0, high: 0 };
    const accepted = new Set<number>();
    let highest = 0;
    for (let round = 0; round < 5000; round++) {
      const counter = Math.max(1, highest + random(90) - 75);
      const expected =
        counter <= 3 || counter <= highest - 64
          ? Code.cardCounterTooOld
          : accepted.has(counter)
            ? Code.cardCounterReplayed
            : Code.ok;
      const code = whyNotCounted(seen, counter, 3, 0);
      expect(resultName(code), `round ${round}, counter ${counter}, highest ${highest}`).toBe(resultName(expected));
      if (code !== Code.ok) continue;
      noteCounter(seen, counter);
      accepted.add(counter);
      highest = Math.max(highest, counter);
      expect(seen.highest).toBe(highest);
    }
    expect(accepted.size).toBeGreaterThan(500);
  });
});

describe('results of cards', () => {
  it('have the response code that an acquirer expects', () => {
    const codes = ['cardNotFound', 'cardLost', 'cardStolen', 'cardExpired', 'cardPinWrong', 'cardPinBlocked'] as const;
    expect(codes.map((name) => resultSpec(Code[name]).de39)).toEqual(['14', '41', '43', '54', '55', '75']);
  });
});
