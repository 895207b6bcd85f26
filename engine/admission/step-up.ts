/** The key under which the payers of a sandbox prove that it is them: devices with keys of their own are the bank's. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { challengeText } from '../../protocol/challenge.ts';
import type { PaymentView } from '../../protocol/codecs/payment-query-codec.ts';
import { SharedKeyProofs } from './proofs.ts';

/** In the data directory, readable by its owner only. */
export const STEP_UP_KEY_FILE = 'step-up-key';
const KEY_BYTES = 32;

/** Path of the sandbox's key; makes it when it is not there. */
export function ensureStepUpKey(dataDir: string): string {
  const path = join(dataDir, STEP_UP_KEY_FILE);
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600 });
  return path;
}

/** The proof that the payer's device would make of a challenged payment, with the key in a file. */
export function prove({ payment, status }: PaymentView, keyFile: string): Uint8Array {
  const { createdAt, expiresAt } = status;
  return new SharedKeyProofs(readFileSync(keyFile)).prove(challengeText({ ...payment, createdAt, expiresAt }));
}
