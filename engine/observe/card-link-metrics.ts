/** Links for card messages at `/metrics`. Links are few and named in the setup; message types and events are those of fixed tables. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** What was counted of a link since the switch started. */
export interface CardLinkFigures {
  readonly link: string;
  readonly isOpen: boolean;
  /** By message type. */
  readonly received: ReadonlyMap<string, number>;
  readonly sent: ReadonlyMap<string, number>;
  /** Timeouts, errors, refusals … */
  readonly events: Readonly<Record<string, number>>;
}

export function registerCardLinks(registers: Registry[], figures: () => readonly CardLinkFigures[]): void {
  new Gauge({
    name: 'sluice_card_link_open',
    help: 'Whether a link for card messages takes some.',
    labelNames: ['link'],
    registers,
    collect() {
      for (const { link, isOpen } of figures()) this.set({ link }, isOpen ? 1 : 0);
    },
  });
  new Counter({
    name: 'sluice_card_messages_total',
    help: 'Card messages by link, direction and message type.',
    labelNames: ['link', 'direction', 'type'],
    registers,
    collect() {
      this.reset();
      for (const { link, received, sent } of figures()) {
        for (const [type, count] of received) this.inc({ link, direction: 'received', type }, count);
        for (const [type, count] of sent) this.inc({ link, direction: 'sent', type }, count);
      }
    },
  });
  new Counter({
    name: 'sluice_card_link_events_total',
    help: 'What went wrong on a link for card messages, by kind.',
    labelNames: ['link', 'event'],
    registers,
    collect() {
      this.reset();
      for (const { link, events } of figures()) {
        for (const [event, count] of Object.entries(events)) this.inc({ link, event }, count);
      }
    },
  });
}
