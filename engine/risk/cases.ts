/**
 * Cases: payments that somebody has to look at. A case has the id of its payment and lives where that does, with the payer:
 *
 *   open ── analysed ──▶ analysed ── decision ──▶ agreed (the money goes back), disagreed (the payment goes on)
 *
 * A decision may also come at once. Each change is a version in the journal; open ones are known in memory by their numbers.
 */
import { deriveId } from '../../protocol/ids.ts';
import type { ChangeCaseBody, RegistryReply, StoredCase } from '../../protocol/registry-bodies.ts';
import { REGISTRY_LIMITS } from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { decodeEntity, type Entities, wordsOf } from '../entity/entities.ts';
import { EntityTables, entityEventBytes } from '../entity/event.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { placeOf } from '../sorted-numbers.ts';

/** Rules that a case names which a payment opens by itself; its decision names them all. */
export const OPENING_RULES_MAX = 4;
/** What such a case takes of a batch's journal at most: its rules, and the rest. */
export const OPEN_CASE_BYTES = entityEventBytes(OPENING_RULES_MAX * 66 + 256);
/** Cases that one page may look at: bounds the time of a query. */
const VISITS_MAX = 2000;
/** Half of a reply: what one more case takes, without its comments, is never more than the other half. */
const PAGE_BYTES_MAX = 32_768;

interface Open {
  readonly lsn: number;
  readonly institution: number;
}

export class Cases {
  readonly #ledger: Ledger;
  readonly #entities: Entities;
  /** By number, in the order of opening. */
  readonly #open = new Map<number, Open>();
  /** The numbers of the open ones, ascending. */
  #numbers: number[] = [];
  #opened = 0;
  /** Cases that were not opened, because too many were. */
  dropped = 0;

  constructor(ledger: Ledger, entities: Entities) {
    this.#ledger = ledger;
    this.#entities = entities;
  }

  /**
   * Opens the case of a payment, unless there is one; also from inside a batch, by the payment itself.
   * @param paymentId 32 hex digits
   * @returns false when too many are open
   */
  open(institution: number, paymentId: string, rules: readonly string[]): boolean {
    if (this.#find(paymentId) !== undefined) return true;
    if (this.#open.size >= REGISTRY_LIMITS.openCases) {
      this.dropped++;
      return false;
    }
    this.#write({
      paymentId,
      institution,
      rules: rules.slice(0, REGISTRY_LIMITS.rulesPerCase),
      state: 'open',
      assignee: '',
      comments: [],
      openedAt: this.#ledger.now,
      number: this.#opened + 1,
    });
    return true;
  }

  /** A decision is the last step: the payment has followed it before. */
  change(institution: number, body: ChangeCaseBody): RegistryReply {
    const { paymentId, by, assignee, comment, analysed, decision } = body;
    const known = this.#find(paymentId);
    if (known === undefined || !maySee(known, institution)) return { code: Code.caseNotFound };
    const decided = decision === undefined ? undefined : decision === 'return' ? 'agreed' : 'disagreed';
    if (known.state === 'agreed' || known.state === 'disagreed') {
      // The same decision again, by whoever did not hear of the first answer.
      return known.state === decided ? { code: Code.ok, case: known } : { code: Code.caseClosed };
    }
    const isComment = comment !== undefined;
    if (isComment && known.comments.length >= REGISTRY_LIMITS.commentsPerCase) return { code: Code.caseFull };
    const next: StoredCase = {
      ...known,
      assignee: assignee ?? known.assignee,
      comments: isComment ? [...known.comments, { at: this.#ledger.now, by, text: comment }] : known.comments,
      state: decided ?? (analysed === true ? 'analysed' : known.state),
    };
    if (isComment || next.assignee !== known.assignee || next.state !== known.state) this.#write(next);
    return { code: Code.ok, case: next };
  }

  read(institution: number, paymentId: string): RegistryReply {
    const known = this.#find(paymentId);
    return known !== undefined && maySee(known, institution)
      ? { code: Code.ok, case: known }
      : { code: Code.caseNotFound };
  }

  /** Open ones that an institution may see, without their comments, newest first. `cursor`: before this number; 0 = all. */
  page(
    institution: number,
    cursor: number,
    limit: number,
  ): { readonly cases: readonly StoredCase[]; readonly nextCursor: number } {
    const cases: StoredCase[] = [];
    let at = cursor === 0 ? this.#numbers.length : placeOf(this.#numbers, cursor);
    let bytes = 0;
    for (let visits = 0; at > 0 && visits < VISITS_MAX && cases.length < limit && bytes < PAGE_BYTES_MAX; visits++) {
      const open = this.#open.get(this.#numbers[--at] as number);
      if (open === undefined || !(institution === OPERATOR_INSTITUTION || institution === open.institution)) continue;
      const event = this.#ledger.events.read(open.lsn);
      const known = decodeEntity<StoredCase>(event);
      const shown = { ...known, comments: [] };
      cases.push(shown);
      bytes += JSON.stringify(shown).length;
    }
    return { cases, nextCursor: at === 0 ? 0 : (this.#numbers[at] as number) };
  }

  /** Applies a version that an event holds; for decisions and for replay. */
  apply({ number, state, institution }: StoredCase, lsn: number): void {
    this.#opened = Math.max(this.#opened, number);
    const isOpen = state === 'open' || state === 'analysed';
    const place = placeOf(this.#numbers, number);
    const isKnown = this.#numbers[place] === number;
    if (isOpen) {
      if (!isKnown) this.#numbers.splice(place, 0, number);
      this.#open.set(number, { lsn, institution });
    } else if (isKnown) {
      this.#numbers.splice(place, 1);
      this.#open.delete(number);
    }
  }

  /** Positions of the newest versions of those that are open, oldest case first, and how many were ever opened. */
  save(): { readonly cases: readonly number[]; readonly opened: number } {
    return { cases: this.#numbers.map((number) => this.#open.get(number)?.lsn ?? 0), opened: this.#opened };
  }

  restore(opened: number): void {
    this.#opened = opened;
  }

  #find(paymentId: string): StoredCase | undefined {
    const lsn = this.#entities.find(keyOf(paymentId));
    return lsn === 0 ? undefined : decodeEntity<StoredCase>(this.#ledger.events.read(lsn));
  }

  #write(riskCase: StoredCase): void {
    const { paymentId, institution } = riskCase;
    this.apply(riskCase, this.#entities.write(EntityTables.case, keyOf(paymentId), institution, riskCase));
  }
}

function maySee({ institution }: StoredCase, reader: number): boolean {
  return reader === institution || reader === OPERATOR_INSTITUTION;
}

function keyOf(paymentId: string): Uint32Array {
  return wordsOf(deriveId('case', paymentId));
}
