/** What card cryptography costs for each payment. */
import { IssuerKey } from '../../adapters/terminal/crypto/emv/card-keys.ts';
import { makeCryptogram } from '../../adapters/terminal/crypto/emv/cryptogram.ts';
import { type ArqcRequest, ArqcVerifier } from '../../adapters/terminal/crypto/emv/verify.ts';
import { aesCmac } from '../../adapters/terminal/crypto/mac.ts';
import { TripleDes } from '../../adapters/terminal/crypto/triple-des.ts';
import type { MicroTask } from './tasks.ts';

const RUNS = 100;
const KEY = Buffer.from('0123456789ABCDEFFEDCBA9876543210', 'hex');
const MESSAGE = new Uint8Array(250).fill(0x5a);
/** Authorised amount to ATC, then the results of the card. */
const FIELDS = {
  '9F02': '000000001250',
  '9F03': '000000000000',
  '9F1A': '0156',
  '95': '0000000000',
  '5F2A': '0156',
  '9A': '261123',
  '9C': '00',
  '9F37': 'DEADBEEF',
  '82': '2000',
  '9F36': '0102',
} as const;
const ORDER = ['9F02', '9F03', '9F1A', '95', '5F2A', '9A', '9C', '9F37', '82', '9F36'] as const;
const IADS = {
  'visa-cvn10': ['06010A03A00000', '03A00000'],
  'visa-cvn18': ['06011203A00000', '06011203A00000'],
} as const;

export function cryptoTasks(): MicroTask[] {
  const cipher = new TripleDes(KEY);
  return [
    arqcTask('visa-cvn10'),
    arqcTask('visa-cvn18'),
    repeated('retail MAC over 250 bytes', () => cipher.retailMac(MESSAGE, 2)),
    repeated('AES-CMAC over 250 bytes', () => aesCmac(KEY, MESSAGE)),
    repeated('triple DES, one block', () => cipher.encrypt(KEY.subarray(0, 8))),
  ];
}

/** From the tags to the verdict and the answer; nothing of the card is known before. */
function arqcTask(scheme: keyof typeof IADS): MicroTask {
  const card = { pan: '4761739001010119', psn: '01' };
  const [iad, tail] = IADS[scheme];
  const tags = new Map<number, Uint8Array>();
  for (const [tag, value] of Object.entries({ ...FIELDS, '9F27': '80', '9F10': iad })) {
    tags.set(Number.parseInt(tag, 16), new Uint8Array(Buffer.from(value, 'hex')));
  }
  const data = Buffer.from(ORDER.map((tag) => FIELDS[tag]).join('') + tail, 'hex');
  const keys = { scheme, imk: KEY, ...card, atc: Buffer.from('0102', 'hex'), un: Buffer.from('DEADBEEF', 'hex') };
  tags.set(0x9f26, makeCryptogram(keys, data).arqc);
  const codes = { arc: Uint8Array.of(0x30, 0x30), csu: new Uint8Array(4) };
  const request: ArqcRequest = { ...card, tags, codes };
  const issuer = new IssuerKey(KEY);
  const verifier = new ArqcVerifier();
  return repeated(`verify a cryptogram and answer it, ${scheme}`, () => {
    const { verdict } = verifier.verify(issuer, request);
    if (verdict !== 'ok') throw new Error(`the verdict is ${verdict}`);
  });
}

function repeated(name: string, once: () => unknown): MicroTask {
  return {
    name,
    perRun: RUNS,
    run: () => {
      for (let count = 0; count < RUNS; count++) once();
    },
  };
}
