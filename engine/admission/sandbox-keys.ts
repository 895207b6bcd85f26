/** The keys of a sandbox: of its payers' proofs, and of the codes that their devices make. Devices with keys of their own are the bank's. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { challengeText } from '../../protocol/challenge.ts';
import type { PaymentView } from '../../protocol/codecs/payment-query-codec.ts';
import { SharedKeyProofs } from './proofs.ts';

/** In the data directory, readable by its owner only. */
export const STEP_UP_KEY_FILE = 'step-up-key';
const PAYER_CODE_KEY_FILE = 'payer-code-key';
const KEY_BYTES = 32;

/** Path of the key of a sandbox's proofs; makes it when it is not there. */
export function ensureStepUpKey(dataDir: string): string {
  return ensureKey(dataDir, STEP_UP_KEY_FILE);
}

/** The same for the codes of devices. */
export function ensurePayerCodeKey(dataDir: string): string {
  return ensureKey(dataDir, PAYER_CODE_KEY_FILE);
}

/** The proof that the payer's device would make of a challenged payment, with the key in a file. */
export function prove({ payment, status }: PaymentView, keyFile: string): Uint8Array {
  const { createdAt, expiresAt } = status;
  return new SharedKeyProofs(readFileSync(keyFile)).prove(challengeText({ ...payment, createdAt, expiresAt }));
}

function ensureKey(dataDir: string, name: string): string {
  const path = join(dataDir, name);
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600 });
  return path;
}
