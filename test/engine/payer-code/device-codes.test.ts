// Codes that a device makes without a connection: each counter once, within a window, and a few wrong ones block the device.
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CodeGate } from '../../../engine/admission/code-gate.ts';
import { counterOfCode, deviceCode, deviceKey } from '../../../engine/admission/device-codes.ts';
import { encodePayment } from '../../../protocol/codecs/payment-codec.ts';
import {
  type CodeDevice,
  type CodeDeviceInput,
  encodePutCodeDevice,
} from '../../../protocol/codecs/payer-code-codec.ts';
import { COMMANDS } from '../../../protocol/commands.ts';
import type { PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import { FRAME_HEADER } from '../../../protocol/frame.ts';
import { codeDeviceToken, payerCodeToken } from '../../../protocol/payer-codes.ts';
import { PAYMENT, PaymentFlags } from '../../../protocol/records.ts';
import { Code, type ResultName } from '../../../protocol/results.ts';
import { Bank } from '../../support/bank.ts';
import { framed, reply } from '../../support/desk.ts';
import { expectRecovered } from '../../support/recovered.ts';

const WALLET = 2;
const ACQUIRER = 3;
const PAYER = 100n;
const SHOP = 200n;
const CNY = { ledger: 156, code: 1 };
const TERMS: CodeDeviceInput = { accountId: PAYER, device: 77n, unconfirmedMax: 1000n, amountMax: 2000n, codeTier: 3 };
const RISK = { channel: 'qr' } as const;

let next = 1n;

/** A phone without a connection. */
class Phone {
  readonly token: bigint;
  readonly #key: Uint8Array;

  constructor({ token, key }: CodeDevice) {
    this.token = token;
    this.#key = key!;
  }

  code(counter: number): bigint {
    return payerCodeToken(deviceCode(this.#key, this.token, counter))!;
  }

  /** One that it does not make. */
  wrong(): bigint {
    const others = Uint8Array.from(this.#key, (byte) => byte ^ 1);
    for (let counter = 1000; ; counter++) {
      const digits = deviceCode(others, this.token, counter);
      if (counterOfCode(this.#key, digits, 0) === undefined) return payerCodeToken(digits)!;
    }
  }
}

async function opened(partitions = 1): Promise<Bank> {
  const bank = new Bank(partitions);
  await bank.accounts(WALLET, { id: PAYER, ...CNY }, { id: 101n, ...CNY });
  await bank.accounts(ACQUIRER, { id: SHOP, ...CNY });
  return bank;
}

async function enrolled(bank: Bank, over: Partial<CodeDeviceInput> = {}): Promise<Phone> {
  const { name, codeDevice } = await bank.putCodeDevice(WALLET, { ...TERMS, ...over });
  expect(name).toBe('ok');
  return new Phone(codeDevice!);
}

function scan(bank: Bank, payerCode: bigint, over: { id?: bigint; amount?: bigint } = {}): Promise<PaymentResult> {
  const payment = { id: next++, payeeAccountId: SHOP, amount: 500n, ...CNY, risk: RISK, payerCode, ...over };
  return bank.pay(ACQUIRER, 'sale', payment);
}

async function names(bank: Bank, ...codes: bigint[]): Promise<string[]> {
  const found: string[] = [];
  for (const code of codes) found.push((await scan(bank, code)).name);
  return found;
}

async function standing(bank: Bank, { token }: Phone): Promise<CodeDevice> {
  return (await bank.lookupCodeDevices(WALLET, token))[0]!.codeDevice!;
}

describe('the code of a device', () => {
  it('is HOTP under a key of its own', () => {
    // RFC 4226, 5.3, over HMAC-SHA-256, written out.
    const token = codeDeviceToken(12_345_678);
    const key = createHmac('sha256', 'master').update('sluice device code12345678').digest();
    expect(Buffer.from(deviceKey(Buffer.from('master'), token))).toEqual(key);
    const mac = createHmac('sha256', key).update(Buffer.from('000000000000002a', 'hex')).digest();
    const offset = mac[31]! & 15;
    const binary =
      ((mac[offset]! & 0x7f) << 24) | (mac[offset + 1]! << 16) | (mac[offset + 2]! << 8) | mac[offset + 3]!;
    const shown = deviceCode(key, token, 42);
    expect(shown.slice(0, 17)).toBe(`8912345678${String(binary % 10 ** 7).padStart(7, '0')}`);
    expect(counterOfCode(key, shown, 22)).toBe(42);
    expect(counterOfCode(key, shown, 21)).toBeUndefined();
    expect(counterOfCode(key, shown, 42)).toBe(42);
    expect(counterOfCode(key, shown, 61)).toBe(42);
    expect(counterOfCode(key, shown, 62)).toBeUndefined();
  });

  it.each([1, 2])('pays once, and what came before it is used up with it (%i partitions)', async (partitions) => {
    const bank = await opened(partitions);
    const phone = await enrolled(bank);
    expect(await names(bank, phone.code(3), phone.code(3), phone.code(1), phone.code(4))).toEqual([
      'ok',
      'payerCodeUsed',
      'payerCodeUsed',
      'ok',
    ]);
    expect(await standing(bank, phone)).toMatchObject({ counter: 4n, failures: 0, key: undefined, owner: WALLET });
    expect((await bank.balances(SHOP))[3]).toBe(1000);
    expectRecovered(bank.partitions);
  });

  it('is within the window, or wrong', async () => {
    const bank = await opened();
    const phone = await enrolled(bank);
    expect(await names(bank, phone.code(21), phone.code(20), phone.code(41), phone.code(40))).toEqual([
      'payerCodeWrong',
      'ok',
      'payerCodeWrong',
      'ok',
    ]);
  });

  it('may be sent again with the same payment', async () => {
    const bank = await opened();
    const phone = await enrolled(bank);
    const id = next++;
    const first = await scan(bank, phone.code(1), { id });
    await names(bank, phone.code(2));
    expect(await scan(bank, phone.code(1), { id })).toEqual({ ...first, replayed: true });
    const other = await enrolled(bank, { device: 78n });
    expect((await scan(bank, other.code(1), { id })).name).toBe('existsWithDifferentPayer');
  });

  it('blocks the device when it is wrong five times in a row, until it is made active again', async () => {
    const bank = await opened();
    const phone = await enrolled(bank);
    const wrong = phone.wrong();
    expect(await names(bank, wrong, wrong, wrong, wrong, phone.code(1))).toEqual([
      ...Array.from({ length: 4 }, () => 'payerCodeWrong'),
      'ok',
    ]);
    expect(await names(bank, wrong, wrong, wrong, wrong, wrong, phone.code(2))).toEqual([
      ...Array.from({ length: 5 }, () => 'payerCodeWrong'),
      'payerCodeBlocked',
    ]);
    expect(await standing(bank, phone)).toMatchObject({ state: 'blocked', failures: 5 });
    const again = await bank.putCodeDevice(WALLET, { ...TERMS, token: phone.token });
    expect(again).toMatchObject({
      name: 'ok',
      codeDevice: { state: 'active', failures: 0, counter: 1n, key: undefined },
    });
    expect(await names(bank, phone.code(1), phone.code(2))).toEqual(['payerCodeUsed', 'ok']);
    expectRecovered(bank.partitions);
  });

  it('pays no more than the device may, and waits for confirmation above the other limit', async () => {
    const bank = await opened();
    const phone = await enrolled(bank);
    expect((await scan(bank, phone.code(1), { amount: 2001n })).name).toBe('payerCodeAmountTooHigh');
    expect((await scan(bank, phone.code(1), { amount: 2000n })).name).toBe('payerCodeUsed');
    expect((await scan(bank, phone.code(2), { amount: 1001n })).name).toBe('challengeRequired');
    expect((await scan(bank, phone.code(3), { amount: 1000n })).name).toBe('ok');
    const free = await enrolled(bank, { device: 78n, amountMax: 0n, unconfirmedMax: 10_000n });
    expect((await scan(bank, free.code(1), { amount: 10_000n })).name).toBe('ok');
  });

  it('is of no use once the device was enrolled anew, or is blocked', async () => {
    const bank = await opened();
    const lost = await enrolled(bank);
    const found = await enrolled(bank);
    expect(await names(bank, lost.code(1), found.code(1))).toEqual(['payerCodeReplaced', 'ok']);
    const changed = await bank.putCodeDevice(WALLET, { ...TERMS, token: lost.token, state: 'blocked' });
    expect(changed.name).toBe('payerCodeReplaced');
    expect((await bank.putCodeDevice(WALLET, { ...TERMS, token: found.token, state: 'blocked' })).name).toBe('ok');
    expect(await names(bank, found.code(2))).toEqual(['payerCodeBlocked']);
  });

  it('of a number that was never enrolled is not known', async () => {
    const bank = await opened();
    const stranger = { token: codeDeviceToken(1), key: deviceKey(Buffer.from('?'), codeDeviceToken(1)) } as CodeDevice;
    expect(await names(bank, new Phone(stranger).code(1))).toEqual(['payerCodeNotFound']);
  });

  it('is judged by its partition as well, whatever was found out before it came there', async () => {
    const bank = await opened();
    const phone = await enrolled(bank);
    const found = async (counter: bigint) => {
      const payment = { id: next++, payeeAccountId: SHOP, amount: 1n, ...CNY, risk: RISK, payerCode: phone.token };
      const frame = encodePayment('sale', payment, { requestId: 1 });
      new DataView(frame.buffer, FRAME_HEADER.size).setBigUint64(PAYMENT.at.payerCounter, counter, true);
      return reply.payment(await bank.askPartitions(framed(ACQUIRER, frame)), 'sale').name;
    };
    expect([await found(21n), await found(20n), await found(20n), await found(41n), await found(40n)]).toEqual([
      'payerCodeWrong',
      'ok',
      'payerCodeUsed',
      'payerCodeWrong',
      'ok',
    ]);
  });

  it('cannot be forged by whoever speaks the protocol', async () => {
    const bank = await opened();
    const phone = await enrolled(bank);
    const sent = (payerCode: bigint, change: (payment: DataView) => void) => {
      const payment = { id: next++, payeeAccountId: SHOP, amount: 500n, ...CNY, risk: RISK, payerCode };
      const frame = encodePayment('sale', payment, { requestId: 1 });
      change(new DataView(frame.buffer, FRAME_HEADER.size));
      return bank.ask(framed(ACQUIRER, frame));
    };
    const counted = (view: DataView) => view.setBigUint64(PAYMENT.at.payerCounter, 1n, true);
    const marked = (view: DataView) =>
      view.setUint16(PAYMENT.at.flags, PaymentFlags.riskContext | PaymentFlags.wrongCode, true);
    await expect(sent(phone.token, () => undefined)).rejects.toThrow('payerCodeWrong');
    await expect(sent(phone.token, counted)).rejects.toThrow('reservedField');
    await expect(sent(phone.code(1), counted)).rejects.toThrow('reservedField');
    await expect(sent(phone.code(1), marked)).rejects.toThrow('flagsReserved');
    expect(await names(bank, phone.code(1))).toEqual(['ok']);
  });
});

describe('a device', () => {
  it('is not enrolled where there is no key for devices, nor are its codes taken', async () => {
    const bank = await opened();
    const phone = await enrolled(bank);
    const gate = new CodeGate(bank.gateway, 1, undefined);
    const submit = (frame: Uint8Array) => {
      const { name, flags, count, body, institution } = framed(WALLET, frame);
      const envelope = { kind: COMMANDS[name].kind, flags, count, institution, requestIdLow: 0, requestIdHigh: 0 };
      return gate.submit(envelope, body, { deliver: () => undefined });
    };
    expect(submit(encodePutCodeDevice(TERMS, { requestId: 1 }))).toBe(Code.codeDevicesOff);
    const payment = { id: next++, payeeAccountId: SHOP, amount: 1n, ...CNY, risk: RISK, payerCode: phone.code(1) };
    expect(submit(encodePayment('sale', payment, { requestId: 1 }))).toBe(Code.codeDevicesOff);
  });

  it.each<[ResultName, Partial<CodeDeviceInput>, number]>([
    ['payerCodeTermsInvalid', { codeTier: 0 }, WALLET],
    ['payerCodeTermsInvalid', { device: 0n }, WALLET],
    ['payerCodeTermsInvalid', { amountMax: 2n ** 53n }, WALLET],
    ['accountIdMustNotBeZero', { accountId: 0n }, WALLET],
    ['payerAccountNotFound', { accountId: 999n }, WALLET],
    ['payerAccountForbidden', {}, ACQUIRER],
    ['codeDeviceNotFound', { token: codeDeviceToken(5) }, WALLET],
  ])('is not enrolled or changed: %s', async (name, over, institution) => {
    const bank = await opened();
    const refused = await bank.putCodeDevice(institution, { ...TERMS, ...over });
    expect(refused).toMatchObject({ name, codeDevice: undefined });
  });

  it('stays with its account, and with who enrolled it', async () => {
    const bank = await opened();
    const { token } = await enrolled(bank);
    const change = (institution: number, over: object) => bank.putCodeDevice(institution, { ...TERMS, token, ...over });
    expect((await change(WALLET, { accountId: 101n })).name).toBe('codeDeviceAccountMustNotChange');
    expect((await change(WALLET, { device: 78n })).name).toBe('codeDeviceAccountMustNotChange');
    expect((await bank.lookupCodeDevices(ACQUIRER, token))[0]?.name).toBe('codeDeviceNotFound');
    expect((await change(WALLET, { amountMax: 1n })).codeDevice?.amountMax).toBe(1n);
  });
});
