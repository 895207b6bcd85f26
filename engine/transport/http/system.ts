/** Routes beside the API: its documentation, and what operators and their probes read. No key is needed. */
import type { App, HttpRequest, HttpResponse } from '../uws.ts';
import { renderDocs } from './docs-page.ts';
import { Exchange, type Headers } from './exchange.ts';
import { buildOpenApi } from './openapi.ts';
import { problem } from './outcome.ts';
import type { Route } from './route.ts';

export interface Health {
  /** Whether the process works at all. */
  livez(): boolean;
  /** Whether it takes requests, and why not. */
  readyz(): { readonly ready: boolean; readonly reason: string };
  /** Prometheus text format. */
  metrics(): Promise<string>;
}

interface SystemSettings {
  readonly health: Health;
  readonly version: string;
  readonly routes: readonly Route[];
  readonly onError: (error: unknown) => void;
  readonly refuseMethod: (response: HttpResponse, request: HttpRequest, allow: string) => void;
}

interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const plain = (status: number, body: string, type = 'text/plain; charset=utf-8'): Page => ({
  status,
  headers: { 'Content-Type': type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' },
  body,
});

export function registerSystem(app: App, settings: SystemSettings): void {
  const document = buildOpenApi(settings.routes, settings.version);
  const openapi = plain(200, JSON.stringify(document), 'application/json');
  const html = plain(200, renderDocs(document), 'text/html; charset=utf-8');
  const docs: Page = {
    ...html,
    headers: {
      ...html.headers,
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    },
  };
  const { health } = settings;
  const pages: Readonly<Record<string, () => Page | Promise<Page>>> = {
    '/openapi.json': () => openapi,
    '/docs': () => docs,
    '/livez': () => (health.livez() ? plain(200, 'ok\n') : plain(503, 'not alive\n')),
    '/readyz': () => {
      const { ready, reason } = health.readyz();
      return plain(ready ? 200 : 503, `${ready ? 'ok' : reason}\n`);
    },
    '/metrics': async () => plain(200, await health.metrics(), 'text/plain; version=0.0.4; charset=utf-8'),
  };
  for (const [path, page] of Object.entries(pages)) {
    const serve = (response: HttpResponse, isHead: boolean) => {
      const exchange = new Exchange(response, 'en', isHead);
      const deliver = async () => {
        const { status, headers, body } = await page();
        exchange.send(status, headers, body);
      };
      deliver().catch((error: unknown) => {
        settings.onError(error);
        exchange.finish(problem('internalError'));
      });
    };
    app.get(path, (response) => serve(response, false));
    app.head(path, (response) => serve(response, true));
    app.any(path, (response, request) => settings.refuseMethod(response, request, 'GET, HEAD'));
  }
}
