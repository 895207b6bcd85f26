/** The parts that are measured, each with what one run of it does. */

import { compileSpec } from '../../adapters/terminal/iso8583/compile-spec.ts';
import { decodeMessage } from '../../adapters/terminal/iso8583/decode.ts';
import { Message } from '../../adapters/terminal/iso8583/message.ts';
import { shippedSpec } from '../../adapters/terminal/iso8583/shipped-specs.ts';
import { batchHash, NO_HASH, sealBatch } from '../../engine/journal/header.ts';
import { Memtable } from '../../engine/storage/index/memtable.ts';
import { checkFrame } from '../../protocol/check-frame.ts';
import { openReply } from '../../protocol/codecs/frame-codec.ts';
import { decodePayment, encodePayment } from '../../protocol/codecs/payment-codec.ts';
import { decodeCreateTransfers, encodeCreateTransfers } from '../../protocol/codecs/transfer-codec.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER, REPLY_BIT } from '../../protocol/frame.ts';
import { writeHeader } from '../../protocol/frame-header.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { PAYMENT_STATE, PaymentOperations, PaymentStates, RESULT } from '../../protocol/records.ts';
import { Code, resultName } from '../../protocol/results.ts';
import { LEDGER } from '../accounts.ts';
import { Random } from '../load/random.ts';
import { TimeOrderedIds } from '../load/time-ordered-ids.ts';
import { cryptoTasks } from './crypto-tasks.ts';
import { qrTasks } from './qr-tasks.ts';
import { FIRST_RECORD, StateMachine } from './state-machine.ts';

export interface MicroTask {
  readonly name: string;
  /** What the name says happens so often in one run, so that a run is longer than the clock is coarse. */
  readonly perRun: number;
  /** Before each run; not measured. */
  before?(): void;
  run(): void;
}

const BATCH = LIMITS.recordsPerFrameMax;
const SALES = 1000;
const SMALL = 200;
/** A batch of 8190 transfers. */
const JOURNAL_BYTES = 128 + BATCH * 176;
const KEYS = 100_000;

export function microTasks(): MicroTask[] {
  return [
    ...codecTasks(),
    ...iso8583Tasks(),
    ...stateMachineTasks(),
    ...journalTasks(),
    ...memtableTasks(),
    ...qrTasks(),
    ...cryptoTasks(),
  ];
}

/** A task that repeats `once`. */
function repeated(name: string, once: () => unknown): MicroTask {
  return {
    name,
    perRun: SMALL,
    run: () => {
      for (let count = 0; count < SMALL; count++) once();
    },
  };
}

function codecTasks(): MicroTask[] {
  const transfer = { id: newId(), debitAccountId: 1n, creditAccountId: 2n, amount: 100n, ledger: LEDGER, code: 1 };
  const payment = { id: newId(), payerAccountId: 1n, payeeAccountId: 2n, amount: 100n, ledger: LEDGER, code: 1 };
  const sale = { ...payment, reference: 'order-0000000001' };
  const one = encodeCreateTransfers([transfer], { requestId: 1 });
  const saleFrame = encodePayment('sale', sale, { requestId: 1 });
  const full = encodeCreateTransfers(Array(BATCH).fill(transfer), { requestId: 1 });
  const transferReply = replyFrame(COMMANDS.createTransfers.kind, RESULT.size);
  const saleReply = replyFrame(COMMANDS.sale.kind, RESULT.size + PAYMENT_STATE.size);
  saleReply[FRAME_HEADER.size + RESULT.size + PAYMENT_STATE.at.state] = PaymentStates.captured;
  saleReply[FRAME_HEADER.size + RESULT.size + PAYMENT_STATE.at.operation] = PaymentOperations.sale;
  return [
    repeated('frame check, one transfer', () => checkFrame(one)),
    repeated('frame check, 8190 transfers', () => checkFrame(full)),
    repeated('frame check, sale', () => checkFrame(saleFrame)),
    repeated('encode transfer', () => encodeCreateTransfers([transfer], { requestId: 1 })),
    repeated('decode transfer reply', () => decodeCreateTransfers(openReply(transferReply), false)),
    repeated('encode sale', () => encodePayment('sale', sale, { requestId: 1 })),
    repeated('decode sale reply', () => decodePayment(openReply(saleReply), 'sale')),
  ];
}

/** A purchase with a chip's data, about 250 bytes: read, looked at as a switch does, answered. */
function iso8583Tasks(): MicroTask[] {
  return (['iso87-ascii', 'iso87-bcd'] as const).map((name) => {
    const data = shippedSpec(name);
    const compiled = data === undefined ? undefined : compileSpec(data);
    if (compiled?.ok !== true) throw new Error(`${name} does not compile`);
    const purchase = new Message(compiled.spec, '0200');
    const chip =
      '9F26081122334455667788' +
      '9F2701809F100706010A03A0A0009F3704AABBCCDD9F36020001950500000080009A032611239C01009F02060000000012345F2A020978820219809F1A020276';
    const values: readonly (readonly [number, string])[] = [
      ...([
        [2, '4276555555555555'],
        [3, '000000'],
        [4, '000000001234'],
        [7, '1123190000'],
        [11, '000123'],
      ] as const),
      ...([
        [12, '190000'],
        [13, '1123'],
        [18, '5411'],
        [22, '071'],
        [23, '001'],
        [25, '00'],
        [32, '123456'],
      ] as const),
      ...([
        [35, '4276555555555555=26122010000012300001'],
        [37, '632719000123'],
        [41, 'TERM0001'],
      ] as const),
      ...([
        [42, 'MERCHANT0000001'],
        [49, '978'],
        [55, chip],
      ] as const),
    ];
    for (const [number, value] of values) purchase.set(number, value);
    const encoded = purchase.encode();
    if (!encoded.ok) throw new Error(`the purchase does not fit ${name}`);
    const { bytes } = encoded;
    return repeated(`${name}, decode ${bytes.length} bytes, read 5 fields, encode the answer`, () => {
      const { ok, message } = decodeMessage(compiled.spec, bytes);
      if (!ok || message.text(11) !== '000123' || message.text(4) === undefined || message.text(41) === undefined) {
        throw new Error('the purchase was not read');
      }
      message.text(2);
      message.bytes(55);
      message.mti = '0210';
      if (!message.set(38, '123456').set(39, '00').encode().ok) throw new Error('the answer does not fit');
    });
  });
}

function replyFrame(kind: number, bodyBytes: number): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER.size + bodyBytes);
  writeHeader(frame, kind | REPLY_BIT, 0, 1, 1, 0);
  return frame;
}

function stateMachineTasks(): MicroTask[] {
  const machine = new StateMachine(false);
  const ruled = new StateMachine(true);
  const transfers = machine.traffic('transfers', BATCH);
  const batch = new Uint32Array(transfers.payloadBytes >> 2);
  transfers.prepare(new Uint8Array(batch.buffer), 0);
  const sales = machine.traffic('sales', 1);
  const saleWords = sales.payloadBytes >> 2;
  const salesBatch = new Uint32Array(saleWords * SALES);
  for (let sale = 0; sale < SALES; sale++) sales.prepare(new Uint8Array(salesBatch.buffer), sale * saleWords * 4);
  const check = (): void => {
    const code = machine.codeAt(0);
    if (code !== Code.ok) throw new Error(`the state machine answered ${resultName(code)}`);
  };
  return [
    {
      name: 'state machine, transfer (batches of 8190)',
      perRun: BATCH,
      before: () => {
        machine.prepare(BATCH);
        transfers.renew(batch, 0, Date.now());
      },
      run: () => {
        machine.transfers(batch, FIRST_RECORD, BATCH);
        check();
      },
    },
    {
      name: 'state machine, sale with fee and reference',
      perRun: SALES,
      before: () => {
        // A sale puts two legs into the index of transfers.
        machine.prepare(SALES * 2);
        for (let sale = 0; sale < SALES; sale++) sales.renew(salesBatch, sale * saleWords, Date.now());
      },
      run: () => {
        for (let sale = 0; sale < SALES; sale++) machine.sale(salesBatch, sale * saleWords + FIRST_RECORD);
        check();
      },
    },
    {
      name: 'state machine, the same sale with the default risk rules',
      perRun: SALES,
      before: () => {
        ruled.prepare(SALES * 2);
        for (let sale = 0; sale < SALES; sale++) sales.renew(salesBatch, sale * saleWords, Date.now());
      },
      run: () => {
        for (let sale = 0; sale < SALES; sale++) ruled.sale(salesBatch, sale * saleWords + FIRST_RECORD);
      },
    },
    {
      name: 'risk, the default rules and their features: per payment',
      perRun: SALES,
      before: () => ruled.prepare(SALES * 2),
      run: () => {
        for (let sale = 0; sale < SALES; sale++) ruled.assess(salesBatch, sale * saleWords + FIRST_RECORD);
      },
    },
  ];
}

function journalTasks(): MicroTask[] {
  const buffer = new Uint8Array(JOURNAL_BYTES).fill(0x5a);
  const info = { lsn: 0, sequence: 1, timestamp: 1, eventCount: BATCH, partition: 0, previousHash: NO_HASH };
  return [
    {
      name: 'journal, seal a batch: per transfer',
      perRun: BATCH,
      run: () => sealBatch(buffer, JOURNAL_BYTES, info),
    },
    {
      name: 'journal, hash a batch: per transfer',
      perRun: BATCH,
      run: () => void batchHash(buffer),
    },
  ];
}

function memtableTasks(): MicroTask[] {
  const keys = new Uint32Array(KEYS * 4);
  const random = new Random(1);
  const ids = new TimeOrderedIds(random);
  ids.at(Date.now());
  for (let key = 0; key < KEYS; key++) ids.write(keys, key * 4);
  const filled = new Memtable({ bound: KEYS, hashSeed: 1 });
  const each = (visit: (w0: number, w1: number, w2: number, w3: number, lsn: number) => unknown): void => {
    for (let at = 0; at < keys.length; at += 4) {
      visit(keys[at] as number, keys[at + 1] as number, keys[at + 2] as number, keys[at + 3] as number, at + 1);
    }
  };
  each((w0, w1, w2, w3, lsn) => filled.put(w0, w1, w2, w3, lsn));
  let empty = filled;
  return [
    {
      name: 'memtable, put a new id',
      perRun: KEYS,
      before: () => {
        empty = new Memtable({ bound: KEYS, hashSeed: 1 });
      },
      run: () => each((w0, w1, w2, w3, lsn) => empty.put(w0, w1, w2, w3, lsn)),
    },
    { name: 'memtable, get a known id', perRun: KEYS, run: () => each((w0, w1, w2, w3) => filled.get(w0, w1, w2, w3)) },
    {
      name: 'memtable, get an unknown id',
      perRun: KEYS,
      run: () => each((w0, w1, w2, w3) => filled.get(w0, w1 ^ 1, w2 ^ 1, w3)),
    },
  ];
}
