/**
 * A route is data: method, path, schemas, examples and handler in one place. The server serves from it and the
 * OpenAPI document is made from it, so that they cannot differ.
 */
import type { z } from 'zod';
import { COMMANDS, type CommandName, mayRunDry, type Scope } from '../../../protocol/commands.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { RESULTS, type ResultName } from '../../../protocol/results.ts';
import type { Caller } from './caller.ts';
import type { Exchange } from './exchange.ts';
import { type Outcome, type Problem, problem } from './outcome.ts';

export type Method = 'get' | 'post' | 'put';

export interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** All bodies of a `list` route, `body` first. */
  readonly items: readonly B[];
  /** Whether a `list` route got an array. */
  readonly isList: boolean;
}

export interface RouteSpec<P, Q, B> {
  readonly method: Method;
  /** `{name}` is a parameter. */
  readonly path: string;
  /** The engine's command; its scope is what the key needs. */
  readonly command: CommandName;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  /** The body is one such thing, or an array of them. */
  readonly list?: boolean;
  /** No body at all stands for `{}`. */
  readonly bodyOptional?: boolean;
  readonly answer: z.ZodType;
  /** Also answers with text/csv, to whoever asks for that. */
  readonly csv?: string;
  readonly example: { readonly body?: unknown; readonly answer: unknown };
  /** Results of the engine that a caller should be ready for. */
  readonly errors: readonly ResultName[];
  handle(input: RouteInput<P, Q, B>, caller: Caller): Promise<Outcome>;
  /** How it answers `Accept: text/event-stream`, where it does. A problem is answered as usual. */
  follow?(query: Q, lastEventId: string, caller: Caller, exchange: Exchange): Promise<Problem | undefined>;
}

/** What the transport read from the wire, not yet checked. */
export interface RawInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Route {
  readonly spec: Omit<RouteSpec<unknown, unknown, unknown>, 'handle' | 'follow'>;
  readonly scope: Scope;
  readonly paramNames: readonly string[];
  readonly takesBody: boolean;
  run(raw: RawInput, caller: Caller): Promise<Outcome>;
  /** Undefined when it has no stream of events. */
  readonly follow:
    | ((raw: RawInput, lastEventId: string, caller: Caller, exchange: Exchange) => Promise<Problem | undefined>)
    | undefined;
}

export function route<P = unknown, Q = unknown, B = unknown>(spec: RouteSpec<P, Q, B>): Route {
  return {
    spec,
    scope: COMMANDS[spec.command].scope,
    paramNames: [...spec.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
    takesBody: spec.body !== undefined,
    follow:
      spec.follow === undefined
        ? undefined
        : async (raw, lastEventId, caller, exchange) => {
            const query = check(spec.query, raw.query);
            return query.problem ?? spec.follow?.(query.value as Q, lastEventId, caller, exchange);
          },
    async run(raw, caller) {
      const params = check(spec.params, raw.params);
      if (params.problem !== undefined) return params.problem;
      const asked = takeDryRun(spec.command, raw.query);
      if (asked.problem !== undefined) return asked.problem;
      const query = check(spec.query, asked.query);
      if (query.problem !== undefined) return query.problem;
      const isList = spec.list === true && Array.isArray(raw.body);
      const items = checkBodies(spec.body, isList ? raw.body : [raw.body], isList);
      if ('problem' in items) return items.problem;
      const [body] = items.values;
      // `check` filled in what the schemas promise; without a schema the type is `unknown` and so is the value.
      const input = {
        params: params.value as P,
        query: query.value as Q,
        body: body as B,
        items: items.values,
        isList,
      };
      if (!asked.dryRun) return spec.handle(input, caller);
      caller.dryRun = true;
      const outcome = await spec.handle(input, caller);
      return outcome.kind === 'stream' ? outcome : { ...outcome, dryRun: true };
    },
  };
}

type DryRun =
  | { readonly dryRun: boolean; readonly query: RawInput['query']; readonly problem?: undefined }
  | { readonly problem: Problem };

/** Whether the query of a command that changes something says `dryRun=true`, and the rest of the query. */
function takeDryRun(command: CommandName, all: RawInput['query']): DryRun {
  const { dryRun, ...query } = all;
  if (!mayRunDry(command) || dryRun === undefined) return { dryRun: false, query: all };
  if (dryRun === 'true' || dryRun === 'false') return { dryRun: dryRun === 'true', query };
  return { problem: problem('malformedBody', { field: 'dryRun', detail: 'dryRun: must be true or false' }) };
}

type Checked<T> = { readonly value: T; readonly problem?: undefined } | { readonly problem: Problem };

/** Without a schema there must be nothing. */
function check<T>(schema: z.ZodType<T> | undefined, value: unknown, prefix = ''): Checked<T | undefined> {
  if (schema === undefined) {
    const [name] = Object.keys(value ?? {});
    return name === undefined ? { value: undefined } : { problem: unknownField(name) };
  }
  const result = schema.safeParse(value);
  return result.success ? { value: result.data } : { problem: problemOfIssue(result.error, prefix) };
}

/** One by one, so that a large array of nonsense costs one issue and not a million. */
function checkBodies<B>(schema: z.ZodType<B> | undefined, raw: readonly unknown[], isList: boolean) {
  if (schema === undefined) return { values: [] };
  if (raw.length === 0) return { problem: problem('batchEmpty') };
  if (raw.length > LIMITS.recordsPerFrameMax) {
    return { problem: problem('batchTooLarge', { detail: `at most ${LIMITS.recordsPerFrameMax}` }) };
  }
  const values: B[] = [];
  for (const [index, one] of raw.entries()) {
    const result = schema.safeParse(one);
    if (!result.success) return { problem: problemOfIssue(result.error, isList ? `${index}.` : '') };
    values.push(result.data);
  }
  return { values };
}

/** The first issue, as a problem that names the field. */
function problemOfIssue(error: z.ZodError, prefix: string): Problem {
  const [issue] = error.issues;
  if (issue === undefined) return problem('malformedBody');
  const path = prefix + issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const [name = ''] = issue.keys;
    return unknownField(path === prefix ? prefix + name : `${path}.${name}`);
  }
  const named: unknown = issue.code === 'custom' ? issue.params?.result : undefined;
  return problem(isResultName(named) ? named : 'malformedBody', {
    field: path,
    detail: path === '' ? issue.message : `${path}: ${issue.message}`,
  });
}

function unknownField(name: string): Problem {
  const shown = name.slice(0, 100);
  return problem('malformedBody', { field: shown, detail: `unknown field ${JSON.stringify(shown)}` });
}

function isResultName(name: unknown): name is ResultName {
  return typeof name === 'string' && Object.hasOwn(RESULTS, name);
}
