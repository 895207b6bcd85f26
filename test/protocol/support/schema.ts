/** Everything that both ends must agree on, as one value. */

import type { Field } from '../../../protocol/body-fields.ts';
import { PAYMENT_CANCELLATION } from '../../../protocol/cancellation.ts';
import * as orders from '../../../protocol/order-bodies.ts';
import * as cards from '../../../protocol/cards.ts';
import * as payerCodes from '../../../protocol/payer-codes.ts';
import { COMMANDS } from '../../../protocol/commands.ts';
import * as frame from '../../../protocol/frame.ts';
import type { FieldTable, Layout } from '../../../protocol/layout.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import * as outbox from '../../../protocol/outbox-bodies.ts';
import * as bodies from '../../../protocol/parse-bodies.ts';
import * as reading from '../../../protocol/reading-records.ts';
import * as records from '../../../protocol/records.ts';
import * as registry from '../../../protocol/registry-bodies.ts';
import { RESULTS } from '../../../protocol/results.ts';
import * as risk from '../../../protocol/risk.ts';
import { CloseCodes, WEBSOCKET_PATH } from '../../../protocol/websocket.ts';

/** In the order of the specification page. */
export const LAYOUTS: readonly Layout<FieldTable>[] = [
  frame.FRAME_HEADER,
  frame.REFUSAL,
  records.RESULT,
  records.ACCOUNT,
  records.ACCOUNT_CHANGE,
  records.TRANSFER,
  records.BALANCES,
  records.END_CHAIN,
  records.CHAIN_ENDED,
  records.TRANSFER_OUTCOME,
  records.HISTORY_QUERY,
  reading.HISTORY_FILTER,
  reading.BALANCE_QUERY,
  reading.BALANCE_AT,
  reading.TRIAL_QUERY,
  reading.TRIAL_BALANCE,
  reading.AGGREGATE_QUERY,
  reading.AGGREGATE,
  records.PAGE,
  records.PAYMENT,
  risk.RISK_CONTEXT,
  records.PAYMENT_OPERATION,
  PAYMENT_CANCELLATION,
  records.PAYMENT_STATE,
  records.PAYMENT_QUERY,
  risk.RISK_SIGNAL,
  cards.CARD,
  cards.CARD_USE,
  payerCodes.PAYER_CODE,
  payerCodes.CODE_DEVICE,
];

export const BODIES: Readonly<Record<string, Readonly<Record<string, Field<unknown>>>>> = {
  HelloBody: bodies.HELLO_FIELDS,
  HelloReply: bodies.HELLO_REPLY_FIELDS,
  PartyBody: bodies.PARTY_FIELDS,
  GetPartyBody: bodies.GET_PARTY_FIELDS,
  ListPartiesBody: bodies.LIST_PARTIES_FIELDS,
  TariffBody: bodies.TARIFF_FIELDS,
  CampaignBody: bodies.CAMPAIGN_FIELDS,
  ActivateRulesBody: bodies.ACTIVATE_RULES_FIELDS,
  ExplainPaymentBody: bodies.EXPLAIN_PAYMENT_FIELDS,
  StoredParty: bodies.STORED_PARTY_FIELDS,
  RichReply: bodies.RICH_REPLY_FIELDS,
  PutRiskListBody: registry.PUT_RISK_LIST_FIELDS,
  GetRiskListBody: registry.GET_RISK_LIST_FIELDS,
  PutRiskExemptionBody: registry.PUT_RISK_EXEMPTION_FIELDS,
  ReadAccountRiskBody: registry.READ_ACCOUNT_RISK_FIELDS,
  PutFreezeBody: registry.PUT_FREEZE_FIELDS,
  EndFreezeBody: registry.END_FREEZE_FIELDS,
  OpenCaseBody: registry.OPEN_CASE_FIELDS,
  ChangeCaseBody: registry.CHANGE_CASE_FIELDS,
  ReadCasesBody: registry.READ_CASES_FIELDS,
  PutOutboxBody: outbox.PUT_OUTBOX_FIELDS,
  ChangeOutboxBody: outbox.CHANGE_OUTBOX_FIELDS,
  RemoveOutboxBody: outbox.REMOVE_OUTBOX_FIELDS,
  ListOutboxBody: outbox.LIST_OUTBOX_FIELDS,
  PutOrderBody: orders.PUT_ORDER_FIELDS,
  ReadOrderBody: orders.READ_ORDER_FIELDS,
  ChangeOrderBody: orders.CHANGE_ORDER_FIELDS,
  PayOrderBody: orders.PAY_ORDER_FIELDS,
  RefundOrderBody: orders.REFUND_ORDER_FIELDS,
  PutCountersBody: orders.PUT_COUNTERS_FIELDS,
  GetCountersBody: orders.GET_COUNTERS_FIELDS,
  PayCounterBody: orders.PAY_COUNTER_FIELDS,
  RegistryReply: registry.REGISTRY_REPLY_FIELDS,
  ReadChangesBody: bodies.READ_CHANGES_FIELDS,
  ChangesReply: bodies.CHANGES_REPLY_FIELDS,
  Change: bodies.CHANGE_FIELDS,
};

/** What the hash of the schema is taken over. Summaries and messages are left out: their wording may change. */
export function schema(): object {
  return {
    layouts: LAYOUTS.map(({ name, size, fields }) => [name, size, fields]),
    bodies: Object.entries(BODIES).map(([name, fields]) => [
      name,
      Object.entries(fields).map(([k, f]) => [k, f.accepts]),
    ]),
    commands: Object.entries(COMMANDS).map(([name, { kind, body, recordBytes }]) => [name, kind, body, recordBytes]),
    results: Object.entries(RESULTS).map(([name, { code, retry }]) => [name, code, retry]),
    flags: [
      frame.FrameFlags,
      records.AccountFlags,
      records.AccountChangeFields,
      records.TransferFlags,
      reading.HistoryFlags,
      records.ResultFlags,
      records.PaymentFlags,
      records.PaymentOperationFlags,
      risk.RiskContextFlags,
    ],
    states: [records.AccountStates, records.PaymentStates, records.PaymentOperations, risk.Channels, risk.Signals],
    kinds: [frame.REPLY_BIT, frame.REFUSED_KIND],
    limits: LIMITS,
    transport: [WEBSOCKET_PATH, CloseCodes],
  };
}
