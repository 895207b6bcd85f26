// The issuer and this switch die at any moment of any flow; when both are back and nothing waits any more, both have the same money.
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { closeAll } from '../link/harness.ts';
import { made } from '../simulate/till.ts';
import { IssuerDesk } from './issuer-desk.ts';

afterEach(closeAll);

const SEED = 8583;
const PARTLY = 9108;

/** Amounts by which the simulated issuer approves, declines, is slow or late, answers twice or wrongly, loses messages, or dies. */
const amount = fc.constantFrom(1250, 9051, 9100, 9101, 9102, 9104, 9105, 9106, 9107, PARTLY);

type Step =
  | { readonly kind: 'purchase' | 'refund' | 'preauthorise'; readonly amount: number }
  /** About the payment that is so many before. */
  | { readonly kind: 'reverse' | 'reverseNow' | 'repeat' | 'complete'; readonly back: number }
  | { readonly kind: 'issuerDies' | 'issuerReturns' | 'crash' };

const back = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('purchase', 'refund', 'preauthorise'), amount }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('reverse', 'reverseNow', 'repeat', 'complete'), back }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('issuerDies', 'issuerReturns', 'crash') }) },
);

class Course {
  readonly #desk: IssuerDesk;
  readonly #payments: { readonly message: Message; readonly asked: Promise<Message | undefined> }[] = [];
  readonly #asked: Promise<unknown>[] = [];
  readonly #unanswered: Message[] = [];

  constructor(desk: IssuerDesk) {
    this.#desk = desk;
  }

  async take(step: Step): Promise<void> {
    const { terminal, card, issuer } = this.#desk;
    switch (step.kind) {
      case 'purchase':
      case 'refund':
      case 'preauthorise': {
        // Of a preauthorisation that was approved in part, all stays held here: that is for its completion to say.
        const isPart = step.kind === 'preauthorise' && step.amount === PARTLY;
        const message = made(terminal[step.kind](card, isPart ? 1250 : step.amount));
        this.#payments.push({ message, asked: this.#ask(message) });
        return;
      }
      case 'issuerDies':
        return issuer.isListening ? issuer.stop() : undefined;
      case 'issuerReturns':
        return issuer.isListening ? undefined : void (await issuer.start());
      case 'crash':
        await this.#desk.crash();
        return this.#desk.start();
      default: {
        const payment = this.#payments.at(-1 - step.back);
        if (payment === undefined) return;
        if (step.kind === 'repeat') return void this.#ask(terminal.repeat(payment.message));
        if (step.kind === 'reverseNow') return void this.#ask(terminal.reverse(payment.message, '0420'));
        const answer = await payment.asked;
        if (step.kind === 'reverse') return void this.#ask(terminal.reverse(payment.message, '0400'));
        if (answer?.text(39) === '00' && payment.message.mti === '0100') {
          void this.#ask(terminal.complete(payment.message, answer, 1000));
        }
      }
    }
  }

  /** Acquirers repeat advices and reversals until they are answered; then nothing waits. */
  async end(): Promise<void> {
    await Promise.all(this.#asked);
    while (this.#unanswered.length > 0) {
      const repeats = this.#unanswered.splice(0);
      await Promise.all(repeats.map((message) => this.#ask(this.#desk.terminal.repeat(message))));
    }
    if (!this.#desk.issuer.isListening) await this.#desk.issuer.start();
    await this.#desk.allTold();
  }

  #ask(message: Message): Promise<Message | undefined> {
    const asked = this.#desk.ask(message).catch(() => {
      // The switch has ended. Who asked for a payment then gives up.
      if (/^0[24]2|^040/.test(message.mti)) this.#unanswered.push(message);
      return undefined;
    });
    this.#asked.push(asked);
    return asked;
  }
}

it(`issuer and ledger agree after any course of events (seed ${SEED})`, { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 14 }),
      fc.constantFrom(1, 2),
      fc.boolean(),
      async (steps, partitions, standsIn) => {
        const desk = await IssuerDesk.open(partitions, standsIn ? { standIn: { amounts: { CNY: 9106 } } } : {});
        const course = new Course(desk);
        for (const one of steps) {
          await course.take(one);
          await new Promise((done) => setImmediate(done));
        }
        await course.end();
        const [owed, booked] = [await desk.owed(), desk.booked()];
        expect(owed).toEqual(booked);
        await closeAll();
      },
    ),
    { seed: SEED, numRuns: 80 },
  );
});
