/** A command of the simulator, as both the engine and the reference get it. */
import type { CampaignBody, TariffBody } from '../../../protocol/bodies.ts';
import type { Read } from './reading.ts';
import type { ModelChange } from './reference-changes.ts';
import type { ModelChainEnd } from './reference-endings.ts';
import type { ModelCancellation, ModelOperation, ModelPayment } from './reference-payment-records.ts';
import type { ModelTransfer } from './reference-shapes.ts';

export type Command =
  | { readonly type: 'transfers'; readonly institution: number; readonly items: readonly ModelTransfer[] }
  | { readonly type: 'endChain'; readonly institution: number; readonly end: ModelChainEnd }
  | { readonly type: 'change'; readonly institution: number; readonly change: ModelChange }
  | { readonly type: 'sale' | 'authorise'; readonly institution: number; readonly payment: ModelPayment }
  | {
      readonly type: 'capture' | 'void' | 'refund' | 'revert';
      readonly institution: number;
      readonly operation: ModelOperation;
    }
  | { readonly type: 'cancelPayment'; readonly institution: number; readonly cancellation: ModelCancellation }
  | { readonly type: 'read'; readonly institution: number; readonly read: Read }
  | { readonly type: 'tariff'; readonly institution: number; readonly tariff: TariffBody }
  | { readonly type: 'campaign'; readonly institution: number; readonly campaign: CampaignBody };
