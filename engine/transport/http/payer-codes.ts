/** /v1/payer-codes and /v1/code-devices: what payers show to be scanned. Paying with a code is `payerCode` of a payment. */
import { z } from 'zod';
import {
  type CodeDevice,
  type CodeDeviceLookup,
  decodeIssueCodes,
  decodeLookupCodeDevices,
  decodeLookupCodes,
  decodePutCodeDevice,
  encodeIssueCodes,
  encodeLookupCodeDevices,
  encodeLookupCodes,
  encodePutCodeDevice,
  type PayerCode,
  type PayerCodeLookup,
} from '../../../protocol/codecs/payer-code-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import {
  CodeDeviceStates,
  codeDeviceNumber,
  codeDeviceToken,
  PAYER_CODE_LIMITS,
  payerCodeToken,
} from '../../../protocol/payer-codes.ts';
import type { ResultName } from '../../../protocol/results.ts';
import * as fields from './fields.ts';
import { answer, type Outcome, type Problem, problem, problemOfCode } from './outcome.ts';
import { riskSubject } from './risk-context.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const ONE = { requestId: 0 };
const MICROS_PER_SECOND = 1_000_000;
const states = Object.keys(CodeDeviceStates) as (keyof typeof CodeDeviceStates)[];

const device = fields.text(256, "The payer's device, as in the risk context of a payment. Only a hash of it is kept.");
const codeTier = fields.whole(1, 4, 'How the payer was verified: PBoC tier A (1) to D (4); 4 when left out.');
const unconfirmedMax = fields.amount.clone().meta({
  type: ['string', 'integer'],
  description: 'Payments of more wait until the payer has confirmed them; 0, all of them, when left out.',
});

/** Digits of a code, as its token. */
function codeDigits(otherwise: ResultName) {
  const described = { type: 'string', pattern: '^8[89][0-9]{16}$', description: 'The 18 digits that the payer shows.' };
  return fields.field(described, (value) => {
    const token = typeof value === 'string' ? payerCodeToken(value) : undefined;
    return token ?? new fields.Fault('must be 18 digits, of which the last one checks the others', otherwise);
  });
}

export const payerCode = codeDigits('payerCodeWrong');

const codeShape = z.strictObject({
  code: z.string().regex(/^88\d{16}$/),
  account: views.idText,
  unconfirmedMax: views.amountText,
  codeTier: z.int(),
  issuedAt: views.timeText,
  expiresAt: views.timeText,
  payment: views.idText.nullable().meta({ description: 'That it was used for; null as long as it was not.' }),
});

const CODE_EXAMPLE = {
  code: '880123456789012342',
  account: '0190a5e0c0de7000800000000000a11c',
  unconfirmedMax: '100000',
  codeTier: 3,
  issuedAt: '2026-01-31T08:00:00.000123Z',
  expiresAt: '2026-01-31T08:01:00.000123Z',
  payment: null,
};

function codeView(code: PayerCode): z.infer<typeof codeShape> {
  const issuedAt = Number(code.timestamp);
  return {
    code: code.digits,
    account: formatId(code.accountId),
    unconfirmedMax: String(code.unconfirmedMax),
    codeTier: code.codeTier,
    issuedAt: views.formatTime(issuedAt),
    expiresAt: views.formatTime(issuedAt + code.lifetimeS * MICROS_PER_SECOND),
    payment: code.paymentId === 0n ? null : formatId(code.paymentId),
  };
}

function codeAnswer(entries: readonly PayerCodeLookup[] | Problem): Outcome {
  if ('kind' in entries) return entries;
  const [entry] = entries;
  if (entry === undefined) return problem('internalError');
  return entry.payerCode === undefined ? problemOfCode(entry.code) : answer(codeView(entry.payerCode));
}

export const postPayerCode = route({
  method: 'post',
  path: '/v1/payer-codes',
  command: 'issueCodes',
  tag: 'Payment codes',
  summary: 'Give a payer a code to show: good for one payment, for a minute at most.',
  description: 'It takes the place of the one before, of the same account and device.',
  body: z.strictObject({
    account: fields.account,
    currency: fields.currency,
    device,
    unconfirmedMax: unconfirmedMax.optional(),
    lifetimeSeconds: fields
      .whole(1, PAYER_CODE_LIMITS.lifetimeMax, 'How long it is good; 60 when left out.')
      .optional(),
    codeTier: codeTier.optional(),
  }),
  answer: codeShape,
  example: {
    body: { account: 'alice', currency: 'CNY', device: 'phone-1', unconfirmedMax: '100000', codeTier: 3 },
    answer: CODE_EXAMPLE,
  },
  errors: ['payerAccountNotFound', 'payerAccountForbidden'],
  async handle({ body }, caller) {
    const terms = {
      accountId: caller.accountId(body.account, body.currency.numeric),
      device: riskSubject('device', body.device),
      unconfirmedMax: BigInt(body.unconfirmedMax ?? 0),
      ...(body.lifetimeSeconds === undefined ? {} : { lifetimeS: body.lifetimeSeconds }),
      ...(body.codeTier === undefined ? {} : { codeTier: body.codeTier }),
    };
    return codeAnswer(await caller.ask('issueCodes', encodeIssueCodes([terms], ONE), decodeIssueCodes));
  },
});

export const getPayerCode = route({
  method: 'get',
  path: '/v1/payer-codes/{code}',
  command: 'lookupCodes',
  tag: 'Payment codes',
  summary: 'A code, and the payment that it was used for.',
  params: z.strictObject({ code: codeDigits('malformedBody') }),
  answer: codeShape,
  example: { answer: { ...CODE_EXAMPLE, payment: '0190a5e0c0de7000800000000000c33e' } },
  errors: ['payerCodeNotFound'],
  async handle({ params }, caller) {
    return codeAnswer(await caller.ask('lookupCodes', encodeLookupCodes([params.code], ONE), decodeLookupCodes));
  },
});

const deviceShape = z.strictObject({
  number: z.string().regex(/^\d{8}$/),
  account: views.idText,
  state: z.enum([...states, 'unknown']),
  unconfirmedMax: views.amountText,
  amountMax: views.amountText.meta({ description: 'Payments of more are refused; 0 = none are.' }),
  codeTier: z.int(),
  counter: z.string().meta({ description: 'Highest counter of a code that was used.' }),
  failures: z.int().meta({ description: `Wrong codes in a row; at ${PAYER_CODE_LIMITS.failuresMax} it is blocked.` }),
  key: z
    .string()
    .nullable()
    .meta({ description: '32 bytes in hex, for the device alone: in the answer to its enrolment, null else.' }),
});

const DEVICE_EXAMPLE = {
  number: '12345678',
  account: '0190a5e0c0de7000800000000000a11c',
  state: 'active',
  unconfirmedMax: '20000',
  amountMax: '50000',
  codeTier: 3,
  counter: '0',
  failures: 0,
  key: null,
};

function deviceView(found: CodeDevice): z.infer<typeof deviceShape> {
  return {
    number: codeDeviceNumber(found.token),
    account: formatId(found.accountId),
    state: found.state ?? 'unknown',
    unconfirmedMax: String(found.unconfirmedMax),
    amountMax: String(found.amountMax),
    codeTier: found.codeTier,
    counter: String(found.counter),
    failures: found.failures,
    key: found.key === undefined ? null : Buffer.from(found.key).toString('hex'),
  };
}

function deviceAnswer(entry: CodeDeviceLookup | Problem | undefined): Outcome {
  if (entry === undefined) return problem('internalError');
  if ('kind' in entry) return entry;
  return entry.codeDevice === undefined ? problemOfCode(entry.code) : answer(deviceView(entry.codeDevice));
}

const deviceTerms = {
  account: fields.account,
  currency: fields.currency,
  device,
  unconfirmedMax: unconfirmedMax.optional(),
  amountMax: fields.amount
    .clone()
    .meta({ type: ['string', 'integer'], description: 'Payments of more are refused; none are when left out.' })
    .optional(),
  codeTier: codeTier.optional(),
};
const newDevice = z.strictObject(deviceTerms);
const changedDevice = z.strictObject({
  ...deviceTerms,
  state: z.enum(states).optional().meta({ description: 'active when left out: wrong codes are forgotten then.' }),
});

const number = fields.field(
  {
    type: 'string',
    pattern: '^[0-9]{8}$',
    description: 'The eight digits that codes of the device begin with, after 89.',
  },
  (value) =>
    typeof value === 'string' && /^\d{8}$/.test(value)
      ? codeDeviceToken(Number(value))
      : new fields.Fault('must be eight digits'),
);

type DeviceTerms = z.infer<typeof changedDevice>;

function deviceInput(accountId: bigint, body: DeviceTerms, token: bigint) {
  return {
    ...{ token, accountId, device: riskSubject('device', body.device) },
    unconfirmedMax: BigInt(body.unconfirmedMax ?? 0),
    amountMax: BigInt(body.amountMax ?? 0),
    ...(body.codeTier === undefined ? {} : { codeTier: body.codeTier }),
    ...(body.state === undefined ? {} : { state: body.state }),
  };
}

export const postCodeDevice = route({
  method: 'post',
  path: '/v1/code-devices',
  command: 'putCodeDevice',
  tag: 'Payment codes',
  summary: 'Enrol a device that makes codes without a connection.',
  description: 'Another enrolment of the same account and device takes the place of this one.',
  body: newDevice,
  answer: deviceShape,
  example: {
    body: {
      account: 'alice',
      currency: 'CNY',
      device: 'phone-1',
      unconfirmedMax: '20000',
      amountMax: '50000',
      codeTier: 3,
    },
    answer: { ...DEVICE_EXAMPLE, key: '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff' },
  },
  errors: ['payerAccountNotFound', 'payerAccountForbidden', 'codeDevicesOff'],
  async handle({ body }, caller) {
    const input = deviceInput(caller.accountId(body.account, body.currency.numeric), body, 0n);
    return deviceAnswer(await caller.ask('putCodeDevice', encodePutCodeDevice(input, ONE), decodePutCodeDevice));
  },
});

export const putCodeDevice = route({
  method: 'put',
  path: '/v1/code-devices/{number}',
  command: 'putCodeDevice',
  tag: 'Payment codes',
  summary: 'Change what an enrolled device may, or block it.',
  params: z.strictObject({ number }),
  body: changedDevice,
  answer: deviceShape,
  example: {
    body: { account: 'alice', currency: 'CNY', device: 'phone-1', state: 'blocked' },
    answer: { ...DEVICE_EXAMPLE, state: 'blocked', unconfirmedMax: '0', amountMax: '0', codeTier: 4 },
  },
  errors: ['codeDeviceNotFound', 'codeDeviceAccountMustNotChange', 'payerCodeReplaced', 'codeDevicesOff'],
  async handle({ params, body }, caller) {
    const input = deviceInput(caller.accountId(body.account, body.currency.numeric), body, params.number);
    return deviceAnswer(await caller.ask('putCodeDevice', encodePutCodeDevice(input, ONE), decodePutCodeDevice));
  },
});

export const getCodeDevice = route({
  method: 'get',
  path: '/v1/code-devices/{number}',
  command: 'lookupCodeDevices',
  tag: 'Payment codes',
  summary: 'An enrolled device, and what was seen of it.',
  params: z.strictObject({ number }),
  answer: deviceShape,
  example: { answer: DEVICE_EXAMPLE },
  errors: ['codeDeviceNotFound'],
  async handle({ params }, caller) {
    const frame = encodeLookupCodeDevices([params.number], ONE);
    const entries = await caller.ask('lookupCodeDevices', frame, decodeLookupCodeDevices);
    return deviceAnswer('kind' in entries ? entries : entries[0]);
  },
});
