// A simulated issuer behind a real link: it answers by its rules, misbehaves where they say so, and books each message once.
import { afterEach, describe, expect, it } from 'vitest';
import { SCHEME_NAMES, type Scheme } from '../../../../adapters/terminal/crypto/emv/schemes.ts';
import { SecretKey } from '../../../../adapters/terminal/crypto/vault/secret-key.ts';
import { SoftwareVault } from '../../../../adapters/terminal/crypto/vault/software-vault.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { openIssuer } from '../../../../adapters/terminal/link/issuer-link.ts';
import { LinkCounters } from '../../../../adapters/terminal/link/observer.ts';
import { systemClock } from '../../../../adapters/terminal/link/clock.ts';
import { SimulatedIssuer } from '../../../../adapters/terminal/simulate/issuer.ts';
import { behaviourOf } from '../../../../adapters/terminal/simulate/issuer-rules.ts';
import { hex } from '../../../support/seeded-bytes.ts';
import { ASCII, atEnd, closeAll, issuerConfig, MAC_KEY, until } from '../link/harness.ts';
import { made, testCard, testTerminal } from './till.ts';

afterEach(closeAll);

function vaultWithCards(): SoftwareVault {
  const header = { version: 'D', algorithm: 'T', keyVersion: '00', exportability: 'N', optional: [] } as const;
  return new SoftwareVault([
    new SecretKey('link-mac', { ...header, usage: 'M3', mode: 'C' }, hex(MAC_KEY)),
    new SecretKey('imk', { ...header, usage: 'E0', mode: 'X' }, hex(MAC_KEY)),
  ]);
}

/** A simulated issuer, a link to it with MACs, a terminal and a card. */
async function start(scheme?: Scheme, imk?: string) {
  const vault = vaultWithCards();
  const observer = new LinkCounters(() => {});
  const mac = { key: 'link-mac', algorithm: 'retail', bytes: 8, padding: 1 } as const;
  const config = {
    name: 'sim',
    host: '127.0.0.1',
    port: 0,
    framing: 'length2',
    spec: ASCII,
    messageBytesMax: 8192,
  } as const;
  const timing = { stallSeconds: 30, slowMs: 30, lateMs: 300, deadMs: 50 };
  const issuer = new SimulatedIssuer(
    { ...config, ...timing, mac, card: { keyId: 'imk' } },
    { vault, clock: systemClock, observer },
  );
  expect(await issuer.start()).toBeUndefined();
  atEnd(() => issuer.stop());
  const late: Message[] = [];
  const handlers = { late: (answer: Message) => void late.push(answer), cutover: () => Promise.resolve() };
  const text = 'mac: {key: link-mac, algorithm: retail}, reconnect: {firstMs: 20, mostMs: 40}';
  const tools = { vault, clock: systemClock, observer, random: () => 0 };
  const opened = await openIssuer(issuerConfig(issuer.port, text), handlers, tools);
  const link = opened.ok ? opened.link : expect.fail(opened.problem);
  atEnd(() => link.stop(0));
  await until(() => link.state === 'up');
  const terminal = testTerminal();
  const card = testCard(scheme, imk);
  const ask = async (message: Message, timeoutMs = 5000) => {
    const result = await link.request(message, timeoutMs);
    return typeof result === 'string' ? result : result.text(39);
  };
  const pay = (amountMinor: number, timeoutMs?: number) => {
    const message = made(terminal.purchase(card, amountMinor));
    return { message, code: ask(message, timeoutMs) };
  };
  return {
    issuer,
    link,
    terminal,
    card,
    ask,
    pay,
    late,
    figures: observer.of('iss'),
    totals: () => issuer.book.totals('156'),
  };
}

const NOTHING = { debitMinor: 0, creditMinor: 0, debits: 0, credits: 0, heldMinor: 0 };

it.each<[amount: number, behaviour: object]>([
  [1250, { kind: 'answer', code: '00', delayMs: 0, times: 1 }],
  [9004, { kind: 'answer', code: '00' }],
  [9005, { kind: 'answer', code: '05' }],
  [19_051, { kind: 'answer', code: '51' }],
  [9100, { kind: 'answer', delayMs: 10 }],
  [9101, { kind: 'answer', delayMs: 20 }],
  [9102, { kind: 'answer', times: 2 }],
  [9103, { kind: 'wrongMac' }],
  [9104, { kind: 'drop' }],
  [9105, { kind: 'loseAnswer' }],
  [9106, { kind: 'die', books: false }],
  [9107, { kind: 'die', books: true }],
  [9108, { kind: 'partly' }],
  [9109, { kind: 'answer', code: '00' }],
])('an amount of %d gets %j', (amount, behaviour) => {
  expect(behaviourOf(amount, { slowMs: 10, lateMs: 20 })).toMatchObject(behaviour);
});

describe('an issuer', () => {
  it('books what it approves, by what it is', async () => {
    const { terminal, card, ask, totals } = await start();
    expect(await ask(made(terminal.purchase(card, 1000)))).toBe('00');
    expect(await ask(made(terminal.cash(card, 200)))).toBe('00');
    expect(await ask(made(terminal.purchaseWithCashback(card, 30, 10)))).toBe('00');
    expect(await ask(made(terminal.refund(card, 400)))).toBe('00');
    expect(await ask(made(terminal.balance(card)))).toBe('00');
    expect(await ask(made(terminal.purchase(card, 9051)))).toBe('51');
    expect(totals()).toEqual({ ...NOTHING, debitMinor: 1230, debits: 3, creditMinor: 400, credits: 1 });
    const day = { debits: 3, debitMinor: 1230, credits: 1, creditMinor: 400 };
    const inBalance = terminal.reconcile(day);
    expect(await ask(inBalance)).toBe('00');
  });

  it('says whether the end of the day is in balance', async () => {
    const { link, terminal, pay } = await start();
    expect(await pay(1000).code).toBe('00');
    const compare = async (debitMinor: number) => {
      const answer = await link.request(
        terminal.reconcile({ debits: 1, debitMinor, credits: 0, creditMinor: 0 }),
        5000,
      );
      return typeof answer === 'object' && answer.text(66);
    };
    expect([await compare(1000), await compare(1001)]).toEqual(['1', '2']);
  });

  it('answers repeats like the original and books them once', async () => {
    const { terminal, card, link, ask, totals } = await start();
    const purchase = made(terminal.purchase(card, 1000));
    const declined = made(terminal.purchase(card, 9051));
    expect([await ask(purchase), await ask(terminal.repeat(purchase)), await ask(purchase)]).toEqual([
      '00',
      '00',
      '00',
    ]);
    expect([await ask(declined), await ask(terminal.repeat(declined))]).toEqual(['51', '51']);
    expect(await link.request(terminal.repeat(purchase), 5000)).toMatchObject({ mti: '0210' });
    expect(totals()).toEqual({ ...NOTHING, debitMinor: 1000, debits: 1 });
  });

  it('takes back what is reversed, once, whole or in part', async () => {
    const { terminal, ask, pay, totals } = await start();
    const [whole, part] = [pay(1000), pay(500)];
    await Promise.all([whole.code, part.code]);
    const reversal = terminal.reverse(whole.message, '0400');
    expect([await ask(reversal), await ask(terminal.repeat(reversal))]).toEqual(['00', '00']);
    expect(await ask(terminal.reverse(whole.message, '0420'))).toBe('00');
    expect(totals()).toEqual({ ...NOTHING, debitMinor: 500, debits: 1 });
    expect(await ask(terminal.reverse(part.message, '0420', 200))).toBe('00');
    // What is gone does not come back.
    expect(await ask(terminal.reverse(part.message, '0420', 400))).toBe('00');
    expect(totals()).toEqual({ ...NOTHING, debitMinor: 200, debits: 1 });
  });

  it('finds the original by its reference when DE90 has zeros', async () => {
    const { terminal, ask, pay, totals } = await start();
    const { message, code } = pay(1000);
    await code;
    expect(await ask(terminal.reverse(message, '0420').set(90, '0'.repeat(42)))).toBe('00');
    expect(totals()).toEqual(NOTHING);
  });

  it.each(['', '0'.repeat(42)])('declines what was reversed before it came (DE90 %j)', async (elements) => {
    const { terminal, card, ask, totals } = await start();
    const purchase = made(terminal.purchase(card, 1000));
    const reversal = terminal.reverse(purchase, '0420');
    expect(await ask(elements === '' ? reversal : reversal.set(90, elements))).toBe('00');
    expect(await ask(purchase)).toBe('12');
    expect(totals()).toEqual(NOTHING);
  });

  it('holds what is preauthorised until it is completed', async () => {
    const { link, terminal, card, ask, totals } = await start();
    const preauthorisation = made(terminal.preauthorise(card, 1000));
    const answer = await link.request(preauthorisation, 5000);
    if (typeof answer === 'string') return expect.fail(answer);
    expect([answer.text(39), totals()]).toEqual(['00', { ...NOTHING, heldMinor: 1000 }]);
    const completion = terminal.complete(preauthorisation, answer, 800);
    expect([await ask(completion), await ask(terminal.repeat(completion))]).toEqual(['00', '00']);
    expect(totals()).toEqual({ ...NOTHING, debitMinor: 800, debits: 1 });
  });
});

describe('an issuer that misbehaves', () => {
  it('is slow, late, or answers twice', async () => {
    const { pay, late, figures, totals } = await start();
    expect(await pay(9100).code).toBe('00');
    expect(await pay(9101, 50).code).toBe('timeout');
    expect(await pay(9102).code).toBe('00');
    await until(() => late.length === 1 && figures.counts.duplicates === 1);
    expect(totals().debits).toBe(3);
  });

  it('has a wrong MAC, or loses requests or answers: none of it is an answer', async () => {
    const { pay, figures, totals } = await start();
    const codes = await Promise.all([9103, 9104, 9105].map((amount) => pay(amount, 200).code));
    expect(codes).toEqual(['timeout', 'timeout', 'timeout']);
    expect([figures.counts.macErrors, totals().debitMinor]).toEqual([1, 9103 + 9105]);
  });

  it('dies before or after it booked, and comes back: a repeat then tells what was', async () => {
    const { pay, ask, link, terminal, totals } = await start();
    for (const amount of [9106, 9107]) {
      const before = totals().debits;
      const { message, code } = pay(amount, 100);
      await until(() => link.state !== 'up');
      expect(await code).toBe('timeout');
      await until(() => link.state === 'up');
      expect(totals().debits - before).toBe(amount === 9107 ? 1 : 0);
      expect(await ask(terminal.reverse(message, '0420'))).toBe('00');
      expect(totals()).toEqual(NOTHING);
    }
  });
});

describe('its cards', () => {
  it.each(SCHEME_NAMES)('of %s are answered so that they know their issuer', async (scheme) => {
    const { link, terminal, card } = await start(scheme);
    const answer = await link.request(made(terminal.purchase(card, 1000, { contactless: true })), 5000);
    if (typeof answer === 'string') return expect.fail(answer);
    expect([answer.text(39), card.checkAnswer(answer.bytes(55))]).toEqual(['00', 'right']);
    const declined = await link.request(made(terminal.purchase(card, 9051)), 5000);
    expect(typeof declined === 'object' && [declined.text(39), card.checkAnswer(declined.bytes(55))]).toEqual([
      '51',
      'right',
    ]);
  });

  it('are declined when their cryptogram is of another key', async () => {
    const { pay, totals } = await start('visa-cvn18', '00112233445566778899AABBCCDDEEFF');
    expect(await pay(1000).code).toBe('05');
    expect(totals()).toEqual(NOTHING);
  });
});
