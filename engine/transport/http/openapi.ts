/** The OpenAPI 3.1 document, made from the route table and its schemas. */
import { z } from 'zod';
import { mayRunDry } from '../../../protocol/commands.ts';
import { RESULTS, type ResultName, type ResultSpec } from '../../../protocol/results.ts';
import { problem, problemBody } from './outcome.ts';
import type { Route } from './route.ts';

export interface JsonSchema {
  readonly [key: string]: unknown;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
}

export interface MediaType {
  readonly schema: JsonSchema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

export interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content: Readonly<Record<string, MediaType>>;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, ResponseObject>>;
}

export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Every result: number, HTTP status, and what it says. */
  readonly 'x-results': Readonly<Record<string, ResultSpec>>;
}

const ALWAYS: readonly ResultName[] = [
  'unauthenticated',
  'forbidden',
  'rateLimited',
  'tooManyInFlight',
  'busy',
  'shuttingDown',
  'internalError',
  'malformedBody',
  'invalidUtf8',
];
const WITH_BODY: readonly ResultName[] = ['frameTooLarge'];
const POSTED: readonly ResultName[] = ['idReserved'];
const LISTED: readonly ResultName[] = ['batchEmpty', 'batchTooLarge', 'linkedEventChainOpen'];

const PROBLEM_SCHEMA = z.object({
  type: z.string().meta({ description: 'Where the result is explained.' }),
  title: z.string(),
  status: z.int(),
  detail: z.string().meta({ description: 'What to tell the customer, in the language of Accept-Language (en, zh).' }),
  code: z.int().meta({ description: 'Number of the result; never reused.' }),
  name: z.string(),
  retry: z
    .enum(['never', 'later'])
    .meta({ description: 'later: nothing was decided, send the same request again after a pause.' }),
  field: z.string().optional().meta({ description: 'The field, parameter or header that is wrong.' }),
});

const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Required unless the body has an `id`. A UUID or 32 hex digits is the id itself; any other text of up to 255 visible ASCII characters stands for an id of your institution. The same key and content get the first answer again.',
  schema: { type: 'string', maxLength: 255 },
};

const DRY_RUN: Parameter = {
  name: 'dryRun',
  in: 'query',
  required: false,
  description:
    'true: answers what would be answered now, with the header `Dry-Run: true`; nothing is done or kept, and the id stays free.',
  schema: { type: 'boolean' },
};

export function buildOpenApi(routes: readonly Route[], version: string): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const { path, method } = route.spec;
    paths[path] = { ...paths[path], [method]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description:
        'A payment switch. Every answer is durable. Amounts are whole minor units. Repeating a request with its id is always safe.',
    },
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'Authorization: Bearer slk_<id>_<secret>' },
      },
      schemas: { Problem: schemaOf(PROBLEM_SCHEMA, 'output') },
    },
    'x-results': RESULTS,
  };
}

function operationOf(route: Route): Operation {
  const { spec } = route;
  const scope = `Needs a key with the scope \`${route.scope}\`.`;
  return {
    operationId: operationId(spec.method, spec.path),
    tags: [spec.tag],
    summary: spec.summary,
    description: spec.description === undefined ? scope : `${spec.description} ${scope}`,
    parameters: [
      ...parametersOf(spec.params, 'path'),
      ...parametersOf(spec.query, 'query'),
      ...(mayRunDry(spec.command) ? [DRY_RUN] : []),
      ...(spec.method === 'post' ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(spec.body === undefined ? {} : { requestBody: requestBodyOf(route, spec.body) }),
    responses: responsesOf(route),
  };
}

function requestBodyOf({ spec }: Route, body: z.ZodType): NonNullable<Operation['requestBody']> {
  const one = schemaOf(body, 'input');
  const schema = spec.list === true ? { anyOf: [one, { type: 'array', items: one }] } : one;
  return {
    required: spec.bodyOptional !== true,
    content: { 'application/json': { schema, example: spec.example.body } },
  };
}

function responsesOf(route: Route): Readonly<Record<string, ResponseObject>> {
  const { spec } = route;
  const responses: Record<string, ResponseObject> = {
    200: {
      description: spec.summary,
      ...(spec.method === 'post'
        ? {
            headers: {
              'Idempotent-Replayed': {
                description: '`true` when this is the first answer again.',
                schema: { type: 'string', enum: ['true'] },
              },
            },
          }
        : {}),
      content: {
        'application/json': { schema: schemaOf(spec.answer, 'output'), example: spec.example.answer },
        ...(spec.csv === undefined ? {} : { 'text/csv': { schema: { type: 'string' }, example: spec.csv } }),
      },
    },
  };
  for (const [status, names] of byStatus(errorsOf(route))) {
    responses[status] = {
      description: names.join(', '),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(names.map((name) => [name, { value: problemBody(problem(name), 'en') }])),
        },
      },
    };
  }
  return responses;
}

/** Everything that a caller of the route may be told. */
export function errorsOf(route: Route): readonly ResultName[] {
  const { spec } = route;
  return [
    ...spec.errors,
    ...(spec.method === 'post' ? POSTED : []),
    ...(spec.list === true ? LISTED : []),
    ...(spec.body === undefined ? [] : WITH_BODY),
    ...ALWAYS,
  ];
}

function byStatus(names: readonly ResultName[]): ReadonlyMap<number, readonly ResultName[]> {
  const groups = new Map<number, ResultName[]>();
  for (const name of new Set(names)) {
    groups.set(RESULTS[name].http, [...(groups.get(RESULTS[name].http) ?? []), name]);
  }
  return new Map([...groups].sort(([a], [b]) => a - b));
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Parameter[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input');
  return Object.entries(properties).map(([name, { description = '', ...rest }]) => ({
    name,
    in: place,
    required: required.includes(name),
    description,
    schema: rest,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, '~standard': _standard, ...rest } = z.toJSONSchema(schema, { io }) as JsonSchema;
  return rest;
}

/** `post /v1/payments/{id}/captures` is `postPaymentsIdCaptures`. */
function operationId(method: string, path: string): string {
  const words = path.replace('/v1/', '').split(/[^A-Za-z]+/);
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
