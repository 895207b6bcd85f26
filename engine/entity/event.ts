/**
 * The entity event: one version of a named thing (party, tariff, campaign, what risk keeps), its content as MessagePack.
 *
 *   prefix (16) ‖ ENTITY (48) ‖ body, padded to 16
 */
import { layout } from '../../protocol/layout.ts';
import { EVENT_PREFIX_BYTES } from '../ledger/events.ts';

export const ENTITY = layout('entity', 48, {
  /** `deriveId(table, …name)`. */
  key: [0, 'u128'],
  timestamp: [16, 'u64'],
  /** Position of the version written before this one in the institution's list; 0 = none. */
  previousOfList: [24, 'u64'],
  bodyLength: [32, 'u32'],
  table: [36, 'u16'],
  reserved16: [38, 'u16'],
  reserved: [40, 'u64'],
});

/** Numbers are stored: never reuse one. */
export const EntityTables = {
  party: 1,
  tariff: 2,
  campaign: 3,
  ruleSet: 4,
  listChange: 5,
  exemption: 6,
  freeze: 7,
  case: 8,
  outbox: 9,
  order: 10,
  counters: 11,
} as const;

export const ENTITY_BODY_AT = EVENT_PREFIX_BYTES + ENTITY.size;

export function entityEventBytes(bodyLength: number): number {
  return ENTITY_BODY_AT + ((bodyLength + 15) & ~15);
}

/** An EntityTables value. */
export function tableOf(event: DataView): number {
  return event.getUint16(EVENT_PREFIX_BYTES + ENTITY.at.table, true);
}
