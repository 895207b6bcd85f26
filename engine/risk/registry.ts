/** What people tell the risk rules at run time, as entities in the journal: lists and exemptions. */
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import type { PutRiskExemptionBody, PutRiskListBody } from '../../protocol/registry-bodies.ts';
import { decodeEntity, type Entities } from '../entity/entities.ts';
import { EntityTables, tableOf } from '../entity/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Exemptions } from './exemptions.ts';
import { RiskLists } from './lists.ts';

/** Section of a checkpoint; not there when nothing is kept, as in checkpoints from before there was any of this. */
const SECTION = 'registry';

interface Saved {
  readonly lists: readonly string[];
  readonly exemptions: readonly number[];
}

export class Registry {
  readonly lists: RiskLists;
  readonly exemptions: Exemptions;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, entities: Entities, hashSeed: number) {
    this.#ledger = ledger;
    this.lists = new RiskLists(entities, hashSeed);
    this.exemptions = new Exemptions(ledger, entities);
  }

  /** Applies a stored entity event, of whatever table; for recovery. */
  replay(event: DataView, lsn: number): void {
    switch (tableOf(event)) {
      case EntityTables.listChange:
        return this.lists.apply(decodeEntity<PutRiskListBody>(event));
      case EntityTables.exemption:
        return this.exemptions.apply(decodeEntity<PutRiskExemptionBody>(event), lsn);
    }
  }

  /** Sections of a checkpoint, in shared memory. */
  save(): Readonly<Record<string, Uint8Array>> {
    const { names, sections } = this.lists.save();
    const saved: Saved = { lists: names, exemptions: this.exemptions.save() };
    if (saved.lists.length + saved.exemptions.length === 0) return {};
    const packed = encodeMessagePack(saved);
    const shared = new Uint8Array(new SharedArrayBuffer(packed.length));
    shared.set(packed);
    return { [SECTION]: shared, ...sections };
  }

  restore(sections: ReadonlyMap<string, Uint8Array>): void {
    const section = sections.get(SECTION);
    if (section === undefined) return;
    const saved = decodeMessagePack(section) as unknown as Saved;
    this.lists.restore(saved.lists, sections);
    for (const lsn of saved.exemptions) this.replay(this.#ledger.events.read(lsn), lsn);
  }
}
