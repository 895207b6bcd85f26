/** The real browser that tests drive: a Chromium that the machine has. None is downloaded. */
import { accessSync, constants } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Path of the browser: `CHROMIUM` when it is set, else the first of the usual places; undefined when there is none. */
export function findBrowser(): string | undefined {
  const { CHROMIUM } = process.env;
  return CHROMIUM === undefined || CHROMIUM === '' ? PLACES.find(isProgram) : CHROMIUM;
}

export type OpenPage = (options?: BrowserContextOptions) => Promise<Page>;

/** A suite with one browser. `openPage` gives each test a page with a profile of its own, closed when the test ends. */
export function describeInBrowser(name: string, body: (openPage: OpenPage) => void): void {
  const executablePath = findBrowser();
  const why = `not run: no Chromium at ${PLACES.join(', ')}; CHROMIUM names another`;
  describe.runIf(executablePath !== undefined)(executablePath === undefined ? `${name} (${why})` : name, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      // Its user data directory is a new, empty one.
      browser = await chromium.launch({ executablePath: executablePath ?? '', args: FLAGS });
    });
    afterAll(() => browser?.close());
    body(async (options = {}) => {
      if (browser === undefined) throw new Error('there is no browser');
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      return context.newPage();
    });
  });
}

/** What a page does that it should not: messages on its console, errors, and requests beyond `origins`. */
export function watch(page: Page, origins: readonly string[]): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  page.on('request', (request) => {
    if (!origins.includes(new URL(request.url()).origin)) complaints.push(`request: ${request.url()}`);
  });
  return complaints;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
