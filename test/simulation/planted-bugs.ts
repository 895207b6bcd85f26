/** Bugs that never were in the engine: each is a change of one text in one compiled file. */

export interface PlantedBug {
  readonly name: string;
  /** Partitions of the run that finds it; 1 unless it is there. */
  readonly partitions?: number;
  /** In dist/. */
  readonly file: string;
  /** Each text is there exactly once. */
  readonly edits: readonly (readonly [find: string, replace: string])[];
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'lost flush: answers before the batch is durable',
    file: 'engine/worker/partition.js',
    edits: [['await durable;', 'durable.catch(() => undefined);']],
  },
  {
    name: 'torn batch accepted: the checksum is not looked at',
    file: 'engine/journal/header.js',
    edits: [['if (header.crc !== crc)', 'if (header.crc < 0)']],
  },
  {
    name: 'wrong order of checks: who may debit is asked after the ledgers were compared',
    file: 'engine/ledger/ledger.js',
    edits: [
      [
        'if (!this.mayDebit(debit, institution))',
        'if ((flags & (postPending | voidPending)) !== 0 && !this.mayDebit(debit, institution))',
      ],
      [
        'return this.judge(debit, credit, this.amount, (flags & pending) !== 0);',
        'if (!this.mayDebit(debit, institution)) return Code.debitAccountForbidden;\n' +
          'return this.judge(debit, credit, this.amount, (flags & pending) !== 0);',
      ],
    ],
  },
  {
    name: 'double credit after a crash: replay posts a hold twice',
    file: 'engine/ledger/replay.js',
    edits: [
      [
        'ledger.books.settle(slot, posted, remaining - posted - kept);',
        'const payee = ledger.holds.credit[slot]; ledger.books.settle(slot, posted, remaining - posted - kept);\n' +
          'ledger.accounts.creditsPosted[payee] += posted;',
      ],
      ["throw new ReplayError(lsn, 'the balance after the transfer is not the one that was recorded');", ''],
    ],
  },
  {
    name: 'a payment that was cancelled before it came is compared with nothing instead of declined',
    file: 'engine/payment/create.js',
    edits: [['if (isCancelledBefore(first))', 'if (false)']],
  },
  {
    name: 'expiry racing capture: what is due expires after the commands of the batch',
    file: 'engine/worker/partition.js',
    edits: [
      ['this.#expire();\n        const { words }', 'const { words }'],
      [
        'this.#command(batch, words, entryWord(index));',
        'this.#command(batch, words, entryWord(index));\nthis.#expire();',
      ],
    ],
  },
  {
    name: 'idempotency forgotten: recovery does not enter the ids of transfers',
    file: 'engine/ledger/replay.js',
    edits: [['enter(transfers, words, record, lsn);', 'if (lsn < 0) enter(transfers, words, record, lsn);']],
  },
  {
    name: 'operations forgotten: recovery does not enter the ids of captures, voids and refunds',
    file: 'engine/payment/replay.js',
    edits: [['if (!isZeroId(words, operation))', 'if (lsn < 0 && !isZeroId(words, operation))']],
  },
  {
    name: 'chain undone only partly: pending debits stay',
    file: 'engine/ledger/undo.js',
    edits: [['accounts.debitsPending[index] = this.#balances[at + 1];', '']],
  },
  {
    name: 'fee rounded down',
    file: 'engine/payment/amounts.js',
    edits: [['Math.floor((share + BASIS / 2) / BASIS)', 'Math.floor(share / BASIS)']],
  },
  {
    name: 'refund over what was captured',
    file: 'engine/payment/refund.js',
    edits: [['amount > captured - refunded', 'amount > captured']],
  },
  {
    name: 'balance limit ignores pending debits',
    file: 'engine/ledger/ledger.js',
    edits: [
      [
        'const debits = debitsPending[account] + debitsPosted[account];',
        'const debits = debitsPosted[account] + 0 * debitsPending[account];',
      ],
    ],
  },
  {
    name: 'replay leaves holds out',
    file: 'engine/ledger/replay.js',
    edits: [
      [
        'ledger.books.reserve(words, record, debit, credit, amount, deadline, code);',
        'if (lsn < 0) ledger.books.reserve(words, record, debit, credit, amount, deadline, code);',
      ],
    ],
  },
  {
    name: 'a checkpoint loses the deadlines of holds',
    file: 'engine/worker/snapshot.js',
    edits: [['tables.timers.schedule(', 'if (at < 0) tables.timers.schedule(']],
  },
  {
    name: 'a batch is answered although it could not be written',
    file: 'engine/journal/journal.js',
    edits: [['flight.reject(this.#failure);', 'flight.resolve();']],
  },
  {
    name: 'the word of the storage is taken: a batch that is not there is called durable',
    file: 'engine/journal/journal.js',
    edits: [['if (this.#store.floor(lsn) !== lsn)', 'if (this.#store.floor(lsn) === -1)']],
  },
  {
    name: 'a balance in the past leaves out what happened at that time itself',
    file: 'engine/query/balances.js',
    edits: [['histories.firstFrom(account, time + 1)', 'histories.firstFrom(account, time)']],
  },
  {
    name: 'recovery counts the entries of a history wrongly',
    file: 'engine/ledger/replay.js',
    edits: [
      [
        'if (credit !== debit)\n        countEntry(ledger.tables.histories, ledger.accounts, credit, lsn);',
        'if (credit !== debit && lsn % 7 !== 0)\n        countEntry(ledger.tables.histories, ledger.accounts, credit, lsn);',
      ],
    ],
  },
  {
    name: 'a payment that comes twice is carried out twice in the partition of the payee',
    partitions: 2,
    file: 'engine/ledger/parts.js',
    edits: [
      ['if (known !== 0) {\n        const { code, culprit }', 'if (known < 0) {\n        const { code, culprit }'],
    ],
  },
  {
    name: 'a chain is ended as a whole although one of it has ended before',
    file: 'engine/ledger/end-chain.js',
    edits: [
      ['if (slot === NO_HOLD)\n        return howEnded(ledger, id, 0);', 'if (slot === NO_HOLD) return Code.ok;'],
      ['for (const slot of others)', 'for (const slot of others) if (slot !== NO_HOLD)'],
    ],
  },
  {
    name: 'the other partition does not follow when a chain is ended as a whole',
    partitions: 2,
    file: 'engine/ledger/end-chain.js',
    edits: [['if (clearing.isClearing(credit))', 'if (lsn < 0)']],
  },
  {
    name: 'lost settlement after a crash: what was under way is not sent again',
    partitions: 2,
    file: 'engine/worker/clearing-commands.js',
    edits: [['resendAll(ledger);', '']],
  },
  {
    name: 'settlement forgotten: recovery does not know what another partition has to confirm',
    partitions: 2,
    file: 'engine/ledger/replay.js',
    edits: [
      [
        'holdMember(ledger, lsn, transferFlags(words, record), debit, credit, readU64(words, record + TransferWord.amount));',
        'holdMember(ledger, lsn, transferFlags(words, record), debit, credit, readU64(words, record + TransferWord.amount));\n' +
          'ledger.clearing.unfinished.delete(lsn);',
      ],
    ],
  },
  {
    name: 'double credit after a repeated message',
    partitions: 2,
    file: 'engine/ledger/crossings.js',
    edits: [['if (answer !== undefined)', 'if (answer !== undefined && ends)']],
  },
  {
    name: 'a refusal of the other partition does not give the money back',
    partitions: 2,
    file: 'engine/ledger/crossings.js',
    edits: [
      [
        'return ledger.record(record, 0, ended.institution, code);',
        'if (code !== Code.ok) ledger.books.transfer(debit, ended.credit, ended.amount);\n' +
          'return ledger.record(record, 0, ended.institution, code);',
      ],
    ],
  },
  {
    name: 'a message leaves before its batch is durable',
    partitions: 2,
    file: 'engine/worker/partition.js',
    edits: [['await durable;', 'if (messages === undefined) await durable; else durable.catch(() => undefined);']],
  },
];
