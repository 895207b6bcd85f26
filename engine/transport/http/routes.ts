/** The route table. A new route is one line here. */
import { postAccountChange } from './account-changes.ts';
import { getAccountRisk, putExemption } from './account-risk.ts';
import { getAccount, postAccounts } from './accounts.ts';
import { getAggregates, getBalance, getTrialBalance } from './balances.ts';
import { getCase, getCases, putCase, putCaseChange, putCaseRelease, putCaseReturn } from './cases.ts';
import { postChainPost, postChainVoid } from './chains.ts';
import { getChanges } from './changes.ts';
import { putFreeze, putFreezeRelease, putFreezeReturn } from './freezes.ts';
import { getEntries } from './history.ts';
import { getCounters, postCounterPayment, putCounters } from './counters.ts';
import { getOrder, postOrderPayment, postOrderRefund, putOrder, putOrderClose } from './orders.ts';
import { getCodeDevice, getPayerCode, postCodeDevice, postPayerCode, putCodeDevice } from './payer-codes.ts';
import { getParties, getParty, putParty } from './parties.ts';
import {
  postCancel,
  postCapture,
  postConfirmation,
  postRefund,
  postRelease,
  postRevert,
  postVoid,
} from './payment-operations.ts';
import { getPayment, getPayments, postPayment } from './payments.ts';
import { getDecision, postSignal, putRules } from './risk.ts';
import { getRiskList, getRiskLists, putRiskList } from './risk-lists.ts';
import type { Route } from './route.ts';
import { getStatement } from './statement.ts';
import { putCampaign, putTariff } from './terms.ts';
import { getTransfer, postTransfers } from './transfers.ts';

export const ROUTES: readonly Route[] = [
  postAccounts,
  getAccount,
  postAccountChange,
  getEntries,
  getBalance,
  getAggregates,
  getStatement,
  getTrialBalance,
  postTransfers,
  getTransfer,
  postChainPost,
  postChainVoid,
  postPayment,
  getPayments,
  getPayment,
  postCapture,
  postVoid,
  postRefund,
  postRevert,
  postCancel,
  postRelease,
  postConfirmation,
  getDecision,
  putParty,
  getParty,
  getParties,
  putTariff,
  putCampaign,
  putRules,
  postSignal,
  getRiskLists,
  getRiskList,
  putRiskList,
  putExemption,
  getAccountRisk,
  putFreeze,
  putFreezeRelease,
  putFreezeReturn,
  getCases,
  getCase,
  putCase,
  putCaseChange,
  putCaseRelease,
  putCaseReturn,
  putOrder,
  getOrder,
  putOrderClose,
  postOrderPayment,
  postOrderRefund,
  putCounters,
  getCounters,
  postCounterPayment,
  postPayerCode,
  getPayerCode,
  postCodeDevice,
  putCodeDevice,
  getCodeDevice,
  getChanges,
];
