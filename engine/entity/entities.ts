/**
 * Named things of a partition: parties, tariffs and campaigns. Each is the newest version in the journal under its key; the
 * terms that payments need at every turn (tariffs, campaigns) are also kept decoded in memory, bounded by their number.
 */
import type { CampaignBody, PartyBody, StoredParty, TariffBody } from '../../protocol/bodies.ts';
import { deriveId, parseId } from '../../protocol/ids.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { EVENT_PREFIX_BYTES, type EventLog, EventTypes } from '../ledger/events.ts';
import type { KeyIndex } from '../ledger/key-index.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { writeU64 } from '../ledger/words.ts';
import type { DiscountTerms, FeeTerms } from '../payment/amounts.ts';
import { ENTITY, ENTITY_BODY_AT, EntityTables, entityEventBytes, tableOf } from './event.ts';

/** A tariff in force: its terms, where its fees go, and the version that set it. */
export interface Tariff extends FeeTerms {
  /** Index of the account that receives the fees; NO_ACCOUNT when it lives in another partition. */
  readonly feeAccount: number;
  /** Its id, as four words. */
  readonly feeAccountId: Uint32Array;
  readonly lsn: number;
}

export interface Campaign extends DiscountTerms {
  readonly lsn: number;
}

const CAMPAIGNS_MAX = 100_000;
/** Versions that one page of parties may look at: bounds the time of a query. */
const PARTY_VISITS_MAX = 10_000;
/** What StoredParty adds to a party's stored body, in MessagePack. */
const STORED_FIELDS_BYTES = 64;

const ENTITY_AT = EVENT_PREFIX_BYTES;
const TIMESTAMP_AT = ENTITY_AT + ENTITY.at.timestamp;
const PREVIOUS_AT = ENTITY_AT + ENTITY.at.previousOfList;
const LENGTH_AT = ENTITY_AT + ENTITY.at.bodyLength;
const TABLE_AT = ENTITY_AT + ENTITY.at.table;

export class Entities {
  readonly #ledger: Ledger;
  readonly #index: KeyIndex;
  /** By `tariffSlot`: an institution's merchants are charged by its own tariffs. */
  readonly #tariffs = new Map<number, Tariff>();
  /** By index of the funding account; by its id, when it lives in another partition. */
  readonly #campaigns = new Map<number | string, Campaign>();
  /** Position of the newest party version of each institution. */
  readonly #partyHeads = new Map<number, number>();

  constructor(ledger: Ledger, index: KeyIndex) {
    this.#ledger = ledger;
    this.#index = index;
  }

  tariff(institution: number, number: number): Tariff | undefined {
    return this.#tariffs.get(tariffSlot(institution, number));
  }

  /** The tariff as it was set at this position. */
  tariffAt(lsn: number): Tariff {
    return this.#tariffOf(decodeEntity<TariffBody>(this.#ledger.events.read(lsn)), lsn);
  }

  campaign(account: number): Campaign | undefined {
    return this.#campaigns.get(account);
  }

  /** The campaign of the account whose id is at word `at`, which lives in another partition. */
  campaignElsewhere(words: Uint32Array, at: number): Campaign | undefined {
    return this.#campaigns.get(elsewhereKey(words, at));
  }

  putParty(institution: number, body: PartyBody): { readonly code: number; readonly party?: StoredParty } {
    const key = partyKey(institution, body.handle);
    const known = this.find(key);
    if (known !== 0) {
      const before = this.#party(known);
      if (before.kind !== body.kind) return { code: Code.partyKindMustNotChange };
      if (sameParty(before, body)) return { code: Code.ok, party: before };
    }
    const lsn = this.write(EntityTables.party, key, institution, body, this.#partyHeads.get(institution) ?? 0);
    this.#partyHeads.set(institution, lsn);
    return { code: Code.ok, party: this.#party(lsn) };
  }

  getParty(institution: number, handle: string): { readonly code: number; readonly party?: StoredParty } {
    const lsn = this.find(partyKey(institution, handle));
    return lsn === 0 ? { code: Code.partyNotFound } : { code: Code.ok, party: this.#party(lsn) };
  }

  /** Newest change first; versions that were replaced are passed over. A page may hold fewer than `limit`. */
  listParties(
    institution: number,
    cursor: number,
    bounds: { readonly limit: number; readonly bytesMax: number },
  ): { readonly parties: readonly StoredParty[]; readonly nextCursor: number } {
    const parties: StoredParty[] = [];
    let lsn = cursor === 0 ? (this.#partyHeads.get(institution) ?? 0) : cursor;
    let bytes = 0;
    for (let visits = 0; lsn !== 0 && visits < PARTY_VISITS_MAX; visits++) {
      if (parties.length === bounds.limit || bytes > bounds.bytesMax) break;
      const event = this.#ledger.events.read(lsn);
      const previous = Number(event.getBigUint64(PREVIOUS_AT, true));
      const length = event.getUint32(LENGTH_AT, true);
      const party = this.#party(lsn);
      if (this.find(partyKey(institution, party.handle)) === lsn) {
        parties.push(party);
        bytes += length + STORED_FIELDS_BYTES;
      }
      lsn = previous;
    }
    return { parties, nextCursor: lsn };
  }

  /** Whether a position is the version of a party of this institution: for cursors that come from outside. */
  isPartyOf(institution: number, lsn: number): boolean {
    const event = this.#ledger.events.readUntrusted(lsn, EventTypes.entity, ENTITY_BODY_AT);
    return (
      event !== undefined &&
      event.getUint16(TABLE_AT, true) === EntityTables.party &&
      event.getUint32(8, true) === institution &&
      event.getUint32(LENGTH_AT, true) <= event.byteLength - ENTITY_BODY_AT
    );
  }

  putTariff(institution: number, body: TariffBody): number {
    const key = tariffKey(institution, body.number);
    const known = this.find(key);
    if (known !== 0 && sameJson(decodeEntity<TariffBody>(this.#ledger.events.read(known)), body)) return Code.ok;
    if (!this.#exists(body.feeAccountId)) return Code.feeAccountNotFound;
    const lsn = this.write(EntityTables.tariff, key, institution, body, 0);
    this.#tariffs.set(tariffSlot(institution, body.number), this.#tariffOf(body, lsn));
    return Code.ok;
  }

  putCampaign(institution: number, body: CampaignBody): number {
    if (!this.#exists(body.accountId)) return Code.campaignNotFound;
    const account = this.accountOf(body.accountId);
    // Who may debit an account that lives elsewhere was asked there, before this one.
    if (account !== NO_ACCOUNT && !this.#ledger.mayDebit(account, institution)) return Code.accountForbidden;
    const slot = this.#campaignSlot(body);
    if (!this.#campaigns.has(slot) && this.#campaigns.size >= CAMPAIGNS_MAX) return Code.busy;
    const key = campaignKey(body.accountId);
    const known = this.find(key);
    if (known !== 0 && sameJson(decodeEntity<CampaignBody>(this.#ledger.events.read(known)), body)) return Code.ok;
    const lsn = this.write(EntityTables.campaign, key, institution, body, 0);
    this.#campaigns.set(slot, { ...body, lsn });
    return Code.ok;
  }

  /** Stores a version of something that is kept decoded elsewhere, under its table and name; returns its position. */
  put(table: number, name: readonly string[], institution: number, body: object): number {
    return this.write(table, wordsOf(deriveId(`entity${table}`, ...name)), institution, body, 0);
  }

  /** Index of an account given in text, or NO_ACCOUNT. */
  accountOf(text: string): number {
    const id = parseId(text);
    return id === undefined ? NO_ACCOUNT : this.#ledger.findAccount(wordsOf(id), 0);
  }

  /** Applies a stored entity event; for recovery. */
  replay(event: DataView, lsn: number): void {
    const table = tableOf(event);
    const words = [0, 1, 2, 3].map((word) => event.getUint32(ENTITY_AT + word * 4, true)) as Words;
    this.#index.put(...words, lsn);
    this.#remember(table, event, lsn);
  }

  /** Positions from which `restore` rebuilds what is in memory. */
  snapshot(): Uint8Array {
    return encodeMessagePack({
      tariffs: [...this.#tariffs.values()].map((tariff) => tariff.lsn),
      campaigns: [...this.#campaigns.values()].map((campaign) => campaign.lsn),
      partyHeads: [...this.#partyHeads],
    });
  }

  restore(saved: Uint8Array): void {
    const { tariffs, campaigns, partyHeads } = decodeMessagePack(saved) as {
      tariffs: number[];
      campaigns: number[];
      partyHeads: [number, number][];
    };
    for (const lsn of tariffs) this.#remember(EntityTables.tariff, this.#ledger.events.read(lsn), lsn);
    for (const lsn of campaigns) this.#remember(EntityTables.campaign, this.#ledger.events.read(lsn), lsn);
    for (const [institution, lsn] of partyHeads) this.#partyHeads.set(institution, lsn);
  }

  #remember(table: number, event: DataView, lsn: number): void {
    if (table === EntityTables.party) {
      this.#partyHeads.set(event.getUint32(8, true), lsn);
    } else if (table === EntityTables.tariff) {
      const body = decodeEntity<TariffBody>(event);
      this.#tariffs.set(tariffSlot(event.getUint32(8, true), body.number), this.#tariffOf(body, lsn));
    } else if (table === EntityTables.campaign) {
      const body = decodeEntity<CampaignBody>(event);
      this.#campaigns.set(this.#campaignSlot(body), { ...body, lsn });
    }
  }

  /** Whether the account is here, or in a partition of its own where it will be checked. */
  #exists(text: string): boolean {
    const id = parseId(text);
    if (id === undefined) return false;
    const words = wordsOf(id);
    return this.#ledger.findAccount(words, 0) !== NO_ACCOUNT || this.#ledger.isElsewhere(words, 0);
  }

  #tariffOf(body: TariffBody, lsn: number): Tariff {
    const { basisPoints, fixed, minimum, maximum } = body;
    const feeAccountId = wordsOf(parseId(body.feeAccountId) ?? 0n);
    const feeAccount = this.#ledger.findAccount(feeAccountId, 0);
    return { basisPoints, fixed, minimum, maximum, feeAccount, feeAccountId, lsn };
  }

  #campaignSlot(body: CampaignBody): number | string {
    const account = this.accountOf(body.accountId);
    return account === NO_ACCOUNT ? elsewhereKey(wordsOf(parseId(body.accountId) ?? 0n), 0) : account;
  }

  /** Position of the newest version under a key; 0 = there is none. */
  find(key: Uint32Array): number {
    return this.#index.get(...toWords(key));
  }

  /** Stores a version under a key; returns its position. */
  write(table: number, key: Uint32Array, institution: number, body: object, previousOfList = 0): number {
    const { events, now } = this.#ledger;
    const packed = encodeMessagePack(body);
    const at = events.append(EventTypes.entity, 0, Code.ok, entityEventBytes(packed.length), institution);
    const { words, bytes } = events;
    words.fill(0, at + (ENTITY_AT >> 2), events.end >> 2);
    words.set(key, at + (ENTITY_AT >> 2));
    writeU64(words, at + (TIMESTAMP_AT >> 2), now);
    writeU64(words, at + (PREVIOUS_AT >> 2), previousOfList);
    words[at + (LENGTH_AT >> 2)] = packed.length;
    words[at + (TABLE_AT >> 2)] = table;
    bytes.set(packed, at * 4 + ENTITY_BODY_AT);
    const lsn = events.lsnOf(at);
    this.#index.put(...toWords(key), lsn);
    return lsn;
  }

  #party(lsn: number): StoredParty {
    const event = this.#ledger.events.read(lsn);
    const updatedAt = Number(event.getBigUint64(TIMESTAMP_AT, true));
    return { ...decodeEntity<PartyBody>(event), institution: event.getUint32(8, true), updatedAt };
  }
}

type Words = [number, number, number, number];

function toWords(key: Uint32Array): Words {
  return [key[0] as number, key[1] as number, key[2] as number, key[3] as number];
}

/** The four words of an id. */
export function wordsOf(id: bigint): Uint32Array {
  return Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number((id >> shift) & 0xffff_ffffn));
}

/** Four words: the account that receives the fees of the tariff that was set at a position. */
export function feeAccountIdAt(events: EventLog, lsn: number): Uint32Array {
  return wordsOf(parseId(decodeEntity<TariffBody>(events.read(lsn)).feeAccountId) ?? 0n);
}

function elsewhereKey(words: Uint32Array, at: number): string {
  return words.subarray(at, at + 4).join();
}

function partyKey(institution: number, handle: string): Uint32Array {
  return wordsOf(deriveId('party', String(institution), handle));
}

function tariffKey(institution: number, number: number): Uint32Array {
  return wordsOf(deriveId('tariff', String(institution), String(number)));
}

/** One number for institution (u32) and tariff (u16). */
function tariffSlot(institution: number, number: number): number {
  return institution * 0x1_0000 + number;
}

function campaignKey(accountId: string): Uint32Array {
  return wordsOf(deriveId('campaign', accountId));
}

/** The body of an entity event. */
export function decodeEntity<T>(event: DataView): T {
  const length = event.getUint32(LENGTH_AT, true);
  const body = decodeMessagePack(new Uint8Array(event.buffer, event.byteOffset + ENTITY_BODY_AT, length));
  if (body === undefined) throw new Error('the body of a stored entity is damaged');
  return body as T;
}

function sameParty(before: StoredParty, body: PartyBody): boolean {
  const { institution: _institution, updatedAt: _updatedAt, ...stored } = before;
  return sameJson(stored, body);
}

/** Bodies come from one parser, so their keys are in one order. */
function sameJson(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
