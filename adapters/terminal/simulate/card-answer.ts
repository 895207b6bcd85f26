/** The part of a simulated issuer that knows its cards: it verifies the cryptogram of a request and answers it (tag 91). */
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import type { Message } from '../iso8583/message.ts';
import { parseTlv, Tlv } from '../tlv/tlv.ts';

export interface CardKey {
  /** An issuer master key of the vault, usage E0. */
  readonly keyId: string;
}

export interface CardAnswer {
  readonly isRight: boolean;
  /** DE55 of the answer. */
  readonly field: Uint8Array | undefined;
}

/** Card status update: nothing to change at the card; the issuer approves online, or not. */
const STATUS = { approved: Uint8Array.of(0x00, 0x82, 0x00, 0x00), declined: Uint8Array.of(0x00, 0x02, 0x00, 0x00) };
const ISSUER_AUTHENTICATION = 0x91;
const RESPONSE_CODE = 0x8a;

/** Undefined when the request has no chip data. */
export async function answerCard(
  vault: KeyVault,
  { keyId }: CardKey,
  message: Message,
  code: string,
): Promise<CardAnswer | undefined> {
  const chip = message.bytes(55);
  if (chip === undefined) return undefined;
  const { tlv: tags } = parseTlv(chip);
  const pan = message.text(2) ?? (message.text(35) ?? '').split(/[=D]/)[0] ?? '';
  const psn = (message.text(23) ?? '000').slice(-2);
  const arc = Buffer.from(code, 'latin1');
  const codes = { arc, csu: code === '00' ? STATUS.approved : STATUS.declined };
  const { verdict, response } = await vault.verifyArqc(keyId, { pan, psn, tags, codes });
  if (verdict !== 'ok' || response?.ok !== true) return { isRight: false, field: undefined };
  const field = new Tlv().set(ISSUER_AUTHENTICATION, response.tag91).set(RESPONSE_CODE, arc).encode();
  return { isRight: true, field };
}
