/**
 * HTTP/JSON on the app: finds the route, asks who is calling, keeps within the limits, runs the handler, answers.
 *
 *   request ─▶ path, method ─▶ key, scope ─▶ rate, room ─▶ body ─▶ JSON ─▶ schema ─▶ handler ─▶ Gateway ─▶ answer
 */
import type { Principal } from '../../admission/key-store.ts';
import { Gauge, type RateLimiter } from '../../admission/limits.ts';
import type { ChangeReader, Gateway } from '../../gateway.ts';
import { type App, type HttpRequest, type HttpResponse, queryOf } from '../uws.ts';
import { AccountNames, Caller } from './caller.ts';
import { Exchange } from './exchange.ts';
import { parseJson } from './json.ts';
import { chooseLanguage, type Language } from './language.ts';
import { type Problem, problem } from './outcome.ts';
import { bearerOf, checkBodyHeaders, readParams, readQuery } from './request.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { type Health, registerSystem } from './system.ts';

export interface HttpSettings {
  readonly gateway: Gateway;
  readonly changes: ChangeReader;
  /** Who has this key; `KeyStore.authenticate`. */
  readonly authenticate: (key: string) => Principal | undefined;
  readonly health: Health;
  /** Version of the switch, for the OpenAPI document. */
  readonly version: string;
  readonly rateLimiter?: RateLimiter;
  /** Requests that may be unanswered at once, over all connections. */
  readonly inFlightMax?: number;
  readonly bodyBytesMax?: number;
  /** Memory for bodies of which only a part has come, over all connections. */
  readonly bufferedBytesMax?: number;
  /** Gets what can only be a bug; the caller gets `internalError`. */
  readonly onError: (error: unknown) => void;
  /** Called for each answer: the route's path with its `{…}`, the status (0 = the client had gone), the time taken. */
  readonly onAnswered?: (method: string, path: string, status: number, milliseconds: number) => void;
}

export interface HttpEdge {
  /** Requests not answered yet: a shutdown waits for 0. */
  inFlight(): number;
}

const IN_FLIGHT_MAX = 4096;
const BODY_BYTES_MAX = 1_048_576;
const BUFFERED_BYTES_MAX = 67_108_864;

/** Puts every HTTP route on the app. */
export function registerHttp(app: App, settings: HttpSettings): HttpEdge {
  const edge = new Edge(settings);
  for (const [path, routes] of groupByPath(ROUTES)) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
    for (const route of routes) {
      app[route.spec.method](pattern, (response, request) => edge.serve(route, response, request));
      if (route.spec.method === 'get') {
        app.head(pattern, (response, request) => edge.serve(route, response, request));
      }
    }
    const methods = routes.map((route) => route.spec.method.toUpperCase());
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ');
    app.any(pattern, (response, request) => refuseMethod(response, request, allow));
  }
  registerSystem(app, { ...settings, routes: ROUTES, refuseMethod });
  app.any('/*', (response, request) => refuse(response, request, problem('notFound', { status: 404 })));
  return { inFlight: () => edge.inFlight.held };
}

class Edge {
  readonly inFlight: Gauge;
  readonly #buffered: Gauge;
  readonly #settings: HttpSettings;
  readonly #bodyBytesMax: number;
  readonly #names = new AccountNames();

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    this.inFlight = new Gauge(settings.inFlightMax ?? IN_FLIGHT_MAX);
    this.#bodyBytesMax = settings.bodyBytesMax ?? BODY_BYTES_MAX;
    this.#buffered = new Gauge(settings.bufferedBytesMax ?? BUFFERED_BYTES_MAX);
  }

  /** An exception must not reach the library: it would end the process. */
  serve(route: Route, response: HttpResponse, request: HttpRequest): void {
    const language = chooseLanguage(request.getHeader('accept-language'));
    const exchange = new Exchange(response, language, request.getMethod() === 'head');
    this.#observe(route, exchange);
    try {
      const prepared = this.#prepare(route, request, language);
      if (prepared.kind === 'problem') {
        exchange.finish(prepared);
        return;
      }
      exchange.onClosed(() => {
        this.inFlight.leave();
        prepared.caller.gone();
      });
      this.#receive(route, prepared, exchange);
    } catch (error) {
      this.#fail(error, exchange);
    }
  }

  #receive(route: Route, { caller, params, query, events }: Prepared, exchange: Exchange): void {
    const run = (body: unknown) => {
      route
        .run({ params, query, body }, caller)
        .then((outcome) => (outcome.kind === 'stream' ? exchange.stream(outcome) : exchange.finish(outcome)))
        .catch((error: unknown) => this.#fail(error, exchange));
    };
    if (events !== undefined && route.follow !== undefined) {
      route
        .follow({ params, query, body: undefined }, events.lastId, caller, exchange)
        .then((refusal) => (refusal === undefined ? exchange.end() : exchange.finish(refusal)))
        .catch((error: unknown) => this.#fail(error, exchange));
      return;
    }
    if (!route.takesBody) {
      run(undefined);
      return;
    }
    exchange.readText(this.#bodyBytesMax, this.#buffered, (text) => {
      const body = typeof text === 'string' ? readBody(text, route) : { problem: text };
      if (body.problem !== undefined) exchange.finish(body.problem);
      else run(body.value);
    });
  }

  #fail(error: unknown, exchange: Exchange): void {
    this.#settings.onError(error);
    exchange.finish(problem('internalError'));
  }

  /** Everything that line and headers decide. What it gives back has taken a place in flight. */
  #prepare(route: Route, request: HttpRequest, language: Language): Prepared | Problem {
    const principal = this.#admit(route, request);
    if ('kind' in principal) return principal;
    const params = readParams(route, request);
    if (isProblem(params)) return params;
    const query = readQuery(queryOf(request));
    if (isProblem(query)) return query;
    const wrong = route.takesBody ? checkBodyHeaders(request, route, this.#bodyBytesMax) : undefined;
    if (wrong !== undefined) return wrong;
    if (!this.inFlight.enter()) return problem('busy');
    const key = request.getHeader('idempotency-key');
    const accepts = request.getHeader('accept');
    const caller = new Caller(this.#settings, this.#names, principal.institution, language, key, accepts);
    const wantsEvents = accepts.includes('text/event-stream') && request.getMethod() === 'get';
    const events = wantsEvents ? { lastId: request.getHeader('last-event-id') } : undefined;
    return { kind: 'prepared', caller, params, query, events };
  }

  #admit(route: Route, request: HttpRequest): Principal | Problem {
    const key = bearerOf(request.getHeader('authorization'));
    const principal = key === undefined ? undefined : this.#settings.authenticate(key);
    if (principal === undefined) return problem('unauthenticated', { field: 'Authorization' });
    if (!principal.scopes.includes(route.scope)) {
      return problem('forbidden', { detail: `the key lacks the scope ${route.scope}` });
    }
    const waitMs = this.#settings.rateLimiter?.take(principal.institution) ?? 0;
    if (waitMs === 0) return principal;
    return problem('rateLimited', { headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) } });
  }

  #observe(route: Route, exchange: Exchange): void {
    const { onAnswered } = this.#settings;
    if (onAnswered === undefined) return;
    const startedMs = performance.now();
    const { method, path } = route.spec;
    exchange.onClosed(() => onAnswered(method, path, exchange.status, performance.now() - startedMs));
  }
}

interface Prepared {
  readonly kind: 'prepared';
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Set when the caller wants server-sent events. */
  readonly events: { readonly lastId: string } | undefined;
}

type Body = { readonly value: unknown; readonly problem?: undefined } | { readonly problem: Problem };

function readBody(text: string, route: Route): Body {
  if (text === '' && route.spec.bodyOptional === true) return { value: {} };
  const result = parseJson(text);
  if ('value' in result) return result;
  const { detail, field, position, notUnicode } = result.fault;
  return {
    problem: problem(notUnicode ? 'invalidUtf8' : 'malformedBody', {
      field: field === '' ? undefined : field,
      detail: `${detail}, at position ${position}`,
    }),
  };
}

/** The values of parameters are texts, a problem's code is a number. */
function isProblem(value: Readonly<Record<string, string>> | Problem): value is Problem {
  return typeof value.code === 'number';
}

function refuse(response: HttpResponse, request: HttpRequest, refusal: Problem): void {
  const language = chooseLanguage(request.getHeader('accept-language'));
  new Exchange(response, language, request.getMethod() === 'head').finish(refusal);
}

function refuseMethod(response: HttpResponse, request: HttpRequest, allow: string): void {
  const detail = `${request.getCaseSensitiveMethod().slice(0, 20)} is not one of ${allow}`;
  refuse(response, request, problem('notFound', { status: 405, detail, headers: { Allow: allow } }));
}

function groupByPath(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  const groups = new Map<string, Route[]>();
  for (const route of routes) groups.set(route.spec.path, [...(groups.get(route.spec.path) ?? []), route]);
  return groups;
}
