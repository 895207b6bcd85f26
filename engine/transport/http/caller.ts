/** What a handler knows of its request's sender, and its way into the engine. */
import type { RichReply } from '../../../protocol/bodies.ts';
import type { Reply as ProtocolReply } from '../../../protocol/codecs/frame-codec.ts';
import { COMMANDS, type CommandName, mayRunDry } from '../../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags, REFUSAL, REFUSED_KIND, REPLY_BIT } from '../../../protocol/frame.ts';
import { type Id, partyAccountId } from '../../../protocol/ids.ts';
import { decodeMessagePack, encodeMessagePack } from '../../../protocol/message-pack.ts';
import type { RegistryBodies, RegistryCommand, RegistryReply } from '../../../protocol/registry-bodies.ts';
import { Code } from '../../../protocol/results.ts';
import { type ChangeReader, type ChangesPage, type ChangesRequest, call, type Gateway } from '../../gateway.ts';
import type { AccountName } from './fields.ts';
import type { Language } from './language.ts';
import { type Problem, problem, problemOfCode } from './outcome.ts';

/** The body of a reply frame. */
export interface Reply {
  readonly kind: 'reply';
  readonly view: DataView;
  readonly count: number;
}

/**
 * Account ids of party names that were used lately: hashing a name costs 10 times a look-up here. Emptied when full,
 * which is simpler than an order of use and as good.
 */
export class AccountNames {
  readonly #ids = new Map<string, Id>();
  readonly #max: number;

  constructor(max = 65_536) {
    this.#max = max;
  }

  resolve(institution: number, handle: string, ledger: number): Id {
    const key = `${institution}/${ledger}/${handle}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = partyAccountId(institution, handle, ledger);
    if (this.#ids.size >= this.#max) this.#ids.clear();
    this.#ids.set(key, id);
    return id;
  }
}

/** A command got no answer of its own, inside of something that reads several. */
export class GatewayProblem extends Error {
  override readonly name = 'GatewayProblem';
  readonly problem: Problem;

  constructor(refusal: Problem) {
    super(`the engine refused (${refusal.code})`);
    this.problem = refusal;
  }
}

export class Caller {
  readonly institution: number;
  readonly language: Language;
  /** The Idempotency-Key header; empty when there is none. */
  readonly idempotencyKey: string;
  /** The Accept header; empty when there is none. */
  readonly accept: string;
  /** Commands that change something are sent as dry runs. */
  dryRun = false;
  readonly #gateway: Gateway;
  readonly #changes: ChangeReader;
  readonly #names: AccountNames;
  #giveUp: () => void = () => undefined;

  constructor(
    engine: { readonly gateway: Gateway; readonly changes: ChangeReader },
    names: AccountNames,
    institution: number,
    language: Language,
    idempotencyKey: string,
    accept = '',
  ) {
    this.#gateway = engine.gateway;
    this.#changes = engine.changes;
    this.#names = names;
    this.institution = institution;
    this.language = language;
    this.idempotencyKey = idempotencyKey;
    this.accept = accept;
  }

  accountId(name: AccountName, ledger: number): Id {
    return 'id' in name ? name.id : this.#names.resolve(this.institution, name.handle, ledger);
  }

  /** Reads a page of the change stream as JSON. Never resolves when the caller has gone. */
  readChanges(request: Omit<ChangesRequest, 'institution' | 'form'>): Promise<ChangesPage> {
    return new Promise((resolve) => {
      this.#giveUp = this.#changes.read({ ...request, institution: this.institution, form: 'json' }, resolve);
    });
  }

  /** The answer is out, or nobody waits for it any more. */
  gone(): void {
    this.#giveUp();
  }

  /** Sends a command of records; the reply is a copy. */
  async send(name: CommandName, count: number, body: Uint8Array, flags = 0): Promise<Reply | Problem> {
    const dryRun = this.dryRun && mayRunDry(name) ? FrameFlags.dryRun : 0;
    const envelope = { kind: COMMANDS[name].kind, flags: flags | dryRun, count, institution: this.institution };
    const frame = await call(this.#gateway, envelope, body);
    if (typeof frame === 'number') return problemOfCode(frame);
    const header = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER.size);
    const view = new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER.size, frame.length - FRAME_HEADER.size);
    if (header.getUint8(FRAME_HEADER.at.kind) === REFUSED_KIND) return readRefusal(view);
    return { kind: 'reply', view, count: header.getUint32(FRAME_HEADER.at.count, true) };
  }

  /** Sends what a codec of the protocol encodes, and reads the reply with it. */
  async ask<T>(name: CommandName, frame: Uint8Array, decode: (reply: ProtocolReply) => T): Promise<T | Problem> {
    try {
      return await this.need(name, frame, decode);
    } catch (error) {
      if (error instanceof GatewayProblem) return error.problem;
      throw error;
    }
  }

  /** The same for whoever cannot go on without the answer. @throws GatewayProblem when it was not taken or was refused */
  async need<T>(name: CommandName, frame: Uint8Array, decode: (reply: ProtocolReply) => T): Promise<T> {
    const reply = await this.send(name, 1, frame.subarray(FRAME_HEADER.size));
    if (reply.kind === 'problem') throw new GatewayProblem(reply);
    return decode({ kind: COMMANDS[name].kind | REPLY_BIT, count: reply.count, requestId: 0, body: reply.view });
  }

  /** Sends a command with a MessagePack body; codes other than `ok` become problems. */
  async sendRich(name: CommandName, body: object): Promise<RichReply | Problem> {
    return this.#sendPacked<RichReply>(name, body);
  }

  /** The same for what the risk rules are told at run time. */
  async sendRegistry<C extends RegistryCommand>(name: C, body: RegistryBodies[C]): Promise<RegistryReply | Problem> {
    return this.#sendPacked<RegistryReply>(name, body);
  }

  async #sendPacked<R extends { readonly code: number }>(name: CommandName, body: object): Promise<R | Problem> {
    const bytes = encodeMessagePack(body);
    const reply = await this.send(name, bytes.length, bytes);
    if (reply.kind === 'problem') return reply;
    const rich: unknown = decodeMessagePack(new Uint8Array(reply.view.buffer, reply.view.byteOffset, reply.count));
    if (!hasCode<R>(rich)) return problem('internalError');
    if (rich.code === Code.ok) return rich;
    const { mistakes, payment } = rich as { readonly mistakes?: unknown; readonly payment?: unknown };
    const extra = { ...(mistakes === undefined ? {} : { mistakes }), ...(payment === undefined ? {} : { payment }) };
    return problemOfCode(rich.code, { extra });
  }
}

function hasCode<R extends { readonly code: number }>(value: unknown): value is R {
  return typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'number';
}

function readRefusal(view: DataView): Problem {
  const length = Math.min(view.getUint16(REFUSAL.at.detailLength, true), view.byteLength - REFUSAL.size);
  const detail = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + REFUSAL.size, length));
  return problemOfCode(view.getUint16(REFUSAL.at.code, true), detail === '' ? {} : { detail });
}
