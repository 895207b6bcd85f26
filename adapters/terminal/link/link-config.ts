/** One link as data: what a links file may say of it, with the defaults for what it does not say. */
import { z } from 'zod';
import type { TlsFiles } from './link-tls.ts';
import { FRAMINGS, MESSAGE_BYTES_MAX } from './framing.ts';
import type { CompiledSpec } from '../iso8583/compile-spec.ts';

const KEY_ID = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/, 'must be the id of a key of the vault');
const path = z.string().min(1).max(4096);
const port = z.int().min(0).max(65_535);
const host = z.string().min(1).max(255);
const seconds = z.int().min(1).max(86_400);
const milliseconds = z.int().min(1).max(600_000);

const Mac = z.strictObject({
  key: KEY_ID,
  algorithm: z.enum(['retail', 'cmac']),
  bytes: z.union([z.literal(4), z.literal(8)]).default(8),
  padding: z.union([z.literal(1), z.literal(2)]).default(1),
  exchangeKey: KEY_ID.optional(),
});

const shared = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens'),
  framing: z.enum(FRAMINGS).default('length2'),
  /** A shipped specification, or a JSON file beside the links file. */
  spec: z.string().min(1).max(4096),
  messageBytesMax: z.int().min(64).max(MESSAGE_BYTES_MAX).default(8192),
  mac: Mac.optional(),
  /** Messages under way at once; of an acquirer, on one connection. */
  window: z.int().min(1).max(100_000).default(256),
  /** How long a message may take from its first byte to its last, and an answer to be taken by the peer. */
  stallSeconds: seconds.default(30),
};

const Acquirer = z.strictObject({
  ...shared,
  role: z.literal('acquirer'),
  listen: z.strictObject({ host: host.default('127.0.0.1'), port }),
  tls: z
    .strictObject({ cert: path, key: path, ca: path.optional(), mutual: z.boolean().default(false) })
    .refine(({ ca, mutual }) => !mutual || ca !== undefined, 'mutual needs ca: whose certificates are accepted')
    .optional(),
  /** DE41 of those who may pay here; without the list, everyone. */
  terminals: z.array(z.string().min(1).max(16)).min(1).max(100_000).optional(),
  connectionsMax: z.int().min(1).max(10_000).default(64),
  /** A connection on which nothing arrives for so long is closed. */
  idleSeconds: seconds.default(300),
  /** Messages with mistakes on one connection until it is closed. */
  formatErrorsMax: z.int().min(1).max(1000).default(5),
});

const MuxFields = z.array(z.int().min(2).max(127)).min(1).max(8);

const Issuer = z.strictObject({
  ...shared,
  role: z.literal('issuer'),
  connect: z.strictObject({ host, port: port.min(1) }),
  tls: z
    .strictObject({ ca: path.optional(), cert: path.optional(), key: path.optional(), serverName: host.optional() })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'cert and key belong together')
    .optional(),
  /** Addresses in the TPDU of requests, as four hex digits; for the framing tpdu. */
  tpdu: z
    .strictObject({ destination: z.string().regex(/^[0-9a-fA-F]{4}$/), source: z.string().regex(/^[0-9a-fA-F]{4}$/) })
    .default({ destination: '0000', source: '0000' }),
  /** Without a message from the issuer for so long, an echo is sent. */
  echoSeconds: z.int().min(1).max(3600).default(45),
  /** For connecting, and for the answers to sign-on and echo. */
  networkMs: milliseconds.default(10_000),
  reconnect: z
    .strictObject({ firstMs: milliseconds.default(500), mostMs: milliseconds.default(30_000) })
    .refine(({ firstMs, mostMs }) => firstMs <= mostMs, 'firstMs must not be above mostMs')
    .default({ firstMs: 500, mostMs: 30_000 }),
  /** Fields that tie an answer to its request: for all, and for message types such as 0420 that differ. */
  mux: z
    .strictObject({
      fields: MuxFields.default([11, 41]),
      byType: z.record(z.string().regex(/^[0-9]{4}$/, 'must be a message type'), MuxFields).default({}),
    })
    .default({ fields: [11, 41], byType: {} }),
});

export const LinkConfig = z.discriminatedUnion('role', [Acquirer, Issuer]);
export const LINKS_MAX = 256;

type Opened<T> = Omit<T, 'spec' | 'tls'> & { readonly spec: CompiledSpec; readonly tls?: TlsFiles | undefined };

/** A link that is ready to be opened: its specification compiled, its certificates read. Frozen. */
export type AcquirerConfig = Readonly<Opened<z.infer<typeof Acquirer>>>;
export type IssuerConfig = Readonly<Opened<z.infer<typeof Issuer>>>;
