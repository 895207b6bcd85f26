/** Payment codes: reading and writing one, with its checksum. */
import { decodeQr } from '../../adapters/qr/codec/decode.ts';
import { documentOf } from '../../adapters/qr/codec/document.ts';
import { encodeQr } from '../../adapters/qr/codec/encode.ts';
import { fieldsOf, type MerchantCode, type QrField } from '../../adapters/qr/codec/merchant-code.ts';
import { encodeMerchant } from '../../adapters/qr/codec/merchant-encode.ts';
import { counterOfCode, deviceCode, deviceKey } from '../../engine/admission/device-codes.ts';
import { codeDeviceToken, ONE_TIME_PREFIX, payerCodeKindAt, writeOneTimeCode } from '../../protocol/payer-codes.ts';
import type { MicroTask } from './tasks.ts';

const SMALL = 200;
const CHARACTERS = 200;
/** Characters of a bill number and of a reference. */
const LABEL = 25;

export function qrTasks(): MicroTask[] {
  const latin = makeCode('pix', 'Fulano de Tal');
  const chinese = makeCode('emvco', '最佳运输');
  const fields = fieldsOf(latin);
  return [
    decoding('qr, decode 200 characters with checksum', latin.text),
    decoding('qr, the same with a Chinese name', chinese.text),
    decoding('qr, decode a one-time code', '134567890123456789'),
    repeated('qr, encode 200 characters and check them', () => encodeMerchant({ profile: 'pix', fields })),
    repeated('qr, encode from JSON', () => encodeQr(documentOf(latin))),
    repeated('payer code, draw and check one', drawAndCheck),
    repeated('payer code, make and check one of a device', () => makeAndCheck(MASTER_KEY)),
  ];
}

/** Of devices that make codes. */
const MASTER_KEY = Buffer.alloc(32, 7);
const DEVICE = codeDeviceToken(12_345_678);
const CODE = new DataView(new ArrayBuffer(16));
let drawn = 0;
let counter = 0;

function drawAndCheck(): { readonly ok: boolean } {
  drawn = (drawn + 7919) % 1_000_000;
  writeOneTimeCode(CODE, 0, drawn, drawn * 997);
  return { ok: payerCodeKindAt(CODE, 0) === ONE_TIME_PREFIX };
}

function makeAndCheck(master: Uint8Array): { readonly ok: boolean } {
  counter++;
  const key = deviceKey(master, DEVICE);
  return { ok: counterOfCode(key, deviceCode(key, DEVICE, counter), counter - 1) === counter };
}

/** A code that says all that most codes say, filled up to 200 characters. */
function makeCode(profile: 'pix' | 'emvco', name: string): MerchantCode {
  const guid = profile === 'pix' ? 'br.gov.bcb.pix' : 'D15600000000';
  const account: QrField = {
    id: '26',
    value: [
      { id: '00', value: guid },
      { id: '01', value: '8b3da2f3-9a41-40d1-a91a-bd93113bd441' },
    ],
  };
  const fields = (filling: number): readonly QrField[] => [
    { id: '00', value: '01' },
    { id: '01', value: '12' },
    account,
    { id: '52', value: '5812' },
    { id: '53', value: profile === 'pix' ? '986' : '156' },
    { id: '54', value: '123.45' },
    { id: '58', value: profile === 'pix' ? 'BR' : 'CN' },
    { id: '59', value: name },
    { id: '60', value: 'BRASILIA' },
    { id: '61', value: '70074900' },
    {
      id: '62',
      value: [
        { id: '01', value: 'B'.repeat(Math.max(filling - LABEL, 1)) },
        { id: '05', value: 'R'.repeat(Math.min(filling, LABEL)) },
        { id: '07', value: '00000001' },
      ],
    },
  ];
  for (let filling = 1; filling <= 2 * LABEL; filling++) {
    const made = encodeMerchant({ profile, fields: fields(filling) });
    if (!made.ok) throw new Error(made.error.message);
    if (made.value.text.length === CHARACTERS) return made.value;
  }
  throw new Error(`no filling makes a code of ${CHARACTERS} characters`);
}

function decoding(name: string, text: string): MicroTask {
  return repeated(name, () => decodeQr(text));
}

/** A task that repeats what has to go well. */
function repeated(name: string, once: () => { readonly ok: boolean }): MicroTask {
  return {
    name,
    perRun: SMALL,
    run: () => {
      for (let count = 0; count < SMALL; count++) if (!once().ok) throw new Error(`${name} failed`);
    },
  };
}
