/** What people tell the risk rules at run time, as entities in the journal: lists, exemptions, freezes and cases. */
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import type {
  PutRiskExemptionBody,
  PutRiskListBody,
  StoredCase,
  StoredFreeze,
} from '../../protocol/registry-bodies.ts';
import { decodeEntity, type Entities } from '../entity/entities.ts';
import { EntityTables, tableOf } from '../entity/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Cases } from './cases.ts';
import { Exemptions } from './exemptions.ts';
import { Freezes } from './freezes.ts';
import { RiskLists } from './lists.ts';

/** Section of a checkpoint; not there when nothing is kept, as in checkpoints from before there was any of this. */
const SECTION = 'registry';

interface Saved {
  readonly lists: readonly string[];
  readonly exemptions: readonly number[];
  readonly freezes: readonly number[];
  readonly cases: readonly number[];
  /** Cases that were ever opened. */
  readonly opened: number;
}

export class Registry {
  readonly lists: RiskLists;
  readonly exemptions: Exemptions;
  readonly freezes: Freezes;
  readonly cases: Cases;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, entities: Entities, hashSeed: number) {
    this.#ledger = ledger;
    this.lists = new RiskLists(entities, hashSeed);
    this.exemptions = new Exemptions(ledger, entities);
    this.freezes = new Freezes(ledger, entities);
    this.cases = new Cases(ledger, entities);
  }

  /** Applies a stored entity event, of whatever table; for recovery. */
  replay(event: DataView, lsn: number): void {
    switch (tableOf(event)) {
      case EntityTables.listChange:
        return this.lists.apply(decodeEntity<PutRiskListBody>(event));
      case EntityTables.exemption:
        return this.exemptions.apply(decodeEntity<PutRiskExemptionBody>(event), lsn);
      case EntityTables.freeze:
        return this.freezes.apply(decodeEntity<StoredFreeze>(event), lsn);
      case EntityTables.case:
        return this.cases.apply(decodeEntity<StoredCase>(event), lsn);
    }
  }

  /** Sections of a checkpoint, in shared memory. */
  save(): Readonly<Record<string, Uint8Array>> {
    const { names, sections } = this.lists.save();
    const saved: Saved = {
      lists: names,
      exemptions: this.exemptions.save(),
      freezes: this.freezes.save(),
      ...this.cases.save(),
    };
    if (saved.lists.length + saved.exemptions.length + saved.freezes.length + saved.opened === 0) return {};
    const packed = encodeMessagePack(saved);
    const shared = new Uint8Array(new SharedArrayBuffer(packed.length));
    shared.set(packed);
    return { [SECTION]: shared, ...sections };
  }

  restore(sections: ReadonlyMap<string, Uint8Array>): void {
    const section = sections.get(SECTION);
    if (section === undefined) return;
    const saved = decodeMessagePack(section) as object as Saved;
    this.lists.restore(saved.lists, sections);
    for (const lsn of [...saved.exemptions, ...saved.freezes, ...saved.cases]) {
      this.replay(this.#ledger.events.read(lsn), lsn);
    }
    this.cases.restore(saved.opened);
  }
}
